"""SPARQL 1.1 servers that tests run, each a process of its own on a port of this machine: Fuseki, Oxigraph's, RDF4J."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests import jena, rdf4j

_START_SECONDS = 120
_UNTESTED = "SPARQL endpoints are not tested"

_UNION = """
PREFIX fuseki: <http://jena.apache.org/fuseki#>
PREFIX tdb2: <http://jena.apache.org/2016/tdb#>
[] a fuseki:Service ; fuseki:name "kg" ;
  fuseki:endpoint [ fuseki:operation fuseki:query ; fuseki:name "query" ] ,
    [ fuseki:operation fuseki:update ; fuseki:name "update" ] ,
    [ fuseki:operation fuseki:gsp-rw ; fuseki:name "data" ] ;
  fuseki:dataset [ a tdb2:DatasetTDB2 ; tdb2:location "data" ; tdb2:unionDefaultGraph true ] .
"""


@dataclass
class Server:
    """A server with one data set in a folder of its own.

    Attributes:
        home: The folder.
        port: Where it listens.
        command: Starts it.
        dataset: The path of its data set.
        query: The path below that which answers queries.
    """

    home: Path
    port: int
    command: Sequence[str]
    dataset: str
    query: str = "/query"
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.dataset}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self.home / "out.txt").open("ab") as out:
            self._process = subprocess.Popen(self.command, stdout=out, stderr=out, cwd=self.home)
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.command[0]} did not start: {(self.home / 'out.txt').read_text()[-500:]}")
            time.sleep(0.2)

    def stop(self, *, kill: bool = False) -> None:
        """End it, by its own process id; ``kill`` as a crash would."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self.query}?query=ASK%7B%7D", timeout=2) as answer:  # noqa: S310 (ours)
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def fuseki(home: Path, *, union: bool = False) -> Server:
    """Fuseki with TDB2; ``union``: queries find all named graphs in the default graph."""
    jena.require(_UNTESTED)
    (home / "data").mkdir()
    (home / "union.ttl").write_text(_UNION)
    port = _free_port()
    command = [*jena.COMMAND, "-cp", f"{jena.jars()}/*", "org.apache.jena.fuseki.main.cmds.FusekiMainCmd"]
    data = ("--config=union.ttl",) if union else ("--update", "--tdb2", "--loc=data", "/kg")
    return Server(home, port, [*command, "--localhost", f"--port={port}", *data], "/kg")


def oxigraph(home: Path, *, union: bool = False) -> Server:
    """Oxigraph's own server, from its wheel; ``union``: queries find all graphs in the default graph."""
    port = _free_port()
    command = [os.fspath(Path(sys.executable).with_name("oxigraph")), "serve", "--location", "data"]
    command += ["--bind", f"127.0.0.1:{port}", *(("--union-default-graph",) if union else ())]
    return Server(home, port, command, "")


def rdf4j_server(home: Path, store: str = "native") -> Server:
    """RDF4J's server on Jetty, with one of ``rdf4j.STORES``."""
    jena.require(_UNTESTED)
    port = _free_port()
    return Server(home, port, rdf4j.command(home, port, store), "/rdf4j-server/repositories/kg", query="")


SERVERS: dict[str, Callable[[Path], Server]] = {
    "Fuseki": fuseki,
    "Oxigraph": oxigraph,
    "RDF4J": rdf4j_server,
    "Fuseki whose queries find all named graphs": partial(fuseki, union=True),
}
"""Kinds of servers that tests run."""


@contextmanager
def running(made: Callable[[Path], Server], home: Path) -> Iterator[Server]:
    """A server that has just been started."""
    started = made(home)
    started.start()
    try:
        yield started
    finally:
        started.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
