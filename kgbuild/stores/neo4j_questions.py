"""What the Neo4j store is asked: Cypher that never changes; only names of ``schema.py`` are put into it."""

from kgbuild.schema import EDGE_TYPES
from kgbuild.stores.neo4j_rows import STORE

IS_STORE = f"MATCH (store:{STORE}) RETURN store.turn AS turn"
FINGERPRINTS = "UNWIND $ids AS id MATCH (note:Note {id: id}) RETURN id, note.fingerprint AS fingerprint"

NOTES = "MATCH (note:Note) RETURN note.key AS key"

PATIENTS = """
MATCH (patient:Patient)
OPTIONAL MATCH (patient)-[:HAS_EVENT]->(event:Event) WHERE event.assertion IN $assertions
WITH patient, count(event) AS events,
  min(CASE WHEN event.end IS NOT NULL THEN event.start END) AS first,
  max(CASE WHEN event.start IS NOT NULL THEN event.end END) AS last
RETURN patient.key AS key, COUNT { (patient)-[:HAS_NOTE]->() } AS notes, events, first, last"""

EVENTS = """
MATCH (:Patient {id: $id})-[:HAS_EVENT]->(event:Event)-[:OF]->(entity:Entity)
WITH entity, collect(event) AS events
WITH entity, events, COLLECT {
  MATCH (entity)-[e:CODED_AS]->(code:Concept) WHERE e.rank = 1
  MATCH (code)-[:IS_A*0..]->(above:Concept)
  RETURN DISTINCT above.system + ':' + above.code } AS codes
UNWIND events AS event
RETURN coalesce(event.long_id, event.id) AS id, properties(event) AS event, codes,
  entity.label AS label, entity.name AS name, entity.system AS system, entity.code AS code,
  EXISTS { (event)-[:DATED_BY]->() } AS is_dated,
  [(event)-[:EVIDENCED_BY]->(m:Mention)<-[:MENTIONS]-(note:Note) | [note.key, m.start, m.end, m.text]] AS evidence"""

_ENTITIES = (
    "MATCH (:Patient {id: $id})-[:HAS_NOTE]->(:Note)-[:MENTIONS]->(:Mention)-[:REFERS_TO]->(entity:Entity) "
    "WITH DISTINCT entity "
)
_LINK = "RETURN DISTINCT type(e) AS type, coalesce(a.long_id, a.id) AS source, coalesce(b.long_id, b.id) AS target"


def _between(source: str) -> str:
    """Return the edge types from one node type to codes and to what is on a timeline, as a pattern has them."""
    ends = ("Entity", "Event", "Concept")
    return "|".join(name for name, edge in EDGE_TYPES.items() if edge.source == source and edge.target in ends)


LINKS = (
    f"{_ENTITIES} MATCH (entity)-[e:{_between('Entity')}]->(b) WHERE e.rank IS NULL OR e.rank = 1 "
    f"WITH DISTINCT entity AS a, e, b {_LINK}",
    f"MATCH (:Patient {{id: $id}})-[:HAS_EVENT]->(a:Event)-[e:{_between('Event')}]->(b) {_LINK}",
    f"{_ENTITIES} MATCH (entity)-[coded:CODED_AS]->(code:Concept) WHERE coded.rank = 1 WITH DISTINCT code "
    f"MATCH (code)-[:IS_A*0..]->(a:Concept) WITH DISTINCT a MATCH (a)-[e:IS_A]->(b:Concept) {_LINK}",
)

CONCEPTS = """
MATCH (code:Concept)
RETURN code.system + ':' + code.code AS curie,
  [(code)-[:IS_A]->(above:Concept) | above.system + ':' + above.code] AS above"""

CODED = """
UNWIND $codes AS id
MATCH (:Concept {id: id})<-[e:CODED_AS]-(entity:Entity) WHERE e.rank = 1
WITH DISTINCT entity
MATCH (entity)<-[:OF]-(event:Event)<-[:HAS_EVENT]-(patient:Patient) WHERE event.assertion IN $assertions
RETURN DISTINCT patient.key AS key"""
