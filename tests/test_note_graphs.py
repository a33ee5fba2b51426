"""What was put comes back the same, note by note, from every store; so exports of all stores are the same bytes."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from kgbuild.cli import cli
from kgbuild.export import FORMATS, export, export_tables
from kgbuild.graph import NoteGraph, note_graph
from kgbuild.query import patients_with, timeline
from kgbuild.stores import GraphStore, StoreError, open_store
from kgbuild.stores.rdf import RdfStore
from kgbuild.validate import validate
from ontologies.concept import Concept
from tests.conftest import NEO4J
from tests.marked import resolved
from tests.test_export import STORED
from tests.test_stores import graph

CATEGORY = Concept("icd10cm", "K76", "Other diseases of liver", parents=("K70-K77",))
ABOVE = note_graph(  # whose code stands above that of other notes, which do not know its name
    resolved("A [lesion|Disease_disorder].", note="n6", patient="p6", codes={"lesion": [(CATEGORY, 0.8)]}), "f1"
)
LONG = graph("[Pain|Sign_symptom].", note="n" * 5_000, patient="p" * 5_000)
ALL = tuple(sorted((*STORED, ABOVE, LONG), key=lambda one: one.note_id))


@pytest.fixture(params=["rdf", pytest.param("neo4j", marks=NEO4J)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    url = tmp_path / "kg" if request.param == "rdf" else request.getfixturevalue("neo4j_url")
    with open_store(url, create=True) as opened:
        yield opened


def test_notes_come_back_as_they_were_put(store: GraphStore) -> None:
    store.put(reversed(ALL))

    assert store.note_ids() == [one.note_id for one in ALL]
    assert list(store.note_graphs(store.note_ids())) == list(ALL)
    assert list(store.note_graphs(["n2", "no such note", "n1"])) == [
        next(one for one in ALL if one.note_id == note) for note in ("n2", "n1")
    ]


def test_notes_that_changed_come_back_as_they_are_now(store: GraphStore) -> None:
    store.put(ALL)
    changed = graph("No [lesion|Disease_disorder !absent].", note="n2", patient="p3", fingerprint="f2")
    store.put([changed])
    store.retract("n3")

    left = [changed if one.note_id == "n2" else one for one in ALL if one.note_id != "n3"]
    assert list(store.note_graphs(store.note_ids())) == left


def test_exports_are_those_of_the_embedded_store(store: GraphStore, tmp_path: Path) -> None:
    store.put(ALL)
    with RdfStore(tmp_path / "other", create=True) as other:
        other.put(reversed(ALL))
        for form in FORMATS:
            if form == "csv":
                made = [tmp_path / "one", tmp_path / "two"]
                for kept, folder in zip((store, other), made, strict=True):
                    export_tables(kept, folder)
                one, two = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in made)
                assert one == two
                continue
            for with_text in (True, False):
                written = [io.BytesIO(), io.BytesIO()]
                for kept, out in zip((store, other), written, strict=True):
                    export(kept, form, out, with_text=with_text)
                assert written[0].getvalue() == written[1].getvalue(), form


def test_every_store_is_validated(store: GraphStore) -> None:
    store.put(ALL[:3])
    assert list(validate(store)) == [(one.note_id, []) for one in ALL[:3]]
    with pytest.raises(StoreError, match="no note 'n9'"):
        list(validate(store, ["n9"]))


@NEO4J
def test_export_and_validate_commands_take_a_neo4j(neo4j_url: str, tmp_path: Path) -> None:
    with open_store(neo4j_url, create=True) as store:
        store.put(ALL[:2])
    with RdfStore(tmp_path / "kg", create=True) as other:
        other.put(ALL[:2])
    run = CliRunner()
    theirs, ours = (
        run.invoke(cli, ["export", "--store", str(url), "--format", "turtle"]) for url in (neo4j_url, tmp_path / "kg")
    )
    assert (theirs.exit_code, theirs.stdout) == (0, ours.stdout)
    done = run.invoke(cli, ["validate", "--store", neo4j_url])
    assert done.exit_code == 0
    assert "2 of 2 notes are as the shapes say" in done.stderr


# --- notes coded with different tables ----------------------------------------------------------------------------
def coded(note: str, name: str, *parents: str, patient: str = "p1", fingerprint: str = "f1") -> NoteGraph:
    concept = Concept("icd10cm", "K76.9", name, parents=parents)
    read = resolved("A [lesion|Disease_disorder].", note=note, patient=patient, codes={"lesion": [(concept, 0.9)]})
    return note_graph(read, fingerprint)


TABLES = (
    coded("t1", "Old name", "K76"),
    coded("t2", "New name", "K75"),
    coded("t3", "New name", "K75", "K76", patient="p2"),
    coded("t4", "Middle name", patient="p2"),
)


def told(store: GraphStore) -> object:
    """All that a store says of codes, names and what has them."""
    return (
        sorted((event.id, event.name, sorted(event.codes)) for p in ("p1", "p2") for event in timeline(store, p)),
        {code: patients_with(store, code) for code in ("K75", "K76", "K76.9")},
        store.concepts(),
        [sorted(store.links(patient)) for patient in ("p1", "p2")],
    )


@pytest.mark.parametrize("left", [(0, 1), (1, 0), (1,), (0,), (3, 0, 2), (1, 3), (2,), (3,), ()])
def test_what_an_older_table_said_goes_with_the_last_note_that_says_it(
    store: GraphStore, tmp_path: Path, left: tuple[int, ...]
) -> None:
    kept = [TABLES[i] for i in left]
    gone = [note for note in TABLES if note not in kept]
    with RdfStore(tmp_path / "other", create=True) as other:
        other.put(kept)
        store.put([*kept[:1], *gone, *kept[1:]])
        store.put([coded(note.note_id, "Another name", "K74", patient="p2", fingerprint="f2") for note in gone])
        for note in gone:
            store.retract(note.note_id)
        assert told(store) == told(other)
        assert list(store.note_graphs(store.note_ids())) == sorted(kept, key=lambda note: note.note_id)


def test_note_that_is_coded_anew_replaces_what_it_said_of_codes(store: GraphStore, tmp_path: Path) -> None:
    store.put(TABLES[:2])
    anew = coded("t1", "Newest name", "K70", fingerprint="f2")
    store.put([anew])
    with RdfStore(tmp_path / "other", create=True) as other:
        other.put([TABLES[1], anew])
        assert told(store) == told(other)
