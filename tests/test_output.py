"""What is printed: whatever ids and texts hold, it neither stops the printing nor steers a terminal."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from kgbuild.output import as_json_lines, as_table, opened
from kgbuild.stores.rdf import RdfStore
from tests.test_stores import ROOT, hostile

HALF = "half \udcff a \ud800 pair"
ESCAPES = "red \x1b[31m bell \x07 csi \x9b2J nul \0 del \x7f turned \u202e round \u2066 iso\nnext"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("output") / "kg"
    with RdfStore(path, create=True) as opened_store:
        opened_store.put([hostile(HALF, "x", "n\ud800", "p\udcff"), hostile(ESCAPES, "x", "n2", "p\x1b[2J")])
    return path


def run(store: Path, *arguments: str) -> str:
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", *arguments, "--store", str(store)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("asked", [("patients",), ("timeline", "p\udcff"), ("query", "SELECT * { ?s ?p ?o }")])
def test_half_a_surrogate_pair_is_printed_as_its_number(store: Path, asked: tuple[str, ...], form: str) -> None:
    printed = run(store, *asked, "--format", form)
    assert ("p\\udcff" if asked[0] == "patients" else "half \\udcff a \\ud800 pair") in printed
    if form == "json":
        found = json.loads(printed)
        texts = found["events"] if asked[0] == "timeline" else found
        assert any(value in (HALF, "p\udcff") for one in texts for value in one.values())


@pytest.mark.parametrize("asked", [("patients",), ("timeline", "p\x1b[2J"), ("query", "SELECT * { ?s ?p ?o }")])
def test_no_escape_sequence_of_a_note_reaches_a_terminal(store: Path, asked: tuple[str, ...]) -> None:
    printed = run(store, *asked)
    assert "p\ufffd[2J" in printed or "red \ufffd[31m bell \ufffd" in printed
    assert [c for c in printed.replace("\n", "") if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066"] == []


def test_only_tables_are_altered() -> None:
    rows = [{"text": ESCAPES}]
    assert json.loads(as_json_lines(rows, ("text",))) == rows[0]
    assert as_table(rows, ["text"]).splitlines()[1].startswith("red \ufffd[31m bell \ufffd csi \ufffd2J nul \ufffd")
    assert as_table([], ["a\x1bb"]) == "a\ufffdb"


def test_extracted_note_with_half_a_surrogate_pair_is_a_json_line(tmp_path: Path) -> None:
    note = {"id": "n1", "patient_id": "p1", "text": "Severe asthma \ud800."}
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", "extract", "-"]
    done = subprocess.run(call, cwd=tmp_path, input=json.dumps(note).encode(), capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1 or json.loads(done.stdout)["note"]["text"] == note["text"]


def test_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    """A file may not grow beyond a limit here, which is as a full disk: the write fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as full, opened(tmp_path / "kg.ttl") as out:
            out.write(b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert full.value.filename == str(tmp_path / "kg.ttl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["turtle", "graphml", "csv"])
def test_export_to_a_full_disk_names_the_file(store: Path, tmp_path: Path, form: str) -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        f"import sys; sys.argv[1:] = ['export', '--store', {str(store)!r}, '--format', {form!r}, '-o', 'out.kg']; "
        "from kgbuild.cli import main; main()"
    )
    call = [sys.executable, "-B", "-c", code]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: out.kg: File too large\n")
    assert list(tmp_path.iterdir()) == []
