"""Neo4j in Docker, for machines without Java or Maven."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.neo4j.server import Server

IMAGE = "neo4j:5.26"


def can_run() -> bool:
    """Tell whether Docker runs here: to have its program is not enough."""
    return shutil.which("docker") is not None and not subprocess.run(["docker", "info"], capture_output=True).returncode


@contextmanager
def started() -> Iterator[Server]:
    """A server in a container, with a password of its own, until the block is left."""
    from testcontainers.community.neo4j import Neo4jContainer

    password = secrets.token_urlsafe(16)
    with Neo4jContainer(IMAGE, password=password, username="neo4j") as container:
        yield Server(container.get_connection_url(), password)
