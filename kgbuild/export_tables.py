"""A graph as CSV files: for ``neo4j-admin database import``, for data frames, and safe to open in a spreadsheet.

A file a node type and an edge type, with the headers that Neo4j's import reads. A cell that a spreadsheet would run as
a formula begins with an apostrophe (``spreadsheet.py``), which ``restore.cypher`` takes away after an import.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TextIO

from kgbuild.graph import Edge, Node, Scalar
from kgbuild.schema import EDGE_TYPES, NODE_TYPES
from kgbuild.spreadsheet import guarded, unguarded
from kgbuild.stores import StoreError
from kgbuild.stores.escaping import XML, escaped, restored
from kgbuild.stores.folder import keep_out_of_stores, sync
from kgbuild.stores.mapping import PROPERTIES
from kgbuild.temporary import named, place_of, temporary_folder

# Property -> type of its column, where it is no text.
# https://neo4j.com/docs/operations-manual/5/tools/neo4j-admin/neo4j-admin-import/#import-tool-header-format-properties
_TYPES = {
    **{("Note", "date"): "date", ("Event", "start"): "date", ("Event", "end"): "date"},
    **{("Mention", "start"): "long", ("Mention", "end"): "long"},
    **{("Mention", "score"): "double", ("Event", "number"): "double", ("", "score"): "double", ("", "rank"): "long"},
}
_READ = ("note", "score", "source_mention", "target_mention")
_EDGE_COLUMNS: dict[str, tuple[str, ...]] = {
    "CODED_AS": ("note", "score", "rank", "release"),
    **dict.fromkeys(("BEFORE", "OVERLAPS", "MODIFY", "SUB_PROCEDURE", "CAUSE", "IDENTICAL"), _READ),
    "RELATED_TO": (*_READ, "label"),
}
"""Edge type -> its properties, if it has any."""

_IMPORT = """\
#!/bin/sh
# Into an empty database of Neo4j 5: sh import.sh [DATABASE], with neo4j-admin on the path and the database stopped.
# Then run restore.cypher once.
set -eu
cd "$(dirname "$0")"
neo4j-admin database import full "${{1:-neo4j}}" --multiline-fields=true --overwrite-destination {files}
"""


def columns(type: str) -> tuple[str, ...]:
    """Return the properties of a node or edge type, in the order of its columns."""
    if type in EDGE_TYPES:
        return _EDGE_COLUMNS.get(type, ())
    offsets = ("start", "end") if type == "Mention" else ()
    return (*offsets, *(name for of, name in PROPERTIES if of == type))


def write_tables(content: Iterable[Node | Edge], folder: Path) -> None:
    """Write nodes and edges into a new folder, for its owner alone; it appears when all is written.

    Raises:
        StoreError: If the folder is there already.
    """
    if folder.exists():
        raise StoreError(f"{folder}: is there already; CSV files go to a new folder")
    keep_out_of_stores(folder)
    with named(folder):
        place = place_of(folder)
        with temporary_folder(place.parent) as part:
            _write(content, part)
            for file in (*part.iterdir(), part):
                sync(file)
            part.rename(place)
        sync(place.parent)


def _write(content: Iterable[Node | Edge], folder: Path) -> None:
    """Write the files."""
    with ExitStack() as opened:
        files = {type: opened.enter_context(_new(folder / f"{type}.csv")) for type in (*NODE_TYPES, *EDGE_TYPES)}
        for type, file in files.items():
            file.write(_header(type))
        for thing in content:
            files[thing.type].write(_row(thing))
        opened.enter_context(_new(folder / "import.sh")).write(_IMPORT.format(files=" ".join(_arguments())))
        opened.enter_context(_new(folder / "restore.cypher")).write("".join(f"{s};\n" for s in restore_statements()))


def cell(value: Scalar | None) -> str:
    """Return a value as a cell: text in quotes, so that the empty text is not the absent one.

    >>> print(cell("=1+1"), cell(-1.5), cell(None), cell(""), sep="|")
    "'=1+1"|-1.5||""
    """
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        return str(value)
    text = guarded(escaped(value, XML)).replace('"', '""')
    return f'"{text}"'


def text_of(cell: str) -> str:
    """Return the text that ``cell`` was given, from a cell as a reader of CSV returns it."""
    return restored(unguarded(cell))


def restore_statements() -> Iterator[str]:
    """Yield the Cypher statements that take the apostrophes away after an import."""
    for type in NODE_TYPES:
        for name in columns(type):
            if (type, name) not in _TYPES:
                yield f'MATCH (n:{type}) WHERE n.{name} STARTS WITH "\'" SET n.{name} = substring(n.{name}, 1)'
    for type in EDGE_TYPES:
        for name in columns(type):
            if ("", name) not in _TYPES:
                yield f'MATCH ()-[e:{type}]->() WHERE e.{name} STARTS WITH "\'" SET e.{name} = substring(e.{name}, 1)'


def _new(path: Path) -> TextIO:
    """Return a new file for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")


def _header(type: str) -> str:
    """Return the first line of a file."""
    of = "" if type in EDGE_TYPES else type
    named = [f"{name}:{_TYPES[of, name]}" if (of, name) in _TYPES else name for name in columns(type)]
    ends = [":START_ID", ":END_ID", *named, ":TYPE"] if type in EDGE_TYPES else ["id:ID", *named, ":LABEL"]
    return ",".join(ends) + "\n"


def _row(thing: Node | Edge) -> str:
    """Return a line of a file."""
    ids = (thing.id,) if isinstance(thing, Node) else (thing.source, thing.target)
    values = [*ids, *(thing.properties.get(name) for name in columns(thing.type)), thing.type]
    return ",".join(map(cell, values)) + "\n"


def _arguments() -> Iterator[str]:
    """Yield the files as arguments of the import."""
    yield from (f"--nodes={type}.csv" for type in NODE_TYPES)
    yield from (f"--relationships={type}.csv" for type in EDGE_TYPES)
