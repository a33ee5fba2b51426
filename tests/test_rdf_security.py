"""What SECURITY.md promises of files, logs and queries, as a user meets it on the command line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgbuild.stores import StoreError
from kgbuild.stores.rdf import RdfStore
from tests.test_shacl import WHOLE
from tests.test_stores import ROOT

pytestmark = pytest.mark.xdist_group("rdf_security")  # in one worker, which makes what they share once

PLANTED = ("Quillfeather", "xylographic", "brambleworth")
"""Words that stand nowhere but in the texts of the notes."""

TEXTS = (
    f"{PLANTED[0]} has a {PLANTED[1]} cyst of the liver, 2.1 cm.",
    f"No {PLANTED[2]} pain. Severe asthma. {PLANTED[1]} cough.",
)
NOTES = [{"id": f"s{i}", "patient_id": "p1", "date": f"2020-0{i}-02", "text": text} for i, text in enumerate(TEXTS, 1)]

_PRELUDE = """
import logging, os, sys
logging.basicConfig(level=logging.DEBUG)
logging.getLogger().setLevel(logging.DEBUG)
sys.addaudithook(lambda event, _: os._exit(97) if event in ("socket.connect", "socket.getaddrinfo") else None)
from kgbuild.cli import main
main()
"""
Done = subprocess.CompletedProcess[str]


def run(folder: Path, *arguments: str, text: str | None = None, fails: bool = False) -> Done:
    """Run kgbuild with every log at DEBUG and Python's own warnings on stderr; it ends at once if it asks a network."""
    environment = os.environ | {"KGBUILD_HOME": str(folder / "home"), "PYTHONWARNINGS": "default"}
    environment.pop("KGBUILD_STORE", None)
    call = [sys.executable, "-c", _PRELUDE, *arguments]
    done = subprocess.run(call, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False)
    assert done.returncode != 97, f"{arguments[0]} asked a network"
    assert (done.returncode != 0) == fails, done.stderr
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the notes have been ingested into ./kg."""
    folder = tmp_path_factory.mktemp("security")
    done = run(folder, "ingest", "-", text="".join(json.dumps(note) + "\n" for note in NOTES))
    assert [word for word in PLANTED if word in done.stdout + done.stderr] == []
    return folder


def test_no_word_of_a_note_is_in_any_log_at_debug(place: Path) -> None:
    """Everything that touches a note is done, right and wrong; only -o files may hold words of it."""
    changed = json.dumps(NOTES[0] | {"text": f"{PLANTED[0]} is well, says {PLANTED[2]}. Mild fever."})
    wrong = json.dumps(NOTES[1] | {"date": f"{PLANTED[0]}"})
    done = [
        run(place, "ingest", "-", "--store", "log", text=json.dumps(NOTES[0])),
        run(place, "ingest", "-", "--store", "log", text=changed),
        run(place, "ingest", "-", "--store", "log", text=f'{{"id": "s3", "text": "{PLANTED[1]}', fails=True),
        run(place, "ingest", "-", "--store", "log", text=wrong, fails=True),
        run(place, "extract", "-", "-o", "extract.jsonl", text=json.dumps(NOTES[1])),
        run(place, "compare", "-", "-o", "compare.txt", text=json.dumps(NOTES[1])),
        *(run(place, "export", "--format", form, "-o", f"kg.{form}") for form in ("turtle", "nq", "graphml", "csv")),
        run(place, "timeline", "p1", "-o", "timeline.txt"),
        run(place, "validate"),
        run(place, "backup", "-o", "copy"),
        run(place, "query", "SELECT * { ?s kg:text ?o }", "-o", "query.txt"),
        run(place, "query", "SELECT ?x WHERE { ?x", fails=True),
        run(place, "query", "DELETE WHERE { ?s ?p ?o }", fails=True),
        run(place, "retract", "s1", "--store", "log"),
        run(place, "retract", "s1", "--store", "log", fails=True),
    ]
    assert (place / "query.txt").read_text().count(PLANTED[1]) > 0
    said = "".join(one.stdout + one.stderr for one in done)
    assert [word for word in PLANTED if word in said] == []


def test_all_that_is_written_is_for_its_owner_alone(place: Path) -> None:
    run(place, "export", "-o", "owner.ttl")
    run(place, "export", "--format", "csv", "-o", "owner")
    run(place, "backup", "-o", "owner-copy")
    for root in ("kg", "owner.ttl", "owner", "owner-copy", "home"):
        found = [place / root, *(place / root).rglob("*")]
        modes = {oct(path.stat().st_mode & 0o777) for path in found if path.is_file()}
        assert modes == {"0o600"}, root
        assert {oct(path.stat().st_mode & 0o777) for path in found if path.is_dir()} <= {"0o700"}, root


def test_asking_a_network_would_be_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="patients asked a network"):
        run(tmp_path, "patients", "--store", "http://127.0.0.1:9/kg", fails=True)


def test_backup_is_read_while_the_store_is_written(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as writer:
        writer.put([WHOLE])
        writer.backup(tmp_path / "copy")
        with RdfStore(tmp_path / "copy", read_only=True) as reader:
            before = {str(quad) for quad in reader.quads()}
            writer.retract("n1")
            assert {str(quad) for quad in reader.quads()} == before
            assert [patient.id for patient in reader.patients()] == ["p1"]
        with pytest.raises(StoreError, match="is there already"):
            writer.backup(tmp_path / "copy")
        assert writer.patients() == []


def test_ingest_without_text_stores_no_word_of_a_note(place: Path) -> None:
    notes = "".join(json.dumps(note) + "\n" for note in NOTES)
    assert "2 new" in run(place, "ingest", "-", "--without-text", "--store", "bare", text=notes).stdout
    assert "nothing written" in run(place, "ingest", "-", "--without-text", "--store", "bare", text=notes).stdout
    run(place, "export", "--format", "nq", "--store", "bare", "-o", "bare.nq")
    found = (place / "bare.nq").read_text()
    assert [word for word in (*PLANTED, "cough", "2.1 cm") if word in found] == []
    assert json.loads(run(place, "timeline", "p1", "--store", "bare", "--format", "json").stdout)["events"]
    assert "2 changed" in run(place, "ingest", "-", "--store", "bare", text=notes).stdout


def test_query_that_takes_too_long_ends_with_one_line(place: Path) -> None:
    endless = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o }"
    begin = time.monotonic()
    done = run(place, "query", endless, "--timeout", "1", fails=True)
    assert done.returncode == 1
    assert "Error: query: stopped after 1 s; ask for less, or allow more time" in done.stderr
    assert time.monotonic() - begin < 60  # with the start of Python on a busy machine


def test_service_calls_another_server_only_when_allowed(tmp_path: Path) -> None:
    with RdfStore(tmp_path / "kg", create=True) as store:
        asked = "SELECT * { SERVICE <http://127.0.0.1:1/x> { ?s ?p ?o } }"
        with pytest.raises(StoreError, match="SERVICE is refused"):
            store.query(asked)
        with pytest.raises(StoreError, match="query: ") as tried:
            store.query(asked, may_call=True)
        assert "refused: it sends" not in str(tried.value)


def test_every_test_that_security_md_names_is_there() -> None:
    named = {
        word.strip("`,.;()")
        for word in (ROOT / "SECURITY.md").read_text().split()
        if word.strip("`,.;()").startswith("tests/test_")
    }
    assert len(named) > 5
    for name in named:
        file, _, test = name.partition("::")
        assert (ROOT / file).exists(), name
        assert not test or f"def {test}(" in (ROOT / file).read_text(), name
