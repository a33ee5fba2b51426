"""Addresses of servers that are none: one line, and nothing of a password that they may hold."""

import os
import subprocess
import sys

import pytest

from kgbuild.stores import StoreError, open_store
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
