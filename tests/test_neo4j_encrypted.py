"""Encrypted connections to a real Neo4j, and what is told of those that are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from kgbuild.stores import StoreError, open_store
from tests.conftest import NEO4J
from tests.neo4j.content import graph
from tests.neo4j.server import Server

pytestmark = NEO4J

NOTE = graph("[fever|Sign_symptom]")
SCHEMES = ("bolt", "neo4j")


@pytest.fixture
def authority(neo4j_server: Server) -> Path:
    """The certificate of who signed that of the server, which is called ``localhost`` there."""
    if neo4j_server.home is None:
        pytest.skip("the certificate of a server that is not ours is not known")
    return neo4j_server.home / "certificates" / "authority.pem"


def address(url: str, scheme: str, host: str = "localhost") -> str:
    return f"{scheme}://{host}:{url.rpartition(':')[2]}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_any_certificate_will_do_with_ssc(neo4j_url: str, authority: Path, scheme: str) -> None:
    with open_store(address(neo4j_url, f"{scheme}+ssc", "127.0.0.1"), create=True) as store:
        assert store.put([NOTE]) == 1
        assert store.fingerprint("n1") == "f1"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_certificate_of_an_authority_that_the_environment_names_is_trusted(
    neo4j_url: str, authority: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    with open_store(address(neo4j_url, f"{scheme}+s"), create=True) as store:
        assert store.put([NOTE]) == 1
        assert store.fingerprint("n1") == "f1"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_certificate_of_an_unknown_authority_is_refused(neo4j_url: str, authority: Path, scheme: str) -> None:
    url = address(neo4j_url, f"{scheme}+s")

    with pytest.raises(StoreError, match=r"certificate is not trusted: .*; SSL_CERT_FILE names the autho") as caught:
        open_store(url)
    assert str(caught.value).startswith(f"{url}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_certificate_of_another_server_is_refused(
    neo4j_url: str, authority: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    with pytest.raises(StoreError, match=r"not trusted: .*certificate is not valid for '127\.0\.0\.1'"):
        open_store(address(neo4j_url, f"{scheme}+s", "127.0.0.1"))


def test_command_tells_of_a_certificate_in_one_line(neo4j_url: str, authority: Path) -> None:
    done = patients(address(neo4j_url, "neo4j+s"))

    assert done.returncode == 1
    assert done.stderr.startswith("Error: neo4j+s://localhost:")
    assert (done.stderr.count("\n"), "certificate is not trusted" in done.stderr) == (1, True)


def test_command_warns_of_a_password_in_the_clear_to_another_machine(neo4j_url: str) -> None:
    far = patients("bolt://neo4j.invalid:7687").stderr.splitlines()

    assert far[0] == "Warning: bolt://neo4j.invalid: not encrypted, the password neither; see bolt+s://"
    assert "Warning" not in patients("bolt+s://neo4j.invalid:7687").stderr
    assert "Warning" not in patients(neo4j_url).stderr


def patients(url: str) -> "subprocess.CompletedProcess[str]":
    """What a command says that opens a store."""
    program = str(Path(sys.executable).with_name("kgbuild"))
    return subprocess.run([program, "patients", "--store", url], capture_output=True, text=True)
