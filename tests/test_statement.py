"""Statements that would end a process, or never end, are refused in one line or answered; servers cannot hold us."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from kgbuild.stores import StoreError
from kgbuild.stores.answers import table_of
from kgbuild.stores.http import Answer, Connection
from kgbuild.stores.sparql import remote_fault
from kgbuild.stores.statement import LONGEST, bounded
from tests.test_stores import ROOT

DEEP: dict[str, Callable[[int], str]] = {
    "groups": lambda n: "ASK " + "{" * n + "}" * n,
    "groups never closed": lambda n: "ASK " + "{" * n,
    "groups closed in comments": lambda n: "ASK " + "{#}\n" * n + "}" * n,
    "subqueries": lambda n: "ASK " + "{ SELECT * " * n + "{}" + "}" * n,
    "exists": lambda n: "ASK {" + "FILTER NOT EXISTS {" * n + "}" * n + "}",
    "functions": lambda n: "ASK { FILTER(" + "STR(" * n + "1" + ")" * n + ")}",
    "functions closed in comments": lambda n: "ASK { FILTER(" + "STR(#)\n" * n,
    "negations": lambda n: "ASK { FILTER(" + "!" * n + "true)}",
    "sum": lambda n: "ASK { FILTER(" + "1+" * n + "1)}",
    "path": lambda n: "ASK { ?s !(" + "a|" * n + "a) ?o }",
    "inverse paths": lambda n: "ASK { ?s " + "^(" * n + "a" + ")" * n + " ?o }",
    "optionals": lambda n: "ASK {" + "OPTIONAL{}" * n + "}",
    "minus": lambda n: "ASK {" + "MINUS{?s ?p ?o}" * n + "}",
    "binds": lambda n: "ASK {" + "".join(f"BIND(1 AS ?{i})" for i in range(n)) + "}",
    "expressions": lambda n: "SELECT " + "".join(f"(1 AS ?{i})" for i in range(n)) + "{}",
    "described": lambda n: "DESCRIBE " + "<a:>" * n,
    "lists": lambda n: "ASK { ?s ?p " + "(" * n + "1" + ")" * n + " }",
    "blank nodes": lambda n: "ASK { ?s ?p " + "[a " * n + "1" + "]" * n + " }",
    "triple terms": lambda n: "ASK { ?s ?p " + "<<(?s ?p " * n + "1" + ")>>" * n + " }",
}
_PROGRAM = """
import sys
from pyoxigraph import Store
from kgbuild.stores import StoreError
from kgbuild.stores.sparql import ask
store = Store()
for statement in sys.stdin.read().split("\\0"):
    try:
        ask(store, statement, seconds=0.3)
        print("answered")
    except StoreError as error:
        assert len(str(error).splitlines()) == 1
        print(error)
"""


def answers(statements: list[str]) -> list[str]:
    """What a process of its own says to each statement, if it lives."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input="\0".join(statements),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-300:])
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", DEEP)
def test_deep_or_long_statement_ends_no_process(kind: str) -> None:
    """As deep as 3,000 and as the longest statement lets it be."""
    made = DEEP[kind]
    longest = max(n for n in range(1_000, LONGEST, 1_000) if len(made(n)) <= LONGEST)
    said = answers([made(50), made(3_000), made(longest), made(LONGEST)])
    assert len(said) == 4
    assert "expected at most 100,000" in said[3]


def test_deep_statement_is_refused_in_one_line() -> None:
    for statement in ("ASK " + "{" * 3_000 + "}" * 3_000, "MATCH (n) RETURN " + "(" * 300 + "1" + ")" * 300):
        with pytest.raises(StoreError, match=r"^query: more than 200 brackets are open at once$"):
            bounded(statement)
    with pytest.raises(StoreError, match=r"^query: 100,007 characters: expected at most 100,000$"):
        bounded("RETURN " + "1" * 100_000)
    with pytest.raises(StoreError, match="half of a surrogate pair"):
        bounded("ASK { ?s ?p '\ud800' }")
    bounded(
        "ASK {"
        + "{ ?s ?p 'a (' } UNION " * 150
        + "{} }"
        + "SELECT * { VALUES ?x {"
        + "<urn:kgbuild:code/icd10cm/K76.9> " * 1_000
    )


# --- servers that hold us, or say too much ------------------------------------------------------------------------
@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """A server that answers every request with a head, and then a drop each 50 ms, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = listening.accept()
                    threading.Thread(target=drip, args=(caller,), daemon=True).start()

        def drip(caller: socket.socket) -> None:
            with suppress(OSError), caller:
                caller.recv(1 << 16)
                caller.sendall(head)
                while True:
                    caller.sendall(drop)
                    time.sleep(0.05)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/kg"


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    "body without an end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "size of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "error": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 60000\r\n\r\n", b"x"),
    "status": (b"HTTP/1.1 200 ", b"x"),
    "header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
}


@pytest.mark.parametrize("what", DRIPS)
def test_answer_that_trickles_is_held_to_the_time_by_the_clock(what: str) -> None:
    before = set(threading.enumerate())
    with dripping(*DRIPS[what]) as url:
        connection = Connection(url, None, None)
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.send("GET", "/query", seconds=0.4)
        assert time.monotonic() - begin < 1.5
        left = [thread for thread in set(threading.enumerate()) - before if "(run)" in thread.name]
        for thread in left:
            thread.join(2)
        assert not any(thread.is_alive() for thread in left)


def test_error_of_a_server_is_read_in_part_and_the_next_request_is_answered() -> None:
    with dripping(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100000000\r\n\r\n", b"x" * 1_000_000) as url:
        connection = Connection(url, None, None)
        for _ in range(2):
            answer = connection.send("GET", "/query", seconds=5)
            assert isinstance(answer, Answer)
            assert (answer.status, len(answer.body)) == (400, 1 << 16)


def test_of_what_a_server_says_of_an_error_nothing_is_shown_but_a_place() -> None:
    said = b"\x1b[2JMrs Quillfeather\r\nParse error: Lexical error at line 3, column 7: \x1b]0;x\x07"
    assert str(remote_fault("ASK {}", 400, said, 10)) == "query: the server answered 400 about line 3, column 7"
    assert str(remote_fault("ASK {}", 500, b"\x1b[2JMrs Quillfeather", 10)) == "query: the server answered 500"
    shown = str(remote_fault("ASK {\x1b[2J", 400, said, 10))
    assert shown.startswith("query: line 1, column ") and ": expected " in shown and shown.isprintable()
    with pytest.raises(StoreError) as refused:
        table_of(b"<html>", "text/\x1b[2Jhtml", seconds=5)
    assert str(refused.value).isprintable()
