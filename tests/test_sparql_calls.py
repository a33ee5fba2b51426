"""Queries made at random call no other server unless they may, on the embedded store; those that say a word may."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from random import Random
from time import process_time

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

ESCAPED = [
    r"SELECT * {{ \u0053ERVICE {0} {{ ?s ?p ?o }} }}",
    r"SELECT * {{ SERVIC\u0045 {0} {{ ?s ?p ?o }} }}",
    r"SELECT * {{ ?s ?p '\u0027 . \U00000053ervice {0} {{ ?s ?p ?o }} ?s ?p \u0027' }}",
    "ASK {{ # \\\\u000A FILTER(STRLEN('''\n \\u0053ERVICE # \\\\u000A x\n {0} {{ ?s ?p ?o }} # \\\\u000A ''') > 0)\n}}",
    "ASK {{ # \\\\\\\\u000A FILTER(STRLEN('''\n S\\u0045RVICE # \\\\\\u000D x\n {0} {{}} # \\\\u000A ''') > 0)\n}}",
    r"SELECT * {{ \u\u0053ERVICE {0} {{ ?s ?p ?o }} }}",
    r"SELECT * {{ \uff33ERVICE {0} {{ ?s ?p ?o }} }}",
    r"SELECT * {{ \u017fERVICE {0} {{ ?s ?p ?o }} }}",
    r"SELECT * {{ # \u2028 SERVICE x {0} {{ ?s ?p ?o }} }}",
    "SELECT * {{ \\u\uff10\uff10\uff15\uff13ERVICE {0} {{ ?s ?p ?o }} }}",
    r"SELECT * {{ \u{{53}}ERVICE {0} {{ ?s ?p ?o }} }}",
]
"""As servers read them that put characters for some escapes, in some places; RDF4J called for the fourth."""


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


@pytest.mark.parametrize("escaped", ESCAPED)
def test_escape_that_servers_read_each_in_his_way_is_refused_before_it_is_sent(escaped: str) -> None:
    with pytest.raises(StoreError, match=r"^query: (SERVICE is refused|.uXXXX is refused but for a letter)"):
        sparql.refuse_calls(escaped.format("<http://127.0.0.1:1/>"), 5)


def test_no_query_with_a_call_is_sent_whatever_is_escaped_in_it() -> None:
    for seed in range(2_000):
        random = Random(seed)  # noqa: S311 (repeats)
        with pytest.raises(StoreError):
            sparql.refuse_calls(escaped(random, query(random, "http://127.0.0.1:1/")), 5)


@pytest.mark.parametrize("fine", [r"'caf\u00e9'", r"'\u03b1-blocker'", r"?s a <a:\u0416>", r"'C:\\users\\x'"])
def test_letter_beyond_ascii_may_be_escaped(fine: str) -> None:
    sparql.refuse_calls(f"SELECT * {{ ?s ?p {fine} }}", 5)


@pytest.mark.parametrize(
    "asked",
    [
        "ASK { FILTER(<java:org.apache.jena.sparql.function.library.wait>(1)) }",
        "PREFIX j: <java:org.apache.jena.sparql.function.library.> ASK { FILTER(j:wait(1)) }",
        "BASE <JAVA:org.apache.jena.sparql.function.library.wait> ASK { FILTER(<>(1)) }",
        "ASK { FILTER(CALL(IRI(CONCAT('ja', 'va:x')), 1)) }",
        "ASK { FILTERcall#\n(?f) }",
    ],
)
def test_code_of_a_server_is_run_by_no_query(asked: str) -> None:
    with pytest.raises(StoreError, match=r"^query: <java:...> and CALL\( are refused"):
        sparql.refuse_calls(asked, 5)


@pytest.mark.parametrize("char", ["\u1680", "\u3000", "\u200b", "\u0378"])
def test_call_of_a_name_with_an_unusual_character_is_seen(char: str) -> None:
    """SPARQL takes most of Unicode for a part of names, blanks of others among it."""
    asked = f"PREFIX a: <http://127.0.0.1:1/> PREFIX a{char}: <b:> ASK {{ SERVICE {{}} {{ ?s ?p ?o }} }}"
    for name in (f"a:x{char}y", f"a:{char}", f"a:x{char}", f"a{char}:x", f"?x{char}y"):
        assert sparql_calls._looks_like_a_call(asked.replace("SERVICE {}", f"SERVICE {name}"))


def test_call_that_is_longer_than_what_is_looked_at_is_refused() -> None:
    for far in (990, 1_000, 3_000):
        for said in (f"SERVICE {' ' * far}<a:>{{}}", f"SERVICE#{'x' * far}\n<a:>{{}}", f"SERVICE <a:{'x' * far}>{{}}"):
            assert sparql_calls._looks_like_a_call(f"ASK {{ {said} }}")


PIECES = [
    "'",
    '"',
    "\\",
    "\\'",
    '\\"',
    "\\\\u",
    "<",
    "@a",
    ":",
    "#",
    "?",
    "\n",
    "service",
    "service:",
    "service ",
    "call",
    "exists{}",
]


@pytest.mark.parametrize("begin", ["", "'", '"""', "<", "service "])
def test_time_that_a_query_takes_before_it_is_sent_grows_with_its_length_alone(begin: str) -> None:
    """Also where a string is never closed; a look that was quadratic took 2 s."""
    for piece in [*PIECES, *map("".join, product(PIECES[:11], repeat=2))]:
        asked = begin + (piece * 20_000)[:20_000]
        start = process_time()
        for look in (sparql.chooses_graphs, sparql.names_graphs, sparql_calls._has_doubtful_escape, _seen):
            look(asked)
        sparql.within(asked, "urn:x")
        sparql.syntax_fault(asked, "no query")
        assert process_time() - start < 0.5, piece


def _seen(asked: str) -> None:
    """Look for a call as for any query: it may be too often that the word stands there."""
    with suppress(StoreError):
        sparql_calls._looks_like_a_call(asked)
