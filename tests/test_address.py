"""Addresses of servers that are none: one line, and nothing of a password that they may hold."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuild.cli import cli
from kgbuild.cli_arguments import IDS, STORE, WORDS, refuse_addresses
from kgbuild.stores import StoreError, open_store
from kgbuild.stores.address import place
from tests.test_cli import commands
from tests.test_hostile_arguments import Done, call, called
from tests.test_stores import ROOT

WRONG = {
    "http://kg:sEcr3t/x@host/ds": "user and password are no part of an address: set SPARQL_USERNAME",
    "http://kg:1234/x@host/ds": "user and password are no part of an address",
    "http://u:p@[::1/x": "user and password are no part of an address",
    "neo4j://kg:sEcr3t/x@host": "user and password are no part of an address: set NEO4J_USERNAME and NEO4J_PASSWORD",
    "http://kg:sEcr3t/x": "expected http://HOST or http://HOST:PORT",
    "http://host:99999/x": "expected http://HOST or http://HOST:PORT, with a port up to 65535",
    "http://[::1/x": "expected http://HOST or http://HOST:PORT",
    "http://a..b/x": "expected http://HOST or http://HOST:PORT",
    "http://127.0.0.1:9/a b": "an address is of ASCII characters, without blanks; write others as %20",
    "http://127.0.0.1:9/é": "an address is of ASCII characters",
    "http://127.0.0.1:9/\x1b[2J": "an address is of ASCII characters",
    "bolt://127.0.0.1:abc": "expected bolt://HOST or bolt://HOST:PORT",
    "bolt://127.0.0.1:sEcr3t": "expected bolt://HOST or bolt://HOST:PORT",
    "neo4j+s://[::1": "expected neo4j+s://HOST or neo4j+s://HOST:PORT",
}


@pytest.mark.parametrize("url", WRONG)
def test_address_that_is_none_is_told_by_its_scheme_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "x")
    with pytest.raises(StoreError) as refused:
        open_store(url)
    said = str(refused.value)
    assert said.startswith(f"{url.partition(':')[0]}: {WRONG[url]}")
    assert not [part for part in ("sEcr3t", "1234", "u:p", "9/") if part in said]
    assert refused.value.__context__ is None


# --- what was meant for an address --------------------------------------------------------------------------------
MISTYPED = (
    "https:/u:sEcr3t@host/ds", " http://u:sEcr3t@h", "http://u:sEcr3t@h ", "neo4j:u:sEcr3t@h", '"neo4j://u:sEcr3t@h"',
    "'http://u:sEcr3t@h'", "\u201chttp://u:sEcr3t@h\u201d", "http//u:sEcr3t@h", "u:sEcr3t@host:7687", "//u:sEcr3t@h",
    "/u:sEcr3t@h", "\\\\u:sEcr3t@h", "http:\\\\u:sEcr3t@h", "jdbc:neo4j://u:sEcr3t@h", "bolt+x://u:sEcr3t@h",
    "bolt:/u:sEcr3t@h", "neo4j+s:sEcr3t", "NEO4J:U:sEcr3t@H", "HTTP:/sEcr3t", "http\uff1a//u:sEcr3t@h",
    "http\uff1a\uff0f\uff0fu\uff1asEcr3t\uff20h", "http://u\uff1asEcr3t\uff20h", "\u200bhttp://u:sEcr3t@h",
    "\ufeffneo4j:sEcr3t", "ht\ntp:/u:sEcr3t@h", "neo4j:u:sEcr3t@h\n", "http%3A%2F%2Fu%3AsEcr3t%40h", "u%3AsEcr3t%40h",
    "u%253AsEcr3t%2540h", "http://u%3AsEcr3t%40h/ds", "=neo4j:sEcr3t", "=neo4j://u:sEcr3t@h", "<http://u:sEcr3t@h>",
    "KGBUILD_STORE=neo4j:u:sEcr3t@h", "store=http://u:sEcr3t@h", "neo4j;//u;sEcr3t@h", "http: //u:sEcr3t@h",
    "http :sEcr3t", "sEcr3t@host:7687", "sEcr3t:7687", "[::1]:7687/sEcr3t", "ftp://u:sEcr3t@h", "sEcr3t://h",
    "ftp:/sEcr3t", "C:/u:sEcr3t@h", "a/u:sEcr3t@h", "http/u/sEcr3t@h", "http:///u:sEcr3t", "http://h\\sEcr3t/x",
    "neo4j://u:sEcr3t@h", "https://u:sEcr3t@h/ds", "bolt://h:sEcr3t", "http\u2236//u\u2236sEcr3t@h", "/neo4j:sEcr3t",
    "//u:sEcr3t/x@h", "/u:sEcr3t/x@h", "///u:sEcr3t@h", "//h/u:sEcr3t@h", "http\u205a//u\u205asEcr3t@h",
    "u\u16ebsEcr3t@h", "u\u0903sEcr3t@h", "u\ua789sEcr3t@h", "u:sEcr3t\u203bh", "user=u,password=sEcr3t,host=h",
    "NEO4J_AUTH=neo4j/sEcr3t", "http.//u:sEcr3t", "password: sEcr3t", "/password=sEcr3t", "bolt\u205asEcr3t",
    "http://127.0.0.1:9/ds;password=sEcr3t", "http://127.0.0.1:9/ds&password=sEcr3t", "http://h/ds%3Bpassword=sEcr3t",
    "http://h/u:sEcr3t", "http://h/?password=sEcr3t", "bolt://h/;password=sEcr3t", "http://h?password=sEcr3t",
)  # fmt: skip
"""Addresses with a password, as people type and copy them."""

FOLDERS = (
    "kg", "./kg", "../kg", "a/b", "/a/b", "C:\\kg", "C:/kg", "kg@2024", "notes: 2020/kg", "a:b", "a/b:c", "a@b/c",
    "~/kg", "./http:/x", "./u:pw@h", "../neo4j:x", "/data/a:b@c/kg", "neo4j", "neo4j-backup@2024", "bolt/kg", "http",
    "kg \u2013 2024", "\u75c5\u6b74\u30fb2024", "\u0926\u0940\u092a\u0915", "\u201ckg\u201d", "user=1/kg", "http-kg",
    ".kg", "\\\\server\\share", "kg.2024-01", "m\xfcller/kg", "a b", "-kg", "\u75c5\u6b77",
)  # fmt: skip


@pytest.mark.parametrize("text", FOLDERS)
def test_name_of_a_folder_is_one(text: str) -> None:
    assert place(text) == Path(text)


@pytest.mark.parametrize(
    "text", ["neo4j://h", "bolt+ssc://h:7687", "HTTP://h/ds", "https://h.x:1/ds/a%20b", "http://[::1]:3/x"]
)
def test_address_is_one(text: str) -> None:
    assert place(text) == text


@pytest.mark.parametrize("text", MISTYPED)
def test_mistyped_address_is_refused_without_its_words(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        open_store(text, create=True)
    said = str(refused.value)
    assert "secr3t" not in said.casefold() and "\n" not in said
    assert (
        "./NAME is a folder" in said
        or said.startswith("expected the address of a data set")
        or said.partition(":")[0] == text.partition(":")[0]
    )
    assert refused.value.__context__ is None


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "\ud800"])
def test_name_that_no_folder_has_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match=r"^store: .*expected the name of a folder, neo4j://HOST"):
        open_store(text, create=True)


Typed = st.builds(
    "{}{}{}{}{}{}{}{}".format,
    st.sampled_from(["", " ", '"', "=", "\u200b", "<"]),
    st.sampled_from(["http", "NEO4J", "bolt+s", "xyz", ""]),
    st.sampled_from(["://", ":/", ":", "//", "/", "\uff1a//", ":\\\\", " : "]),
    st.sampled_from(["u", "user.name", "\xfc"]),
    st.sampled_from([":", "\uff1a", "%3A", "%253a"]),
    st.sampled_from(["sEcr3t", "sEcr3t/x", "sE cr3t"]),
    st.sampled_from(["@", "\uff20", "%40"]),
    st.sampled_from(["h", "host:7687/ds", "h/ ", "[::1]"]),
)


@settings(max_examples=300, deadline=None)
@given(Typed)
def test_however_user_and_password_are_typed_they_are_no_folder(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        place(text)
    assert "cr3t" not in str(refused.value)


WITH_STORE = [(path, command) for path, command in commands(cli) if any(p.name == "store" for p in command.params)]


@pytest.mark.parametrize("text", [*MISTYPED[::4], *list(WRONG)[:4]])
def test_no_command_prints_a_password_or_makes_a_folder_of_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jsonl").write_text("{}\n")
    (tmp_path / "folder").mkdir()
    for path, command in WITH_STORE:
        (store,) = (parameter for parameter in command.params if parameter.name == "store")
        monkeypatch.delenv("KGBUILD_STORE", raising=False)
        by_option = called(call(path, command, store, text))
        monkeypatch.setenv("KGBUILD_STORE", text)
        by_variable = called([word for word in call(path, command, store, "") if word != "--store="])
        for done in (by_option, by_variable):
            assert (done.status, done.out) == (1, ""), path
            assert done.err.startswith("Error: ") and done.err.count("\n") == 1, path
            assert "secr3t" not in done.err.casefold(), path
        assert by_option.err == by_variable.err
    assert len(WITH_STORE) >= 9
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "x.jsonl"]


@pytest.mark.parametrize(
    "url", ["http://kg:sEcr3t/x@host/ds", "bolt://kg:sEcr3t/x@host", "bolt://127.0.0.1:abc", "//[x"]
)
def test_command_tells_it_in_one_line(url: str) -> None:
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", "patients", "--store", url]
    environment = os.environ | {"NEO4J_PASSWORD": "x"}
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert "sEcr3t" not in done.stderr


# --- in a wrong place ---------------------------------------------------------------------------------------------
HOMELESS = (
    "http://u:sEcr3t@h/x", "u:sEcr3t\uff20h", "neo4j:sEcr3t", "http://h/?password=sEcr3t", "http://u:'\"sEcr3t\\@h/x",
    "http\u205a//u\u205asEcr3t@h", "user=u,password=sEcr3t,host=h",
)  # fmt: skip
"""Spellings that are given to every parameter."""

PARAMETERS = [
    (path, command, parameter)
    for path, command in commands(cli)
    for parameter in command.params
    if not getattr(parameter, "is_flag", False) and parameter.name not in STORE | WORDS
]
OF_IDS = [found for found in PARAMETERS if found[2].name in IDS and not isinstance(found[2].type, click.Path)]
JUDGED = [found for found in PARAMETERS if found not in OF_IDS]


def spelled(parameter: click.Parameter, value: str) -> Iterator[list[str]]:
    """Yield the ways in which a value is given to a parameter."""
    if isinstance(parameter, click.Argument):
        yield [value]
    for option in () if isinstance(parameter, click.Argument) else parameter.opts:
        yield [option, value]
        yield [f"{option}={value}" if option.startswith("--") else f"{option}{value}"]


def is_told_without_its_words(done: Done) -> bool:
    return done.status in (1, 2) and "ecr3t" not in done.err + done.out and done.err.count("Error: ") == 1


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder in which nothing is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KGBUILD_STORE", raising=False)
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", HOMELESS)
def test_address_in_the_place_of_any_value_is_refused_before_a_command_begins(word: str) -> None:
    for path, command, parameter in JUDGED:
        others = [  # of a command with two arguments the second, which is judged too, needs a first
            "x"
            for other in command.params[: command.params.index(parameter)]
            if isinstance(other, click.Argument) and isinstance(parameter, click.Argument)
        ]
        for arguments in spelled(parameter, word):
            with pytest.raises(click.UsageError, match="--store names a store") as refused:
                refuse_addresses(cli, [*path, *others, *arguments])
            assert "ecr3t" not in refused.value.format_message(), (path, arguments)
    assert len(JUDGED) > 80 and {p.name for *_, p in JUDGED} > {"notes", "target", "model", "systems", "jobs", "form"}


def test_ids_are_those_of_patients_notes_and_codes() -> None:
    found = {(" ".join(path), parameter.name) for path, _, parameter in OF_IDS}
    assert found == {
        ("patients", "code"), ("timeline", "patient"), ("timeline", "code"), ("trend", "patient"),
        ("validate", "notes"), ("retract", "note_id"), ("ontology show", "code"),
    }  # fmt: skip


@pytest.mark.parametrize("word", HOMELESS)
def test_address_as_notes_command_or_one_word_too_many_is_told_without_its_words(word: str, nowhere: Path) -> None:
    calls = [[word], ["ontology", word], ["extract", word], ["extract", "x", f"--output={word}"], ["--", word]]
    calls += [["patients", word], ["patients", f"-o{word}"], [f"--{word}", "patients"], ["patients", f"--x{word}=1"]]
    calls += [["extract", "x", f"--jobs={word}"], ["train", "joint", "brat", "x", "-o", "y", f"--encoder={word}"]]
    for arguments in calls:
        done = called(arguments)
        assert is_told_without_its_words(done), (arguments, done)


@pytest.mark.parametrize("word", HOMELESS)
def test_id_that_looks_like_an_address_is_not_printed(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("kg", create=True):
        pass
    for arguments in (["retract", word], ["validate", word], ["ontology", "show", "icd10cm", word]):
        assert is_told_without_its_words(called(arguments)), arguments
    for arguments in (["timeline", word], ["trend", word, "x"], ["patients", "--code", word]):
        assert "ecr3t" not in "".join(map(str, called(arguments))), arguments


@pytest.mark.parametrize("name", ["http://hospital/notes/1", "urn:note:1", "visit:12", "p1-2018@2", "a/b#c"])
def test_id_that_is_an_iri_is_asked_for_and_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("kg", create=True):
        pass
    assert called(["retract", name]).err == f"Error: kg: no note {name!r}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["resolve", "http://u:p@h", "lesion of liver"], ["query", "SELECT ?s { ?s a <http://u:p@h> }"],
        ["patients", "--code", "icd10cm:K76"], ["timeline", "p1", "--from", "2019-03-01", "--label", "Sign_symptom"],
        ["extract", "./a:b@c", "-o", "./u:p@h"], ["train", "joint", "brat", "x", "-o", "y", "--split", "3:1:1"],
        ["train", "joint", "brat", "C:\\x", "--vectors", "random:200", "-o", "y", "--fold", "0/5"],
        ["train", "joint", "brat", "x", "-o", "y", "--encoder", "bionlp/x", "--labels", "A,B"],
        ["export", "--store", "http://u:p@h"], ["ontology", "search", "a:b@c"], ["trend", "p1", "a@b:c"],
        ["ontology", "show", "snomedct", "233604007"], ["extract", "-", "--system", "icd10cm"], ["extract", "-h"],
    ],
)  # fmt: skip
def test_what_is_no_address_in_a_wrong_place_is_left_to_the_command(arguments: list[str]) -> None:
    refuse_addresses(cli, arguments)


@pytest.mark.parametrize("word", [*MISTYPED, *list(WRONG)[:4]])
def test_however_an_address_is_spelled_it_is_not_notes(word: str) -> None:
    with pytest.raises(click.UsageError):
        refuse_addresses(cli, ["extract", word])


@pytest.mark.parametrize("word", HOMELESS)
def test_home_that_looks_like_an_address_is_refused(word: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KGBUILD_HOME", "XDG_DATA_HOME"):
        with monkeypatch.context() as patch:
            patch.setenv(name, word)
            done = called(["ontology", "list"])
        assert is_told_without_its_words(done) and done.err.startswith(f"Error: {name}: expected a folder"), done


def test_name_of_a_user_is_not_printed(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("NEO4J", "SPARQL"):
        monkeypatch.setenv(f"{kind}_USERNAME", "neo4j:sEcr3t")
        monkeypatch.delenv(f"{kind}_PASSWORD", raising=False)
    for store in ("bolt://127.0.0.1:9", "http://127.0.0.1:9/ds"):
        assert is_told_without_its_words(called(["patients", "--store", store]))
