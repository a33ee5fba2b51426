"""Broken graphs, each caught: before it is written, and by pyshacl, which reads the same shapes."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuild.cli import cli
from kgbuild.graph import Edge, Node, NoteGraph, Scalar, note_graph
from kgbuild.schema import EDGE_TYPES, NODE_TYPES
from kgbuild.stores import StoreError
from kgbuild.stores.checking import violations
from kgbuild.stores.mapping import CLASSES, EDGES, as_triples, lines, term
from kgbuild.stores.rdf import RdfStore
from kgbuild.stores.shapes import shapes
from kgbuild.validate import pyshacl_violations, validate
from ontologies.concept import Concept
from tests.marked import resolved

LIVER = Concept("icd10cm", "K76.9", "Liver disease, unspecified", parents=("K76",))
SKIN = Concept("icd10cm", "L98.9", "Disorder of skin, unspecified")
SECRET = "xylographic"  # noqa: S105 (no password)
"""A word that only the note's text has."""


def whole() -> NoteGraph:
    """A note with every class and property: encounter, relation, temporal relation, value, codes."""
    read = resolved(
        "On [May 3, 2018|Date #d @2018-05-03] a [lesion|Disease_disorder #l] of the [liver|Biological_structure #s], "
        f"[2.1 cm|Distance #v]. [{SECRET} pain|Sign_symptom #p] before [fever|Sign_symptom #f]. "
        "Not [cough|Sign_symptom !absent].",
        "MODIFY s l",
        "MODIFY v l",
        "OVERLAP d l",
        "BEFORE p f",
        codes={"lesion": [(LIVER, 0.9), (SKIN, 0.3)]},
    )
    note = replace(read.note, encounter_id="e1", kind="radiology report")
    return note_graph(replace(read, note=note), "f1")


WHOLE = whole()
LINES = lines(WHOLE)


def test_note_with_every_class_is_as_the_shapes_say() -> None:
    assert {node.type for node in WHOLE.nodes} == set(NODE_TYPES)
    assert violations("n1", LINES) == []
    assert pyshacl_violations("n1", as_triples(LINES)) == []


def test_every_class_that_is_written_has_a_shape() -> None:
    written = {line.split(" ")[2] for line in LINES if " <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> " in line}
    assert written == {shape.target for shape in shapes()}
    assert len(written) == len(CLASSES) + 6


# --- graphs broken as nodes and edges -----------------------------------------------------------------------------
def node(type: str, change: Callable[[Node], Node], *, which: int = 0) -> NoteGraph:
    """The note with one node changed."""
    found = [n for n in WHOLE.nodes if n.type == type][which]
    return replace(WHOLE, nodes=tuple(change(n) if n is found else n for n in WHOLE.nodes))


def with_property(type: str, name: str, value: Scalar, *, which: int = 0) -> NoteGraph:
    return node(type, lambda n: replace(n, properties={**n.properties, name: value}), which=which)


def without_property(type: str, name: str) -> NoteGraph:
    return node(type, lambda n: replace(n, properties={k: v for k, v in n.properties.items() if k != name}))


def without_edges(*types: str) -> NoteGraph:
    return replace(WHOLE, edges=tuple(edge for edge in WHOLE.edges if edge.type not in types))


def with_edge(type: str, source: str, target: str) -> NoteGraph:
    """The note with one more edge between the first nodes of some types."""
    first, second = (next(n.id for n in WHOLE.nodes if n.type == wanted) for wanted in (source, target))
    return replace(WHOLE, edges=(*WHOLE.edges, Edge(type, first, second)))


def with_score(type: str, score: float) -> NoteGraph:
    return replace(
        WHOLE,
        edges=tuple(
            replace(edge, properties={**edge.properties, "score": score}) if edge.type == type else edge
            for edge in WHOLE.edges
        ),
    )


UNCODED = next(i for i, n in enumerate(n for n in WHOLE.nodes if n.type == "Entity") if "code" not in n.properties)
BROKEN: dict[str, tuple[str, NoteGraph]] = {
    "patient without an identifier": ("Patient", without_property("Patient", "key")),
    "patient whose identifier is a number": ("Patient", with_property("Patient", "key", 7)),
    "encounter without an identifier": ("Encounter", without_property("Encounter", "key")),
    "note without a patient": ("Note", without_edges("HAS_NOTE")),
    "note without a fingerprint": ("Note", without_property("Note", "fingerprint")),
    "note whose hash is none": ("Note", with_property("Note", "sha256", "0" * 63 + "g")),
    "note whose date is text": ("Note", with_property("Note", "date", "2019-03-14")),
    "mention that no note mentions": ("Mention", without_edges("MENTIONS")),
    "mention without a label": ("Mention", without_property("Mention", "label")),
    "mention with an unknown assertion": ("Mention", with_property("Mention", "assertion", "perhaps")),
    "mention that is surer than sure": ("Mention", with_property("Mention", "score", 1.5)),
    "mention whose score is no number": ("Mention", with_property("Mention", "score", "high")),
    "mention of nothing": ("Selector", with_property("Mention", "end", WHOLE.nodes[3].properties["start"])),
    "mention before the note": ("Selector", with_property("Mention", "start", -1)),
    "mention that refers to a patient": ("Mention", with_edge("REFERS_TO", "Mention", "Patient")),
    "entity without a name": ("Entity", without_property("Entity", "name")),
    "entity that nothing mentions": ("Entity", without_edges("REFERS_TO")),
    "entity named by a code that it does not have": ("Entity", with_property("Entity", "code", "L98.9")),
    "entity named by a system without a code": ("Entity", with_property("Entity", "system", "icd10cm", which=UNCODED)),
    "code that is surer than sure": ("Coding", with_score("CODED_AS", 2.0)),
    "relation without its mentions": ("Entity", with_edge("CAUSE", "Entity", "Entity")),
    "relation with a negative score": ("RelationStatement", with_score("MODIFY", -0.1)),
    "event of nothing": ("Event", without_edges("OF")),
    "event without evidence": ("Event", without_edges("EVIDENCED_BY")),
    "event of nobody": ("Event", without_edges("HAS_EVENT")),
    "event that ends before it starts": ("Event", with_property("Event", "end", date(1999, 1, 1))),
    "event whose number is text": ("Event", with_property("Event", "number", "two")),
    "event that is evidenced by an entity": ("Event", with_edge("EVIDENCED_BY", "Event", "Entity")),
    "concept without a code": ("Concept", without_property("Concept", "code")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_note_is_refused_by_shape_note_and_node_and_nothing_of_it_is_written(tmp_path: Path, name: str) -> None:
    shape, broken = BROKEN[name]
    with RdfStore(tmp_path / "kg", create=True) as store:
        with pytest.raises(StoreError, match=rf"^note 'n1': not written: .*shape {shape}, \S+") as refused:
            store.put([broken])
        assert store.graphs() == []
        assert list(store.quads()) == []
    assert SECRET not in str(refused.value)
    assert "lesion" not in str(refused.value)


@pytest.mark.parametrize("name", BROKEN)
def test_pyshacl_catches_the_same_broken_note(name: str) -> None:
    shape, broken = BROKEN[name]
    found = pyshacl_violations("n1", as_triples(lines(broken)))
    ours = violations("n1", lines(broken))

    assert shape in {one.shape for one in found}
    assert {(one.shape, one.node) for one in ours} == {(one.shape, one.node) for one in found}
    assert SECRET not in "".join(map(str, [*found, *ours]))


def test_broken_note_leaves_what_the_note_said_before_and_those_before_it_are_written(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([WHOLE])
        before = {str(quad) for quad in store.quads()}
        _, broken = BROKEN["note without a patient"]
        changed = replace(broken, fingerprint="f2")
        other = note_graph(resolved("[Pain|Sign_symptom].", note="n0", patient="p0"), "f1")
        with pytest.raises(StoreError, match=r"^note 'n1': not written: "):
            store.put([other, changed])
        assert [patient.id for patient in store.patients()] == ["p0", "p1"]
        assert before < {str(quad) for quad in store.quads()}


# --- graphs broken as triples -------------------------------------------------------------------------------------
def without(*words: str) -> list[str]:
    """The triples without the first that holds all the words."""
    found = next(line for line in LINES if all(word in line for word in words))
    return [line for line in LINES if line != found]


def changed(*words: str, to: Callable[[str], str]) -> list[str]:
    """The triples with the first that holds all the words changed."""
    found = next(line for line in LINES if all(word in line for word in words))
    return [to(line) if line == found else line for line in LINES]


KG = "<https://w3id.org/kgbuild#"
BROKEN_TRIPLES: dict[str, tuple[str, list[str]]] = {
    "mention without its place": ("Mention", without("oa#hasTarget")),
    "mention without its origin": ("Mention", without("<urn:kgbuild:mention", "prov#wasDerivedFrom")),
    "place without a selector": ("Target", without("oa#hasSelector")),
    "place in no note": ("Target", without("oa#hasSource")),
    "selector without an end": ("Selector", without("oa#end")),
    "node of an unknown class": ("any", [*LINES, f'<urn:kgbuild:x> {KG}label> "x"']),
    "property that a class does not have": ("Patient", [*LINES, f'<urn:kgbuild:patient/p1> {KG}label> "x"']),
    "two identifiers": ("Patient", [*LINES, '<urn:kgbuild:patient/p1> <http://purl.org/dc/terms/identifier> "p2"']),
    "label in a language": ("Mention", changed("mention", f"{KG}label>", to=lambda line: line + "@en")),
    "interval without its event": ("Interval", [line for line in LINES if "time#hasTime" not in line]),
    "first day that is not the interval's": ("Event", without("time#hasBeginning")),
    "day without a date": ("Instant", without("time#inXSDDate")),
    "date that is none": ("Event", changed(f"{KG}end>", to=lambda line: line.replace('"^^', '-33"^^'))),
    "coding without a release": ("Coding", without(f"{KG}release>")),
    "coding of rank 0": ("Coding", changed(f"{KG}rank>", '"1"', to=lambda line: line.replace('"1"', '"0"'))),
    "code without a coding": ("Entity", changed(f"{KG}rank>", '"1"', to=lambda line: line.replace('"1"', '"2"'))),
    "coding of rank 1 that is no code": ("Coding", without(f"{KG}codedAs>")),
    "statement of what is not said": ("RelationStatement", without(f"{KG}modify>", "entity/p1")),
    "statement with one mention": ("RelationStatement", without(f"{KG}targetMention>")),
    "statement of an unknown relation": (
        "RelationStatement",
        changed("rdf-syntax-ns#predicate", to=lambda line: line.replace("kgbuild#", "kgbuild#un")),
    ),
    "concept without a scheme": ("Concept", without("skos/core#inScheme")),
    "parent that is no concept": ("Concept", without("K76>", "rdf-syntax-ns#type")),
    "blank node": ("Encounter", [line.replace("<urn:kgbuild:encounter/p1/e1>", "_:e") for line in LINES]),
}


@pytest.mark.parametrize("name", BROKEN_TRIPLES)
def test_broken_triples_are_caught_here_and_by_pyshacl(name: str) -> None:
    shape, broken = BROKEN_TRIPLES[name]
    assert broken != LINES
    ours = violations("n1", broken)
    assert shape in {one.shape for one in ours}
    assert {one.note for one in ours} == {"n1"}
    found = {one.shape for one in pyshacl_violations("n1", as_triples(broken))}
    assert shape in found or shape == "any", found  # SHACL has no target for a node without a class


def test_at_least_twenty_graphs_are_broken() -> None:
    assert len(BROKEN) >= 20 and len(BROKEN_TRIPLES) >= 20


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=3))
def test_both_agree_whatever_triples_are_missing(missing: set[int]) -> None:
    left = [line for i, line in enumerate(LINES) if i not in missing]
    ours = {(one.shape, one.node) for one in violations("n1", left) if one.shape != "any"}
    assert ours == {(one.shape, one.node) for one in pyshacl_violations("n1", as_triples(left))}


def test_validate_reads_a_store(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([WHOLE])
        assert list(validate(store)) == [("n1", [])]
        with pytest.raises(StoreError, match="no note 'n9'"):
            list(validate(store, ["n9"]))


def test_validate_command_names_what_is_wrong_and_fails(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([WHOLE])
        store._load({"n2": BROKEN_TRIPLES["coding of rank 0"][1]})  # as another program might
    asked = ["validate", "--store", str(tmp_path / "kg")]

    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 1
    assert re.search(r"^note 'n2': shape Coding, coding/[0-9a-f]{32}: rank MinInclusive", done.stdout, re.MULTILINE)
    assert "1 of 2 notes are as the shapes say" in done.stderr
    assert SECRET not in done.output
    assert CliRunner().invoke(cli, [*asked, "n1"]).exit_code == 0


def test_every_edge_type_is_known_to_the_shapes() -> None:
    known = {wanted.path for shape in shapes() for wanted in shape.properties}
    assert {str(term(EDGES[name])) for name in EDGE_TYPES} <= known
