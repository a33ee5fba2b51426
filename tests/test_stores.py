"""The embedded RDF store: whole notes, once each, there until withdrawn, and nobody's way in but queries."""

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.document import Document, Mention
from kgbuild import ids
from kgbuild.graph import Node, NoteGraph, note_graph
from kgbuild.note import Note, composed
from kgbuild.query import timeline
from kgbuild.resolve import ResolvedNote
from kgbuild.stores import Evidence, StoreError, Table, open_store
from kgbuild.stores.mapping import iri, lines, own_subjects
from kgbuild.stores.rdf import RdfStore
from ontologies.concept import Concept
from tests.marked import resolved

LIVER = Concept("icd10cm", "K76.9", "Liver disease, unspecified", parents=("K76",))
SKIN = Concept("icd10cm", "L98.9", "Disorder of skin, unspecified")
ROOT = Path(__file__).parents[1]


def graph(marked: str, *relations: str, note: str = "n1", patient: str = "p1", fingerprint: str = "f1") -> NoteGraph:
    codes = {"lesion": [(LIVER, 0.9), (SKIN, 0.3)]}
    return note_graph(resolved(marked, *relations, note=note, patient=patient, codes=codes), fingerprint)


LESION = graph(
    "A [lesion|Disease_disorder #l] of the [liver|Biological_structure #s]; [pain|Sign_symptom].", "MODIFY s l"
)
AGAIN = graph("The [lesion|Disease_disorder]. [Fever|Sign_symptom].", note="n2")
OTHER = graph("The [lesion|Disease_disorder].", note="n3", patient="p2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RdfStore]:
    with RdfStore(tmp_path / "kg", create=True) as opened:
        yield opened


def content(store: RdfStore) -> set[str]:
    """All quads, of the notes and of their union."""
    return {str(quad) for graph in (None, *store.graphs()) for quad in store.quads(graph)}


def count(store: RdfStore, pattern: str) -> object:
    return store.query(f"SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}").rows[0][0]


# --- put ----------------------------------------------------------------------------------------------------------
def test_putting_twice_writes_nothing(store: RdfStore) -> None:
    assert store.put([LESION, AGAIN]) == 2
    before = content(store)

    assert store.put([LESION, AGAIN]) == 0
    assert content(store) == before


def test_notes_in_any_order_make_the_same_store(tmp_path: Path) -> None:
    made = []
    for i, order in enumerate(itertools.permutations([LESION, AGAIN, OTHER])):
        with RdfStore(tmp_path / str(i), create=True) as store:
            store.put(order)
            made.append(content(store))

    assert all(one == made[0] for one in made)


def test_fact_of_two_notes_counts_once(store: RdfStore) -> None:
    store.put([LESION, AGAIN])

    assert count(store, "?patient a kg:Patient") == 1
    assert count(store, "?patient kg:hasEntity ?entity . ?entity kg:code 'K76.9'") == 1
    assert count(store, "GRAPH ?note { ?patient kg:hasEntity ?entity . ?entity kg:code 'K76.9' }") == 2


def test_changed_note_replaces_what_it_said(store: RdfStore, tmp_path: Path) -> None:
    store.put([LESION, OTHER])
    changed = graph("No [cough|Sign_symptom !absent].", fingerprint="f2")

    assert store.put([changed]) == 1

    with RdfStore(tmp_path / "fresh", create=True) as fresh:
        fresh.put([changed, OTHER])
        assert content(store) == content(fresh)
    assert store.fingerprint("n1") == "f2"


def test_note_that_moves_to_another_patient_leaves_the_first(store: RdfStore) -> None:
    store.put([LESION])

    store.put([graph("A [lesion|Disease_disorder].", patient="p9", fingerprint="f2")])

    assert [patient.id for patient in store.patients()] == ["p9"]
    assert store.events("p1") == []


def test_only_the_best_code_is_stated_and_alternatives_are_codings(store: RdfStore) -> None:
    store.put([LESION])

    assert store.query("SELECT ?code { ?entity kg:codedAs/skos:notation ?code }").rows == [("K76.9",)]
    assert store.query(
        "SELECT ?rank ?code ?score ?release { ?coding kg:rank ?rank ; kg:codedConcept/skos:notation ?code ; "
        "kg:score ?score ; kg:release ?release } ORDER BY ?rank"
    ).rows == [(1, "K76.9", 0.9, "2026"), (2, "L98.9", 0.3, "2026")]


def test_relation_leads_back_to_note_and_offsets(store: RdfStore) -> None:
    store.put([LESION])

    assert store.query(
        "SELECT ?key ?start ?end { ?site kg:modify ?lesion . "
        "?said rdf:subject ?site ; rdf:object ?lesion ; rdf:predicate kg:modify ; kg:sourceMention ?mention ; "
        "prov:wasDerivedFrom/dcterms:identifier ?key . "
        "?mention oa:hasTarget/oa:hasSelector [ oa:start ?start ; oa:end ?end ] }"
    ).rows == [("n1", 16, 21)]


def test_events_have_owl_time_intervals(store: RdfStore) -> None:
    store.put([OTHER])

    (row,) = store.query(
        "SELECT ?start ?end ?day { ?event kg:start ?start ; kg:end ?end ; "
        "time:hasTime [ a time:Interval ; time:hasBeginning/time:inXSDDate ?day ] }"
    ).rows
    assert [str(day) for day in row] == ["2019-03-14"] * 3


def test_concept_has_its_official_iri_and_its_parent(store: RdfStore) -> None:
    store.put([OTHER])

    base = "http://hl7.org/fhir/sid/icd-10-cm/"
    assert store.query("SELECT ?code ?parent { ?code a skos:Concept ; skos:broader ?parent }").rows == [
        (f"{base}K76.9", f"{base}K76")
    ]


def test_long_log_is_made_into_tables_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgbuild.stores.rdf._LONGEST_LOG", 10_000)
    with RdfStore(tmp_path / "kg", create=True) as store:
        for i in range(8):
            store.put([graph("A [lesion|Disease_disorder].", note=f"n{i}")])
        store.put([graph("No [cough|Sign_symptom !absent].", note="n0", fingerprint="f2")])
        assert len(list((tmp_path / "kg").glob("*.sst"))) > 0
        kept = content(store)
    with RdfStore(tmp_path / "kg") as store:
        assert content(store) == kept
        assert len(store.graphs()) == 8


# --- retract ------------------------------------------------------------------------------------------------------
def test_retract_leaves_what_others_say(store: RdfStore, tmp_path: Path) -> None:
    store.put([LESION, AGAIN, OTHER])

    assert store.retract("n1") is True

    with RdfStore(tmp_path / "never", create=True) as never:
        never.put([AGAIN, OTHER])
        assert content(store) == content(never)


def test_retracting_everything_leaves_nothing(store: RdfStore) -> None:
    store.put([LESION, AGAIN])
    store.retract("n1")
    store.retract("n2")

    assert content(store) == set()
    assert store.patients() == []


@pytest.mark.parametrize("other", ["n10", "n1/0-6", "n1#char=0,6", "N1"])
def test_no_note_says_anything_of_what_is_anothers_own(other: str) -> None:
    same = "A [lesion|Disease_disorder #l] of the [liver|Biological_structure #s]."
    first, second = (graph(same, "MODIFY s l", note=note) for note in ("n1", other))
    for one, not_its in ((first, second), (second, first)):
        own = own_subjects(iri(ids.note(one.note_id)))
        its = {line for line in lines(one) if line.startswith(own)}
        assert {line.split("/")[0] for line in its} >= {
            f"<urn:kgbuild:{kind}" for kind in ("note", "mention", "coding", "statement")
        }
        assert its.isdisjoint(lines(not_its))


def test_retracting_an_unknown_note_does_nothing(store: RdfStore) -> None:
    store.put([LESION])
    before = content(store)

    assert store.retract("n2") is False
    assert content(store) == before


# --- hostile content ----------------------------------------------------------------------------------------------
HOSTILE = [
    'quotes " \' """ and \\ backslash',
    "line\nbreak\r\nand\ttab",
    "} } ; DROP ALL ; INSERT DATA { <a:b> <a:c> 1 }",
    "> <urn:x> . #",
    "'}) DETACH DELETE n //",
    "\\u0060 %zz %2F ../..",
    "emoji 🙂 e\u0301 \u202e \ufffe",
    "=1+1",
    "@en ^^xsd:integer",
    "NUL \0 and \x01 \x7f \x85 \u2028",
    "half \ud800 a \udfff pair, \ufdd0 and \ufdd0d800; itself",
]
Text = st.text(st.characters(codec=None, exclude_categories=[]), min_size=1)
"""Any text that Python holds, NUL and halves of surrogate pairs among it."""


def hostile(text: str, other: str, note: str, patient: str) -> NoteGraph:
    """A note in which everything that may be hostile is."""
    both = text + " " + other
    mentions = (
        Mention(0, len(text), "Sign_symptom", text),
        Mention(len(text) + 1, len(both), "Sign_symptom", other),
    )
    return note_graph(ResolvedNote(Note(note, both, patient, patient, None, text), Document(both, mentions)), "f1")


def named(note: str, patient: str, encounter: str, code: str, above: str) -> NoteGraph:
    """A note with these ids, of something that has this code in two systems."""
    codes = {
        "lesion": [(Concept("local", code, "Lesion", parents=(above,)), 0.9)],
        "pain": [(Concept("snomedct", code, "Pain", parents=(above,)), 0.9)],
    }
    made = resolved("A [lesion|Disease_disorder #l], [pain|Sign_symptom #p].", "CAUSE l p", codes=codes)
    return note_graph(replace(made, note=Note(note, made.note.text, patient, encounter, made.note.date)), "f1")


DOTS = named(".", "..", ".", "..", ".")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_and_ids_come_back_the_same(store: RdfStore, text: str) -> None:
    came_back(store, hostile(text, "x", text, text), text, text, text)


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RdfStore]:
    """A store that is empty again after every example."""
    with RdfStore(tmp_path_factory.mktemp("store") / "kg", create=True) as opened:
        yield opened


@settings(max_examples=40, deadline=None)
@given(text=Text, other=Text, note=Text, patient=Text)
def test_any_text_and_ids_come_back_the_same(
    forgetful: RdfStore, text: str, other: str, note: str, patient: str
) -> None:
    came_back(forgetful, hostile(text, other, note, patient), text, note, patient)


def came_back(store: RdfStore, given: NoteGraph, text: str, note: str, patient: str) -> None:
    """Assert that the store says what it was given, ids composed, also after an update, and forgets it."""
    store.put([replace(given, fingerprint="f0", nodes=with_fingerprint(given, "f0"))])
    store.put([given])

    assert [found.id for found in store.patients()] == [composed(patient)]
    assert store.fingerprint(note) == "f1"
    evidence = [one for event in store.events(patient) for one in event.evidence]
    assert Evidence(composed(note), 0, len(text), text) in evidence
    assert store.retract(note)
    assert content(store) == set()


def with_fingerprint(given: NoteGraph, fingerprint: str) -> tuple[Node, ...]:
    """The nodes of a note of which only the note's own node differs."""
    return tuple(
        replace(node, properties={**node.properties, "fingerprint": fingerprint}) if node.type == "Note" else node
        for node in given.nodes
    )


def test_ten_megabytes_of_text_come_back(store: RdfStore) -> None:
    text = "a\n" * 5_000_000

    store.put([hostile(text, "x", "n1", "p1")])

    assert [len(event.text) for event in timeline(store, "p1")] in ([10_000_000, 1], [1, 10_000_000])


def test_id_that_no_iri_holds_is_refused_by_note_and_leaves_nothing(store: RdfStore) -> None:
    node = Node("Entity", "entity/p1/x> <urn:a> <urn:b> . <urn:c", {"name": "x"})

    with pytest.raises(StoreError, match=r"^note 'n1': not written: an id or code that no IRI can hold$"):
        store.put([AGAIN, replace(LESION, nodes=(*LESION.nodes, node))])

    assert store.fingerprint("n1") is None
    assert store.fingerprint("n2") == "f1"


# --- query --------------------------------------------------------------------------------------------------------
UPDATES = [
    "INSERT DATA { <a:b> <a:c> 1 }",
    "DROP ALL",
    "CLEAR DEFAULT",
    "PREFIX x: <a:> DELETE WHERE { ?s ?p ?o }",
    "LOAD <file:///etc/passwd>",
    "SELECT * { ?s ?p ?o } ; DROP ALL",
]


@pytest.mark.parametrize("statement", UPDATES)
def test_update_is_refused(store: RdfStore, statement: str) -> None:
    store.put([LESION])
    before = content(store)

    with pytest.raises(StoreError, match="is refused: a query only reads"):
        store.query(statement)
    assert content(store) == before


def test_syntax_error_names_line_and_column(store: RdfStore) -> None:
    with pytest.raises(StoreError, match=r"^query: line 2, column 14: expected one of .{100,110}\.\.\.$"):
        store.query("SELECT ?s\nWHERE { ?s ?p")


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """The address of a web server, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 (the name that http.server calls)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"<http://127.0.0.1:{running.server_port}/x>", asked
        running.shutdown()


CALLS = [
    "SELECT * {{ SERVICE {0} {{ ?s ?p ?o }} }}",
    "SELECT * {{ service SILENT {0} {{ ?s ?p ?o }} }}",
    "SELECT * {{ ?s ?p 1SERVICE{0}{{ ?s ?p ?o }} }}",
    "SELECT * {{ ?s ?p 'a'SERVICE{0}{{}} }}",
    "SELECT * {{ ?s ?p ?o FILTER(?o<?s)SERVICE{0}{{}} }}",
    "SELECT * {{ ?s ?p ?o FILTER(?o<?s&&1>0)SERVICE{0}{{}} }}",
    "SELECT * {{ BIND({0} AS ?x) FILTER(?x<?x)SERVICE?x#>\n{{ ?s ?p ?o }} }}",
    "PREFIX x: <http://127.0.0.1/> SELECT * {{ ?s x:c\\' ?o . SERVICE {0} {{ ?s ?p ?o }} ?s x:c\\' ?y }}",
    "PREFIX : {0} SELECT * {{ SERVICE: {{ ?s ?p ?o }} }}",
    'SELECT * {{ ?s ?p "\\"" . SERVICE {0} {{ ?s ?p ?o }} ?s ?q "" }}',
    "SELECT * {{ ?s ?p '''a'b''' . SERVICE {0} {{ ?s ?p ?o }} ?s ?q ''}}",
    "SELECT * {{ ?s ?p ?o # '\n SERVICE {0} {{ ?s ?p ?o }} # '\n }}",
]


@pytest.mark.parametrize("statement", CALLS)
def test_query_never_calls_another_server(store: RdfStore, server: tuple[str, list[str]], statement: str) -> None:
    store.put([LESION])
    address, asked = server

    with pytest.raises(StoreError, match="SERVICE is refused"):
        store.query(statement.format(address))
    assert asked == []


def test_from_and_describe_call_nobody(store: RdfStore, server: tuple[str, list[str]]) -> None:
    address, asked = server

    assert store.query(f"SELECT * FROM {address} {{ ?s ?p ?o }}").rows == []  # noqa: S608 (SPARQL of a test)
    assert store.query(f"DESCRIBE {address}").rows == []
    assert asked == []


HARMLESS = [
    "SELECT ?service { ?service a <http://hl7.org/fhir/ServiceRequest> }",
    "SELECT ?s { ?s rdfs:label 'SERVICE' }",
    'SELECT ?s { ?s rdfs:label """a "service" of""" } # SERVICE',
    "PREFIX x: <a:> SELECT ?s { ?s x:service 'x'@en }",
]


@pytest.mark.parametrize("statement", HARMLESS)
def test_word_service_is_no_call_by_itself(store: RdfStore, statement: str) -> None:
    assert store.query(statement).rows == []


def test_query_answers_with_plain_values(store: RdfStore) -> None:
    statement = "SELECT ?a ?b ?c ?d ?e ?f { VALUES (?a ?b ?c ?d ?e ?f) { (1 1.5 true <a:b> 'x' UNDEF) } }"

    assert store.query(statement) == Table(tuple("abcdef"), [(1, 1.5, True, "a:b", "x", None)])
    assert store.query("ASK { ?s ?p ?o }") == Table(("ask",), [(False,)])
    assert store.query("CONSTRUCT { <a:b> <a:c> 1 } WHERE {}") == Table(
        ("subject", "predicate", "object"), [("a:b", "a:c", 1)]
    )


# --- opening ------------------------------------------------------------------------------------------------------
def test_store_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    open_store(tmp_path / "a" / "kg", create=True).close()

    assert (tmp_path / "a" / "kg").stat().st_mode & 0o777 == 0o700


def test_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"^{tmp_path / 'kg'}: no store here$"):
        open_store(tmp_path / "kg")
    assert not (tmp_path / "kg").exists()


def test_folder_with_something_else_is_no_store_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("x")

    for create in (True, False):
        with pytest.raises(StoreError, match=f"^{tmp_path}: this folder is no store$"):
            open_store(tmp_path, create=create)
    with pytest.raises(StoreError, match=r"note\.txt: expected the folder of a store, found a file$"):
        open_store(tmp_path / "note.txt", create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_broken_store_is_named(tmp_path: Path) -> None:
    open_store(tmp_path / "kg", create=True).close()
    (tmp_path / "kg" / "CURRENT").write_text("MANIFEST-999999\n")

    with pytest.raises(
        StoreError, match=r"kg: damaged: restore a backup, or remove the folder and ingest the notes anew$"
    ):
        open_store(tmp_path / "kg")


def test_other_kinds_of_store_are_named() -> None:
    with pytest.raises(StoreError, match=r"^store: .* expected the name of a folder, neo4j://HOST, bolt://"):
        open_store("ftp://example.org/kg")


def test_second_writer_and_reader_are_told_and_readers_share(tmp_path: Path) -> None:
    path = tmp_path / "kg"
    with open_store(path, create=True) as writer:
        writer.put([LESION])
        for read_only in (False, True):
            with pytest.raises(StoreError, match="kg: in use: one process may write, or several may read"):
                open_store(path, read_only=read_only)
            assert "in use: one process may write" in elsewhere(path, read_only=read_only)

    with open_store(path, read_only=True) as reader:
        assert elsewhere(path, read_only=True) == "f1"
        assert "in use: one process may write" in elsewhere(path, read_only=False)
        assert reader.fingerprint("n1") == "f1"


def elsewhere(path: Path, *, read_only: bool) -> str:
    """What another process says of the first note."""
    code = (
        "import sys; from kgbuild.stores import StoreError, open_store\n"
        f"try: print(open_store({str(path)!r}, read_only={read_only}).fingerprint('n1'))\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def test_reader_writes_nothing(tmp_path: Path) -> None:
    open_store(tmp_path / "kg", create=True).close()

    with open_store(tmp_path / "kg", read_only=True) as store, pytest.raises(StoreError, match="for reading only"):
        store.put([LESION])


def test_closed_store_keeps_what_was_put(tmp_path: Path) -> None:
    with open_store(tmp_path / "kg", create=True) as store:
        store.put([LESION])

    with open_store(tmp_path / "kg") as store:
        assert store.put([LESION]) == 0


def test_query_that_was_given_up_ends_with_its_next_answer(store: RdfStore) -> None:
    store.put([LESION, AGAIN, OTHER])
    before = set(threading.enumerate())
    with pytest.raises(StoreError, match=r"stopped after 0\.2 s"):
        store.query("SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }", seconds=0.2)
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(30)
    assert not any(thread.is_alive() for thread in left)
