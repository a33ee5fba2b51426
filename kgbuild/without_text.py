"""A note's graph without its words: what is left are ids, codes, labels, numbers and days.

Left out are the texts of mentions, the names of entities that no code names, and values as written. Ids that hold such
words get a digest in their place. It is no de-identification: patients, notes and dates keep their ids, and who tries
words can find out whether a digest is theirs.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from kgbuild import ids
from kgbuild.graph import Edge, Node, NoteGraph

_WORDS = {"Mention": ("text",), "Event": ("value",)}
"""Node type -> properties that are words of the note."""


def without_text(graph: NoteGraph) -> NoteGraph:
    """Return the graph without what was taken from the note's text."""
    new_id = _new_ids(graph)
    nodes = [_stripped(node, new_id) for node in graph.nodes]
    edges = [_renamed(edge, new_id) for edge in graph.edges]
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def _new_ids(graph: NoteGraph) -> dict[str, str]:
    """Return ids without words for the entities and events whose ids have some."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        if node.type == "Entity" and "code" not in node.properties:
            kind, patient, label, name = node.id.split("/")
            found[node.id] = "/".join((kind, patient, label, _digest(name)))
    for edge in graph.edges:
        if edge.type == "OF":
            event, entity = edge.source, edge.target
            rest = event.removeprefix("event" + entity.removeprefix("entity") + "/")
            days, assertion, *measure = rest.split("/")
            parts = (days, assertion, *map(_digest, measure))
            found[event] = "/".join(("event" + found.get(entity, entity).removeprefix("entity"), *parts))
    return found


def _digest(part: str) -> str:
    """Return what stands for a part of an id."""
    return ids.path("~" + sha256(part.encode()).hexdigest()[:32])


def _stripped(node: Node, new_id: Mapping[str, str]) -> Node:
    """Return a node without words of the note."""
    kept = {name: value for name, value in node.properties.items() if name not in _WORDS.get(node.type, ())}
    if node.type == "Entity" and "code" not in node.properties:
        kept["name"] = kept["label"]
    return Node(node.type, new_id.get(node.id, node.id), kept)


def _renamed(edge: Edge, new_id: Mapping[str, str]) -> Edge:
    return replace(edge, source=new_id.get(edge.source, edge.source), target=new_id.get(edge.target, edge.target))
