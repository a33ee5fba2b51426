"""What servers answer that are not what we take them for: one line each, without their words, and within the time."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from kgbuild.cli import cli
from kgbuild.stores import StoreError, open_store
from kgbuild.stores.answers import RESULTS, columns_of, table_of, triples_of
from kgbuild.stores.rdf import RdfStore
from kgbuild.stores.statement import LONGEST
from tests.test_stores import LESION

WORDS = "Quillfeather"
TRIPLES = "application/n-triples"


class Liar(BaseHTTPRequestHandler):
    """Answers as a SPARQL server as far as it must to be taken for one, and then what a test says."""

    protocol_version = "HTTP/1.1"
    answer: Callable[[str], tuple[int, str, bytes]]

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if asked.endswith("ASK {}"):
            self._send(200, RESULTS, b'{"head":{},"boolean":true}')
        elif "kg:fingerprint ?said" in asked:
            self._send(200, RESULTS, b'{"head":{"vars":["said"]},"results":{"bindings":[]}}')
        else:
            self._send(*type(self).answer(asked))

    do_GET = do_POST  # noqa: N815 (the name that the server calls)

    def do_HEAD(self) -> None:
        self._send(200, "text/plain", b"")

    def _send(self, status: int, type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def liar() -> Iterator[str]:
    """The address of a server that answers as ``Liar.answer`` says."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/kg"
        serving.shutdown()


def rows(columns: list[str], value: dict[str, object], count: int = 1) -> bytes:
    """Rows with the same value in each column."""
    bindings = [dict.fromkeys(columns, value)] * count
    return json.dumps({"head": {"vars": columns}, "results": {"bindings": bindings}}).encode()


def asked_columns(asked: str) -> list[str]:
    """The columns that a query asks for, or others where it constructs triples."""
    return list(columns_of(asked)) if "SELECT" in asked.partition("{")[0] else ["x"]


def nested_json(depth: int, triple: str = '"type":"triple",') -> bytes:
    """A triple term in a triple term, and so on, as JSON."""
    a = '{"type":"uri","value":"a:a"}'
    begin = f'{{{triple}"value":{{"subject":{a},"predicate":{a},"object":'
    return f'{{"head":{{"vars":["a"]}},"results":{{"bindings":[{{"a":{begin * depth}{a}{"}}" * depth}}}]}}}}'.encode()


def nested_triples(depth: int) -> bytes:
    """A triple term in a triple term, and so on, as N-Triples."""
    return b"<a:a> <b:b> " + b"<<( <a:a> <b:b> " * depth + b"<c:c> " + b")>> " * depth + b".\n"


LIES: dict[str, Callable[[str], tuple[int, str, bytes]]] = {
    "html": lambda _: (200, "text/html", f"<html>{WORDS}".encode()),
    "words as a type": lambda _: (200, f"{WORDS}/x", b"{}"),
    "nothing": lambda _: (200, RESULTS, b""),
    "no content": lambda _: (204, "text/plain", b""),
    "another place": lambda _: (307, "text/plain", WORDS.encode()),
    "boolean": lambda _: (200, RESULTS, b'{"head":{},"boolean":true}'),
    "other columns": lambda _: (200, RESULTS, rows([WORDS], {"type": "literal", "value": WORDS})),
    "other names of columns": lambda asked: (
        200,
        RESULTS,
        rows([f"{WORDS}{i}" for i, _ in enumerate(asked_columns(asked))], {"type": "literal", "value": WORDS}),
    ),
    "text": lambda asked: (200, RESULTS, rows(asked_columns(asked), {"type": "literal", "value": WORDS})),
    "blank nodes": lambda asked: (200, RESULTS, rows(asked_columns(asked), {"type": "bnode", "value": WORDS})),
    "no IRI": lambda asked: (200, RESULTS, rows(asked_columns(asked), {"type": "uri", "value": f"{WORDS} {WORDS}"})),
    "broken triples": lambda _: (200, TRIPLES, f'<a:b> <c:d> "{WORDS} .\n'.encode()),
    "foreign triples": lambda _: (
        200,
        TRIPLES,
        f'<urn:kgbuild:patient/p1> <https://w3id.org/kgbuild#hasEvent> "{WORDS}", <a:b> .\n'.replace(
            ", ", " .\n<urn:kgbuild:patient/p1> <https://w3id.org/kgbuild#hasEvent> "
        ).encode(),
    ),
    "no graph of a note": lambda asked: (
        (200, TRIPLES, f'<a:b> <c:d> "{WORDS}" .\n'.encode())
        if not asked
        else (200, RESULTS, rows(asked_columns(asked), {"type": "uri", "value": "urn:kgbuild:note/n1"}))
    ),
    "deep JSON": lambda _: (200, RESULTS, nested_json(30_000)),
    "deep triples": lambda _: (200, TRIPLES, nested_triples(30_000)),
    "long number of a line": lambda _: (400, "text/plain", b"line " + b"9" * 9_000 + b" column 1"),
}
COMMANDS = [
    ("patients",),
    ("patients", "--code", "J45"),
    ("timeline", "p1"),
    ("trend", "p1", "a"),
    ("export", "--format", "nq"),
    ("export", "--format", "graphml"),
    ("validate",),
    ("retract", "n1"),
    ("query", "SELECT * { ?s ?p ?o }"),
    ("query", "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"),
]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_lie_of_a_server_is_told_in_one_line_without_its_words(liar: str, lie: str, command: tuple[str, ...]) -> None:
    Liar.answer = staticmethod(LIES[lie])
    done = CliRunner().invoke(cli, [*command, "--store", liar])
    if done.exception is not None:
        assert isinstance(done.exception, StoreError | SystemExit), repr(done.exception)
        assert len(str(done.exception).splitlines()) == 1
    assert WORDS not in str(done.exception) + done.stderr


def test_triple_terms_that_people_nest_are_answered_and_deeper_ones_refused() -> None:
    assert len(table_of(nested_json(50), RESULTS, seconds=5).rows) == 1
    assert len(table_of(nested_triples(50), TRIPLES, seconds=5).rows) == 1
    assert len(triples_of(nested_triples(200), seconds=5)) == 1
    brackets = f'<a:{"#"}b> <c:d> "{"<<( " * 300}\\" \\\\" .\n# {"<<( " * 300}"\n'.encode()
    assert len(triples_of(brackets, seconds=5)) == 1
    deep = brackets + nested_triples(201) + b'<a:b> <c:d> "\\"" .\n'
    for body in (nested_triples(201), deep):
        with pytest.raises(StoreError, match="no answer to a query"):
            triples_of(body, seconds=5)
    for triple in ('"type":"triple",', '"type":"tripl\\u0065",', '"x":"{\\"{[",'):
        with pytest.raises(StoreError, match="no answer to a query"):
            table_of(nested_json(30_000, triple), RESULTS, seconds=5)


def test_time_of_a_query_covers_what_is_done_with_its_answer(liar: str) -> None:
    many = (
        b'{"head":{"vars":["a"]},"results":{"bindings":['
        + b",".join([b'{"a":{"type":"literal","value":"x"}}'] * 500_000)
        + b"]}}"
    )
    Liar.answer = staticmethod(lambda _: (200, RESULTS, many))
    with open_store(liar, read_only=True) as store:
        begin = time.monotonic()
        with pytest.raises(StoreError, match=r"^query: stopped after 0\.4 s"):
            store.query("SELECT * {}", seconds=0.4)
        assert time.monotonic() - begin < 1.5


def test_statement_on_stdin_is_not_read_beyond_the_longest(liar: str) -> None:
    Liar.answer = staticmethod(LIES["boolean"])
    longest = "ASK {}#" + "\U0001f600" * (LONGEST - 7)
    assert "true" in CliRunner().invoke(cli, ["query", "-", "--store", liar, "--format", "json"], input=longest).output
    with subprocess.Popen(
        [sys.executable, "-c", "from kgbuild.cli import main; main()", "query", "-", "--store", liar],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asking:
        assert asking.stdin is not None and asking.stderr is not None
        with suppress(BrokenPipeError):
            for _ in range(1_000):
                asking.stdin.write(b"#" * 10_000)
        with suppress(BrokenPipeError):
            asking.stdin.close()
        told = asking.stderr.read().decode().strip()
    assert asking.returncode == 1
    assert told == "Error: query: expected at most 100,000 characters, found more on stdin"


CALLED = [(200, "text/html"), (200, RESULTS), (200, f"{WORDS}/x"), (302, "text/plain"), (400, "text/plain")]


@pytest.mark.parametrize(("status", "type"), CALLED)
def test_error_of_a_query_that_calls_shows_no_word_of_a_note_or_of_the_other_server(
    liar: str, status: int, type: str, tmp_path: Path
) -> None:
    said = f"{WORDS} \x1b[31m".encode()
    Liar.answer = staticmethod(lambda _: (status, type, said))
    found = f"?s kg:text ?text BIND('{WORDS}' AS ?word)"
    with RdfStore(tmp_path / "kg", create=True) as store:
        store.put([LESION])
        for address in (f"{liar}/", "urn:", "http://[", "http://127.0.0.1:9/", "http://nosuch.invalid/", "x"):
            put_together = f"BIND(IRI(CONCAT('{address}', ?word)) AS ?u) LATERAL {{ SERVICE ?u {{ ?a ?b ?c }} }}"
            with pytest.raises(StoreError) as told:
                store.query(f"SELECT * {{ {found} {put_together} }}", may_call=True, seconds=9)
            assert str(told.value) == "query: a server that it called did not answer as one"
        with pytest.raises(StoreError, match="did not answer as one"):
            store.query(f"ASK {{ SERVICE <{liar}> {{ ?a ?b ?c }} }}", may_call=True, seconds=9)
        with pytest.raises(StoreError, match=r"^query: line 1, column \d+: expected"):
            store.query(f"ASK {{ SERVICE <{liar}> }}", may_call=True, seconds=9)


def test_user_that_is_not_utf_8_is_told(liar: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARQL_USERNAME", "ann")
    monkeypatch.setenv("SPARQL_PASSWORD", "hunter\udcff")
    with pytest.raises(StoreError, match=r"^SPARQL_USERNAME or SPARQL_PASSWORD: expected UTF-8$"):
        open_store(liar)
