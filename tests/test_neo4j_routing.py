"""A Neo4j that is not known by its certificate sends nobody to another address."""

from collections.abc import Iterator

import pytest

pytest.importorskip("neo4j")

from kgbuild.stores import StoreError, open_store
from tests.bolt_server import BoltServer


@pytest.fixture
def other() -> Iterator[BoltServer]:
    """A server that nobody named."""
    server = BoltServer("127.0.0.1")
    yield server
    server.close()


@pytest.fixture
def named(other: BoltServer) -> Iterator[BoltServer]:
    """The server that is named, which sends everybody to the other."""
    server = BoltServer("127.0.0.1")
    server.goes_to = other.address
    yield server
    server.close()


@pytest.mark.parametrize("scheme", ["neo4j", "NEO4J", "bolt"])
def test_server_sends_nobody_to_another_address(
    scheme: str, named: BoltServer, other: BoltServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "sEcr3t")
    with pytest.raises(StoreError, match="no store here"):
        open_store(f"{scheme}://{named.address}", read_only=True)
    assert other.asked == []
    assert named.asked


def test_only_a_server_whose_certificate_is_checked_may_route() -> None:
    from kgbuild.stores.neo4j_connection import reached

    schemes = ("neo4j", "neo4j+ssc", "neo4j+s", "bolt", "bolt+s", "bolt+ssc")
    assert [reached(f"{scheme}://h:1").partition("://")[0] for scheme in schemes] == [
        "bolt", "bolt+ssc", "neo4j+s", "bolt", "bolt+s", "bolt+ssc",
    ]  # fmt: skip
