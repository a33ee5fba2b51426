"""Our vocabulary declares all that is written, and exports are read by others as the same facts."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib import OWL, RDF, RDFS, Dataset, Graph, URIRef
from rdflib.compare import isomorphic

from kgbuild.export import RDF_FORMATS, export
from kgbuild.graph import note_graph
from kgbuild.schema import EDGE_TYPES, NODE_TYPES, VOCABULARY
from kgbuild.stores import StoreError, open_store
from kgbuild.stores.mapping import CLASSES, EDGES, PROPERTIES, triples
from kgbuild.stores.rdf import RdfStore
from tests.marked import resolved
from tests.test_graph import everything_read

ONTOLOGY = Path(__file__).parents[1] / "ontologies" / "kgbuild.ttl"
OTHER = resolved('Says "}" \\ > 🙂 [a "b" \n <c>|Sign_symptom]; [lesion|Disease_disorder]', note="n/2 >", patient="p1")


@pytest.fixture(scope="module")
def vocabulary() -> Graph:
    return Graph().parse(ONTOLOGY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RdfStore]:
    with RdfStore(tmp_path / "kg", create=True) as opened:
        opened.put([note_graph(everything_read(), "f1"), note_graph(OTHER, "f2")])
        yield opened


def declared(vocabulary: Graph) -> set[URIRef]:
    """Return our own terms; those of others that ours are aligned with are theirs to explain."""
    kinds = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty)
    terms = (term for kind in kinds for term in vocabulary.subjects(RDF.type, kind))
    return {term for term in terms if isinstance(term, URIRef) and term.startswith(VOCABULARY)}


# --- the vocabulary -----------------------------------------------------------------------------------------------
def test_every_term_we_write_is_declared(vocabulary: Graph) -> None:
    written = {
        str(term.value)
        for triple in triples(note_graph(everything_read(), "f1"))
        for term in triple
        if str(getattr(term, "value", "")).startswith(VOCABULARY)
    }

    assert written
    assert written <= {str(term) for term in declared(vocabulary)}


def test_every_declared_term_is_written_by_a_note_with_everything(vocabulary: Graph) -> None:
    read = note_graph(everything_read(), "f1")
    written = {str(getattr(term, "value", "")) for triple in triples(read) for term in triple}

    unused = {str(term).removeprefix(VOCABULARY) for term in declared(vocabulary) if str(term) not in written}

    assert unused == {"kind"}  # of a note; the example has none


def test_every_term_has_a_label_and_a_comment(vocabulary: Graph) -> None:
    for term in declared(vocabulary):
        assert len(list(vocabulary.objects(term, RDFS.label))) == 1, term
        assert len(list(vocabulary.objects(term, RDFS.comment))) == 1, term


def test_every_property_has_one_domain_and_range(vocabulary: Graph) -> None:
    properties = declared(vocabulary) - set(vocabulary.subjects(RDF.type, OWL.Class))
    for term in properties:
        assert len(list(vocabulary.objects(term, RDFS.domain))) == 1, term
        assert len(list(vocabulary.objects(term, RDFS.range))) == 1, term


def test_edges_have_the_domain_and_range_of_the_schema(vocabulary: Graph) -> None:
    for name, (source, target) in EDGE_TYPES.items():
        if EDGES[name].startswith("kg:"):
            term = URIRef(VOCABULARY + EDGES[name].removeprefix("kg:"))
            ends = [str(vocabulary.value(term, end)) for end in (RDFS.domain, RDFS.range)]
            assert ends == [expanded(CLASSES[source]), expanded(CLASSES[target])], name


def expanded(curie: str) -> str:
    prefixes = {"kg": VOCABULARY, "skos": "http://www.w3.org/2004/02/skos/core#"}
    prefix, _, name = curie.partition(":")
    return prefixes[prefix] + name


def test_every_node_edge_and_property_of_the_schema_has_a_term() -> None:
    read = note_graph(everything_read(), "f1")

    assert set(CLASSES) == set(NODE_TYPES)
    assert set(EDGES) == set(EDGE_TYPES)
    written = {(node.type, name) for node in read.nodes for name in node.properties}
    assert written - set(PROPERTIES) == {("Mention", "start"), ("Mention", "end")}


# --- export -------------------------------------------------------------------------------------------------------
def exported(store: RdfStore, form: str) -> bytes:
    out = io.BytesIO()
    export(store, form, out)
    return out.getvalue()


def union(store: RdfStore) -> Graph:
    return Graph().parse(data=exported(store, "nt"), format="nt")


@pytest.mark.parametrize("form", RDF_FORMATS)
def test_rdflib_reads_every_format_as_the_same_facts(store: RdfStore, form: str) -> None:
    names = {"nq": "nquads", "jsonld": "json-ld"}
    read = Dataset(default_union=True)
    read.parse(data=exported(store, form), format=names.get(form, form))
    found = Graph()
    for subject, predicate, value, _ in read.quads((None, None, None, None)):
        found.add((subject, predicate, value))

    assert len(found) == len({str(quad.triple) for quad in store.quads()})
    assert isomorphic(found, union(store))


@pytest.mark.parametrize("form", ["nq", "trig", "jsonld"])
def test_named_graphs_keep_which_note_says_what(store: RdfStore, form: str) -> None:
    read = Dataset()
    read.parse(data=exported(store, form), format={"nq": "nquads", "jsonld": "json-ld"}.get(form, form))

    sizes = {str(graph.identifier): len(graph) for graph in read.graphs() if len(graph)}

    assert sizes == {name.value: len(list(store.quads(name))) for name in store.graphs()}
    assert set(sizes) == {"urn:kgbuild:note/n1", "urn:kgbuild:note/n%2F2%20%3E"}


def test_turtle_is_short_and_sorted_and_the_same_every_time(store: RdfStore, tmp_path: Path) -> None:
    turtle = exported(store, "turtle").decode()

    with RdfStore(tmp_path / "other", create=True) as other:
        other.put([note_graph(OTHER, "f2"), note_graph(everything_read(), "f1")])
        assert exported(other, "turtle").decode() == turtle
    assert "@prefix kg: <https://w3id.org/kgbuild#> ." in turtle
    assert "<urn:kgbuild:patient/p1> a kg:Patient ;" in turtle


def test_empty_store_is_an_empty_file_that_parses(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        for form, name in (("turtle", "turtle"), ("jsonld", "json-ld"), ("trig", "trig")):
            read = Dataset()
            read.parse(data=exported(store, form), format=name)
            assert len(read) == 0


def test_unknown_format_is_refused(store: RdfStore) -> None:
    with pytest.raises(
        StoreError, match="export: expected one of turtle, nt, nq, trig, jsonld, graphml, csv; found 'xml'"
    ):
        export(store, "xml", io.BytesIO())


def test_export_needs_an_rdf_store(tmp_path: Path) -> None:
    with open_store(tmp_path / "kg", create=True) as opened:
        export(opened, "nt", io.BytesIO())
