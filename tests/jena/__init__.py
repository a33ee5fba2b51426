"""Apache Jena from Maven Central on Java: riot, a second reader of RDF, and Fuseki, a SPARQL 1.1 server."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import maven

FOLDER = Path(__file__).parent
_START_SECONDS = 120
_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def require(what: str) -> None:
    """Skip a test that needs Jena where it cannot be run; fail it in CI, where it must."""
    if (absent := maven.missing()) is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what}: {absent}; install Java 17 and Maven")


def jars() -> Path:
    """The folder of Jena's jars, fetched if it is not there."""
    return maven.jars(FOLDER, "jena")


def riot(*files: Path) -> "subprocess.CompletedProcess[bytes]":
    """What Jena's reader makes of files, as N-Quads."""
    command = ["java", *_FLAGS, "-cp", f"{jars()}/*", "riotcmd.riot", "--strict", "--output=nquads", *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False)


@dataclass
class Fuseki:
    """A server with one data set in a folder of its own."""

    home: Path
    port: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/kg"

    def start(self) -> None:
        """Start and wait until it answers."""
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        command = ["java", *_FLAGS, "-cp", f"{jars()}/*", "org.apache.jena.fuseki.main.cmds.FusekiMainCmd"]
        command += ["--localhost", f"--port={self.port}", "--update", "--tdb2", f"--loc={self.home / 'data'}", "/kg"]
        with (self.home / "out.txt").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.home)
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Fuseki did not start: {(self.home / 'out.txt').read_text()[-500:]}")
            time.sleep(0.2)

    def stop(self, *, kill: bool = False) -> None:
        """End it, by its own process id; ``kill`` as a crash would."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        return (self.home / "out.txt").read_text()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/query?query=ASK%7B%7D", timeout=2) as answer:  # noqa: S310 (ours)
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
