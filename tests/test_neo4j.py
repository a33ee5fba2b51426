"""The Neo4j store on a real server: whole notes, once each, there until withdrawn, and nobody's way in but reading."""

import contextlib
import itertools
import json
import logging
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import neo4j
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.document import Document, Mention
from kgbuild.graph import Edge, Node, NoteGraph, note_graph
from kgbuild.note import Note, composed
from kgbuild.resolve import ResolvedNote
from kgbuild.schema import EDGE_TYPES
from kgbuild.stores import Evidence, StoreError, Table, open_store
from kgbuild.stores.neo4j import Neo4jStore
from ontologies.concept import Concept
from tests.conftest import NEO4J
from tests.marked import resolved
from tests.neo4j.content import content, graph, visit
from tests.neo4j.server import Server

pytestmark = NEO4J

LESION = graph(
    "A [lesion|Disease_disorder #l] of the [liver|Biological_structure #s]; [pain|Sign_symptom].", "MODIFY s l"
)
AGAIN = graph("The [lesion|Disease_disorder]. [Fever|Sign_symptom].", note="n2")
OTHER = graph("The [lesion|Disease_disorder].", note="n3", patient="p2")
SECRET = "Zanzibarian hiccups"  # noqa: S105 (words of a note)


@pytest.fixture
def store(neo4j_url: str) -> Iterator[Neo4jStore]:
    with Neo4jStore(neo4j_url, create=True) as opened:
        yield opened


@pytest.fixture
def driver(neo4j_server: Server) -> Iterator[neo4j.Driver]:
    with neo4j_server.driver() as opened:
        yield opened


def only(*graphs: NoteGraph, store: Neo4jStore, server: Server) -> list[str]:
    """What a database holds that has never held anything but these notes."""
    server.empty()
    store.put(graphs)
    with server.driver() as driver:
        return content(driver)


# --- put ----------------------------------------------------------------------------------------------------------
def test_all_that_a_note_says_is_there_and_nothing_else(store: Neo4jStore, driver: neo4j.Driver) -> None:
    given = visit(1)

    store.put([given])

    nodes = driver.execute_query("MATCH (n) WHERE NOT n:KgbuildStore RETURN labels(n) AS l, properties(n) AS p").records
    found = {row["p"].pop("id"): (row["l"], plain(row["p"])) for row in nodes}
    assert found == {node.id: ([node.type], dict(node.properties)) for node in given.nodes}
    edges = driver.execute_query(
        "MATCH (a)-[e]->(b) RETURN a.id AS a, type(e) AS t, properties(e) AS p, b.id AS b"
    ).records
    assert sorted((r["t"], r["a"], r["b"], told(r["p"])) for r in edges) == sorted(
        (edge.type, edge.source, edge.target, told({**edge.properties, **said_of_code(edge, given)}))
        for edge in given.edges
    )


def said_of_code(edge: Edge, graph: NoteGraph) -> dict[str, object]:
    """What a coding says beside its properties: how its note calls the code, and what stands above it there."""
    if edge.type != "CODED_AS":
        return {}
    (name,) = (node.properties["name"] for node in graph.nodes if node.id == edge.target)
    return {"name": name, "parents": [e.target for e in graph.edges if (e.type, e.source) == ("IS_A", edge.target)]}


def plain(properties: dict[str, object]) -> dict[str, object]:
    """Properties with days as Python's."""
    return {name: v.to_native() if isinstance(v, neo4j.time.Date) else v for name, v in properties.items()}


def told(properties: Mapping[str, object]) -> str:
    return json.dumps(dict(properties), sort_keys=True)


def test_days_are_days_of_neo4j(store: Neo4jStore) -> None:
    store.put([OTHER])

    assert store.query("MATCH (e:Event) RETURN e.start.year AS y, e.start = date('2019-03-14') AS same").rows == [
        (2019, True)
    ]


def test_putting_twice_writes_nothing(store: Neo4jStore, driver: neo4j.Driver) -> None:
    assert store.put([LESION, AGAIN]) == 2
    before = content(driver)

    assert store.put([LESION, AGAIN]) == 0
    assert content(driver) == before


def test_notes_in_any_order_and_company_make_the_same_store(store: Neo4jStore, neo4j_server: Server) -> None:
    made = [only(*order, store=store, server=neo4j_server) for order in itertools.permutations([LESION, AGAIN, OTHER])]
    neo4j_server.empty()
    for one in (LESION, AGAIN, OTHER):
        store.put([one])
    with neo4j_server.driver() as driver:
        made.append(content(driver))

    assert all(one == made[0] for one in made)


def test_fact_of_two_notes_counts_once(store: Neo4jStore) -> None:
    store.put([LESION, AGAIN])

    counts = "MATCH (:Patient)-[e:HAS_ENTITY|HAS_EVENT]->(n) RETURN type(e) AS t, count(*) AS n ORDER BY t"
    assert store.query(counts).rows == [("HAS_ENTITY", 3), ("HAS_EVENT", 3)]
    assert store.query(
        "MATCH (:Entity {code: 'K76.9'})-[e:CODED_AS {rank: 1}]->(c) RETURN e.note AS n ORDER BY n"
    ).rows == [
        ("n1",),
        ("n2",),
    ]


def test_changed_note_replaces_what_it_said(store: Neo4jStore, driver: neo4j.Driver, neo4j_server: Server) -> None:
    store.put([LESION, OTHER])
    changed = graph("No [cough|Sign_symptom !absent]. A [lesion|Disease_disorder].", fingerprint="f2")

    assert store.put([changed]) == 1

    replaced = content(driver)
    assert store.fingerprint("n1") == "f2"
    assert replaced == only(changed, OTHER, store=store, server=neo4j_server)


def test_note_put_twice_at_once_is_as_said_last(store: Neo4jStore, driver: neo4j.Driver, neo4j_server: Server) -> None:
    changed = graph("A [cough|Sign_symptom].", fingerprint="f2")

    assert store.put([LESION, changed]) == 2

    replaced = content(driver)
    assert replaced == only(changed, store=store, server=neo4j_server)


def test_note_that_moves_to_another_patient_leaves_the_first(store: Neo4jStore) -> None:
    store.put([LESION])

    store.put([graph("A [lesion|Disease_disorder].", patient="p9", fingerprint="f2")])

    assert [patient.id for patient in store.patients()] == ["p9"]
    assert store.events("p1") == []


def test_what_a_patient_has_goes_when_only_denials_are_left(store: Neo4jStore) -> None:
    store.put([graph("[fever|Sign_symptom]"), graph("No [fever|Sign_symptom !absent]", note="n2")])
    had = "MATCH (:Patient)-[:HAS_ENTITY]->(e) RETURN e.name AS name"
    assert store.query(had).rows == [("fever",)]

    store.retract("n1")

    assert store.query(had).rows == []
    assert store.query("MATCH (e:Entity) RETURN e.name AS name").rows == [("fever",)]


def test_newer_table_renames_a_code_and_moves_it(store: Neo4jStore, driver: neo4j.Driver, neo4j_server: Server) -> None:
    def coded(name: str, parent: str, fingerprint: str) -> NoteGraph:
        codes = {"rash": [(Concept("mesh", "D1", name, parents=(parent,)), 0.9)]}
        return note_graph(resolved("[rash|Sign_symptom]", codes=codes), fingerprint)

    store.put([coded("Old", "D8", "f1")])

    store.put([coded("New", "D9", "f2")])

    moved = content(driver)
    assert store.query("MATCH (c:Concept)-[:IS_A]->(p) RETURN c.name AS name, p.code AS above").rows == [("New", "D9")]
    assert moved == only(coded("New", "D9", "f2"), store=store, server=neo4j_server)


def test_large_notes_go_in_by_parts_of_a_put(store: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgbuild.stores.neo4j_writing.ROWS", 100)

    assert store.put(visit(i) for i in range(12)) == 12
    assert store.put(visit(i) for i in range(13)) == 1


# --- retract ------------------------------------------------------------------------------------------------------
def test_retract_leaves_what_others_say(store: Neo4jStore, driver: neo4j.Driver, neo4j_server: Server) -> None:
    store.put([LESION, AGAIN, OTHER])

    assert store.retract("n1") is True

    left = content(driver)
    assert left == only(AGAIN, OTHER, store=store, server=neo4j_server)


def test_retracting_everything_leaves_nothing(store: Neo4jStore, driver: neo4j.Driver) -> None:
    store.put(visit(i) for i in range(5))
    for i in (3, 0, 4, 1, 2):
        assert store.retract(f"n{i}")

    assert content(driver) == []
    assert store.patients() == []


def test_retracting_an_unknown_note_does_nothing(store: Neo4jStore, driver: neo4j.Driver) -> None:
    store.put([LESION])
    before = content(driver)

    assert store.retract("n2") is False
    assert content(driver) == before


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_course_of_puts_and_retractions_ends_in_what_is_left(
    server_of_examples: tuple[Server, Neo4jStore], data: st.DataObject
) -> None:
    server, store = server_of_examples
    server.empty()
    there: dict[str, NoteGraph] = {}
    for number, version in data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=8)):
        if version == 0:
            assert store.retract(f"n{number}") == (there.pop(f"n{number}", None) is not None)
            continue
        marked = (
            "[lesion|Disease_disorder]",
            "No [lesion|Disease_disorder !absent]. [nevus|Sign_symptom]",
            "[pain|Sign_symptom]",
        )
        new = graph(
            marked[version - 1], note=f"n{number}", patient=f"p{(number + version) % 2}", fingerprint=f"f{version}"
        )
        store.put([new])
        there[new.note_id] = new
    with server.driver() as driver:
        assert content(driver) == only(*there.values(), store=store, server=server)


@pytest.fixture(scope="module")
def server_of_examples(neo4j_server: Server) -> Iterator[tuple[Server, Neo4jStore]]:
    """A server and a store for many examples of one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEO4J_USERNAME", neo4j_server.user)
        patch.setenv("NEO4J_PASSWORD", neo4j_server.password)
        with Neo4jStore(neo4j_server.url, create=True) as opened:
            yield neo4j_server, opened


# --- hostile content ----------------------------------------------------------------------------------------------
HOSTILE = [
    'quotes " \' """ and \\ backslash, `backticks`',
    "line\nbreak\r\nand\ttab",
    "'}) DETACH DELETE n //",
    "\\u0060) DETACH DELETE n //",
    "$rows $id {id: 1} :Label",
    "NUL \0 in the middle",
    "half \ud800 a pair, and \udfff",
    "emoji 🙂 e\u0301 \u202e \ufffe \ufdd0d800;",
    "=1+1",
    "x" * 9_000,
]
Text = st.text(min_size=1, max_size=40)


def hostile(text: str, other: str, note: str, patient: str) -> NoteGraph:
    """A note in which everything that may be hostile is, codes and labels of relations too."""
    both = text + " " + other
    mentions = (
        Mention(0, len(text), "Sign_symptom", text),
        Mention(len(text) + 1, len(both), "Sign_symptom", other),
    )
    return note_graph(ResolvedNote(Note(note, both, patient, patient, None, text), Document(both, mentions)), "f1")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_and_ids_come_back_the_same(server_of_examples: tuple[Server, Neo4jStore], text: str) -> None:
    came_back(server_of_examples, hostile(text, "x", text, text), text, text, text)


@settings(max_examples=30, deadline=None)
@given(text=Text, other=Text, note=Text, patient=Text)
def test_any_text_and_ids_come_back_the_same(
    server_of_examples: tuple[Server, Neo4jStore], text: str, other: str, note: str, patient: str
) -> None:
    came_back(server_of_examples, hostile(text, other, note, patient), text, note, patient)


def came_back(opened: tuple[Server, Neo4jStore], given: NoteGraph, text: str, note: str, patient: str) -> None:
    """Assert that the store says what it was given, ids composed, nothing but that, and forgets it."""
    server, store = opened
    server.empty()
    store.put([given])

    assert [found.id for found in store.patients()] == [composed(patient)]
    assert store.fingerprint(note) == "f1"
    events = store.events(patient)
    assert Evidence(composed(note), 0, len(text), text) in [one for event in events for one in event.evidence]
    assert {event.id for event in events} == {node.id for node in given.nodes if node.type == "Event"}
    assert text in [cell for (cell,) in store.query("MATCH (m:Mention) RETURN m.text AS t").rows]
    assert store.query("MATCH (n:Note) RETURN n.kind AS k").rows == [(text,)]
    labels = store.query("CALL db.labels() YIELD label RETURN label").rows
    assert {label for (label,) in labels} <= {*(node.type for node in given.nodes), "Concept", "KgbuildStore"}
    assert store.retract(note)
    with server.driver() as driver:
        assert content(driver) == []


def test_hostile_codes_and_relation_labels_are_data(store: Neo4jStore, driver: neo4j.Driver) -> None:
    evil = "`x`) DETACH DELETE n // \0 \ud800"
    code = Concept("icd10cm", evil, evil, parents=(evil + "p",))
    given = resolved("[a|Sign_symptom #a] [b|Sign_symptom #b]", "CAUSE a b", codes={"a": [(code, 0.9)]})
    document = given.document
    relations = (replace(document.relations[0], label=evil),)
    given = replace(given, document=replace(document, relations=relations))

    store.put([note_graph(given, "f1")])

    assert {curie for event in store.events("p1") for curie in event.codes} == {f"icd10cm:{evil}", f"icd10cm:{evil}p"}
    assert store.query("MATCH ()-[e:RELATED_TO]->() RETURN e.label AS label").rows == [(evil,)]
    types = {row["t"] for row in driver.execute_query("MATCH ()-[e]->() RETURN DISTINCT type(e) AS t").records}
    assert types <= set(EDGE_TYPES)
    store.retract("n1")
    assert content(driver) == []


def test_ten_megabytes_of_text_come_back(store: Neo4jStore) -> None:
    text = "a\n" * 5_000_000

    store.put([hostile(text, "x", "n1", "p1")])

    assert sorted(len(event.text) for event in store.events("p1")) == [1, 10_000_000]


def test_value_that_neo4j_cannot_hold_is_refused_by_note_and_leaves_nothing(
    store: Neo4jStore, driver: neo4j.Driver
) -> None:
    mention = next(node for node in LESION.nodes if node.type == "Mention")
    huge = replace(mention, properties={**mention.properties, "end": 2**70})
    broken = replace(LESION, nodes=tuple(huge if node is mention else node for node in LESION.nodes))

    with pytest.raises(StoreError, match=r"^note 'n1': not written: a number too large$") as caught:
        store.put([AGAIN, broken, OTHER])
    assert caught.value.note_id == "n1"

    assert [store.fingerprint(note) for note in ("n1", "n2")] == [None, "f1"]
    store.retract("n2")
    store.retract("n3")
    assert content(driver) == []


def test_what_the_server_refuses_is_told_by_note_without_what_was_refused(
    store: Neo4jStore, driver: neo4j.Driver
) -> None:
    driver.execute_query("CREATE CONSTRAINT strict IF NOT EXISTS FOR (n:Mention) REQUIRE n.text IS UNIQUE")
    try:
        store.put([graph(f"[{SECRET}|Sign_symptom]")])
        with pytest.raises(
            StoreError, match=r"^note 'n2': not written: the server answered Neo\.ClientError\.\S+$"
        ) as caught:
            store.put([graph(f"[{SECRET}|Sign_symptom]", note="n2")])
    finally:
        driver.execute_query("DROP CONSTRAINT strict")
    assert (store.fingerprint("n2"), caught.value.note_id) == (None, "n2")


def test_note_that_breaks_a_shape_is_refused_and_leaves_nothing(store: Neo4jStore, driver: neo4j.Driver) -> None:
    lost = Node("Entity", "entity/p1/Sign_symptom/lost", {"patient": "p1", "label": "Sign_symptom", "name": SECRET})
    broken = replace(LESION, nodes=(*LESION.nodes, lost))

    with pytest.raises(StoreError, match=r"^note 'n1': not written: shape \w+") as caught:
        store.put([broken])

    assert SECRET not in str(caught.value)
    assert content(driver) == []


# --- query --------------------------------------------------------------------------------------------------------
WRITES = [
    "CREATE (n:X)",
    "MATCH (n) DETACH DELETE n",
    "MATCH (n:Note) SET n.fingerprint = 'x'",
    "MERGE (n:Note {id: 'x'})",
    "CALL { CREATE (n) } IN TRANSACTIONS",
    "CREATE INDEX foo FOR (n:X) ON (n.y)",
    "DROP CONSTRAINT kgbuild_note_id",
    "CALL db.createLabel('Foo')",
    "CALL dbms.killConnection('bolt-1')",
    "CALL db.clearQueryCaches()",
    "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message RETURN message",
    "CREATE USER x SET PASSWORD 'abcdefgh'",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
    "EXPLAIN CREATE (n:X)",
    "MATCH (n) CALL (n) { SET n.x = 1 } RETURN count(*)",
    "FOREACH (x IN [1] | CREATE (:X))",
]


@pytest.mark.parametrize("statement", WRITES)
def test_statement_that_would_do_something_is_refused(
    server_of_examples: tuple[Server, Neo4jStore], statement: str
) -> None:
    server, store = server_of_examples
    store.put([LESION])
    with server.driver() as driver:
        before = content(driver)

        with pytest.raises(StoreError, match="query: refused: a query only reads the graph"):
            store.query(statement)
        assert content(driver) == before


LOADS = [
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "load /* x */ csv FROM 'http://127.0.0.1:9/x' AS line RETURN line",
    "MATCH (m:Mention) CALL (m) { LOAD CSV FROM 'http://127.0.0.1:9/' + m.text AS line RETURN line } RETURN line",
    "UNWIND [1] AS x LOAD CSV WITH HEADERS FROM 'file:///etc/passwd' AS line RETURN line",
]


@pytest.mark.parametrize("statement", LOADS)
def test_query_reads_no_file_and_calls_nobody(server_of_examples: tuple[Server, Neo4jStore], statement: str) -> None:
    with pytest.raises(StoreError, match="LOAD CSV is refused"):
        server_of_examples[1].query(statement)


def test_query_loads_a_file_when_that_is_allowed(store: Neo4jStore, neo4j_server: Server, tmp_path: Path) -> None:
    if neo4j_server.home is None:
        pytest.skip("a server that is not ours has other files")
    (tmp_path / "a.csv").write_text("1,2\n")

    statement = f"LOAD CSV FROM '{(tmp_path / 'a.csv').as_uri()}' AS line RETURN line"
    assert store.query(statement, may_call=True).rows == [('["1", "2"]',)]


def test_query_has_a_time_limit(store: Neo4jStore) -> None:
    endless = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b UNWIND range(1, 1000) AS c RETURN count(*)"

    with pytest.raises(StoreError, match=r"^query: took longer than 0\.5 s$"):
        store.query(endless, seconds=0.5)
    assert store.query("RETURN 1 AS one").rows == [(1,)]


def test_query_that_the_server_does_not_end_is_given_up(store: Neo4jStore) -> None:
    start = time.monotonic()
    with pytest.raises(StoreError, match=r"^query: took longer than 0\.5 s; the server has been told to stop it$"):
        store.query("RETURN reduce(s = 0, x IN range(1, 100000000000) | s + x)", seconds=0.5)
    assert store.query("RETURN 1 AS one").rows == [(1,)]
    store.close()
    assert time.monotonic() - start < 30


def test_query_whose_plan_takes_too_long_is_given_up(store: Neo4jStore) -> None:
    start = time.monotonic()
    with pytest.raises(StoreError, match=r"^query: took longer than 0\.5 s"):
        store.query("RETURN " + "+".join("1" * 4_000), seconds=0.5)
    assert time.monotonic() - start < 10
    assert store.query("RETURN 1 AS one").rows == [(1,)]


def test_deep_or_long_statement_is_refused_before_it_is_sent(store: Neo4jStore) -> None:
    with pytest.raises(StoreError, match=r"^query: more than 200 brackets are open at once$"):
        store.query("RETURN " + "(" * 3_000 + "1" + ")" * 3_000)
    with pytest.raises(StoreError, match=r"^query: .* characters: expected at most 100,000$"):
        store.query("RETURN " + "1" * 100_000)


def test_function_of_cypher_needs_no_name_for_its_column(store: Neo4jStore) -> None:
    asked = (
        "RETURN date.truncate('month', date('2020-05-04')), duration.between(date('2020-01-01'), date('2020-02-01'))"
    )
    assert store.query(asked).rows == [(date(2020, 5, 1), "P1M")]


@pytest.mark.parametrize("statement", ["SHOW SETTINGS", "SHOW TRANSACTIONS YIELD *"])
def test_what_is_of_the_server_is_not_told(store: Neo4jStore, statement: str) -> None:
    with pytest.raises(StoreError, match=r"^query: refused: a query only reads the graph$"):
        store.query(statement)


def test_syntax_error_names_line_and_column(store: Neo4jStore) -> None:
    with pytest.raises(StoreError, match=r"^query: line 1, column 9: Invalid input 'RETURN'"):
        store.query("MATCH n RETURN n")
    with pytest.raises(StoreError, match=r"^query: line 2, column 1: Invalid input 'RETRUN': .{1,130}$"):
        store.query("MATCH (n)\nRETRUN n")
    with pytest.raises(StoreError, match=r"^query: "):
        store.query("")


ABOUT_VALUES = [
    "date(m.text)",
    "size(m.text) / 0",
    "m.text.x",
    "datetime({year: 2020, timezone: m.text})",
    "point({x: 1, y: 2, crs: m.text})",
    "datetime('2020-01-01T00:00[' + m.text + ']')",
    "'a' =~ ('(' + m.text)",
    "COLLECT { LOAD CSV FROM m.text AS line RETURN line }",
]


def test_error_about_a_value_does_not_repeat_it(store: Neo4jStore) -> None:
    store.put([graph(f"[{SECRET}|Sign_symptom]")])

    for expression in ABOUT_VALUES:
        with pytest.raises(StoreError, match=r"^query: the server answered Neo\.\S+$") as caught:
            store.query(f"MATCH (m:Mention) RETURN {expression}", may_call=True)
        assert not any(word in str(caught.value) for word in SECRET.split())


def test_query_answers_with_plain_values(store: Neo4jStore) -> None:
    store.put([OTHER])
    statement = (
        "MATCH p = (a:Patient)-[e:HAS_NOTE]->(n) RETURN 1 AS a, 1.5 AS b, true AS c, 'x' AS d, null AS e, a AS f, "
        "e AS g, p AS h, [1, {x: n}] AS i, n.date AS j, duration('P1D') AS k, datetime('2020-01-02T03:04Z') AS l"
    )

    (row,) = store.query(statement).rows
    assert row[:9] == (
        *(1, 1.5, True, "x", None, "patient/p2", "HAS_NOTE"),
        '["patient/p2", "HAS_NOTE", "note/n3"]',
        '[1, {"x": "note/n3"}]',
    )
    assert [str(cell) for cell in row[9:]] == ["2019-03-14", "P1D", "2020-01-02T03:04:00.000000000+00:00"]
    assert store.query("MATCH (n:Nothing) RETURN n.x AS x") == Table(("x",), [])


# --- opening ------------------------------------------------------------------------------------------------------
def test_database_that_is_no_store_is_told(neo4j_url: str) -> None:
    with pytest.raises(StoreError, match=rf"^{neo4j_url}: no store here$"):
        open_store(neo4j_url)
    open_store(neo4j_url, create=True).close()
    with open_store(neo4j_url, read_only=True) as reader:
        assert reader.patients() == []
        with pytest.raises(StoreError, match="opened for reading only"):
            reader.put([LESION])
        with pytest.raises(StoreError, match="opened for reading only"):
            reader.retract("n1")


def test_wrong_password_is_told_and_not_shown(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "not-the-password")

    with pytest.raises(StoreError, match="refused: NEO4J_USERNAME or NEO4J_PASSWORD is not right") as caught:
        open_store(neo4j_url)
    assert "not-the-password" not in str(caught.value)


def test_password_is_asked_where_the_environment_has_none(
    neo4j_url: str, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD")
    asked: list[str] = []

    with pytest.raises(StoreError, match="no password for the user: set NEO4J_PASSWORD"):
        open_store(neo4j_url, create=True)
    with open_store(neo4j_url, create=True, password=lambda user: asked.append(user) or neo4j_server.password):  # type: ignore[func-returns-value]
        assert asked == [neo4j_server.user]


def test_password_is_asked_at_a_terminal_and_not_shown(
    store: Neo4jStore, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD")
    program = str(Path(sys.executable).with_name("kgbuild"))
    child, terminal = pty.fork()
    if child == 0:
        os.execv(program, [program, "patients", "--store", store.url])  # noqa: S606 (at a terminal)

    shown = b""
    while not shown.endswith(b"Password of the store's user: "):
        shown += os.read(terminal, 1000)
    os.write(terminal, neo4j_server.password.encode() + b"\n")
    with contextlib.suppress(OSError):  # the other end of the terminal is gone
        while more := os.read(terminal, 1000):
            shown += more

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"patient" in shown
    assert neo4j_server.password.encode() not in shown


ADDRESSES = ["neo4j://u:s3cret@host:7687", "bolt://u@host", "bolt://host/db", "neo4j://", "bolt://host?x=1"]


@pytest.mark.parametrize("url", ADDRESSES)
def test_address_says_neither_password_nor_database(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "x")

    with pytest.raises(StoreError, match=r"NEO4J_USERNAME and NEO4J_PASSWORD|expected \w+://HOST:PORT") as caught:
        open_store(url)
    assert "s3cret" not in str(caught.value)


def test_server_that_is_not_there_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "x")

    with pytest.raises(StoreError, match=r"^bolt://127\.0\.0\.1:9: ServiceUnavailable: the server does not answer$"):
        open_store("bolt://127.0.0.1:9")


def test_neo4j_scheme_finds_the_server_by_its_routes(store: Neo4jStore) -> None:
    store.put([LESION])

    with open_store(store.url.replace("bolt://", "neo4j://")) as routed:
        assert routed.fingerprint("n1") == "f1"
        assert routed.put([AGAIN]) == 1


def test_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo4j", None)

    with pytest.raises(StoreError, match=r"the driver is not installed: pip install 'kgbuild\[neo4j\]'"):
        open_store("neo4j://localhost")


# --- logs, command line -------------------------------------------------------------------------------------------
def test_nothing_of_a_note_and_no_password_is_logged_at_debug(
    neo4j_url: str, neo4j_server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    given = graph(f"[{SECRET}|Sign_symptom]", note="secretnote", patient="secretpatient")
    with caplog.at_level(logging.DEBUG):
        for name in ("neo4j", "neo4j.io", "neo4j.pool"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        with open_store(neo4j_url, create=True) as store:
            store.put([given])
            store.events("secretpatient")
            store.query("MATCH (m:Mention) RETURN m.text AS t")
            with pytest.raises(StoreError):
                store.query("MATCH (m:Mention) RETURN date(m.text)")
            store.retract("secretnote")
    for name in ("neo4j", "neo4j.io", "neo4j.pool"):
        logging.getLogger(name).setLevel(logging.NOTSET)

    logged = caplog.text + "".join(capfd.readouterr())
    for word in ("hiccups", "secretnote", "secretpatient", neo4j_server.password):
        assert word not in logged


def test_notes_are_ingested_into_neo4j_from_the_command_line(neo4j_url: str) -> None:
    """With the shipped model; all other commands are in ``test_every_store.py``."""
    line = json.dumps({"id": "c1", "patient_id": "pc", "date": "2020-05-01", "text": "He has a fever and chest pain."})

    def command(*arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        program = str(Path(sys.executable).with_name("kgbuild"))
        return subprocess.run([program, *arguments, "--store", neo4j_url], input=text, capture_output=True, text=True)

    assert "1 new" in command("ingest", "-", text=line + "\n").stdout
    assert "1 unchanged; nothing written" in command("ingest", "-", text=line + "\n").stdout
    events = json.loads(command("timeline", "pc", "--format", "json").stdout)["events"]
    assert {event["start"] for event in events} == {"2020-05-01"}
    refused = command("query", "MATCH (n) DETACH DELETE n")
    assert (refused.returncode, refused.stderr) == (1, "Error: query: refused: a query only reads the graph\n")
