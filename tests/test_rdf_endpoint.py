"""A SPARQL server as a store: the same as the embedded one, on each kind, through restarts, by two writers at once."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import trustme
from pyoxigraph import Store

from kgbuild import query as questions
from kgbuild.export import export
from kgbuild.graph import Node, NoteGraph
from kgbuild.note import composed
from kgbuild.stores import StoreError, open_store, sparql_calls
from kgbuild.stores.endpoint import EndpointStore
from kgbuild.stores.rdf import RdfStore
from kgbuild.validate import validate
from tests.sparql_servers import SERVERS, Server, oxigraph, running
from tests.test_rdf_kill import killed, notes, program
from tests.test_shacl import BROKEN, SECRET, WHOLE
from tests.test_sparql_calls import ESCAPED, EXPLOITS, Listener, calls, made
from tests.test_stores import AGAIN, CALLS, HOSTILE, LESION, OTHER, UPDATES, graph, hostile

KINDS = ("Fuseki", "Oxigraph", "RDF4J")


def each(*names: str) -> list[object]:
    """Servers as parameters of tests; the tests of one run in one worker, so that it starts once."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


@pytest.fixture(params=each(*KINDS))
def server(request: pytest.FixtureRequest, sparql_server: Callable[[str], Server]) -> Server:
    return sparql_server(request.param)


@pytest.fixture
def store(server: Server) -> Iterator[EndpointStore]:
    """An empty data set."""
    with EndpointStore(server.url) as opened:
        opened._update("DROP ALL")
        yield opened


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[RdfStore]:
    with RdfStore(tmp_path / "kg", create=True) as opened:
        yield opened


def content(store: EndpointStore | RdfStore) -> set[str]:
    """All quads, of the notes and of their union, numbers as Oxigraph writes them."""
    memory = Store()
    memory.extend([quad for name in (None, *store.graphs()) for quad in store.quads(name)])
    return {str(quad) for quad in memory}


@pytest.mark.parametrize("server", each(*SERVERS), indirect=True)
def test_server_holds_what_the_embedded_store_holds(store: EndpointStore, embedded: RdfStore) -> None:
    for one in (store, embedded):
        assert one.put([WHOLE, AGAIN, OTHER]) == 3
        assert one.put([WHOLE, AGAIN, OTHER]) == 0
    assert content(store) == content(embedded)
    changed = graph("No [cough|Sign_symptom !absent].", note="n2", fingerprint="f2")
    for one in (store, embedded):
        assert one.put([changed]) == 1
        assert one.retract("n1") is True
        assert one.retract("n1") is False
    assert content(store) == content(embedded)
    assert store.fingerprint("n2") == "f2" and store.fingerprint("n1") is None
    for one in (store, embedded):
        one.retract("n2")
        one.retract("n3")
    assert content(store) == content(embedded) == set()


@pytest.mark.parametrize("server", each(*SERVERS), indirect=True)
def test_server_answers_every_question_as_the_embedded_store_does(store: EndpointStore, embedded: RdfStore) -> None:
    for one in (store, embedded):
        one.put([WHOLE, AGAIN, OTHER])
    assert questions.patients(store) == questions.patients(embedded)
    for patient in ("p1", "p2", "nobody"):
        assert questions.timeline(store, patient) == questions.timeline(embedded, patient)
        assert sorted(store.links(patient)) == sorted(embedded.links(patient))
    assert store.concepts() == embedded.concepts()
    assert questions.patients_with(store, "K76") == questions.patients_with(embedded, "K76") == ["p1", "p2"]


QUERIES = [
    "SELECT ?label (COUNT(*) AS ?n) { ?entity kg:label ?label } GROUP BY ?label",
    "ASK { ?s kg:code 'K76.9' }",
    "CONSTRUCT { ?s kg:code ?o } WHERE { ?s kg:code ?o }",
    "CONSTRUCT WHERE { ?s kg:code ?o }",
    "SELECT (COUNT(*) AS ?n) { ?patient kg:hasEvent/kg:of/kg:codedAs/skos:broader* ?code }",
    # Notes' graphs, also beside the union.
    "SELECT ?note (COUNT(*) AS ?n) { GRAPH ?note { ?s ?p ?o } } GROUP BY ?note",
    "SELECT ?s ?note { ?s kg:code 'K76.9' . GRAPH ?note { ?s a kg:Entity } }",
    "SELECT (COUNT(*) AS ?n) { ?s a kg:Entity FILTER EXISTS { GRAPH <urn:kgbuild:note/n1> { ?s ?p ?o } } }",
    "SELECT (EXISTS { GRAPH ?n { ?s a kg:Note } } AS ?any) ?s WHERE { ?s a kg:Patient } #}",
    "SELECT ?s ?n ?g { { SELECT ?s (COUNT(*) AS ?n) { ?s a kg:Entity } GROUP BY ?s } GRAPH ?g { ?s kg:code '}', ?c } }",
    "SELECT ?s ?n ?g { { SELECT ?s (COUNT(*) AS ?n) { ?s a kg:Entity } GROUP BY ?s } GRAPH ?g { ?s kg:code ?c } }",
    "CONSTRUCT { ?s a ?note } { ?s kg:code ?code FILTER(?code != '}') GRAPH ?note { ?s ?p ?o } }",
    "SELECT ?code { ?s a kg:Patient ; kg:hasEntity/kg:codedAs ?code \u0047RAPH ?g { ?s kg:hasNote ?n } } LIMIT 5000",
    # A choice of one's own.
    "SELECT (COUNT(*) AS ?n) FROM <urn:kgbuild:note/n3> { ?s ?p ?o }",
    "SELECT (COUNT(*) AS ?n) FROM NAMED <urn:kgbuild:note/n3> { GRAPH ?note { ?s ?p ?o } }",
]


@pytest.mark.parametrize("server", each(*SERVERS), indirect=True)
@pytest.mark.parametrize("asked", QUERIES)
def test_server_answers_a_query_as_the_embedded_store_does(
    store: EndpointStore, embedded: RdfStore, asked: str
) -> None:
    for one in (store, embedded):
        one.put([WHOLE, AGAIN, OTHER])
    answer = embedded.query(asked)
    assert sorted(store.query(asked).rows) == sorted(answer.rows) and (answer.rows or "'}'" in asked)


@pytest.mark.parametrize("server", each(*SERVERS), indirect=True)
def test_two_notes_that_change_together_leave_what_others_say(store: EndpointStore, embedded: RdfStore) -> None:
    for one in (store, embedded):
        one.put([LESION, AGAIN, OTHER])
        one.put([replace_fingerprint(AGAIN), graph("No [pain|Sign_symptom !absent].", fingerprint="f2")])
    assert content(store) == content(embedded)


def replace_fingerprint(given: NoteGraph) -> NoteGraph:
    """The same note, read by another model."""
    nodes = tuple(
        Node(n.type, n.id, {**n.properties, "fingerprint": "f2"}) if n.type == "Note" else n for n in given.nodes
    )
    return replace(given, fingerprint="f2", nodes=nodes)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_and_ids_come_back_the_same(store: EndpointStore, text: str) -> None:
    given = hostile(text, "x", text, text)
    store.put([given])
    store.put([replace_fingerprint(given)])
    assert [patient.id for patient in store.patients()] == [composed(text)]
    assert text in [one.text for event in store.events(text) for one in event.evidence]
    assert store.retract(text)
    assert content(store) == set()


def test_broken_note_is_refused_and_nothing_of_it_is_written(store: EndpointStore) -> None:
    for shape, broken in list(BROKEN.values())[:5]:
        with pytest.raises(StoreError, match=rf"^note 'n1': not written: shape {shape}, ") as refused:
            store.put([broken])
        assert SECRET not in str(refused.value)
    assert content(store) == set()


def test_server_is_exported_and_validated(store: EndpointStore, embedded: RdfStore, tmp_path: Path) -> None:
    for one in (store, embedded):
        one.put([WHOLE, OTHER])
        with (tmp_path / f"{type(one).__name__}.nq").open("wb") as out:
            export(one, "nq", out)
    assert (tmp_path / "EndpointStore.nq").read_bytes() == (tmp_path / "RdfStore.nq").read_bytes()
    assert list(validate(store)) == [("n1", []), ("n3", [])]


@pytest.mark.parametrize("statement", UPDATES)
def test_update_is_refused(store: EndpointStore, statement: str) -> None:
    store.put([LESION])
    before = content(store)
    with pytest.raises(StoreError, match="is refused: a query only reads"):
        store.query(statement)
    assert content(store) == before


@pytest.mark.parametrize("statement", [*CALLS, *ESCAPED])
def test_query_never_calls_another_server(store: EndpointStore, statement: str) -> None:
    store.put([LESION])
    listener = Listener()
    with pytest.raises(StoreError, match="is refused"):
        store.query(statement.format(f"<{listener.address}>"))
    assert listener.calls == 0
    listener.close()


@pytest.mark.parametrize("server", each(*KINDS), indirect=True)
def test_query_that_this_server_would_run_as_a_call_is_refused(store: EndpointStore) -> None:
    """Generated ones too: what each server takes for a call is found out by allowing it, and looks like one."""
    store.put([LESION])
    listener, called = Listener(), 0
    for asked in [exploit.format(listener.address) for exploit in EXPLOITS]:
        with pytest.raises(StoreError, match="SERVICE is refused"):
            store.query(asked)
    for asked in (made(seed, listener.address) for seed in range(400)):
        with suppress(StoreError):
            store.query(asked, seconds=5)
        assert listener.calls == 0, asked
    for asked in (made(seed, listener.address) for seed in range(24)):
        if calls(store, listener, asked):
            called += 1
            assert sparql_calls._looks_like_a_call(asked) or sparql_calls._has_doubtful_escape(asked), asked
    listener.close()
    assert called > 3


@pytest.mark.parametrize("server", each(*KINDS), indirect=True)
def test_from_graph_describe_and_load_call_nobody(store: EndpointStore) -> None:
    listener = Listener()
    address = f"<{listener.address}>"
    for asked in (f"SELECT * FROM {address} {{ ?s ?p ?o }}", f"ASK FROM NAMED {address} {{ GRAPH ?g {{ ?s ?p ?o }} }}"):  # noqa: S608
        assert store.query(asked).rows in ([], [(False,)])
    for asked in (f"SELECT * {{ GRAPH {address} {{ ?s ?p ?o }} }}", f"DESCRIBE {address}"):
        assert store.query(asked).rows == []
    for asked in (f"LOAD {address}", f"LOAD SILENT {address} INTO GRAPH <a:b>", f"ASK {{}} ; LOAD {address}"):
        with pytest.raises(StoreError, match="LOAD is refused: a query only reads"):
            store.query(asked)
    assert listener.calls == 0
    listener.close()


def test_query_that_takes_too_long_is_given_up(store: EndpointStore) -> None:
    store.put([WHOLE])
    begin = time.monotonic()
    with pytest.raises(StoreError, match=r"^query: stopped after 0\.5 s"):
        store.query(
            "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . FILTER(?c < ?f) }", seconds=0.5
        )
    assert time.monotonic() - begin < 5
    assert store.query("ASK { ?s a kg:Note }").rows == [(True,)]


FINGERPRINT = "<urn:n> <https://w3id.org/kgbuild#fingerprint> 1"


@pytest.mark.parametrize("server", each(*KINDS), indirect=True)
def test_data_set_whose_union_lacks_what_a_note_says_is_refused(server: Server, store: EndpointStore) -> None:
    store._update(f"INSERT DATA {{ GRAPH <urn:n> {{ {FINGERPRINT} }} }}")
    with pytest.raises(StoreError, match="what one note says is not found where a query names no graph"):
        EndpointStore(server.url, read_only=True)
    store._update("DROP ALL")


def test_server_that_would_count_a_fact_twice_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with running(partial(oxigraph, union=True), tmp_path) as server:
        with EndpointStore(server.url) as store:
            with pytest.raises(StoreError, match=r"^http://127.* is more than once found where"):
                store.put([LESION])
            assert content(store) == set()
            store._update(f"INSERT DATA {{ {FINGERPRINT} GRAPH <urn:n> {{ {FINGERPRINT} }} }}")
        with pytest.raises(StoreError, match="the default graph must be a graph of its own"):
            EndpointStore(server.url, read_only=True)


def test_reader_writes_nothing(server: Server, store: EndpointStore) -> None:
    with EndpointStore(server.url, read_only=True) as reader, pytest.raises(StoreError, match="for reading only"):
        reader.put([LESION])
    assert content(store) == set()


def test_two_writers_at_once_leave_each_note_once(server: Server, store: EndpointStore, tmp_path: Path) -> None:
    notes = [graph(f"The [lesion|Disease_disorder] and [pain{i}|Sign_symptom].", note=f"n{i}") for i in range(30)]
    faults: list[Exception] = []

    def write(order: list[NoteGraph]) -> None:
        try:
            with EndpointStore(server.url) as other:
                for note in order:
                    other.put([note])
        except StoreError as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(order,)) for order in (notes, notes[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with RdfStore(tmp_path / "calm", create=True) as calm:
        calm.put(notes)
        assert content(store) == content(calm)


@pytest.mark.parametrize("kind", each(*KINDS))
def test_server_that_is_stopped_in_the_middle_is_waited_for_and_nothing_is_doubled(kind: str, tmp_path: Path) -> None:
    """Killed where what it acknowledged survives that: RDF4J's native store can be torn by a kill (docs/stores.md).

    The server is the test's own, so that nothing of another test can come back.
    """
    notes = [graph(f"The [lesion|Disease_disorder] and [pain{i}|Sign_symptom].", note=f"n{i}") for i in range(60)]
    (tmp_path / "server").mkdir()
    with running(SERVERS[kind], tmp_path / "server") as server, EndpointStore(server.url) as store:

        def restart() -> None:
            time.sleep(0.3)
            server.stop(kill=kind != "RDF4J")
            server.start()

        thread = threading.Thread(target=restart)
        thread.start()
        for note in notes:
            store.put([note])
            time.sleep(0.01)
        thread.join()
        with RdfStore(tmp_path / "calm", create=True) as calm:
            calm.put(notes)
            assert content(store) == content(calm)


KILLS = 20


@pytest.mark.parametrize("server", each("Fuseki"), indirect=True)
def test_ingest_that_is_killed_twenty_times_ends_like_an_undisturbed_one(
    server: Server, store: EndpointStore, tmp_path: Path
) -> None:
    assert killed(program(tmp_path, f"open_store({server.url!r})"), KILLS) == KILLS
    for some in notes():
        store.put(some)
    with RdfStore(tmp_path / "calm", create=True) as calm:
        for some in notes():
            calm.put(some)
        assert content(store) == content(calm)


# --- addresses and passwords --------------------------------------------------------------------------------------
WRONG = {
    "http://user:hunter2@127.0.0.1/kg": "user and password are no part of an address",
    "http:///kg": "expected the address of a data set",
    "http://127.0.0.1/kg?x=1": "expected the address of a data set",
}


@pytest.mark.parametrize("url", WRONG)
def test_address_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match=WRONG[url]) as refused:
        open_store(url)
    assert "hunter2" not in str(refused.value)


def test_server_that_never_answered_is_given_up_in_seconds() -> None:
    with socket.socket() as closed, socket.socket() as deaf:
        closed.bind(("127.0.0.1", 0))
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]  # who fills its queue, so that it takes no connection more
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        urls = {f"http://127.0.0.1:{closed.getsockname()[1]}/kg": "Connection refused"}
        urls |= {f"http://127.0.0.1:{port}/kg": "connection timed out", "http://nowhere.invalid/kg": ""}
        for url, why in urls.items():
            begin = time.monotonic()
            with pytest.raises(StoreError, match=rf"^{url}: no answer: {why}"):
                open_store(url)
            assert time.monotonic() - begin < 8
        for one in waiting:
            one.close()


def test_server_that_is_starting_is_waited_for_as_long_as_it_says_so() -> None:
    begin, moments = time.monotonic(), 5

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(503 if time.monotonic() - begin < moments else 401)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with pytest.raises(StoreError, match="the server refused"):
            open_store(f"http://127.0.0.1:{running.server_port}/kg")
        running.shutdown()


@pytest.fixture
def strict() -> Iterator[tuple[str, list[str | None]]]:
    """The address of a server that lets nobody in, and the headers it was sent."""
    sent: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(self.headers["Authorization"])
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/kg", sent
        running.shutdown()


def test_password_comes_from_the_environment_or_a_prompt_and_is_in_no_message(
    strict: tuple[str, list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, sent = strict
    monkeypatch.setenv("SPARQL_USERNAME", "ann")
    with pytest.raises(StoreError, match="the server refused: see SPARQL_USERNAME") as asked:
        open_store(url, password=lambda user: f"{user}:hunter2")
    monkeypatch.setenv("SPARQL_PASSWORD", "hunter3")
    with pytest.raises(StoreError, match="the server refused") as known:
        open_store(url)
    assert sent == ["Basic YW5uOmFubjpodW50ZXIy", "Basic YW5uOmh1bnRlcjM="]
    assert "hunter" not in str(asked.value) + str(known.value)


def test_password_is_sent_over_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARQL_USERNAME", "ann")
    monkeypatch.setenv("SPARQL_PASSWORD", "hunter2")
    with pytest.raises(StoreError, match="a password is sent over https alone"):
        open_store("http://example.org/kg")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Path, str]]:
    """A server behind a proxy that speaks TLS: its address, who vouches for it, and its address by another name."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    (tmp_path / "server").mkdir()
    with running(oxigraph, tmp_path / "server") as server:

        class Proxy(BaseRequestHandler):
            def handle(self) -> None:
                with context.wrap_socket(self.request, server_side=True) as client:
                    with socket.create_connection(("127.0.0.1", server.port)) as upstream:
                        back = threading.Thread(target=pump, args=(upstream, client))
                        back.start()
                        pump(client, upstream)
                        back.join()

        class Listener(ThreadingTCPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that does not trust it says so and goes."""

        with Listener(("127.0.0.1", 0), Proxy) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            port = proxy.server_address[1]
            yield f"https://127.0.0.1:{port}", tmp_path / "authority.pem", f"https://localhost:{port}"
            proxy.shutdown()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes until no more does."""
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def test_certificate_is_checked_against_those_of_ssl_cert_file(
    guarded: tuple[str, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority, alias = guarded
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SPARQL_USERNAME", "ann")
    monkeypatch.setenv("SPARQL_PASSWORD", "hunter2")
    begin = time.monotonic()
    with pytest.raises(StoreError, match=rf"^{url}: .*: unable to get local issuer certificate; SSL_CERT_FILE names"):
        open_store(url)
    assert time.monotonic() - begin < 5

    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with open_store(url) as store:
        assert store.put([LESION, OTHER]) == 2
        assert store.query("SELECT (COUNT(*) AS ?n) { ?note a kg:Note }").rows == [(2,)]
    with pytest.raises(StoreError, match="certificate is not valid for 'localhost'"):
        open_store(alias)


def test_server_of_another_kind_is_told(strict: tuple[str, list[str | None]]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with pytest.raises(StoreError, match=r"no SPARQL 1\.1 server here"):
            open_store(f"http://127.0.0.1:{running.server_port}/kg")
        running.shutdown()
