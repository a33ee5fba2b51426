"""Which Neo4j the tests run on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests import maven
from tests.neo4j import SKIPPED, container
from tests.neo4j.server import LONG_TERM, Release, Server, new_server, running_server, with_certificate


@contextmanager
def any_server(home: Path) -> Iterator[Server]:
    """That of ``NEO4J_URI``, whose database must be empty; else one of our own on Java; else one in Docker."""
    running = running_server()
    if running is not None:
        with running.driver() as driver:
            if driver.execute_query("MATCH (n) RETURN n LIMIT 1").records:
                pytest.fail("the database of NEO4J_URI is not empty: tests would delete what is there")
        yield running
        running.empty()
    elif maven.missing() is None:
        with own_server(home, LONG_TERM) as server:
            yield server
    elif container.can_run():
        with container.started() as server:
            yield server
    else:
        refuse(
            f"{maven.missing()}, and no Docker runs; install Java 17 and Maven, or set NEO4J_URI to an empty database"
        )


@contextmanager
def own_server(home: Path, release: Release, settings: str = "") -> Iterator[Server]:
    """A server of a release, which takes encrypted connections as ``localhost`` beside plain ones."""
    server = new_server(home, release, settings=with_certificate(home / "certificates", "localhost") + settings)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def refuse(reason: str) -> NoReturn:
    """Skip a test that wants a server, or fail it in CI, where it must run."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{SKIPPED}: {reason}")
