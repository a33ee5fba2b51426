"""No command asks a network but for the store that was named, or writes where it was not told to; strace sees all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kgbuild.cli import cli
from kgbuild.temporary import MARK
from tests import sparql_servers, tracing
from tests.conftest import NEO4J
from tests.neo4j.server import Server
from tests.test_cli import commands
from tests.tiny import tiny_encoder
from tests.tracing import Traced

_RUN = (sys.executable, "-c", "from kgbuild.cli import main; main()")
ROOT = Path(__file__).parents[1]

NOTES = "".join(
    json.dumps({"id": f"n{i}", "patient_id": f"p{i % 3}", "date": "2020-01-02", "text": "Severe asthma. No fever."})
    + "\n"
    for i in range(60)  # enough for worker processes
)
TABLE = "code\tname\tsynonyms\tparents\n233604007\tPneumonia\tlung infection\t\n"
MARKED = (
    "Severe pain in the chest .",
    "T1\tSeverity 0 6\tSevere\nT2\tFinding 7 11\tpain\nR1\tMODIFY Arg1:T1 Arg2:T2\n",
)

CALLS: dict[str, tuple[str, ...]] = {
    "ingest": ("notes.jsonl", "--jobs", "2"),
    "extract": ("notes.jsonl", "--jobs", "2", "-o", "read.jsonl"),
    "compare": ("notes.jsonl", "--jobs", "1", "-o", "codes.tsv"),
    "resolve": ("severe asthma", "--system", "icd10cm", "--jobs", "1"),
    "patients": ("--code", "J45"),
    "timeline": ("p1", "-o", "timeline.txt"),
    "trend": ("p1", "asthma"),
    "query": ("SELECT ?s { ?s a kg:Note } LIMIT 3",),
    "export": ("--format", "nq", "-o", "kg.nq"),
    "validate": ("n1",),
    "backup": ("-o", "copy"),
    "retract": ("n2",),
    "train joint": ("brat", "marked", "--encoder", "encoder", "--epochs", "1", "--split", "1:1:1", "-o", "model"),
    "evaluate": ("model", "brat", "marked", "--part", "all"),
    "ontology list": (),
    "ontology add": ("snomedct", "table.tsv"),
    "ontology show": ("icd10cm", "J45"),
    "ontology search": ("asthma", "--system", "icd10cm"),
    "ontology remove": ("snomedct",),
}
"""Every command, in an order in which each has what it needs; ``ingest`` builds table and index of ICD-10-CM."""

_NO_FILES = ("/dev/null", "/dev/tty", "/dev/shm/sem.", "/proc/self/task/", "/var/lib/libuuid/clock.txt")  # noqa: S108
"""What holds nothing of ours: devices, semaphores of worker processes, names of threads, and the clock of uuid1."""

_NAMES_FILES_BY_UUID1 = "train joint"
"""The onnx package names temporary files by ``uuid1``, for which libuuid asks the kernel for the machine's own hardware
address, through a socket that reaches nobody."""

pytestmark = pytest.mark.xdist_group("network")  # in one worker, which runs the commands once


def environment(place: Path) -> dict[str, str]:
    """An environment that is a user's: nothing in it keeps a library from asking its vendor."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH") if name in os.environ}
    user = {"HOME": str(place / "user"), "KGBUILD_HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}
    return kept | user | {"PYTHONDONTWRITEBYTECODE": "1", "NEO4J_USERNAME": "neo4j"}


def trace(place: Path, name: str, *arguments: str, **more: str) -> Traced:
    """Run a command of kgbuild in a place under strace; it must succeed."""
    record = place.parent / f"{name.replace(' ', '-')}.strace"
    found = tracing.traced([*_RUN, *name.split(), *arguments], place, environment(place) | more, record)
    assert found.done.returncode == 0, found.done.stderr
    return found


def strangers(found: Traced, place: Path, *named: str) -> list[Path]:
    """Return what was written outside the named files, ``KGBUILD_HOME`` and the folder for temporary files."""
    folders = [place / "home", place / "tmp", place / "kg", *(place / name for name in named)]
    beside = str(place / MARK)  # a file that appears in its place when it is whole
    ours = (*map(str, folders), beside, *_NO_FILES)
    return [file for file in found.written if not os.path.normpath(file).startswith(ours)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with notes, an annotated corpus, a small encoder and a code table; a home of the user that is empty."""
    tracing.require()
    folder = tmp_path_factory.mktemp("network") / "work"
    for name in ("", "user", "tmp", "marked", "encoder"):
        (folder / name).mkdir()
    (folder / "notes.jsonl").write_text(NOTES)
    (folder / "table.tsv").write_text(TABLE)
    tiny_encoder(folder / "encoder")
    for i in range(6):
        (folder / f"marked/{i}.txt").write_text(MARKED[0])
        (folder / f"marked/{i}.ann").write_text(MARKED[1])
    return folder


@pytest.fixture(scope="module")
def traces(place: Path) -> dict[str, Traced]:
    """What each command did."""
    return {name: trace(place, name, *arguments) for name, arguments in CALLS.items()}


def test_every_command_is_traced() -> None:
    assert sorted(CALLS) == sorted(" ".join(path) for path, _ in commands(cli))


@pytest.mark.parametrize("name", CALLS)
def test_command_opens_no_socket_to_a_network(name: str, traces: dict[str, Traced]) -> None:
    assert traces[name].reached == []
    assert len(traces[name].sockets) <= (name == _NAMES_FILES_BY_UUID1)


@pytest.mark.parametrize("name", CALLS)
def test_command_writes_only_what_it_was_told_to_and_its_home(
    name: str, traces: dict[str, Traced], place: Path
) -> None:
    assert strangers(traces[name], place, *CALLS[name]) == []
    assert list((place / "user").iterdir()) == []


@pytest.mark.parametrize("name", ["encodr", "./encodr", "encoder/encodr"])
def test_training_with_a_mistyped_encoder_asks_no_network(name: str, place: Path, tmp_path: Path) -> None:
    call = ("train", "joint", "brat", "marked", "--encoder", name, "--split", "1:1:1", "-o", "none")
    found = tracing.traced([*_RUN, *call], place, environment(place), tmp_path / "strace")
    assert (found.done.returncode, found.reached, found.sockets) == (1, [], [])
    assert f"Error: encoder {name}: no such folder" in found.done.stderr


def test_trace_sees_a_socket_and_a_file_in_the_home_of_the_user(place: Path, tmp_path: Path) -> None:
    code = (
        "import os, socket; socket.socket().connect_ex(('127.0.0.1', 9)); "
        "open(os.path.expanduser('~/../seen'), 'w'); os.mkdir('made')"
    )
    found = tracing.traced([sys.executable, "-c", code], place, environment(place), tmp_path / "strace")
    assert found.done.returncode == 0
    assert (len(found.sockets), found.reached) == (1, [("127.0.0.1", 9)])
    assert strangers(found, place) == [place / "made", place / "user/../seen"]


def test_library_user_who_reads_a_text_asks_no_network(place: Path, tmp_path: Path) -> None:
    code = "from extractors import load; from extractors.runtime import SHIPPED; load(SHIPPED)(['Severe asthma.'])"
    found = tracing.traced([sys.executable, "-c", code], place, environment(place), tmp_path / "strace")
    assert (found.done.returncode, found.sockets, strangers(found, place)) == (0, [], [])


def test_only_the_sparql_server_that_is_named_is_reached(place: Path, tmp_path: Path) -> None:
    server = sparql_servers.oxigraph(tmp_path)
    server.start()
    try:
        store = ("--store", server.url)
        found = [trace(place, "ingest", "notes.jsonl", "--jobs", "1", *store), trace(place, "patients", *store)]
    finally:
        server.stop()
    assert [one.reached for one in found] == [[("127.0.0.1", server.port)]] * 2
    assert [strangers(one, place) for one in found] == [[], []]


@NEO4J
def test_only_the_neo4j_that_is_named_is_reached(place: Path, neo4j_url: str, neo4j_server: Server) -> None:
    store = ("--store", neo4j_url)
    found = [
        trace(place, name, *arguments, *store, NEO4J_PASSWORD=neo4j_server.password)
        for name, arguments in (("ingest", ("notes.jsonl", "--jobs", "1")), ("patients", ()))
    ]
    assert [one.reached for one in found] == [[("127.0.0.1", int(neo4j_url.rpartition(":")[2]))]] * 2
    assert [strangers(one, place) for one in found] == [[], []]


def test_notes_are_read_and_asked_of_where_there_is_no_network(place: Path) -> None:
    """A network namespace of its own has no route to anywhere; not every machine lets its users make one."""
    alone = ["unshare", "--net", *(() if os.getuid() == 0 else ("--map-root-user",))]
    try:
        allowed = subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no network namespace can be made here")
    for arguments in (["ingest", "notes.jsonl", "--store", "alone"], ["timeline", "p1", "--store", "alone"]):
        done = subprocess.run(
            [*alone, *_RUN, *arguments], cwd=place, env=environment(place), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
