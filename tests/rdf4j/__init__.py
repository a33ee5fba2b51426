"""RDF4J's server from Maven Central, on Jetty."""

from pathlib import Path

from tests import jena, maven

_FOLDER = Path(__file__).parent

_REPOSITORY = """
PREFIX config: <tag:rdf4j.org,2023:config/>
[] a config:Repository ; config:rep.id "kg" ; config:rep.impl [ config:rep.type "openrdf:SailRepository" ;
  config:sail.impl [ %s ] ] .
"""

NATIVE = 'config:sail.type "openrdf:NativeStore" ; config:native.tripleIndexes "spoc,posc,cspo"'
LMDB = 'config:sail.type "rdf4j:LmdbStore" ; config:lmdb.tripleIndexes "spoc,posc,cspo"'
STORES = {
    "native": NATIVE,
    "native-sync": f"{NATIVE} ; config:native.forceSync true",
    "lmdb": LMDB,
    "lmdb-sync": f"{LMDB} ; config:lmdb.forceSync true",
}
"""Stores that a repository may keep its data in, as its configuration says them."""


def jars() -> Path:
    """The folder of the server's war and of Jetty's jar, fetched if it is not there."""
    return maven.jars(_FOLDER, "rdf4j")


def command(home: Path, port: int, store: str = "native") -> list[str]:
    """What starts the server with a repository ``kg`` in a folder, which is made for it, in one of ``STORES``."""
    repository = home / "server" / "repositories" / "kg"
    repository.mkdir(parents=True)
    (repository / "config.ttl").write_text(_REPOSITORY % STORES[store])
    (jetty,), (war,) = jars().glob("*.jar"), jars().glob("*.war")
    folders = (f"-Djava.io.tmpdir={home}", f"-Dorg.eclipse.rdf4j.appdata.basedir={home}")
    served = ("--host", "127.0.0.1", "--port", str(port), "--path", "/rdf4j-server", str(war))
    return [*jena.COMMAND, *folders, "-jar", str(jetty), *served]
