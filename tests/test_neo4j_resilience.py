"""What may happen to an ingest into Neo4j: killed, cut off, the server gone and back, another ingest at the same time.

After each, running it again, or just letting it run on, comes to what an undisturbed run comes to.
"""

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import neo4j
import pytest

from kgbuild.graph import NoteGraph
from kgbuild.stores import StoreError
from kgbuild.stores.neo4j import Neo4jStore
from tests.conftest import NEO4J
from tests.neo4j.content import content, visit
from tests.neo4j.proxy import Proxy
from tests.neo4j.server import Server

pytestmark = NEO4J

KILLS = 20
NOTES = 30
FORK = multiprocessing.get_context("fork")  # a process that has loaded everything: it starts writing at once

Work = Callable[[Neo4jStore, Connection], object]


@pytest.fixture
def driver(neo4j_server: Server) -> Iterator[neo4j.Driver]:
    with neo4j_server.driver() as opened:
        yield opened


@pytest.fixture
def _small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two or three notes a transaction."""
    monkeypatch.setattr("kgbuild.stores.neo4j_writing.ROWS", 200)


def undisturbed(server: Server, *graphs: NoteGraph) -> list[str]:
    """What a database holds that nothing has happened to; it is empty afterwards."""
    server.empty()
    with Neo4jStore(server.url, create=True) as store, server.driver() as driver:
        store.put(graphs)
        found = content(driver)
    server.empty()
    return found


def started(url: str, work: Work) -> tuple[BaseProcess, Connection]:
    """Start a process that works on a store of its own; wait until it has opened it."""
    here, there = FORK.Pipe()

    def run() -> None:
        with Neo4jStore(url, create=True) as store:
            there.send("open")
            work(store, there)

    process = FORK.Process(target=run)
    process.start()
    assert here.recv() == "open"
    return process, here


# --- kill -9 ------------------------------------------------------------------------------------------------------
_MENTIONS = "MATCH (note:Note) RETURN note.key AS id, COUNT { (note)-[:MENTIONS]->() } AS n"


def test_ingest_killed_twenty_times_comes_to_what_an_undisturbed_one_does(
    neo4j_url: str, neo4j_server: Server, driver: neo4j.Driver, _small_transactions: None
) -> None:
    """Each round replaces two thirds of the notes and withdraws the others; all but the last are killed on the way."""

    def brings(round_: int) -> list[NoteGraph]:
        return [visit(i, f"f{round_}") for i in range(NOTES) if i % 3 != round_ % 3]

    def work(round_: int) -> Work:
        def doing(store: Neo4jStore, there: Connection) -> None:
            for i in range(round_ % 3, NOTES, 3):
                store.retract(f"n{i}")
                store.put(brings(round_)[i - 2 : i])
            store.put(brings(round_))
            there.send("done")

        return doing

    expected = undisturbed(neo4j_server, *brings(99))
    chance = random.Random(5)  # noqa: S311 (moments)
    kills = rounds = 0
    while kills < KILLS and rounds < 3 * KILLS:
        process, here = started(neo4j_url, work(rounds := rounds + 1))
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.join()
        kills += not is_done(here)
        whole = {row["id"]: row["n"] for row in driver.execute_query(_MENTIONS).records}
        assert set(whole.values()) <= {7}, "a note is there in part"
    process, here = started(neo4j_url, work(99))
    process.join()

    assert (kills, process.exitcode) == (KILLS, 0)
    assert content(driver) == expected


def is_done(here: Connection) -> bool:
    """Tell whether a process said that it was done before it ended."""
    try:
        return bool(here.recv())
    except EOFError:
        return False


# --- the connection, the server -----------------------------------------------------------------------------------
@pytest.mark.parametrize("lost", ["request", "answer"])
def test_commit_that_is_lost_is_done_once(
    neo4j_url: str, neo4j_server: Server, driver: neo4j.Driver, lost: str
) -> None:
    """The server never hears of the commit; or it commits, and its answer never comes."""
    notes = [visit(i) for i in range(6)]
    expected = undisturbed(neo4j_server, *notes)
    with Proxy(neo4j_url) as proxy, Neo4jStore(proxy.url, create=True) as store:
        proxy.lost = lost
        assert store.put(notes[:3]) == 3
        assert proxy.lost is None
        store.put([visit(0, "f2")])
        proxy.lost = lost
        assert store.retract("n0") is True
        assert proxy.lost is None
        assert store.put(notes) == 4
        proxy.access, proxy.lost = "read", lost
        assert len(store.events("p1")) == len(store.events("p1")) > 0
        assert proxy.lost is None

    assert content(driver) == expected


def test_connections_that_drop_in_the_middle_of_an_ingest_cost_nothing(
    neo4j_url: str, neo4j_server: Server, driver: neo4j.Driver, _small_transactions: None
) -> None:
    notes = [visit(i) for i in range(NOTES)]
    expected = undisturbed(neo4j_server, *notes)
    with Proxy(neo4j_url) as proxy, Neo4jStore(proxy.url, create=True) as store:

        def cut_at_every_tenth() -> Iterator[NoteGraph]:
            for number, note in enumerate(notes):
                if number % 10 == 5:
                    threading.Timer(0.02 * (number % 3), proxy.cut).start()
                yield note

        assert store.put(cut_at_every_tenth()) == NOTES
        assert store.put(notes) == 0

    assert content(driver) == expected


def test_server_that_is_killed_and_comes_back_in_the_middle_of_an_ingest_lost_nothing(
    neo4j_url: str, neo4j_server: Server, driver: neo4j.Driver, _small_transactions: None
) -> None:
    if neo4j_server.home is None:
        pytest.skip("the server of NEO4J_URI is not ours to kill")
    notes = [visit(i) for i in range(NOTES)]
    expected = undisturbed(neo4j_server, *notes)
    acknowledged: list[str] = []

    def put_all() -> None:
        with Neo4jStore(neo4j_url, create=True) as store:
            for note in notes:
                assert store.put([note]) == 1
                acknowledged.append(note.note_id)

    ingest = threading.Thread(target=put_all)
    ingest.start()
    while len(acknowledged) < NOTES // 3:
        time.sleep(0.01)
    neo4j_server.kill()
    before = list(acknowledged)
    neo4j_server.start()
    with Neo4jStore(neo4j_url) as store:
        assert [note for note in before if store.fingerprint(note) is None] == []
    ingest.join()

    assert len(before) < len(acknowledged) == NOTES
    assert content(driver) == expected


# --- together -----------------------------------------------------------------------------------------------------
def test_ingests_at_the_same_time_come_to_what_they_say(
    neo4j_url: str, neo4j_server: Server, driver: neo4j.Driver, _small_transactions: None
) -> None:
    """Two replace the same notes from either end; a third withdraws notes of the same patients, findings and codes."""
    new = [visit(i, "f2") for i in range(15)]
    kept = [graph for i, graph in enumerate(new) if i % 3]
    expected = undisturbed(neo4j_server, *kept)
    with Neo4jStore(neo4j_url, create=True) as store:
        store.put(visit(i) for i in range(15))
    works: Sequence[Work] = (
        lambda store, _: [store.put([graph]) for graph in kept],
        lambda store, _: store.put(reversed(kept)),
        lambda store, _: [store.retract(graph.note_id) for graph in new[::3]],
    )

    processes = [started(neo4j_url, work)[0] for work in works]
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert content(driver) == expected


def test_stores_that_are_made_at_the_same_time_are_one(neo4j_url: str, driver: neo4j.Driver) -> None:
    for row in driver.execute_query("SHOW CONSTRAINTS YIELD name").records:
        driver.execute_query(f"DROP CONSTRAINT {row['name']}")

    def make() -> None:
        try:
            Neo4jStore(neo4j_url, create=True).close()
        except StoreError as error:
            faults.append(error)

    faults: list[StoreError] = []
    makers = [threading.Thread(target=make) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()

    assert faults == []
    assert driver.execute_query("MATCH (n:KgbuildStore) RETURN count(*) AS n").records[0]["n"] == 1
    assert driver.execute_query("SHOW CONSTRAINTS YIELD name RETURN count(*) AS n").records[0]["n"] == 8
