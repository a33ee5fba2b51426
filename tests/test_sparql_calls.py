"""Queries made at random call no other server unless they may, on the embedded store; those that say a word may."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from kgbuild.stores import StoreError, sparql, sparql_calls
from kgbuild.stores.endpoint import EndpointStore
from kgbuild.stores.rdf import RdfStore
from tests.generated_queries import BESIDE, escaped, mutilated, query
from tests.test_stores import LESION

EXPLOITS = [
    "ASK {{ <a:)'service> ?p ?o SERVICE <{0}> {{}} FILTER(''='') }}",
    "SELECT * {{ ?s kg:text ?text LATERAL {{ BIND(IRI(CONCAT('{0}', ENCODE_FOR_URI(?text))) AS ?u) <a:)'service> ?p ?o "
    "SERVICE ?u {{}} FILTER(''='') }} }}",
    "ASK {{ ?s ?p ?o FILTER(?s<?p&&'service>'!='')SERVICE <{0}> {{}} }}",
    "ASK {{ ?s ?p trueSERVICE<{0}>{{}} }}",
    "ASK {{ ?s <a:p>? true.SERVICE#'\n<{0}>{{}} }}",
    "PREFIX service: <a:> PREFIX : <{0}> ASK {{ ?s ?p 1 SERVICE:{{}} }}",
    "ASK {{ SERVICE SILENT<{0}>{{ ?s ?p 'service' }} }}",
    "SELECT ?service (1 AS ?x) {{ SERVICE ?service {{ ?s ?p ?o }} VALUES ?service {{ <{0}> }} }}",
]
"""Written by hand; the first two went through once."""


class Listener:
    """A port that counts who comes, and sends everybody away."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.calls = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                self.calls += 1
                caller.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RdfStore]:
    with RdfStore(tmp_path_factory.mktemp("calls") / "kg", create=True) as opened:
        opened.put([LESION])
        yield opened


def made(seed: int, address: str) -> str:
    """A query with a call: as the grammar has it, mutilated, or with escapes."""
    random = Random(seed)  # noqa: S311 (repeats)
    asked = query(random, address)
    return (asked, mutilated(random, asked), mutilated(random, mutilated(random, asked)), escaped(random, asked))[
        seed % 4
    ]


def calls(store: RdfStore | EndpointStore, listener: Listener, asked: str) -> bool:
    """Tell whether a query calls when it may."""
    before = listener.calls
    with suppress(StoreError):
        store.query(asked, may_call=True, seconds=5)
    return listener.calls > before


def test_no_query_of_thousands_calls_unless_it_may(store: RdfStore, listener: Listener) -> None:
    refused = 0
    for asked in [
        *(made(seed, listener.address) for seed in range(6_000)),
        *(e.format(listener.address) for e in EXPLOITS),
    ]:
        try:
            store.query(asked, seconds=5)
        except StoreError:
            refused += 1
        assert listener.calls == 0, asked
    assert refused > 5_000


@pytest.mark.parametrize("exploit", EXPLOITS)
def test_query_that_hides_its_call_is_refused(store: RdfStore, listener: Listener, exploit: str) -> None:
    with pytest.raises(StoreError, match="SERVICE is refused"):
        store.query(exploit.format(listener.address))
    assert listener.calls == 0


def test_each_judgement_by_itself_refuses_all_queries_that_call(store: RdfStore, listener: Listener) -> None:
    """What calls is found out by allowing it: most queries as the grammar has them, and some mutilated ones."""
    called = [0, 0, 0, 0]
    for seed in range(1_200):
        asked = made(seed, listener.address)
        if calls(store, listener, asked):
            called[seed % 4] += 1
            assert sparql_calls._looks_like_a_call(asked), asked
            with pytest.raises(SyntaxError):
                sparql_calls.parse_alone(sparql_calls._respelled(asked))
    assert called[0] > 150 and called[1] > 30 and called[2] > 5, called


@pytest.mark.parametrize("word", ["service", "SERVICE", "Service"])
@pytest.mark.parametrize("part", sorted(set(BESIDE)))
def test_harmless_part_of_a_query_may_say_the_word(store: RdfStore, part: str, word: str) -> None:
    said = part.format(word)
    store.query(f"PREFIX x: <a:> PREFIX {word}: <b:> SELECT (COUNT(*) AS ?services) {{ {said} ?s ?p ?o }} #service")


HONEST = [
    "SELECT ?service ?n { ?service a <http://hl7.org/fhir/ServiceRequest> ; rdfs:label ?n }",
    "PREFIX service: <a:> SELECT ?s { ?s service:b service:c } GROUP BY ?s ORDER BY ?s",
    "# what a service\n# says\nSELECT ?s { ?s ?p 'Service: a \"service\" of (many) {' }",
    "SELECT ?Service ?service ?SERVICE { ?Service ?service ?SERVICE FILTER(?Service<?SERVICE) }",
    "SELECT ?home_service ?x { ?home_service <http://a.example/service> ?x }",
    "SELECT ?s { ?s a <http://a.example/Service> OPTIONAL { ?s <a:service> ?x } }",
    "SELECT ?s { ?s ?p 'a service of <b>' FILTER(CONTAINS(?p, \"'service'\")) }",
    "SELECT ?s { VALUES ?s { <a:service> 'service' } }",
]


@pytest.mark.parametrize("asked", HONEST)
def test_honest_query_that_says_service_is_answered(store: RdfStore, asked: str) -> None:
    store.query(asked)


def test_query_that_says_service_and_cannot_be_parsed_is_refused_and_told_why() -> None:
    with pytest.raises(
        StoreError, match=r"^query: line 1, column \d+: .*SERVICE stands in it, so it is parsed here first"
    ):
        sparql.refuse_calls("SELECT * { ?service ?p }", 5)


def test_parsing_alone_answers_nothing(listener: Listener) -> None:
    sparql_calls.parse_alone(f"ASK {{ SERVICE <{listener.address}> {{ }} }}")
    sparql_calls.parse_alone("ASK { ?s ?p ?o }")
    with pytest.raises(SyntaxError):
        sparql_calls.parse_alone("ASK {")
    assert listener.calls == 0


@pytest.mark.parametrize(
    "repeated", ["service", "service#", "service#\n", "service<", "service:", "service ", "?service "]
)
def test_word_that_stands_there_very_often_is_judged_in_seconds(store: RdfStore, repeated: str) -> None:
    with pytest.raises(StoreError):
        store.query((repeated * 20_000)[:90_000], seconds=5)
