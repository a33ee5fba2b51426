"""Ids and IRIs: each names one thing, and no reader of IRIs takes a part of one away."""

import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote, urljoin

import pyoxigraph
import pytest
import rdflib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kgbuild import ids
from kgbuild.export import RDF_FORMATS, export
from kgbuild.note import Note, composed
from kgbuild.query import patients_with, timeline
from kgbuild.stores.graphs import note_graph
from kgbuild.stores.mapping import lines, triples
from kgbuild.stores.rdf import RdfStore
from kgbuild.without_text import without_text
from ontologies.segment import segment, text_of
from ontologies.systems import SYSTEMS, concept_iri
from tests.test_stores import named

STEPS = (".", "..")
Dotted = st.text(st.sampled_from("..~%2Ee/#?"), min_size=1, max_size=4)
"""What looks like a step, or like the way one is written."""
Any = Dotted | st.text(st.characters(codec=None, exclude_categories=[]), min_size=1)


def is_step(part: str) -> bool:
    """Tell whether a reader of IRIs may take a segment away: browsers decode it first."""
    return part in STEPS or unquote(part) in STEPS


def iris(lines_: Iterable[str]) -> set[str]:
    """The IRIs of N-Triples, literals and their types aside."""
    return {iri for line in lines_ for iri in re.findall(r"(?<!\^)<([^>]*)>", re.sub(r'"(?:[^"\\]|\\.)*"', "", line))}


@given(text=Any)
@example(".")
@example("~..")
def test_segment_is_no_step_and_comes_back(text: str) -> None:
    one = segment(text)
    assert not is_step(one)
    assert text_of(one) == text
    assert re.fullmatch(r"(?:[\w.~-]|%[0-9A-F]{2})+", one, re.ASCII)


@given(one=Dotted, other=Dotted)
def test_two_texts_are_two_segments(one: str, other: str) -> None:
    assert (segment(one) == segment(other)) == (one == other)


@given(parts=st.lists(Any, min_size=1, max_size=4))
def test_path_comes_back_and_is_left_alone_by_who_resolves_it(parts: list[str]) -> None:
    path = ids.path(*parts)
    assert ids.parts(path) == tuple(parts)
    assert urljoin("http://example.org/a/b/", path) == f"http://example.org/a/b/{path}"


@pytest.mark.parametrize("system", SYSTEMS)
@given(code=Dotted)
def test_no_code_is_a_step_in_the_iri_of_its_system(system: str, code: str) -> None:
    iri = concept_iri(system, code)
    assert not any(map(is_step, iri.split("/")))
    assert urljoin("http://example.org/", iri) == iri


@settings(max_examples=200, deadline=None)
@given(note=Any, patient=Any, encounter=Any, code=Any, above=Any)
@example(".", "..", ".", "..", ".")
def test_no_iri_of_a_note_has_a_step(note: str, patient: str, encounter: str, code: str, above: str) -> None:
    given_note = named(note, patient, encounter, code, above)
    for graph in (given_note, without_text(given_note)):
        parts = {part for iri in iris(lines(graph)) for part in re.split("[/:]", iri.partition("#")[0])}
        assert not any(map(is_step, parts))
        assert note_graph(graph.note_id, triples(graph)) == graph


LIKE_STEPS = (".", "..", "~.", "~..", "%2E", "%2e%2E", "...", "a/../b")


def test_readers_find_the_iris_that_were_written_in_every_format(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put(named(text, text, text, text, f"{text}p") for text in LIKE_STEPS)
        for form in RDF_FORMATS:
            out = io.BytesIO()
            export(store, form, out)
            read = rdflib.Dataset(default_union=True)
            name = {"nq": "nquads", "jsonld": "json-ld"}.get(form, form)
            read.parse(data=out.getvalue().decode(), format=name, publicID="http://example.org/a/b/c")
            found = {node for triple in read.triples((None, None, None)) for node in triple}
            by_rdflib = {str(node) for node in found if isinstance(node, rdflib.URIRef)}
            quads = pyoxigraph.parse(out.getvalue(), RDF_FORMATS[form], base_iri="http://example.org/a/b/c")
            assert iris(str(quad.triple) for quad in quads) == by_rdflib
            assert iris(str(quad.triple) for quad in store.quads()) == by_rdflib


# --- spellings ----------------------------------------------------------------------------------------------------
def apart(text: str) -> str:
    """A name as file systems may write it: letters and accents apart."""
    return unicodedata.normalize("NFD", text)


def test_ids_of_a_note_are_composed_and_its_text_is_not() -> None:
    note = Note(apart("é1"), apart("é"), apart("é2"), apart("é3"))
    assert (note.id, note.patient_id, note.encounter_id, note.text) == ("é1", "é2", "é3", apart("é"))


@pytest.mark.parametrize("spelled", [apart, composed])
def test_note_is_found_by_either_spelling(tmp_path: Path, spelled: Callable[[str], str]) -> None:
    graph = named("é1", "é2", "é3", apart("é4"), "é5")
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([graph])
        assert store.fingerprints([spelled("é1")]) == {spelled("é1"): "f1"}
        assert [one.note_id for one in store.note_graphs([spelled("é1")])] == ["é1"]
        assert patients_with(store, spelled("é4")) == patients_with(store, spelled("local:É5")) == ["é2"]
        assert {e.code for e in timeline(store, spelled("é2"), code=spelled("é5"))} == {apart("é4")}
        assert sorted(store.links(spelled("é2"))) == sorted(store.links("é2")) != []
        assert store.retract(spelled("é1"))
