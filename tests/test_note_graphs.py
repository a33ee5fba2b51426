"""What was put comes back the same, note by note, from every store; so exports of all stores are the same bytes."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from kgbuild.cli import cli
from kgbuild.export import FORMATS, export, export_tables
from kgbuild.graph import note_graph
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
