"""What a query of a user's may call on a real Neo4j: what reads the graph, and nothing else unless that is allowed."""

import socket
import threading
from collections.abc import Iterator

import pytest

from kgbuild.stores import StoreError
from kgbuild.stores.neo4j import Neo4jStore
from kgbuild.stores.neo4j_query import _syntax, calls
from tests.conftest import NEO4J
from tests.neo4j.content import graph

pytestmark = NEO4J

NOTE = graph("[fever|Sign_symptom]")


@pytest.fixture
def store(neo4j_url: str) -> Iterator[Neo4jStore]:
    with Neo4jStore(neo4j_url, create=True) as opened:
        yield opened


class Listener:
    """Another server, which notes what it is asked."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/x"
        self.asked = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with client:
                self.asked += 1
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na,b\n")


INSIDE = [  # LOAD CSV that is no step of a plan: it runs within the expression of another
    "UNWIND [1] AS n RETURN CASE WHEN n = 1 THEN COUNT {{ LOAD CSV FROM '{url}' AS l RETURN l }} ELSE 1 END AS x",
    "UNWIND [1] AS n RETURN [x IN [n] | COLLECT {{ LOAD CSV FROM '{url}' AS l RETURN l }}] AS x",
    "MATCH (m:Mention) RETURN any(x IN [m.text] WHERE EXISTS {{ LOAD CSV FROM '{url}' + x AS l RETURN l }}) AS x",
    "MATCH (m:Mention) RETURN CASE m.text WHEN 'fever' THEN COLLECT {{ load /**/ csv FROM '{url}' AS l RETURN l }} END",
    "SHOW FUNCTIONS YIELD name WHERE COUNT {{ LOAD CSV FROM '{url}' AS l RETURN l }} = 1 RETURN name LIMIT 1",
    "WITH 1 AS `date.`, 2 AS `x` RETURN [`x` IN [`date.`] | COUNT {{ LOAD CSV FROM '{url}' AS l RETURN l }}] AS y",
]


@pytest.mark.parametrize("statement", INSIDE)
def test_file_is_not_loaded_inside_an_expression_either(store: Neo4jStore, statement: str) -> None:
    store.put([NOTE])
    listener = Listener()
    text = statement.format(url=listener.url)

    with pytest.raises(StoreError, match="LOAD CSV is refused"):
        store.query(text)
    assert listener.asked == 0
    store.query(text, may_call=True)
    assert listener.asked > 0  # so it would have


READING = [
    "CALL db.labels() YIELD label WHERE label = 'Note' RETURN label",
    "MATCH (n:Note) RETURN [x IN [n.key] | COLLECT { CALL db.labels() YIELD label RETURN label + x }] AS x",
    "CALL db.schema.visualization()",
    "CALL db.relationshipTypes() YIELD relationshipType AS t RETURN t",
    "MATCH (n:Note) RETURN date.truncate('month', n.date) AS m, duration.between(n.date, date('2020-01-01')) AS d",
    "RETURN point.distance(point({x: 0, y: 0}), point({x: 1, y: 1})) > 1 AND datetime.fromEpoch(0, 0).year = 1970 AS x",
]


@pytest.mark.parametrize("statement", READING)
def test_neo4j_s_own_that_only_read_are_called(store: Neo4jStore, statement: str) -> None:
    store.put([NOTE])

    assert store.query(statement).rows != []


OTHERS = {  # the server takes them for reading too
    "CALL db.stats.clear('QUERIES') YIELD success RETURN success": "db.stats.clear",
    "CALL db.stats.retrieve('GRAPH COUNTS') YIELD section RETURN section LIMIT 1": "db.stats.retrieve",
    "CALL db.resampleOutdatedIndexes()": "db.resampleOutdatedIndexes",
    "CALL `db`.`prepareForReplanning`()": "db.prepareForReplanning",
    "RETURN [x IN [1] | COUNT { CALL db.stats.status() YIELD status RETURN status }] AS x": "db.stats.status",
}


@pytest.mark.parametrize(("statement", "name"), OTHERS.items())
def test_other_procedure_is_refused_unless_allowed(store: Neo4jStore, statement: str, name: str) -> None:
    with pytest.raises(StoreError, match=rf"^query: {name} is refused: it may do more than read the graph, unless al"):
        store.query(statement)
    store.query(statement, may_call=True)


PLUG_INS = {  # what 5.26.31 with APOC core 5.26.19 shows of steps that it takes for reading
    # CALL apoc.load.json('http://...') YIELD value RETURN value
    ("ProcedureCall", "apoc.load.json($autostring_0) :: (value :: MAP)"): "apoc.load.json",
    # RETURN apoc.cypher.runFirstColumnSingle('LOAD CSV FROM ...', {}) AS x
    ("Projection", "apoc.cypher.runFirstColumnSingle($autostring_0, {}) AS x"): "apoc.cypher.runFirstColumnSingle",
    ("Filter", "apoc.text.join([n.x], $autostring_0) = $autostring_1"): "apoc.text.join",
    ("Limit", 'toInteger(apoc.text.join(["1"], ""))'): "apoc.text.join",
    ("EagerAggregation", "count(*) AS a, collect(DISTINCT apoc.text.join($autolist_2, $b)) AS b"): "apoc.text.join",
    (
        "VarLengthExpand(All)",
        "p = (n)-[r*..3]->(m) WHERE all(x IN relationships(p) WHERE x.y = apoc.text.join($l, $s))",
    ): ("apoc.text.join"),
    # CALL db.index.fulltext.queryNodes(apoc.text.join(...), 'z') YIELD node RETURN node
    ("ProcedureCall", "db.index.fulltext.queryNodes(apoc.text.join($l, $a), $b) :: (node :: NODE)"): "apoc.text.join",
    # SHOW TRANSACTIONS [apoc.cypher.runFirstColumnSingle(...)]
    (
        "ShowTransactions",
        "transactions([ResolvedFunctionInvocation(apoc.cypher.runFirstColumnSingle,Some(apoc.cypher."
        "runFirstColumnSingle(statement :: STRING, params :: MAP) :: ANY),ArraySeq())])",
    ): "apoc.cypher.runFirstColumnSingle",
    # RETURN [x IN [1] | COLLECT { CALL apoc.cypher.run(...) }]
    (
        "Projection",
        "[x IN $autolist_0 | COLLECT { ResolvedCall(apoc.cypher.run($a, {}) :: value :: MAP,ArraySeq()) RETURN 1 }]",
    ): "apoc.cypher.run",
    ("Projection", "`my-plug-in`.load($a) AS x"): "in`.load",
    ("Projection", "my.`load-it`($a) AS x"): "`",
    ("Projection", "`date.` + my.load($a) + `.date`($b)"): "my.load",
}


@pytest.mark.parametrize(("step", "name"), PLUG_INS.items())
def test_procedures_and_functions_of_plug_ins_are_found_in_a_plan(step: tuple[str, str], name: str) -> None:
    assert calls([("ProduceResults", "x"), step]) == name


def test_no_escape_sequence_of_a_server_is_shown() -> None:
    for said in ("Invalid \x1b[2J input\nmore (line 1, column 12 (offset: 11))", "\x1b]0;x\x07" * 200):
        shown = str(_syntax(said))
        assert shown.isprintable() and len(shown) < 160


@pytest.mark.parametrize(
    "value",
    [
        "reduce(a = [], i IN range(0, 900) | [a])",
        "date('+999999999-01-01')",
        "datetime('+999999999-01-01T00:00:00Z')",
    ],
)
def test_value_that_python_has_nothing_for_is_told_in_one_line(store: Neo4jStore, value: str) -> None:
    with pytest.raises(StoreError, match=r"^query: the answer holds a value that cannot be read here: .*$"):
        store.query(f"RETURN {value} AS x")
    assert store.query("RETURN 1 AS x").rows == [(1,)]


def test_graph_that_is_none_of_kgbuild_s_is_told_without_its_words(store: Neo4jStore) -> None:
    for statement in (
        "CREATE (:Patient {id: 'patient/p1', key: 5})-[:HAS_NOTE]->(:Note {id: 'note/x', key: ['Quillfeather']})",
        "MATCH (p:Patient) CREATE (p)-[:HAS_EVENT]->(:Event {id: 'event/x', start: 'Quillfeather'})"
        "-[:OF]->(:Entity {id: 'entity/x', label: ['Quillfeather']})",
    ):
        store._connection.run([statement])
    for ask in (store.note_ids, store.patients, lambda: store.events("p1"), lambda: list(store.note_graphs(["x"]))):
        try:
            ask()
        except StoreError as error:
            assert "Quillfeather" not in str(error)
