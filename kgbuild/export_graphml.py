"""A graph as GraphML, which networkx, igraph, Gephi and yEd open."""

from collections.abc import Iterable
from datetime import date
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from kgbuild.graph import Edge, Node, Scalar
from kgbuild.stores.escaping import XML, escaped

# Attributes: name -> type. A name has one type in a file, so a mention's offsets have other names than an event's days.
# http://graphml.graphdrawing.org/primer/graphml-primer.html#GraphMLAttributes
_NODE: dict[str, str] = {
    **dict.fromkeys(("type", "key", "date", "kind", "sha256", "fingerprint", "label", "text", "assertion"), "string"),
    **dict.fromkeys(("patient", "name", "system", "code", "start", "end", "value", "unit"), "string"),
    **dict.fromkeys(("score", "number"), "double"),
    **dict.fromkeys(("first_character", "after_last_character"), "long"),
}
_EDGE: dict[str, str] = {
    **dict.fromkeys(("type", "note", "release", "label", "source_mention", "target_mention"), "string"),
    "score": "double",
    "rank": "long",
}
_OFFSETS = {"start": "first_character", "end": "after_last_character"}
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""


def write_graphml(content: Iterable[Node | Edge], out: BinaryIO) -> None:
    """Write nodes and edges, in the order they come, as they come.

    Characters that XML cannot hold are written as ``stores/escaping.py`` says.
    """
    keys = [
        f'<key id="{kind[0]}_{name}" for="{kind}" attr.name="{name}" attr.type="{type}"/>\n'
        for kind, types in (("node", _NODE), ("edge", _EDGE))
        for name, type in types.items()
    ]
    out.write(f'{_HEAD}{"".join(keys)}<graph id="kgbuild" edgedefault="directed">\n'.encode())
    edges = 0
    for thing in content:
        edges += isinstance(thing, Edge)
        out.write((_edge(thing, edges) if isinstance(thing, Edge) else _node(thing)).encode())
    out.write(b"</graph>\n</graphml>\n")


def _node(node: Node) -> str:
    renamed = _OFFSETS if node.type == "Mention" else {}
    data = {renamed.get(name, name): value for name, value in node.properties.items()}
    return f"<node id={_attribute(node.id)}>{_data('n', {'type': node.type, **data})}</node>\n"


def _edge(edge: Edge, number: int) -> str:
    ends = f"source={_attribute(edge.source)} target={_attribute(edge.target)}"
    return f'<edge id="e{number}" {ends}>{_data("e", {"type": edge.type, **edge.properties})}</edge>\n'


def _data(kind: str, properties: dict[str, Scalar]) -> str:
    return "".join(f'<data key="{kind}_{name}">{_text(value)}</data>' for name, value in sorted(properties.items()))


def _text(value: Scalar) -> str:
    """Return a value as text of XML; a carriage return would else be read as a line feed."""
    if isinstance(value, date):
        return value.isoformat()
    return escape(escaped(str(value), XML), {"\r": "&#13;"})


def _attribute(value: str) -> str:
    return quoteattr(escaped(value, XML))
