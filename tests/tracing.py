"""What a process and all its children ask of the network and write to disk, as the kernel sees it, by strace."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_CALLS = (
    "trace=%network,open,openat,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,"
    "rename,renameat,renameat2"
)
_INTERNET = re.compile(r"socket\((AF_INET6?|AF_PACKET)")
_REACHED = re.compile(
    r"(?:connect|sendto|sendm?msg)\(.*?sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?\"([0-9a-fA-F.:]+)\""
)
_OPENED = re.compile(
    r"open(?:at)?\((?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?\"(?P<name>[^\"]*)\", (?P<flags>[A-Z_|0-9]+)"
)
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_MADE = re.compile(
    r"(?:creat|mkdirat|mkdir|mknodat|mknod|linkat|link|symlinkat|symlink|renameat2|renameat|rename)\((?P<rest>.*)"
)
_PLACE = re.compile(r"(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Traced:
    """What a command did.

    Attributes:
        done: Its exit status and what it printed.
        sockets: Lines of the trace in which a socket to a network was made.
        reached: Host and port of every network address that was used, sorted.
        written: Files and folders that were opened for writing, made, linked or renamed, sorted.
    """

    done: "subprocess.CompletedProcess[str]"
    sockets: list[str]
    reached: list[tuple[str, int]]
    written: list[Path]


def require() -> None:
    """Skip a test where there is no strace; fail it in CI, where there must be."""
    if shutil.which("strace") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("what processes ask of a network: strace not found")


def traced(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], record: Path, text: str | None = None
) -> Traced:
    """Run a command under strace in a folder.

    Args:
        command: What to run.
        folder: Where.
        environment: All of its environment.
        record: The file that strace writes.
        text: Its standard input.
    """
    tracer = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-s",
        "4096",
        "--seccomp-bpf",
        "-e",
        _CALLS,
        "-e",
        "signal=none",
        "-o",
        str(record),
    ]
    done = subprocess.run(
        [*tracer, *command], cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False
    )
    lines = record.read_text(errors="replace").splitlines()
    reached = {(host, int(port)) for line in lines for port, host in _REACHED.findall(line)}
    written = {place for line in lines for place in _places(line, folder)}
    return Traced(done, [line for line in lines if _INTERNET.search(line)], sorted(reached), sorted(written))


def _places(line: str, folder: Path) -> list[Path]:
    """Return the files that a line of a trace says are written, made, linked or renamed."""
    opened = _OPENED.search(line)
    if opened is not None:
        is_written = _WRITES.search(opened["flags"]) is not None
        return [Path(opened["folder"] or folder, opened["name"])] if is_written else []
    made = _MADE.search(line)
    return [] if made is None else [Path(base or folder, name) for base, name in _PLACE.findall(made["rest"])]
