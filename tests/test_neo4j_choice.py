"""Which Neo4j the tests run on: one that runs, one on Java, one in Docker; and what is said where there is none."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Self

import pytest
import testcontainers.community.neo4j as containers

from tests.neo4j import SKIPPED, container
from tests.neo4j.choice import any_server
from tests.neo4j.server import Server

Programs = Callable[..., None]


class Container(AbstractContextManager["Container"]):
    """In place of testcontainers' class: remembers what was asked of it."""

    made: ClassVar[list["Container"]] = []

    def __init__(self, image: str, *, password: str, username: str) -> None:
        self.image, self.password, self.username, self.is_up = image, password, username, False
        self.made.append(self)

    def get_connection_url(self) -> str:
        return "bolt://127.0.0.1:55555"

    def __enter__(self) -> Self:
        self.is_up = True
        return self

    def __exit__(self, *exception: object) -> None:
        self.is_up = False


@pytest.fixture(autouse=True)
def _no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Container, "made", [])
    monkeypatch.setattr(containers, "Neo4jContainer", Container)
    for name in ("NEO4J_URI", "CI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Let this machine have programs of these names, each of which ends with a code, and no others."""

    def only(**codes: int) -> None:
        for name, code in codes.items():
            (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return only


def test_server_of_our_own_where_there_are_java_and_maven(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(java=0, mvn=0, docker=0)
    did: list[str] = []
    monkeypatch.setattr(Server, "start", lambda server: did.append("start"))
    monkeypatch.setattr(Server, "kill", lambda server: did.append("kill"))

    with any_server(tmp_path) as server:
        assert (server.home, did) == (tmp_path, ["start"])
    assert (did, Container.made) == (["start", "kill"], [])


@pytest.mark.parametrize("there", [{}, {"java": 0}, {"mvn": 0}])
def test_container_where_java_or_maven_is_missing(programs: Programs, tmp_path: Path, there: dict[str, int]) -> None:
    programs(docker=0, **there)

    with any_server(tmp_path) as server:
        (made,) = Container.made
        assert (made.image, made.is_up, server.url) == ("neo4j:5.26", True, made.get_connection_url())
        assert (server.user, server.password, server.home) == (made.username, made.password, None)
        assert len(server.password) >= 16
    assert made.is_up is False


@pytest.mark.parametrize("there", [{}, {"docker": 1}, {"java": 0}])
def test_without_any_the_tests_are_skipped_with_a_reason_and_fail_in_ci(
    programs: Programs, tmp_path: Path, there: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(**there)
    reason = rf"^{SKIPPED}: .*mvn not found, and no Docker runs; install Java 17 and Maven"

    with pytest.raises(pytest.skip.Exception, match=reason), any_server(tmp_path):
        pass
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match=reason), any_server(tmp_path):
        pass
    assert Container.made == []


def test_docker_that_does_not_run_is_none(programs: Programs) -> None:
    programs(docker=1)
    assert container.can_run() is False
    programs(docker=0)
    assert container.can_run() is True
