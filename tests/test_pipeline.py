"""The flow from notes to a store, with a dictionary for a model and a table of a few rows."""

import pickle
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from extractors.document import Document, Mention
from extractors.lexicon import LexiconExtractor
from kgbuild.cli_options import reporting
from kgbuild.faults import stop
from kgbuild.note import Note, NoteError
from kgbuild.pipeline import BATCH, Ingested, Setup, fingerprint, ingest, made, resolve_notes, resolved
from kgbuild.query import timeline
from kgbuild.resolve import ResolvedNote
from kgbuild.stores import GraphStore, StoreError, open_store
from ontologies.concept import CodeTable, Concept, TableError
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


# --- notes that cannot be read -------------------------------------------------------------------------------------
SECRET = "Zebulon"  # noqa: S105 (a name)
"""A word of the note that cannot be read."""


class Failing(Counting):
    """Fails on texts that hold a word, and says it."""

    def __init__(self, fail: Callable[[str], list[Document]]) -> None:
        super().__init__()
        self._fail = fail

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        wrong = [text for text in texts if SECRET in text]
        return self._fail(wrong[0]) if len(texts) == 1 and wrong else self._together(texts, wrong)

    def _together(self, texts: Sequence[str], wrong: Sequence[str]) -> list[Document]:
        read = super().__call__(texts)
        return [self._fail(text)[0] if text in wrong else one for text, one in zip(texts, read, strict=True)]


def quoting(error: type[Exception]) -> Callable[[str], list[Document]]:
    def fail(text: str) -> list[Document]:
        raise error(f"cannot read {text}")

    return fail


def of_another_text(text: str) -> list[Document]:
    return [Document(f"{text} and more", (Mention(0, len(text) + 9, "Sign_symptom", f"{text} and more"),))]


def surer_than_sure(text: str) -> list[Document]:
    return [Document(text, (Mention(0, 7, "Sign_symptom", text[:7], score=2.0),))]


def uncoded(text: str) -> list[Document]:
    return [Document(text, (Mention(0, 7, "Sign_symptom", text[:7], score=text),))]  # type: ignore[arg-type]


FAULTS = {
    "KeyError while it was extracted": quoting(KeyError),
    "RecursionError while it was extracted": quoting(RecursionError),
    "OSError while it was extracted": quoting(OSError),
    "ExtractionError while it was extracted": of_another_text,
    "TypeError while it was extracted": quoting(TypeError),
    "ValueError while it was made a graph": uncoded,
    "shape Mention": surer_than_sure,
}


@pytest.mark.parametrize("told", FAULTS)
@pytest.mark.parametrize("place", [0, 2, BATCH])
def test_a_note_that_cannot_be_read_is_one_line_and_the_rest_goes_in(
    store: GraphStore, capsys: pytest.CaptureFixture[str], told: str, place: int
) -> None:
    notes = [note(f"n{i}", "Cough. A lesion.", f"p{i}") for i in range(BATCH + 2)]
    notes[place] = note("bad", f"{SECRET} has a lesion.", "p9")
    lines: list[str] = []
    done = ingest(notes, Setup(Failing(FAULTS[told]), setup().resolvers, "m"), store, reporting(lines, fail_fast=False))
    assert done == Ingested(new=BATCH + 1, failed=1)
    assert store.note_ids() == sorted(one.id for one in notes if one.id != "bad")
    (line,) = lines
    assert line.startswith("note 'bad': ") and told in line and "\n" not in line
    said = capsys.readouterr()
    assert said.err == f"{line}\n" and SECRET not in said.err + said.out


def test_what_is_told_of_a_fault_comes_from_a_worker_without_the_words() -> None:
    notes = [NOTES[0], note("bad", f"{SECRET} coughs.")]
    (good, bad) = pickle.loads(pickle.dumps(resolved(notes, Setup(Failing(quoting(KeyError)), {}, "m"))))  # noqa: S301
    assert good.note == NOTES[0]
    assert isinstance(bad, NoteError) and SECRET not in repr(bad)
    assert (bad.__cause__, bad.__context__, bad.__traceback__) == (None, None, None)


def test_a_note_of_which_no_line_can_be_made_is_left_out_of_the_lines() -> None:
    def make(read: ResolvedNote) -> str:
        return str({"n1": 1, "n3": 3}[read.note.id])

    lines: list[str] = []
    assert list(made(resolve_notes(NOTES, setup()), "made a record", make, lines.append)) == ["1", "3"]
    assert lines == ["note 'n2': cannot be read: KeyError while it was made a record; please report it"]


def test_fail_fast_ends_at_the_first_note_that_cannot_be_read(store: GraphStore) -> None:
    notes = [NOTES[0], note("bad", f"{SECRET} coughs."), *NOTES[1:]]
    with pytest.raises(NoteError, match=r"^note 'bad': cannot be read: KeyError while it was extracted"):
        ingest(notes, Setup(Failing(quoting(KeyError)), {}, "m"), store, stop)
    with pytest.raises(NoteError, match=r"^note 'bad': "):
        list(resolve_notes(notes, Setup(Failing(quoting(KeyError)), {}, "m")))


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device"), TableError("damaged")])
def test_what_is_no_fault_of_a_note_ends_the_whole(store: GraphStore, error: Exception) -> None:
    def fail(text: str) -> list[Document]:
        raise error

    with pytest.raises(type(error)):
        ingest([note("n1", f"{SECRET} coughs.")], Setup(Failing(fail), {}, "m"), store, lambda line: None)


def test_store_that_cannot_be_written_ends_the_whole(tmp_path: Path) -> None:
    open_store(tmp_path / "kg", create=True).close()
    with (
        open_store(tmp_path / "kg", read_only=True) as store,
        pytest.raises(StoreError, match="opened for reading only"),
    ):
        put(NOTES, store)


def test_a_note_that_can_no_longer_be_read_keeps_what_the_store_has(store: GraphStore) -> None:
    put(NOTES, store)
    changed = note("n1", f"{SECRET} coughs.")
    failing = Setup(Failing(quoting(KeyError)), setup().resolvers, "lexicon")
    done = ingest([changed, NOTES[1]], failing, store, lambda line: None)
    assert done == Ingested(unchanged=1, failed=1)
    assert ("lesion", "K76.9") in codes(store, "p1")


# --- code tables ----------------------------------------------------------------------------------------------------
def with_table(*concepts: Concept) -> Setup:
    table = CodeTable("icd10cm", "test", concepts)
    return Setup(Counting(), {"icd10cm": memory_resolver(table, threshold=0.1)}, "lexicon", {"icd10cm": table})


def test_another_table_under_the_same_release_reads_unchanged_notes_anew(store: GraphStore) -> None:
    lesion, cough = Concept("icd10cm", "L98.9", "Lesion"), Concept("icd10cm", "R05", "Cough")
    put(NOTES[1:], store, with_table(lesion, cough))
    assert put(NOTES[1:], store, with_table(lesion, cough)) == Ingested(unchanged=2)
    assert put(NOTES[1:], store, with_table(lesion, replace(cough, code="R05.9"))) == Ingested(changed=2)
    assert codes(store, "p2") == {("Cough", "R05.9")}


@pytest.mark.parametrize(
    "changed",
    [{"code": "R06"}, {"name": "Coughs"}, {"synonyms": ("Tussis",)}, {"parents": ("R",)}, {"assignable": False}],
)
def test_every_field_of_a_table_is_in_its_digest(changed: dict[str, object]) -> None:
    cough = Concept("icd10cm", "R05", "Cough", ("Coughing",))
    other = replace(cough, **changed)  # type: ignore[arg-type]  # each a field with a value of its type
    digests = {CodeTable("icd10cm", "test", [one]).digest for one in (cough, other)}
    assert len(digests) == 2 and "" not in digests
    assert CodeTable("icd10cm", "another", [cough]).digest in digests


def test_what_a_resolver_takes_for_sure_is_in_the_fingerprint() -> None:
    surer = Setup(Counting(), {"icd10cm": memory_resolver(TABLE, threshold=0.9)}, "lexicon")
    assert fingerprint(NOTES[0], surer) != fingerprint(NOTES[0], setup())
