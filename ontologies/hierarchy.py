"""What stands above a code."""

from collections.abc import Iterable, Iterator, Mapping

from ontologies.concept import CodeTable, TableError

LEVELS_ABOVE = 32
"""How far up the words above a concept are taken, in levels: twice as many as MeSH has. A chain of 30,000 codes would
have half a billion words above its codes."""


def ancestors(table: CodeTable, code: str, levels: int | None = None) -> list[str]:
    """Return every code above ``code``, nearest first, each once; empty at a root.

    Args:
        table: The code's table.
        code: Where to begin.
        levels: How far up to go; None is to the top.

    Raises:
        TableError: If the table has no such code.
    """
    if code not in table.by_code:
        raise TableError(f"{table.system}: no code {code}")
    found: dict[str, None] = {}
    level, height = [code], 0
    while level and height != levels:
        height += 1
        above = (parent for below in level for parent in table.by_code[below].parents if parent not in found)
        level = list(dict.fromkeys(above))  # each once: with two parents a level there are 2 ** 60 ways up 60 levels
        found.update(dict.fromkeys(level))
    return list(found)


def is_within(table: CodeTable, code: str, ancestor: str) -> bool:
    """Tell whether ``code`` is ``ancestor`` or stands below it; a code that the table lacks stands nowhere."""
    return code in table.by_code and (code == ancestor or ancestor in ancestors(table, code))


def cycle(parents_of: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the codes of one cycle among parents, first code repeated at the end; empty where there is none."""
    done: set[str] = set()
    for start in parents_of:
        path: dict[str, Iterator[str]] = {} if start in done else {start: iter(parents_of[start])}
        while path:
            code, parents = next(reversed(path.items()))
            parent = next(parents, None)
            if parent is None:
                done.add(code)
                del path[code]
            elif parent in path:
                codes = list(path)
                return (*codes[codes.index(parent) :], parent)
            elif parent not in done:
                path[parent] = iter(parents_of.get(parent, ()))
    return ()
