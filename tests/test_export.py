"""What is exported is what was written, in every format, as others read it; without text where that is wanted."""

import csv
import io
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import networkx as nx
import pyoxigraph
import pytest
import rdflib
from click.testing import CliRunner
from hypothesis import given, settings

from kgbuild.cli import cli
from kgbuild.export import FORMATS, RDF_FORMATS, export, export_tables
from kgbuild.export_graphml import write_graphml
from kgbuild.export_tables import columns, restore_statements, text_of
from kgbuild.graph import Edge, Node, NoteGraph, Scalar
from kgbuild.schema import EDGE_TYPES, NODE_TYPES
from kgbuild.stores import StoreError
from kgbuild.stores.escaping import restored
from kgbuild.stores.graphs import note_graph
from kgbuild.stores.mapping import triples
from kgbuild.stores.rdf import RdfStore
from kgbuild.without_text import without_text
from tests import jena
from tests.test_shacl import SECRET, WHOLE
from tests.test_stores import AGAIN, DOTS, HOSTILE, OTHER, Text, hostile

NESTED = hostile('"]]></data>&lt;=\r\n\t\x00\x01\ufffe, "x"', "=HYPERLINK(1)", "n/4 '=", "p4")
STORED = (WHOLE, AGAIN, OTHER, NESTED, DOTS, *(hostile(text, "-1+1", f"h{i}", text) for i, text in enumerate(HOSTILE)))
DATASETS = {"nq", "trig", "jsonld"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RdfStore]:
    with RdfStore(tmp_path_factory.mktemp("store") / "kg", create=True) as opened:
        opened.put(STORED)
        yield opened


def written(store: RdfStore, form: str, *, with_text: bool = True) -> bytes:
    out = io.BytesIO()
    export(store, form, out, with_text=with_text)
    return out.getvalue()


def by_oxigraph(data: bytes, form: str) -> set[pyoxigraph.Quad]:
    return set(pyoxigraph.parse(data, RDF_FORMATS[form]))


def named(store: RdfStore) -> set[pyoxigraph.Quad]:
    return {quad for name in store.graphs() for quad in store.quads(name)}


# --- the way back -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("graph", STORED)
def test_note_graph_comes_back_from_its_triples(graph: NoteGraph) -> None:
    assert note_graph(graph.note_id, triples(graph)) == graph


@settings(max_examples=60, deadline=None)
@given(Text, Text, Text, Text)
def test_any_note_graph_comes_back_from_its_triples(text: str, other: str, note: str, patient: str) -> None:
    graph = hostile(text, other, note, patient)
    assert note_graph(graph.note_id, triples(graph)) == graph


# --- RDF ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", RDF_FORMATS)
def test_oxigraph_reads_what_is_in_the_store(store: RdfStore, form: str) -> None:
    expected = named(store) if form in DATASETS else set(store.quads())
    assert by_oxigraph(written(store, form), form) == expected


def by_rdflib(data: bytes, form: str) -> rdflib.Dataset:
    read = rdflib.Dataset(default_union=True)
    read.parse(data=data.decode(), format={"nq": "nquads", "jsonld": "json-ld"}.get(form, form))
    return read


def test_rdflib_reads_the_same_graph_from_every_format(store: RdfStore) -> None:
    read = {form: by_rdflib(written(store, form), form) for form in RDF_FORMATS}
    union = {form: set(dataset.triples((None, None, None))) for form, dataset in read.items()}
    assert len(union["turtle"]) == len(set(store.quads()))
    assert all(triples == union["turtle"] for triples in union.values())
    graphs = {form: {str(g.identifier): len(g) for g in read[form].graphs() if len(g)} for form in DATASETS}
    assert graphs["nq"] == graphs["trig"] == graphs["jsonld"]
    assert graphs["nq"].keys() == {name.value for name in store.graphs()}


def test_riot_reads_the_same_graph_from_every_format(store: RdfStore, tmp_path: Path) -> None:
    jena.require("Jena does not read the exports")
    files = {form: tmp_path / f"kg.{'ttl' if form == 'turtle' else form}" for form in RDF_FORMATS}
    for form, file in files.items():
        file.write_bytes(written(store, form))
    done = jena.riot(*files.values())
    assert done.returncode == 0, done.stderr
    read = re.split(rb"^.* INFO .*:: File: .*\n", done.stdout, flags=re.MULTILINE)[1:]
    for (form, file), quads in zip(files.items(), read, strict=True):
        assert by_oxigraph(quads, "nq") == by_oxigraph(file.read_bytes(), form), form


def test_same_notes_in_another_order_give_the_same_bytes(store: RdfStore, tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as other:
        other.put(reversed(STORED))
        for form in (*RDF_FORMATS, "graphml"):
            assert written(other, form) == written(store, form), form


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RdfStore]:
    with RdfStore(tmp_path_factory.mktemp("store") / "kg", create=True) as opened:
        yield opened


@settings(max_examples=25, deadline=None)
@given(text=Text, other=Text, note=Text, patient=Text)
def test_any_text_and_ids_come_out_of_every_format(
    forgetful: RdfStore, text: str, other: str, note: str, patient: str
) -> None:
    graph = hostile(text, other, note, patient)
    forgetful.put([graph])
    nodes = {n.id: dict(n.properties) for n in graph.nodes}
    for form in RDF_FORMATS:
        data = written(forgetful, form)
        assert {q.triple for q in by_oxigraph(data, form)} == {q.triple for q in forgetful.quads()}, form
        assert len(set(by_rdflib(data, form).triples((None, None, None)))) == len(triples(graph)), form
    assert {i: properties for i, (_, properties) in by_networkx(written(forgetful, "graphml"))[0].items()} == nodes
    with tempfile.TemporaryDirectory() as folder:
        export_tables(forgetful, Path(folder) / "csv")
        assert {i: properties for i, (_, properties) in from_tables(Path(folder) / "csv")[0].items()} == nodes
    forgetful.retract(note)


# --- GraphML and CSV ----------------------------------------------------------------------------------------------
Nodes = dict[str, tuple[str, dict[str, object]]]
Edges = set[tuple[object, ...]]
_NAMES = {"first_character": "start", "after_last_character": "end"}


def by_networkx(data: bytes) -> tuple[Nodes, Edges]:
    read = nx.read_graphml(io.BytesIO(data))
    nodes = {}
    for name, found in read.nodes(data=True):
        about = {_NAMES.get(k, k): restored(v) if isinstance(v, str) else v for k, v in found.items()}
        nodes[name] = (str(about.pop("type")), dates(str(found["type"]), about))
    edges = {
        (source, target, *sorted((k, restored(v) if isinstance(v, str) else v) for k, v in about.items() if k != "id"))
        for source, target, about in read.edges(data=True)
    }
    return nodes, edges


def dates(type: str, about: dict[str, object]) -> dict[str, object]:
    """Properties with the days as days."""
    days = {("Note", "date"), ("Event", "start"), ("Event", "end")}
    return {k: date.fromisoformat(str(v)) if (type, k) in days else v for k, v in about.items()}


def from_tables(folder: Path) -> tuple[Nodes, Edges]:
    """What the CSV files say, read by Python's csv with what their headers say of types."""
    kinds = {"long": int, "double": float}
    nodes: Nodes = {}
    edges: Edges = set()
    for type in (*NODE_TYPES, *EDGE_TYPES):
        with (folder / f"{type}.csv").open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        for row in rows:
            about: dict[str, object] = {}
            for name, value in zip(header, row, strict=True):
                name, _, kind = name.partition(":")
                if name and name != "id" and value:
                    about[name] = kinds[kind](value) if kind in kinds else value if kind else text_of(value)
            if header[0] == "id:ID":
                assert row[-1] == type
                nodes[row[0]] = (type, dates(type, about))
            else:
                assert header[:2] == [":START_ID", ":END_ID"] and row[-1] == type
                edges.add((row[0], row[1], *sorted({**about, "type": type}.items())))
    return nodes, edges


def expected(graphs: Iterable[NoteGraph]) -> tuple[Nodes, Edges]:
    """The nodes and edges of some notes, each once."""
    nodes: Nodes = {}
    edges: Edges = set()
    for graph in graphs:
        for node in graph.nodes:
            known = nodes.get(node.id, (node.type, {}))[1]
            nodes[node.id] = (node.type, {**node.properties, **known})
        edges |= {(e.source, e.target, *sorted({**e.properties, "type": e.type}.items())) for e in graph.edges}
    return nodes, edges


def test_networkx_opens_graphml_with_every_node_and_edge(store: RdfStore) -> None:
    assert by_networkx(written(store, "graphml")) == expected(STORED)


def test_csv_holds_every_node_and_edge(store: RdfStore, tmp_path: Path) -> None:
    export_tables(store, tmp_path / "csv")
    assert from_tables(tmp_path / "csv") == expected(STORED)


def test_no_cell_begins_like_a_formula(store: RdfStore, tmp_path: Path) -> None:
    export_tables(store, tmp_path / "csv")
    for file in (tmp_path / "csv").glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as lines:
            cells = [cell for row in csv.reader(lines) for cell in row]
        for cell in cells:
            assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n")), file
            assert not cell.startswith("-") or float(cell) < 0
    assert "'=1+1" in (tmp_path / "csv" / "Mention.csv").read_text("utf-8")


def test_csv_is_for_its_owner_alone_and_never_written_over(store: RdfStore, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    export_tables(store, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    with pytest.raises(StoreError, match="is there already"):
        export_tables(store, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["csv"]


def test_csv_without_a_folder_is_wrong_usage(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([WHOLE])
    asked = ["export", "--store", str(tmp_path / "kg"), "--format", "csv"]
    assert CliRunner().invoke(cli, asked).exit_code == 2
    assert CliRunner().invoke(cli, [*asked, "-o", str(tmp_path / "csv"), "--without-text"]).exit_code == 0
    assert SECRET not in (tmp_path / "csv" / "Mention.csv").read_text("utf-8")


def test_folder_that_cannot_be_written_whole_is_absent(tmp_path: Path) -> None:
    def broken() -> Iterator[Node | Edge]:
        yield WHOLE.nodes[0]
        raise RuntimeError

    from kgbuild.export_tables import write_tables

    with pytest.raises(RuntimeError):
        write_tables(broken(), tmp_path / "csv")
    assert list(tmp_path.iterdir()) == []


def test_every_property_of_every_edge_has_a_column() -> None:
    for graph in STORED:
        for edge in graph.edges:
            assert edge.properties.keys() <= set(columns(edge.type))
    assert all(statement.startswith("MATCH ") for statement in restore_statements())


def test_neo4j_imports_the_csv_files(store: RdfStore, tmp_path: Path) -> None:
    """By Neo4j's own import tool, as the script beside the files calls it."""
    from tests.neo4j import server

    jena.require("Neo4j does not import the CSV files")
    export_tables(store, tmp_path / "csv")
    home = tmp_path / "home"
    for name in ("conf", "data", "logs"):
        (home / name).mkdir(parents=True)
    (home / "conf" / "neo4j.conf").write_text("")
    admin = tmp_path / "bin" / "neo4j-admin"
    admin.parent.mkdir()
    admin.write_text(f'#!/bin/sh\nexec java -Xmx512m -cp "{server.LONG_TERM.jars()}/*" org.neo4j.cli.AdminTool "$@"\n')
    admin.chmod(0o700)
    environment = {"PATH": f"{admin.parent}:/usr/bin:/bin", "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    done = subprocess.run(
        ["sh", str(tmp_path / "csv" / "import.sh")], env=environment, capture_output=True, text=True, check=False
    )
    nodes, edges = expected(STORED)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"{len(nodes)} nodes" in done.stdout and f"{len(edges)} relationships" in done.stdout, done.stdout[-2000:]


# --- without text -------------------------------------------------------------------------------------------------
WORDS = (SECRET, "lesion", "fever", "cough", "2.1 cm")


@pytest.mark.parametrize("form", FORMATS)
def test_without_text_no_word_of_the_note_is_written(tmp_path: Path, form: str) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([WHOLE])
        if form == "csv":
            export_tables(store, tmp_path / "csv", with_text=False)
            found = b"".join(file.read_bytes() for file in (tmp_path / "csv").iterdir()).decode()
        else:
            found = written(store, form, with_text=False).decode()
    assert "K76.9" in found and "2019-03-14" in found
    assert [word for word in WORDS if word in found] == []


def test_without_text_all_nodes_and_edges_stay() -> None:
    left = without_text(WHOLE)
    assert [node.type for node in left.nodes] == [node.type for node in WHOLE.nodes]
    assert [edge.type for edge in left.edges] == [edge.type for edge in WHOLE.edges]
    assert {end for edge in left.edges for end in (edge.source, edge.target)} <= {node.id for node in left.nodes}
    assert len({node.id for node in left.nodes}) == len(WHOLE.nodes)
    assert [e for e in left.nodes if e.type == "Event" and e.properties.get("number") == 2.1]


def test_without_text_twice_is_without_text_once() -> None:
    once = without_text(WHOLE)
    assert {n.id for n in without_text(once).nodes if n.type == "Mention"} == {
        n.id for n in once.nodes if n.type == "Mention"
    }
    assert not any("text" in node.properties or "value" in node.properties for node in once.nodes)


def test_streaming_writer_holds_no_graph() -> None:
    def endless() -> Iterator[Node | Edge]:
        for i in range(1000):
            yield Node("Patient", f"patient/{i}", properties(i))

    out = io.BytesIO()
    write_graphml(endless(), out)
    assert len(by_networkx(out.getvalue())[0]) == 1000


def properties(i: int) -> dict[str, Scalar]:
    return {"key": f"p{i}"}
