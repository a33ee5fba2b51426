"""Addresses of servers that are none: one line, and nothing of a password that they may hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbuild.cli import cli
from kgbuild.stores import StoreError, open_store
from kgbuild.stores.address import place
from tests.test_cli import commands
from tests.test_hostile_arguments import call, called
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
    "//u:sEcr3t/x@h", "/u:sEcr3t/x@h", "///u:sEcr3t@h", "//h/u:sEcr3t@h",
)  # fmt: skip
"""Addresses with a password, as people type and copy them."""

FOLDERS = (
    "kg", "./kg", "../kg", "a/b", "/a/b", "C:\\kg", "C:/kg", "kg@2024", "notes: 2020/kg", "a:b", "a/b:c", "a@b/c",
    "~/kg", "./http:/x", "./u:pw@h", "../neo4j:x", "/data/a:b@c/kg", "neo4j", "neo4j-backup@2024", "bolt/kg", "http",
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


@pytest.mark.parametrize("text", [*MISTYPED, *list(WRONG)[:4]])
def test_no_command_prints_a_password_or_makes_a_folder_of_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jsonl").write_text("{}\n")
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
    assert [file.name for file in tmp_path.iterdir()] == ["x.jsonl"]


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


@pytest.mark.parametrize("word", ["http://u:sEcr3t@h/ds", "https:/u:sEcr3t@h", "u:sEcr3t@h:7687", "neo4j:u:sEcr3t@h"])
def test_address_in_a_wrong_place_is_told_without_its_words(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls = [[word], ["patients", word], ["ingest", word], ["extract", word], ["compare", "x", "--gold", word]]
    calls += [["timeline", "p1", word], ["evaluate", word, "brat", word], ["--store", word, "patients"]]
    for arguments in calls:
        done = called(arguments)
        assert done.status in (1, 2), arguments
        assert "Error: " in done.err and "sEcr3t" not in done.err + done.out, arguments
