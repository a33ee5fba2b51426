"""The flow from notes to a store, with a dictionary for a model and a table of a few rows."""

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

import pytest

from extractors.document import Document
from extractors.lexicon import LexiconExtractor
from kgbuild.note import Note, NoteError
from kgbuild.pipeline import BATCH, Ingested, Setup, fingerprint, ingest, resolve_notes
from kgbuild.query import timeline
from kgbuild.stores import GraphStore, open_store
from ontologies.concept import CodeTable, Concept
from resolvers.index import memory_resolver

TABLE = CodeTable(
    "icd10cm",
    "test",
    [
        Concept("icd10cm", "K76.9", "Liver disease, unspecified", ("Liver lesion",)),
        Concept("icd10cm", "L98.9", "Disorder of skin, unspecified", ("Lesion",)),
        Concept("icd10cm", "R05", "Cough"),
    ],
)
TERMS = {"lesion": "Sign_symptom", "cough": "Sign_symptom", "liver": "Biological_structure"}


class Counting:
    """An extractor that remembers how many texts it was given."""

    def __init__(self) -> None:
        self.read = 0
        self._inner = LexiconExtractor(TERMS, modifiers=["Biological_structure"], targets=["Sign_symptom"])

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        self.read += len(texts)
        return self._inner(texts)


def setup(model: str = "lexicon") -> Setup:
    return Setup(Counting(), {"icd10cm": memory_resolver(TABLE, threshold=0.1)}, model)


def note(key: str, text: str, patient: str = "p1") -> Note:
    return Note(key, text, patient, date=date(2020, 5, 4))


NOTES = [note("n1", "A lesion of the liver."), note("n2", "Cough. A lesion."), note("n3", "Cough.", "p2")]


@pytest.fixture
def store(tmp_path: Path) -> GraphStore:
    return open_store(tmp_path / "kg", create=True)


def put(notes: Sequence[Note | NoteError], store: GraphStore, with_: Setup | None = None) -> Ingested:
    return ingest(notes, with_ or setup(), store, lambda line: None)


def codes(store: GraphStore, patient: str) -> set[tuple[str, str | None]]:
    return {(event.text, event.code) for event in timeline(store, patient)}


def test_relations_decide_the_code(store: GraphStore) -> None:
    put(NOTES, store)
    assert codes(store, "p1") == {("lesion", "K76.9"), ("lesion", "L98.9"), ("Cough", "R05")}


def test_the_same_notes_again_are_neither_read_nor_written(store: GraphStore) -> None:
    assert put(NOTES, store) == Ingested(new=3)
    again = setup()
    assert ingest(NOTES, again, store, lambda line: None) == Ingested(unchanged=3)
    assert isinstance(again.extractor, Counting) and again.extractor.read == 0


def test_a_changed_note_replaces_what_it_brought(store: GraphStore) -> None:
    put(NOTES, store)
    assert put([note("n1", "Cough."), *NOTES[1:]], store) == Ingested(changed=1, unchanged=2)
    assert codes(store, "p1") == {("lesion", "L98.9"), ("Cough", "R05")}


@pytest.mark.parametrize(
    "changed",
    [
        Note("n1", "A.", "p9"),
        Note("n1", "A.", "p1", "e1"),
        Note("n1", "A.", "p1", None, date(2020, 1, 1)),
        Note("n1", "B.", "p1"),
    ],
)
def test_every_field_of_a_note_is_in_its_fingerprint(changed: Note) -> None:
    assert fingerprint(changed, setup()) != fingerprint(Note("n1", "A.", "p1"), setup())


def test_another_model_reads_unchanged_notes_anew(store: GraphStore) -> None:
    put(NOTES, store)
    assert put(NOTES, store, setup("better")) == Ingested(changed=3)


def test_what_cannot_be_read_is_told_and_the_rest_goes_in(store: GraphStore) -> None:
    told: list[str] = []
    done = ingest([NOTES[0], NoteError("a.txt: not UTF-8"), NOTES[2]], setup(), store, told.append)
    assert (done, told) == (Ingested(new=2, failed=1), ["a.txt: not UTF-8"])


def test_more_notes_than_a_batch_come_out_in_order_and_as_if_alone() -> None:
    notes = [note(f"n{i}", "Cough. A lesion of the liver. " * (i % 3 + 1)) for i in range(2 * BATCH + 1)]
    together = list(resolve_notes(notes, setup()))
    alone = [resolved for one in notes for resolved in resolve_notes([one], setup())]
    assert together == alone
    assert [resolved.note for resolved in together] == notes


def test_a_folder_that_hardly_changed_is_looked_up_and_read_in_batches(
    store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [note(f"n{i}", "Cough.", f"p{i}") for i in range(4 * BATCH)]
    put(notes, store)
    asked: list[int] = []
    fingerprints = type(store).fingerprints

    def counted(self: GraphStore, note_ids: Collection[str]) -> dict[str, str]:
        asked.append(len(note_ids))
        return fingerprints(self, note_ids)

    monkeypatch.setattr(type(store), "fingerprints", counted)
    monkeypatch.setattr(type(store), "put", lambda self, graphs: None)
    of_batch: list[int] = []

    class Seeing(Counting):
        def __call__(self, texts: Sequence[str]) -> list[Document]:
            of_batch.append(len(texts))
            return super().__call__(texts)

    mixed = [note(one.id, "No cough.", one.patient_id) if i % 4 == 0 else one for i, one in enumerate(notes)]
    done = put(mixed, store, Setup(Seeing(), setup().resolvers, "lexicon"))
    assert done == Ingested(changed=BATCH, unchanged=3 * BATCH)
    assert (asked, of_batch) == ([4 * BATCH], [BATCH])


def test_an_interrupted_ingest_is_resumed(store: GraphStore) -> None:
    class Broken(Counting):
        def __call__(self, texts: Sequence[str]) -> list[Document]:
            if self.read >= BATCH:
                raise KeyboardInterrupt
            return super().__call__(texts)

    notes = [note(f"n{i}", "Cough.", f"p{i}") for i in range(BATCH + 3)]
    with pytest.raises(KeyboardInterrupt):
        put(notes, store, Setup(Broken(), setup().resolvers, "lexicon"))
    assert put(notes, store) == Ingested(new=3, unchanged=BATCH)
