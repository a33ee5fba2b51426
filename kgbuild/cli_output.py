"""The option ``-o``: where a command writes, which is never a file that it reads."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from kgbuild.note import shown
from ontologies.home import home

_Command = TypeVar("_Command", bound=Callable[..., object])

_Identity = tuple[int, int] | str
"""Device and inode of a file; of one that is not there the place where it would be."""

_ENDS = tuple(f"{slash}{end}" for slash in {"/", os.sep} for end in ("", "."))
"""How the name of what must be a folder ends."""


class _Place(click.Path):
    """A path, of which it is kept that it was written as that of a folder, which ``Path`` forgets."""

    def convert(
        self,
        value: "str | os.PathLike[str]",
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 (click's)
        if ctx is not None and str(value).endswith(_ENDS):
            ctx.meta[__name__] = str(value)
        return super().convert(value, param, ctx)


def output_option(command: _Command) -> _Command:
    """Add ``-o FILE`` to a command, and refuse a file that it reads before it reads anything."""
    option = click.option("-o", "--output", "target", type=_Place(path_type=Path), help=_HELP)
    return option(_refusing(command, refuse_folder))


def output_or_folder_option(command: _Command) -> _Command:
    """Add ``-o FILE`` to a command that writes a folder too: it is the command that calls ``refuse_folder``."""
    option = click.option("-o", "--output", "target", type=_Place(path_type=Path), help=_HELP)
    return option(_refusing(command, lambda: None))


def folder_option(help: str) -> Callable[[_Command], _Command]:
    """Return the required option ``-o FOLDER``."""

    def add(command: _Command) -> _Command:
        option = click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help=help)
        return option(_refusing(command, lambda: None))

    return add


_HELP = "Write to this file instead of stdout."


def refuse_folder() -> None:
    """Refuse the name of a folder, such as ``out/``, where a file is written.

    Raises:
        OSError: If the command was given one.
    """
    name = click.get_current_context().meta.get(__name__)
    if name is not None:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)


def _refusing(command: _Command, check: Callable[[], None]) -> _Command:
    """Return the command with a check of its target before it begins."""

    @wraps(command)
    def checked(*arguments: object, **options: object) -> object:
        check()
        _refuse_inputs(click.get_current_context())
        return command(*arguments, **options)

    return checked  # type: ignore[return-value]  # it takes what the command takes


def _refuse_inputs(context: click.Context) -> None:
    """Refuse a target that is one of the inputs: it would be lost, or be read as notes the next time.

    Raises:
        click.ClickException: If it is one, or stands in a folder all of whose files are read.
        NoteError: If the notes cannot be listed.
    """
    target: Path | None = context.params["target"]
    own = _identity_of_stream(sys.stdout) if target is None or str(target) == "-" else _identity(target)
    if own is None:
        return
    name = "stdout" if target is None or str(target) == "-" else shown(target)
    place = None if target is None or str(target) == "-" else Path(os.path.realpath(target))
    is_folder = place is not None and place.is_dir()
    if own == _identity_of_stream(sys.stdin):
        raise _is_read(name)
    for folder in _kept(context):
        if place is not None and not is_folder and Path(os.path.realpath(folder)) in place.parents:
            raise click.ClickException(f"{name}: stands in {shown(folder)}, which is read: write elsewhere")
    if any(own == _identity(file) for file in _inputs(context)) or (
        place is not None and _becomes_note(place, context)
    ):
        raise _is_read(name)


def _is_read(name: str) -> click.ClickException:
    return click.ClickException(f"{name}: is read by this command: write to another file")


def _given(context: click.Context) -> Iterator[tuple[str, Path]]:
    """Yield what the command reads by the name of its parameter; not what comes from stdin."""
    for parameter in context.command.params:
        if isinstance(parameter.type, click.Path) and parameter.name not in (None, "target"):
            value = context.params[str(parameter.name)]
            for path in value if isinstance(value, tuple) else (value,):
                if path is not None and str(path) != "-":
                    yield str(parameter.name), Path(path)


def _kept(context: click.Context) -> list[Path]:
    """Return the folders in which nothing is put: models, and code tables, which every command may read."""
    return [*(path for name, path in _given(context) if name == "model" and path.is_dir()), home() / "tables"]


def _folders(context: click.Context) -> list[Path]:
    """Return the folders of which all is read: models, corpora, and code tables, which every command may read."""
    return [*(path for name, path in _given(context) if name != "notes" and path.is_dir()), home() / "tables"]


def _inputs(context: click.Context) -> Iterator[Path]:
    """Yield every file that the command reads, and the folders that it was given."""
    for name, path in _given(context):
        yield path
        if name == "notes":
            from kgbuild.reading import files_of

            yield from files_of(path)
    for folder in _folders(context):
        for at, _, files in os.walk(folder):
            yield from (Path(at, file) for file in files)


def _becomes_note(place: Path, context: click.Context) -> bool:
    """Tell whether what is written would be read with the folder of notes the next time."""
    from kgbuild.reading import would_read

    folders = (Path(os.path.realpath(path)) for name, path in _given(context) if name == "notes" and path.is_dir())
    return any(folder in place.parents and would_read(place.relative_to(folder)) for folder in folders)


def _identity(path: Path) -> _Identity | None:
    """Return what tells a file or folder from all others, whatever it is called; None of a pipe or a device."""
    try:
        return _of(path.stat())
    except FileNotFoundError:
        return os.path.realpath(path)
    except OSError:
        return None


def _identity_of_stream(stream: "IO[Any] | None") -> _Identity | None:
    """Return that of the file behind a stream of this process, None if there is none."""
    with suppress(AttributeError, OSError, ValueError):
        return _of(os.fstat(stream.fileno()))  # type: ignore[union-attr]  # suppressed: a stream may be closed
    return None


def _of(found: os.stat_result) -> _Identity | None:
    is_kept = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
    return (found.st_dev, found.st_ino) if is_kept else None
