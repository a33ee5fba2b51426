"""Addresses of stores in a wrong place of the command line: refused before anything could print or use them.

Each of their words could be a password, so every value is judged as click parts the arguments, whichever way it is
joined to its option. What is left out are words to search for and statements, and ids of notes and patients, which may
be IRIs; messages name those by ``kgbuild.stores.address.named``.
"""

import os
import re
from collections.abc import Iterator, Sequence

import click

from kgbuild.stores import StoreError
from kgbuild.stores.address import looks_like_address, may_hold_password

STORE = frozenset({"store"})
"""Judged as the address that it is, by ``kgbuild.stores.address.place``."""

WORDS = frozenset({"statement", "text", "texts", "what"})
"""Parameters for words of any kind."""

IDS = frozenset({"patient", "note_id", "notes", "code"})
"""Parameters for ids and codes, some of which have a colon, or are IRIs."""

_HOMES = ("KGBUILD_HOME", "XDG_DATA_HOME")
"""Variables that name the folder in which kgbuild keeps its tables."""

_HARMLESS = re.compile(r"[0-9.:/]+|random:[0-9]+")
"""Shares of a split, and sizes of random word vectors."""

_OPTION = re.compile(r"--?[A-Za-z0-9-]+")

_SAID = "what is given looks like the address of a store: --store names a store, ./NAME a file or folder"


def refuse_addresses(command: click.Command, arguments: Sequence[str]) -> None:
    """Refuse arguments one of which may be an address with a password, and such a name of the folder of tables.

    What else is wrong with them is left to click to say.

    Raises:
        click.UsageError: If there is one; without a word of it.
        StoreError: If a variable of the environment holds one.
    """
    for name in _HOMES:
        if looks_like_address(os.environ.get(name, "")):
            raise StoreError(f"{name}: expected a folder, found what looks like an address; ./NAME is a folder")
    _refuse_in(click.Context(command, info_name="kgbuild"), list(arguments))


def _refuse_in(context: click.Context, arguments: list[str]) -> None:
    """Refuse addresses in the arguments of a command, and of the command that these name."""
    command = context.command
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(arguments))
    except click.NoSuchOption as error:
        if _OPTION.fullmatch(error.option_name):
            return
        raise click.UsageError("no such option", context) from None
    except click.UsageError:
        return  # names options alone
    for parameter in command.params:
        for value in _texts(given.get(parameter.name or "")):
            if _is_out_of_place(parameter, value):
                raise click.BadParameter(_SAID, context, parameter)
    if isinstance(command, click.Group) and rest:
        named = command.get_command(context, rest[0])
        if named is not None:
            _refuse_in(click.Context(named, context, info_name=rest[0]), rest[1:])
            return
    if any(map(looks_like_address, rest)):
        raise click.UsageError(_SAID, context)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts that were given to a parameter."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _is_out_of_place(parameter: click.Parameter, value: str) -> bool:
    """Tell whether what is given to a parameter may be an address with a password."""
    if parameter.name in STORE | WORDS or _HARMLESS.fullmatch(value):
        return False
    if parameter.name in IDS and not isinstance(parameter.type, click.Path):
        return isinstance(parameter, click.Argument) and parameter.name == "code" and may_hold_password(value)
    return looks_like_address(value)
