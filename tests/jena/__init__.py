"""Apache Jena from Maven Central on Java: riot, a second reader of RDF; Fuseki is in ``tests/sparql_servers.py``."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import maven

FOLDER = Path(__file__).parent
COMMAND = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def require(what: str) -> None:
    """Skip a test that needs Java where it cannot be run; fail it in CI, where it must."""
    if (absent := maven.missing()) is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what}: {absent}; install Java 17 and Maven")


def jars() -> Path:
    """The folder of Jena's jars, fetched if it is not there."""
    return maven.jars(FOLDER, "jena")


def riot(*files: Path) -> "subprocess.CompletedProcess[bytes]":
    """What Jena's reader makes of files, as N-Quads."""
    command = [*COMMAND, "-cp", f"{jars()}/*", "riotcmd.riot", "--strict", "--output=nquads", *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False)
