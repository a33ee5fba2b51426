"""Notes in: what is read is what was written; what cannot be read says so in one line and harms nothing else."""

import csv
import gzip
import io
import json
import os
import socket
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuild.note import Note, NoteError
from kgbuild.reading import read_notes

HIDDEN = "Zyxwv"
"""Stands in texts that must never be quoted."""

EXAMPLES = Path(__file__).parent.parent / "examples"

ugly_text = st.text(
    st.one_of(
        st.sampled_from(list("a \t\r\n\x0b\x0c\x1c\x85\u2028\u00a0\u0301\u200d\u202e\ufeffאع👩\U0001f3fd")),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    min_size=1,
).filter(lambda text: not text.isspace())


def folder(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def notes(reads: Iterable[Note | NoteError]) -> list[Note]:
    return [one for one in reads if isinstance(one, Note)]


def messages(reads: Iterable[Note | NoteError]) -> list[str]:
    return [str(one) for one in reads if isinstance(one, NoteError)]


def from_stdin(*lines: object) -> list[Note | NoteError]:
    data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return list(read_notes("-", io.BytesIO(data)))


# --- where notes come from ----------------------------------------------------------------------------------------
def test_notes_csv_says_whose_and_when(tmp_path: Path) -> None:
    index = "file,note_id,patient_id,encounter_id,date,kind\nx.txt,n1,p1,e1,2019-03-14,radiology report\n"
    source = folder(tmp_path, {"notes.csv": index, "x.txt": "CT scan was done."})

    assert list(read_notes(source)) == [
        Note("n1", "CT scan was done.", "p1", "e1", date(2019, 3, 14), "radiology report")
    ]


def test_every_column_but_file_may_be_missing(tmp_path: Path) -> None:
    source = folder(tmp_path, {"notes.csv": "kind,file\nletter,p1/x.txt\n", "p1/x.txt": "Seen."})

    assert list(read_notes(source)) == [Note("p1/x", "Seen.", "p1", kind="letter")]


def test_without_notes_csv_the_folder_is_the_patient(tmp_path: Path) -> None:
    source = folder(tmp_path, {"p2/b.txt": "B.", "p1/b.txt": "B.", "p1/a.TXT": "A."})

    assert [(note.id, note.patient_id) for note in notes(read_notes(source))] == [
        ("p1/a", "p1"),
        ("p1/b", "p1"),
        ("p2/b", "p2"),
    ]


def test_flat_folder_is_one_patient_a_file(tmp_path: Path) -> None:
    source = folder(tmp_path, {"b.txt": "B.", "a.txt": "A.", "letter.pdf": b"\0", ".hidden.txt": b"\0"})

    assert list(read_notes(source)) == [Note("a", "A.", "a"), Note("b", "B.", "b")]


def test_text_that_notes_csv_does_not_list_is_read_by_the_default_rule(tmp_path: Path) -> None:
    source = folder(tmp_path, {"notes.csv": "file,patient_id\na.txt,p1\n", "a.txt": "A.", "b.txt": "B."})

    assert [note.patient_id for note in notes(read_notes(source))] == ["p1", "b"]


def test_listed_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    source = folder(tmp_path, {"notes.csv": "file\n./sub/note.md\n", "sub/note.md": "A."})

    assert list(read_notes(source)) == [Note("sub/note.md", "A.", "sub")]


def test_single_text_is_its_own_patient(tmp_path: Path) -> None:
    assert list(read_notes(folder(tmp_path, {"x.txt": "A."}) / "x.txt")) == [Note("x", "A.", "x")]


@pytest.mark.parametrize("name", ["x.txt", "p1/x.txt"])
def test_single_text_that_notes_csv_lists_is_the_same_note_as_in_its_folder(tmp_path: Path, name: str) -> None:
    index = f"file,patient_id,date\n{name},p7,2019-03-14\n"
    source = folder(tmp_path, {"notes.csv": index, name: "A.", "other.txt": "B."})

    assert list(read_notes(source / name)) == [one for one in notes(read_notes(source)) if one.patient_id == "p7"]


@pytest.mark.parametrize("name", ["notes.jsonl", "notes.jsonl.gz"])
def test_json_lines_file(tmp_path: Path, name: str) -> None:
    line = json.dumps({"id": "n1", "patient_id": "p1", "date": "2019-03-14T09:30:00Z", "text": "A.\r\n", "sha1": "0"})
    data = f"{line}\r\n\n".encode()
    source = folder(tmp_path, {name: gzip.compress(data) if name.endswith("gz") else data})

    assert list(read_notes(source / name)) == [Note("n1", "A.\r\n", "p1", date=date(2019, 3, 14))]


def test_json_lines_on_standard_input() -> None:
    assert from_stdin({"note_id": 7, "text": "A."}, {"id": "b", "patient_id": 8, "kind": None, "text": "B."}) == [
        Note("7", "A.", "7"),
        Note("b", "B.", "8"),
    ]


def test_a_byte_order_mark_is_no_part_of_text_table_or_stream(tmp_path: Path) -> None:
    bom = b"\xef\xbb\xbf"
    source = folder(tmp_path, {"notes.csv": bom + b"file,patient_id\na.txt,p1\n", "a.txt": bom + b"A."})

    assert list(read_notes(source)) == [Note("a", "A.", "p1")]
    assert from_stdin(bom + b'{"id": "a", "text": "A."}') == [Note("a", "A.", "a")]


def test_ids_are_trimmed_and_composed(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "José")
    source = folder(
        tmp_path, {f"{decomposed}/a.txt": "A.", "notes.csv": "file,patient_id\nb.txt, José \n", "b.txt": "B."}
    )

    assert {note.patient_id for note in notes(read_notes(source))} == {"José"}
    assert {note.id for note in notes(read_notes(source))} == {"José/a", "b"}


def test_texts_are_read_when_asked_for(tmp_path: Path) -> None:
    source = folder(tmp_path, {"a.txt": "A.", "b.txt": "old"})
    reads = read_notes(source)
    next(reads)
    (source / "b.txt").write_text("new")

    assert notes(reads)[0].text == "new"


@pytest.mark.parametrize(("name", "patients"), [("notes", 15), ("compare/notes", 1)])
def test_example_notes_are_all_listed_and_readable(name: str, patients: int) -> None:
    reads = list(read_notes(EXAMPLES / name))
    with (EXAMPLES / name / "notes.csv").open(encoding="utf-8", newline="") as stream:
        listed = {row["note_id"] for row in csv.DictReader(stream)}

    assert messages(reads) == []
    assert {note.id for note in notes(reads)} == listed
    assert len({note.patient_id for note in notes(reads)}) == patients


# --- what is read is what was written -----------------------------------------------------------------------------
@given(text=ugly_text)
def test_text_file_comes_back_code_point_for_code_point(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("ugly") / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert [note.text for note in notes(read_notes(path))] == [text]


@given(text=ugly_text, ascii_only=st.booleans())
def test_json_text_comes_back_code_point_for_code_point(text: str, ascii_only: bool) -> None:
    line = json.dumps({"id": "n", "text": text}, ensure_ascii=ascii_only).encode()

    assert from_stdin(line) == [Note("n", text, "n")]


def test_long_text_without_a_line_end(tmp_path: Path) -> None:
    text = "é" * 100_000

    assert notes(read_notes(folder(tmp_path, {"a.txt": text})))[0].text == text


# --- what cannot be read ------------------------------------------------------------------------------------------
BAD_FILES = {
    "latin-1": (f"{HIDDEN} caf\xe9".encode("latin-1"), "byte 9 is not UTF-8; re-encode it: iconv -f WINDOWS-1252"),
    "latin-1 after a mark": (b"\xef\xbb\xbfcaf\xe9", "byte 6 is not UTF-8"),
    "utf-16": (f"{HIDDEN}".encode("utf-16"), "UTF-16, expected UTF-8; re-encode it: iconv -f UTF-16 -t UTF-8"),
    "utf-16 without a mark": (f"{HIDDEN}".encode("utf-16-le"), "byte 1 is NUL"),
    "binary": (b"%PDF" + HIDDEN.encode() + b"\0\xff", "byte 9 is NUL, expected UTF-8 text, found a binary file"),
    "empty": (b"", "an empty note"),
    "a mark alone": (b"\xef\xbb\xbf", "an empty note"),
    "white space": ("\r\n \t\u00a0\u2028".encode(), "an empty note"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_text_file_is_one_line_that_names_it(tmp_path: Path, case: str) -> None:
    content, expected = BAD_FILES[case]
    source = folder(tmp_path, {"p1/bad.txt": content, "p1/good.txt": "A.", "p0/good.txt": "A."})
    reads = list(read_notes(source))

    assert [note.id for note in notes(reads)] == ["p0/good", "p1/good"]
    assert len(messages(reads)) == 1
    assert messages(reads)[0].startswith(f"{source}/p1/bad.txt: {expected}")
    assert HIDDEN not in messages(reads)[0]
    assert "\n" not in messages(reads)[0]


def test_error_holds_no_text_behind_its_message(tmp_path: Path) -> None:
    (error,) = read_notes(folder(tmp_path, {"bad.txt": BAD_FILES["latin-1"][0]}))

    assert isinstance(error, NoteError)
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)


BAD_ROWS = {
    "bad.txt,,p1,,": "note_id is empty",
    "bad.txt,n1,,,": "patient_id is empty",
    "bad.txt,n1,p1,2019-13-40,": "date is no ISO 8601 date such as 2019-03-14",
    "bad.txt,n1,p1,03/14/2019,": "date is no ISO 8601 date",
    "bad.txt,n1,p1,2019-03,": "date is no ISO 8601 date",
    "bad.txt,n1,p1,2019-03-14/15,": "date is no ISO 8601 date",
    f"bad.txt,n1,p1,{HIDDEN},": "date is no ISO 8601 date",
    "bad.txt,n\x07,p1,,": "note_id holds a control character",
    '"bad.txt",n1,"p\n1",,': "patient_id holds a control character",
    "bad.txt,n1,p1": "expected 5 cells, found 3",
    f"bad.txt,n1,p1,,letter,{HIDDEN}": "expected 5 cells, found 6",
    "bad.txt,good,p1,,": "note id good is already that of",
}


@pytest.mark.parametrize("row", BAD_ROWS)
def test_bad_row_is_one_line_that_names_it_and_its_file_is_not_read_otherwise(tmp_path: Path, row: str) -> None:
    index = f"file,note_id,patient_id,date,kind\na.txt,good,p1,20190314,\n\n{row}\nz.txt,fine,p1,,\n"
    source = folder(tmp_path, {"notes.csv": index, "a.txt": "A.", "bad.txt": HIDDEN, "z.txt": "Z."})
    reads = list(read_notes(source))
    line = 4 + row.count("\n")
    place = f"{source}/bad.txt" if "good" in row else f"{source}/notes.csv:{line}"

    assert [note.id for note in notes(reads)] == ["good", "fine"]
    assert len(messages(reads)) == 1
    assert messages(reads)[0].startswith(f"{place}: {BAD_ROWS[row]}")
    assert HIDDEN not in messages(reads)[0]


def test_row_without_a_file_with_a_missing_one_or_one_outside(tmp_path: Path) -> None:
    index = "file,kind\n,letter\ngone.txt,letter\n../a.txt,letter\n/a.txt,letter\na.txt,letter\n"
    source = folder(tmp_path, {"notes.csv": index, "a.txt": "A."})
    reads = list(read_notes(source))

    assert [note.kind for note in notes(reads)] == ["letter"]
    assert sorted(messages(reads)) == [
        f"{source}/notes.csv:2: no file",
        f"{source}/notes.csv:3: no file {source}/gone.txt",
        f"{source}/notes.csv:4: the file is outside the folder",
        f"{source}/notes.csv:5: the file is outside the folder",
    ]


def test_file_listed_twice_is_not_read_at_all(tmp_path: Path) -> None:
    index = "file,patient_id\na.txt,p1\nb.txt,p1\n./a.txt,p2\n"
    source = folder(tmp_path, {"notes.csv": index, "a.txt": "A.", "b.txt": "B."})
    reads = list(read_notes(source))

    assert [note.id for note in notes(reads)] == ["b"]
    assert messages(reads) == [
        f"{source}/notes.csv:4: a.txt is listed twice, first in {source}/notes.csv:2; which row is right?"
    ]


def test_double_note_id_names_both_places_and_the_first_is_read(tmp_path: Path) -> None:
    source = folder(tmp_path, {"notes.csv": "file,note_id\na.txt,n\nb.txt,n\n", "a.txt": "A.", "b.txt": "B."})
    reads = list(read_notes(source))

    assert [note.text for note in notes(reads)] == ["A."]
    assert messages(reads) == [f"{source}/b.txt: note id n is already that of {source}/a.txt"]


BAD_INDEX = {
    "file,patient\na.txt,p1\n": "notes.csv:1: unknown column 'patient'; known are file, note_id, patient_id,",
    "file,date,date\n": "notes.csv:1: column date appears twice",
    f"a.txt,{HIDDEN}\n": "notes.csv:1: no column file; expected a header of file, note_id",
    f"file;patient_id\na.txt;{HIDDEN}\n": "notes.csv:1: no column file; expected a header of file",
    "": "notes.csv: empty, expected a header with the column file",
    f'file,kind\na.txt,"{HIDDEN}\nb.txt,letter\n': "notes.csv:3: broken CSV",
    f"file\n{HIDDEN}\0\n": "notes.csv: byte 10 is NUL",
}


@pytest.mark.parametrize("index", BAD_INDEX)
def test_notes_csv_that_cannot_be_trusted_stops_before_the_first_note(tmp_path: Path, index: str) -> None:
    source = folder(tmp_path, {"notes.csv": index, "a.txt": "A."})

    with pytest.raises(NoteError) as raised:
        read_notes(source)
    assert str(raised.value).startswith(f"{source}/{BAD_INDEX[index]}")
    assert HIDDEN not in str(raised.value)


def test_notes_csv_in_another_encoding_stops_before_the_first_note(tmp_path: Path) -> None:
    source = folder(tmp_path, {"notes.csv": "file,patient_id\na.txt,José\n".encode("latin-1"), "a.txt": "A."})

    with pytest.raises(NoteError, match=r"notes\.csv: byte 25 is not UTF-8"):
        read_notes(source)


def test_notes_csv_below_the_folder_is_refused_because_patients_would_be_wrong(tmp_path: Path) -> None:
    source = folder(tmp_path, {"set/notes.csv": "file,patient_id\na.txt,p1\n", "set/a.txt": "A."})

    with pytest.raises(NoteError, match=r"set/notes\.csv: read this folder by itself"):
        read_notes(source)


def test_note_too_deep_to_know_its_patient_is_refused(tmp_path: Path) -> None:
    source = folder(tmp_path, {"ward/p1/a.txt": "A.", "p2/b.txt": "B."})
    reads = list(read_notes(source))

    assert [note.patient_id for note in notes(reads)] == ["p2"]
    assert messages(reads) == [
        f"{source}/ward/p1/a.txt: 2 folders deep: which is the patient? Say so in notes.csv, patient_id"
    ]


def test_link_loops_and_broken_links_are_named_and_harm_nothing(tmp_path: Path) -> None:
    source = folder(tmp_path, {"p1/a.txt": "A."})
    (source / "p1" / "loop").symlink_to(source)
    (source / "self.txt").symlink_to("self.txt")
    (source / "gone.txt").symlink_to("nowhere")
    reads = list(read_notes(source))

    assert [note.id for note in notes(reads)] == ["p1/a"]
    assert messages(reads) == [
        f"{source}/gone.txt: no regular file, or a broken link",
        f"{source}/p1/loop: a link to a folder that holds it",
        f"{source}/self.txt: no regular file, or a broken link",
    ]


def test_names_alike_but_for_composition_are_not_read_as_one(tmp_path: Path) -> None:
    twins = [unicodedata.normalize(form, "José.txt") for form in ("NFD", "NFC")]
    reads = list(read_notes(folder(tmp_path, dict.fromkeys(twins, "A."))))

    assert [note.id for note in notes(reads)] == ["José"]
    assert messages(reads) == [f"{tmp_path}/{twins[1]}: another file has this name in another Unicode form"]


def test_pipe_in_the_folder_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")

    assert messages(read_notes(tmp_path)) == [f"{tmp_path}/pipe.txt: no regular file, or a broken link"]


@contextmanager
def as_somebody(folder: Path) -> Iterator[None]:
    """Give a folder to a user who is not root, and be that user: root may read everything."""
    is_root = os.geteuid() == 0
    for path in (folder, *folder.rglob("*")) if is_root else ():
        os.chown(path, 65534, 65534)
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder below which another user may go; those of pytest are root's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100])
def test_file_and_folder_without_permission_are_a_line_each_and_the_rest_is_read(open_path: Path, mode: int) -> None:
    """Without r a folder cannot be listed; with r and without x its names are known, and no more of them."""
    source = folder(open_path, {"a.txt": "A.", "b.txt": "B.", "p1/c.txt": "C.", "p1/d.txt": "D.", "p2/e.txt": "E."})
    (source / "a.txt").chmod(0)
    (source / "p1").chmod(mode)
    with as_somebody(source):
        reads = list(read_notes(source))
    (source / "p1").chmod(0o700)

    assert [note.id for note in notes(reads)] == ["b", "p2/e"]
    assert messages(reads) == [
        f"{source}/a.txt: cannot be read: Permission denied",
        f"{source}/p1: cannot be read: Permission denied",
    ]


@pytest.mark.parametrize("name", ["p1/c.txt", "p1/x.jsonl", "p1/none", "p1/d/e"])
def test_source_in_a_folder_that_cannot_be_entered_is_one_line(open_path: Path, name: str) -> None:
    source = folder(open_path, {"p1/c.txt": "C.", "p1/x.jsonl": "{}"})
    (source / "p1").chmod(0)
    with as_somebody(source), pytest.raises(NoteError, match=rf"/{name}: cannot be read: Permission denied$"):
        list(read_notes(source / name))
    (source / "p1").chmod(0o700)


def test_folder_that_cannot_be_entered_is_one_line(open_path: Path) -> None:
    source = folder(open_path, {"p1/c.txt": "C."}) / "p1"
    source.chmod(0o400)
    with as_somebody(open_path):
        assert messages(read_notes(source)) == [f"{source}: cannot be read: Permission denied"]


def test_notes_csv_without_permission_stops_at_once(open_path: Path) -> None:
    source = folder(open_path, {"a.txt": "A.", "notes.csv": "file\na.txt\n"})
    (source / "notes.csv").chmod(0)
    with as_somebody(source), pytest.raises(NoteError, match=r"/notes\.csv: cannot be read: Permission denied$"):
        read_notes(source)


@pytest.mark.parametrize("name", ["a.txt", "notes.csv", "x.jsonl", "x.jsonl.gz"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "link to a device"])
def test_what_is_no_file_is_named_and_nothing_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket has a hundred characters at most
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(name)
    else:
        Path(name).symlink_to("/dev/zero")
    where = tmp_path if name in ("a.txt", "notes.csv") else tmp_path / name
    try:
        found = messages(read_notes(where))
    except NoteError as error:
        found = [str(error)]
    assert found == [f"{tmp_path}/{name}: no regular file, or a broken link"]


def test_file_that_goes_after_the_folder_was_listed_is_one_line(tmp_path: Path) -> None:
    reads = read_notes(folder(tmp_path, {"a.txt": "A.", "b.txt": "B.", "c.txt": "C."}))
    first = next(reads)
    (tmp_path / "b.txt").unlink()
    rest = list(reads)

    assert [note.id for note in notes([first, *rest])] == ["a", "c"]
    assert messages(rest) == [f"{tmp_path}/b.txt: no such file or folder"]


def test_cell_of_notes_csv_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    source = folder(tmp_path, {"a.txt": "A.", "notes.csv": f"file,kind\na.txt,{'x' * 1_000_000}\n"})
    with pytest.raises(NoteError, match=r"^[^\n]{1,200}/notes\.csv:2: broken CSV") as refused:
        read_notes(source)
    assert "xxx" not in str(refused.value)


def test_folders_a_thousand_deep_are_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1000):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(tmp_path)
    Path("a.txt").write_text("A.")
    try:
        assert [note.id for note in notes(list(read_notes(tmp_path)))] == ["a"]
    finally:
        subprocess.run(["rm", "-rf", "d"], check=True)  # Python's own would go too deep


def test_file_name_that_a_terminal_would_not_show_is_escaped(tmp_path: Path) -> None:
    (message,) = messages(read_notes(folder(tmp_path, {"a\n\x1b[2J.txt": "A."})))

    assert message == f"{tmp_path}/a\\n\\x1b[2J.txt: note_id holds a control character or half a character"


def test_file_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.txt")).write_text("A.")

    assert messages(read_notes(tmp_path)) == [
        f"{tmp_path}/caf\\udce9.txt: note_id holds a control character or half a character"
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gone", "no such file or folder"),
        ("empty", "no notes: it holds no .txt file"),
        ("scan.pdf", "expected a folder, a .txt, .jsonl or .jsonl.gz file, or - for standard input"),
    ],
)
def test_source_that_is_none_stops_at_once(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")

    with pytest.raises(NoteError) as raised:
        read_notes(tmp_path / name)
    assert str(raised.value).startswith(f"{tmp_path}/{name}: {expected}")


BAD_LINES: dict[bytes, str] = {
    b"{": "not valid JSON: character 2",
    b'{"id": "n", "text": "Zyxwv" "Zyxwv"}': "not valid JSON: character 28",
    b"[" * 100_000: "not valid JSON: too deep",
    b'{"id": "n", "text": "Zyxwv", "x": ' + b"9" * 5000 + b"}": "not valid JSON: too deep or too long a value",
    b'["Zyxwv"]': "expected a JSON object",
    b'{"id": "n", "id": "m", "text": "Zyxwv"}': "not valid JSON: a key appears twice",
    b'{"id": "n", "text": "caf\xe9"}': "byte 24 is not UTF-8",
    b'{"text": "Zyxwv"}': "no note id; expected the key id",
    b'{"id": null, "text": "Zyxwv"}': "note_id is empty",
    b'{"id": " ", "text": "Zyxwv"}': "note_id is empty",
    b'{"id": 1.0, "text": "Zyxwv"}': "note_id is no string",
    b'{"id": true, "text": "Zyxwv"}': "note_id is no string",
    b'{"id": "n", "note_id": "m", "text": "Zyxwv"}': "id and note_id differ",
    b'{"id": "n", "patient_id": null, "text": "Zyxwv"}': "patient_id is empty",
    b'{"id": "n", "patient": "Zyxwv", "text": "A."}': "unknown key 'patient'; is it patient_id?",
    b'{"id": "n", "patientId": "Zyxwv", "text": "A."}': "unknown key 'patientId'; is it patient_id?",
    b'{"id": "n", "pateint_id": "Zyxwv", "text": "A."}': "unknown key 'pateint_id'; is it patient_id?",
    b'{"id": "n", "subject_id": "Zyxwv", "text": "A."}': "unknown key 'subject_id'; is it patient_id?",
    b'{"id": "n", "charttime": "Zyxwv", "text": "A."}': "unknown key 'charttime'; is it date?",
    b'{"id": "n"}': "no text; expected the key text",
    b'{"id": "n", "text": ["Zyxwv"]}': "text is no string",
    b'{"id": "n", "text": null}': "text is no string",
    b'{"id": "n", "text": " \\n"}': "an empty note",
    b'{"id": "n", "text": "Zyxwv\\u0000"}': "character 5 of the text is NUL",
    b'{"id": "n", "text": "Zyxwv\\ud83d!"}': "character 5 of the text is half a character",
    b'{"id": "n\\ud83d", "text": "Zyxwv"}': "note_id holds a control character or half a character",
    b'{"id": "n", "date": 20190314, "text": "Zyxwv"}': "date is no ISO 8601 date",
    b'{"id": "n", "date": "14.3.2019", "text": "Zyxwv"}': "date is no ISO 8601 date",
    b'{"id": "first", "text": "Zyxwv"}': "note id first is already that of stdin:1",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=[line[:50].decode("latin-1") for line in BAD_LINES])
def test_bad_json_line_is_one_line_that_names_it(line: bytes) -> None:
    reads = from_stdin({"id": "first", "text": "A."}, line, {"id": "last", "text": "B."})

    assert [note.id for note in notes(reads)] == ["first", "last"]
    assert len(messages(reads)) == 1
    assert messages(reads)[0].startswith(f"stdin:2: {BAD_LINES[line]}")
    assert HIDDEN not in messages(reads)[0]


def test_keys_of_others_are_ignored_where_none_of_ours_is_missing() -> None:
    line = {
        "id": "n",
        "patient_id": "p",
        "patient": "x",
        "mrn": 3,
        "sample_ids": [1],
        "headers": [[0, 2]],
        "text": "A.",
    }

    assert from_stdin(line) == [Note("n", "A.", "p")]


def test_utf16_stream_is_one_message_not_one_a_line() -> None:
    data = "\n".join('{"id": "n", "text": "A."}' for _ in range(5)).encode("utf-16")

    assert messages(read_notes("-", io.BytesIO(data))) == [
        "stdin:1: UTF-16, expected UTF-8; re-encode it: iconv -f UTF-16 -t UTF-8"
    ]


def test_stream_without_notes_says_so() -> None:
    assert messages(read_notes("-", io.BytesIO(b"\n\n"))) == ["stdin: no notes: not one line"]


@pytest.mark.parametrize("cut", [5, -20])
def test_damaged_gzip_gives_what_was_whole_and_names_the_line(tmp_path: Path, cut: int) -> None:
    lines = "".join(json.dumps({"id": str(n), "text": f"{n * 7919} {HIDDEN}"}) + "\n" for n in range(5000))
    source = folder(tmp_path, {"a.jsonl.gz": gzip.compress(lines.encode())[:cut], "b.jsonl.gz": lines}) / "a.jsonl.gz"
    reads = list(read_notes(source))

    assert len(notes(reads)) < 5000
    after = f" after line {len(notes(reads))}" if notes(reads) else ""
    assert messages(reads) == [f"{source}: cannot be read{after}: damaged gzip"]
    assert messages(read_notes(tmp_path / "b.jsonl.gz")) == [f"{tmp_path}/b.jsonl.gz: cannot be read: damaged gzip"]


def test_repr_of_a_note_shows_neither_text_nor_patient() -> None:
    assert HIDDEN not in repr(Note("n", HIDDEN, HIDDEN))
