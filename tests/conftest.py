"""What tests of several files share."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.neo4j import SKIPPED

if TYPE_CHECKING:
    from tests import sparql_servers
    from tests.neo4j.server import Server

NEO4J = pytest.mark.xdist_group("neo4j")
"""Tests that need the Neo4j server run in one worker, one after the other: there is one server."""


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of a few thousand weights, as a folder."""
    from tests.tiny import tiny_encoder

    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """One thread of torch: sums are then the same in every run, and workers do not wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """A Neo4j server whose database is empty, as ``tests.neo4j.choice`` says."""
    from tests.neo4j.choice import any_server

    with any_server(tmp_path_factory.mktemp("neo4j")) as server:
        yield server


@pytest.fixture
def neo4j_url(neo4j_server: "Server", monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database, whose user and password the environment knows."""
    monkeypatch.setenv("NEO4J_USERNAME", neo4j_server.user)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    neo4j_server.empty()
    return neo4j_server.url


@pytest.fixture(scope="session")
def sparql_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Callable[[str], sparql_servers.Server]]":
    """Returns the server of a kind, which starts once; its data set is as the test before left it.

    A test that stops or kills a server has one of its own: what others wrote must not depend on it.
    """
    from tests.sparql_servers import SERVERS, running

    with ExitStack() as started:
        yield cache(lambda kind: started.enter_context(running(SERVERS[kind], tmp_path_factory.mktemp("server"))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that Neo4j was not tested."""
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if SKIPPED in str(report.longrepr)]
    if skipped:
        terminalreporter.write_sep("!", f"{len(skipped)} TESTS SKIPPED: {SKIPPED}", red=True, bold=True)
        terminalreporter.write_line(str(skipped[0].longrepr[-1]))


def pytest_configure() -> None:
    """Have commands that tests start be ended by signals that this process ignores, as one in the background does.

    A child inherits that a signal is ignored, but not that a function of ours handles it.
    """
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
