"""The vocabulary is complete, its terms lead to those of others, and a reasoner finds no contradiction in it."""

from pathlib import Path

import owlrl
import pytest
import rdflib
from owlrl.Namespaces import ERRNS
from rdflib import OWL, RDF, RDFS, SKOS, URIRef

from kgbuild.schema import VOCABULARY
from kgbuild.stores.mapping import CLASSES, EDGES, PROPERTIES, lines
from kgbuild.stores.shapes import shapes
from tests.test_shacl import WHOLE

ROOT = Path(__file__).parents[1]
PROV = rdflib.Namespace("http://www.w3.org/ns/prov#")
ALIGNED = (RDFS.subClassOf, RDFS.subPropertyOf, SKOS.closeMatch, SKOS.relatedMatch, RDFS.seeAlso)


@pytest.fixture(scope="module")
def vocabulary() -> rdflib.Graph:
    return rdflib.Graph().parse(ROOT / "ontologies" / "kgbuild.ttl")


def ours(vocabulary: rdflib.Graph, *types: URIRef) -> set[URIRef]:
    found = {term for type in types for term in vocabulary.subjects(RDF.type, type)}
    return {term for term in found if isinstance(term, URIRef) and term.startswith(VOCABULARY)}


def written() -> set[str]:
    """Every term of ours that a note is written with."""
    note = {part.strip("<>") for line in lines(WHOLE) for part in line.split(" ")[1:] if part.startswith("<")}
    tables = {f"{VOCABULARY}{curie[3:]}" for curie in (*CLASSES.values(), *PROPERTIES.values(), *EDGES.values())
              if curie.startswith("kg:")}  # fmt: skip
    return {term for term in note if term.startswith(VOCABULARY)} | tables


def test_every_term_that_is_written_is_declared_and_no_other(vocabulary: rdflib.Graph) -> None:
    declared = ours(vocabulary, OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty)
    assert {str(term) for term in declared} == written()


def test_every_term_has_a_label_and_a_comment(vocabulary: rdflib.Graph) -> None:
    for term in ours(vocabulary, OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty):
        assert len(list(vocabulary.objects(term, RDFS.label))) == 1, term
        assert len(str(vocabulary.value(term, RDFS.comment) or "")) > 10, term


def test_every_property_has_a_domain_and_a_range(vocabulary: rdflib.Graph) -> None:
    for term in ours(vocabulary, OWL.ObjectProperty, OWL.DatatypeProperty):
        assert len(list(vocabulary.objects(term, RDFS.domain))) == 1, term
        assert len(list(vocabulary.objects(term, RDFS.range))) == 1, term


NOT_ALIGNED = {"rank", "score"}  # neither FHIR nor the others has a word for these


def test_every_term_leads_to_one_of_others(vocabulary: rdflib.Graph) -> None:
    for term in ours(vocabulary, OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty):
        found = [other for how in ALIGNED for other in vocabulary.objects(term, how)]
        is_aligned = any(not str(other).startswith(VOCABULARY) for other in found)
        assert is_aligned or term.removeprefix(VOCABULARY) in NOT_ALIGNED, term


def test_domains_and_ranges_are_those_of_the_shapes(vocabulary: rdflib.Graph) -> None:
    """What a shape asks of a property's values is what the vocabulary says of them."""
    for shape in shapes():
        for wanted in shape.properties:
            if wanted.path.startswith(f"<{VOCABULARY}") and wanted.class_ is not None and not wanted.is_inverse:
                range_ = vocabulary.value(URIRef(wanted.path[1:-1]), RDFS.range)
                assert f"<{range_}>" == wanted.class_, wanted.path


def closure(*graphs: rdflib.Graph) -> rdflib.Graph:
    """All that follows under OWL 2 RL."""
    merged = rdflib.Graph()
    for graph in graphs:
        merged += graph
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(merged)
    return merged


def errors(closed: rdflib.Graph) -> list[str]:
    return [str(closed.value(error, ERRNS.error)) for error in closed.subjects(RDF.type, ERRNS.ErrorMessage)]


@pytest.fixture(scope="module")
def note() -> rdflib.Graph:
    return rdflib.Graph().parse(data="".join(f"{line} .\n" for line in lines(WHOLE)), format="nt")


def test_vocabulary_and_a_note_with_every_class_are_consistent(vocabulary: rdflib.Graph, note: rdflib.Graph) -> None:
    closed = closure(vocabulary, note)
    assert errors(closed) == []
    assert list(closed.subjects(RDF.type, OWL.Nothing)) == []
    event = next(note.subjects(RDF.type, URIRef(f"{VOCABULARY}Event")))
    assert (event, RDF.type, PROV.Entity) in closed
    (encounter,) = note.subjects(RDF.type, URIRef(f"{VOCABULARY}Encounter"))
    assert (encounter, RDF.type, PROV.Activity) in closed
    assert (encounter, RDF.type, PROV.Entity) not in closed
    for patient in note.subjects(RDF.type, URIRef(f"{VOCABULARY}Patient")):
        assert (patient, RDF.type, SKOS.Concept) not in closed


def test_reasoner_tells_a_contradiction(vocabulary: rdflib.Graph, note: rdflib.Graph) -> None:
    broken = rdflib.Graph()
    broken.add((URIRef("urn:kgbuild:patient/p1"), RDF.type, URIRef(f"{VOCABULARY}Event")))
    assert errors(closure(vocabulary, note, broken)) != []


def test_reasoner_adds_no_class_of_ours_to_a_node_of_a_note(vocabulary: rdflib.Graph, note: rdflib.Graph) -> None:
    """Domains and ranges say nothing of a node that the note does not say itself."""
    classes = {term for term in ours(vocabulary, OWL.Class)}
    said = {(s, o) for s, o in note.subject_objects(RDF.type)}
    follows = {(s, o) for s, o in closure(vocabulary, note).subject_objects(RDF.type) if o in classes}
    assert {(s, o) for s, o in follows if not isinstance(s, rdflib.Literal)} <= said
