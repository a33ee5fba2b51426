"""A Neo4j named by year and month: what matters of ``test_neo4j``, ``test_neo4j_calls`` and ``test_query``.

The tests are those of these files; here they meet another server, which takes statements for Cypher 5 in some of them
and for Cypher 25 in others, to take a minute and not two. ``kgbuild`` says no language: its statements are both.
"""

from collections.abc import Iterator

import pytest

from kgbuild.stores.neo4j import Neo4jStore
from tests import maven
from tests.neo4j.choice import own_server, refuse
from tests.neo4j.server import CALENDAR, Server
from tests.test_neo4j import (  # noqa: F401 (tests, and what they ask for)
    driver,
    server_of_examples,
    test_all_that_a_note_says_is_there_and_nothing_else,
    test_changed_note_replaces_what_it_said,
    test_error_about_a_value_does_not_repeat_it,
    test_putting_twice_writes_nothing,
    test_query_answers_with_plain_values,
    test_query_has_a_time_limit,
    test_query_loads_a_file_when_that_is_allowed,
    test_query_reads_no_file_and_calls_nobody,
    test_retract_leaves_what_others_say,
    test_retracting_everything_leaves_nothing,
    test_statement_that_would_do_something_is_refused,
    test_syntax_error_names_line_and_column,
    test_what_the_server_refuses_is_told_by_note_without_what_was_refused,
    test_wrong_password_is_told_and_not_shown,
)
from tests.test_neo4j_calls import (  # noqa: F401
    test_file_is_not_loaded_inside_an_expression_either,
    test_neo4j_s_own_that_only_read_are_called,
    test_other_procedure_is_refused_unless_allowed,
)
from tests.test_neo4j_examples import test_examples_answer_the_same_in_cypher_and_sparql  # noqa: F401
from tests.test_query import (  # noqa: F401
    test_calcium_score_of_figure_6_is_a_trend,
    test_code_that_is_only_an_alternative_is_not_the_code,
    test_code_with_a_colon_of_its_own_is_found,
    test_cyst_of_figure_6_shrinks_in_one_unit,
    test_denied_and_family_and_planned_events_are_out_unless_asked_for,
    test_descendants_are_found_over_what_other_notes_say,
    test_event_of_two_notes_appears_once_with_all_evidence,
    test_events_of_one_note_are_joined_in_time,
    test_kidney_and_liver_cysts_are_not_one_trend,
    test_labels_are_kept_as_asked,
    test_neighbours_of_an_entity_are_its_events_codes_and_relations,
    test_path_joins_two_findings_over_a_code_above_both,
    test_paths_are_all_the_shortest_ones_and_keep_to_the_patient,
    test_patients_are_listed_with_the_events_that_their_timelines_show,
    test_timeline_is_ordered_by_day_and_undated_events_come_last,
    test_timeline_of_figure_6_is_the_design_s_json,
    test_trend_by_code_finds_the_thing_however_it_is_called,
    test_trend_leaves_out_what_is_no_number_or_has_no_date,
    test_unknown_patient_has_an_empty_timeline,
)

pytestmark = pytest.mark.xdist_group("neo4j_calendar")

LANGUAGES = {
    "tests.test_neo4j": ["CYPHER 5"],
    "tests.test_neo4j_calls": ["CYPHER 25"],
    "tests.test_neo4j_examples": ["CYPHER 5", "CYPHER 25"],
    "tests.test_query": ["CYPHER 25"],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with the language of the file that they are from."""
    languages = LANGUAGES[metafunc.function.__module__]
    metafunc.parametrize("neo4j_server", languages, indirect=True, scope="module")


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if (absent := maven.missing()) is not None:
        refuse(f"{absent}; install Maven")
    with own_server(tmp_path_factory.mktemp("calendar"), CALENDAR) as server:
        yield server


@pytest.fixture(scope="module")
def neo4j_server(request: pytest.FixtureRequest, calendar: Server) -> Server:
    """In place of that of ``conftest``: the language is that of statements that do not say one, as ours."""
    with calendar.driver() as opened:
        opened.execute_query(f"ALTER DATABASE neo4j SET DEFAULT LANGUAGE {request.param}", database_="system")
        shown = opened.execute_query("SHOW DATABASE neo4j YIELD defaultLanguage", database_="system")
    assert [record["defaultLanguage"] for record in shown.records] == [request.param]
    return calendar


@pytest.fixture
def store(neo4j_url: str) -> Iterator[Neo4jStore]:
    """In place of that of ``test_query``, which asks RDF too."""
    with Neo4jStore(neo4j_url, create=True) as opened:
        yield opened
