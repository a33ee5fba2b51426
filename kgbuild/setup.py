"""What a command reads and codes notes with, opened from names that another process can be given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from extractors import load
from extractors.runtime import SHIPPED
from kgbuild.pipeline import Setup
from kgbuild.schema import UNASKED_SYSTEMS
from ontologies.store import tables
from resolvers.index import TableResolver, open_resolver


@dataclass(frozen=True, slots=True)
class Recipe:
    """Names of what is opened.

    Attributes:
        systems: Code systems; none stands for those that users added, and ``schema.UNASKED_SYSTEMS``.
        model: Folder of a model, as trained or exported; None is the shipped one.
    """

    systems: tuple[str, ...] = ()
    model: Path | None = None


def open_resolvers(systems: tuple[str, ...], progress: Callable[[str], None] | None = None) -> dict[str, TableResolver]:
    """Return the resolvers of some systems, or of those that are used without being asked for.

    Raises:
        TableError: If a system is unknown or has no table.
    """
    chosen = systems or tuple(info.system for info in tables() if info.is_added or info.system in UNASKED_SYSTEMS)
    return {system: open_resolver(system, progress) for system in dict.fromkeys(chosen)}


def open_setup(recipe: Recipe, progress: Callable[[str], None] | None = None, threads: int = 0) -> Setup:
    """Return the extractor and resolvers of a recipe.

    Args:
        recipe: What to open.
        progress: Told in one line before something that takes seconds.
        threads: Threads of the encoder; 0 takes every core.

    Raises:
        ExtractionError: If the model cannot be opened.
        TableError: If a system is unknown or has no table.
    """
    extractor = load(SHIPPED if recipe.model is None else recipe.model, threads=threads)
    resolvers = open_resolvers(recipe.systems, progress)
    return Setup(
        extractor, resolvers, extractor.fingerprint, {system: resolver.table for system, resolver in resolvers.items()}
    )
