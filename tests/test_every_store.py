"""Every command on every kind of store, with the notes' text and without: what the embedded store prints, they all do.

The notes have ids that others trip over: names with accents, asked for with letters and accents apart; full stops,
which are steps in a path.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from extractors.lexicon import LexiconExtractor
from kgbuild.cli import cli
from kgbuild.cli_store import COMMANDS, EXPORTS
from kgbuild.note import Note
from kgbuild.pipeline import Ingested, Setup, ingest
from kgbuild.stores import GraphStore, StoreError, open_store
from kgbuild.stores.endpoint import EndpointStore
from ontologies.concept import CodeTable, Concept
from resolvers.index import memory_resolver
from tests.conftest import NEO4J
from tests.sparql_servers import Server

FORMS = ("with text", "without text")
EMBEDDED = "embedded"
KINDS = {EMBEDDED: (), "Neo4j": (NEO4J,)} | {
    name: (pytest.mark.xdist_group(name),) for name in ("Fuseki", "Oxigraph", "RDF4J")
}
"""Kinds of stores, and the marks of their tests: those of a server run in one worker, so that it starts once."""

APART = unicodedata.normalize("NFD", "José"), unicodedata.normalize("NFD", "note é"), unicodedata.normalize("NFD", "é1")
"""A patient, a note and a code as file systems and some keyboards write them."""

ICD10CM = CodeTable(
    "icd10cm",
    "test",
    [
        Concept("icd10cm", ".", "Cough"),
        Concept("icd10cm", "..", "Fever", parents=(".",)),
        Concept("icd10cm", "é1", "Stroke"),
    ],
)
LOINC = CodeTable("loinc", "test", [Concept("loinc", "30880-0", "Calcium score")])
TERMS = {
    **{"calcium score": "Diagnostic_procedure", "142": "Lab_value", "151": "Lab_value", "99": "Lab_value"},
    **{"cough": "Sign_symptom", "fever": "Sign_symptom", "stroke": "Disease_disorder", "malaise": "Sign_symptom"},
}
NOTES = [
    Note("n1", "Calcium score 142. Cough and malaise.", "p1", "e1", date(2020, 3, 2), "scan"),
    Note("n2", "Calcium score 151. No fever.", "p1", "e1", date(2020, 3, 12)),
    Note("note é", "Stroke. Fever. Calcium score 99.", "José", "é", date(2020, 4, 1)),
    Note(".", "Cough and fever, malaise. Calcium score 99.", "..", ".", date(2020, 5, 4)),
]

CSV = ("--format", "csv")
ASKED: list[tuple[str, ...]] = [
    *(("patients", "--format", form) for form in ("table", "json", "csv")),
    *(("patients", "--code", code, *CSV) for code in ("icd10cm:.", APART[2])),
    *(("timeline", "p1", "--format", form) for form in ("table", "json", "csv")),
    ("timeline", "p1", "--from", "2020-03-05", "--to", "2020-04-01", "--assertion", "absent", *CSV),
    ("timeline", APART[0], "--label", "Disease_disorder", "--code", APART[2], *CSV),
    ("timeline", "..", "--format", "json"),
    ("timeline", "nobody"),
    *(("trend", "p1", "calcium score", "--format", form) for form in ("table", "json", "csv")),
    ("trend", APART[0], "loinc:30880-0", *CSV),
    ("trend", "..", "malaise"),
    *(("query", "notes", "--format", form) for form in ("table", "json", "csv")),
    *(("export", "--format", form) for form in EXPORTS if form != "csv"),
    ("export", "--format", "csv", "-o", "folder"),
    ("export", "--without-text", "--format", "nq"),
    ("validate", APART[1]),
    ("validate", "nothing"),
    ("retract", "nothing"),
]
"""What is asked of every store, in both forms."""

STATEMENTS = {
    "SPARQL": "SELECT ?key ?day { ?note a kg:Note ; dcterms:identifier ?key ; dcterms:date ?day } ORDER BY ?key",
    "Neo4j": "MATCH (n:Note) RETURN n.key AS key, n.date AS day ORDER BY key",
}
"""The same question in each language."""


Answer = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A store of some kind that holds the notes in some form."""

    kind: str
    form: str
    url: str

    def run(self, *arguments: str) -> Result:
        """Run a command, the query in the store's language; anything that is wrong but our own errors is raised."""
        if arguments[0] == "query":
            arguments = ("query", STATEMENTS.get(self.kind, STATEMENTS["SPARQL"]), *arguments[2:])
        done = CliRunner().invoke(cli, [*arguments, "--store", self.url])
        if done.exception is not None and not isinstance(done.exception, StoreError | SystemExit):
            raise done.exception
        return done

    def answer(self, folder: Path, *arguments: str) -> Answer:
        """What a command returns, says and writes, whatever store it asks."""
        made = folder / "made"
        done = self.run(*(str(made) if argument == "folder" else argument for argument in arguments))
        files = {file.name: file.read_bytes() for file in made.iterdir()} if made.exists() else {}
        return done.exit_code, (done.output + str(done.exception or "")).replace(self.url, "STORE"), files

    def first_cells(self, *arguments: str) -> list[str]:
        """The first cell of each line of a command's CSV, without the header."""
        return [line.partition(",")[0] for line in self.run(*arguments, *CSV).output.splitlines()[1:]]


def setup(form: str) -> Setup:
    """A dictionary for a model, and two small tables."""
    read = LexiconExtractor(TERMS, modifiers=["Lab_value"], targets=["Diagnostic_procedure"])
    tables = {table.system: table for table in (ICD10CM, LOINC)}
    resolvers = {system: memory_resolver(table, threshold=0.5) for system, table in tables.items()}
    return Setup(read, resolvers, "lexicon", tables, with_text=form == "with text")


def put(store: GraphStore, form: str) -> Ingested:
    return ingest(NOTES, setup(form), store, lambda line: pytest.fail(line))


@contextmanager
def filled(kind: str, form: str, url: str) -> Iterator[Place]:
    """A store that holds the notes."""
    with open_store(url, create=True) as store:
        if isinstance(store, EndpointStore):
            store._update("DROP ALL")
        assert put(store, form) == Ingested(new=len(NOTES))
    yield Place(kind, form, url)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Answer]:
    """Returns what the embedded store of a form answers to a command, which is asked once."""
    places = {}
    for form in FORMS:
        with filled(EMBEDDED, form, str(tmp_path_factory.mktemp("embedded") / "kg")) as place:
            places[form] = place
    return cache(lambda form, *arguments: places[form].answer(tmp_path_factory.mktemp("made"), *arguments))


@pytest.fixture(
    scope="module",
    params=[pytest.param((k, f), marks=marks, id=f"{k}, {f}") for k, marks in KINDS.items() for f in FORMS],
)
def place(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    sparql_server: Callable[[str], Server],
) -> Iterator[Place]:
    """A store of each kind in each form, into which the notes have been put once for all questions."""
    kind, form = request.param
    with pytest.MonkeyPatch.context() as patch:
        if kind == EMBEDDED:
            url = str(tmp_path_factory.mktemp("store") / "kg")
        elif kind == "Neo4j":
            server = request.getfixturevalue("neo4j_server")
            patch.setenv("NEO4J_USERNAME", server.user)
            patch.setenv("NEO4J_PASSWORD", server.password)
            server.empty()
            url = server.url
        else:
            url = sparql_server(kind).url
        with filled(kind, form, url) as found:
            yield found


def test_every_command_about_a_store_is_asked() -> None:
    """But for backup, which only the embedded store has, and what the last test does."""
    assert {command.name for command in COMMANDS} == {arguments[0] for arguments in ASKED} | {"backup"}


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
def test_command_prints_what_it_does_of_the_embedded_store(
    place: Place, expected: Callable[..., Answer], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert place.answer(tmp_path, *arguments) == expected(place.form, *arguments)


TIMELINES: dict[str, list[tuple[str | None, ...]]] = {  # of p1: first day, label, text, value, code, evidence
    "with text": [
        ("2020-03-02", "Diagnostic_procedure", "Calcium score", "142", "30880-0", "n1:0-13"),
        ("2020-03-02", "Sign_symptom", "Cough", None, ".", "n1:19-24"),
        ("2020-03-02", "Sign_symptom", "malaise", None, None, "n1:29-36"),
        ("2020-03-12", "Diagnostic_procedure", "Calcium score", "151", "30880-0", "n2:0-13"),
    ],
}
TIMELINES["without text"] = [(day, of, "", None, *others) for day, of, _, _, *others in TIMELINES["with text"]]


def test_store_answers_right(place: Place) -> None:
    events = json.loads(place.run("timeline", "p1", "--format", "json").output)["events"]
    found = [
        (*(event[key] for key in ("start", "label", "text", "value", "code")), f"{e['note']}:{e['start']}-{e['end']}")
        for event in events
        for e in event["evidence"]
    ]
    assert sorted(found, key=repr) == sorted(TIMELINES[place.form], key=repr)
    assert place.run("trend", "p1", "calcium score", *CSV).output.split() == [
        *("start,value,unit", "2020-03-02,142.0,", "2020-03-12,151.0,")
    ]
    assert place.first_cells("trend", APART[0], "30880-0") == ["2020-04-01"]
    assert place.first_cells("trend", "..", "malaise") == []
    assert place.first_cells("timeline", "..") == ["2020-05-04"] * 4
    for code, who in {".": ["..", "José", "p1"], "icd10cm:..": ["..", "José"], APART[2]: ["José"], "K76": []}.items():
        assert place.first_cells("patients", "--code", code) == who
    exported = place.run("export", "--format", "nq").output
    names = {line.split()[-2] for line in exported.splitlines()}
    assert names == {f"<urn:kgbuild:note/{note}>" for note in ("n1", "n2", "note%20%C3%A9", "~.")}
    assert ("malaise" in exported) == (place.form == "with text")


def test_backup_is_the_embedded_store_s_alone(place: Place, tmp_path: Path) -> None:
    done = place.run("backup", "-o", str(tmp_path / "copy"))
    if place.kind == EMBEDDED:
        copy = Place(place.kind, place.form, str(tmp_path / "copy"))
        assert copy.run("export", "--format", "nq").output == place.run("export", "--format", "nq").output
    else:
        assert str(done.exception).endswith("only an embedded store is backed up here; a server has its own means")


def test_note_that_is_retracted_is_gone_and_comes_back_by_another_ingest(place: Place) -> None:
    """The last test: it changes what the others ask, and leaves it as it was."""
    before = place.run("export", "--format", "nq").output
    for note in (APART[1], "."):
        assert place.run("retract", note).exit_code == 0
    assert place.first_cells("patients") == ["p1"]
    with open_store(place.url) as store:
        assert put(store, place.form) == Ingested(new=2, unchanged=2)
        assert put(store, place.form) == Ingested(unchanged=4)
    assert place.run("export", "--format", "nq").output == before
