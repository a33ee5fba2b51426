"""RDF4J's server from Maven Central, on Jetty."""

from pathlib import Path

from tests import jena, maven

_FOLDER = Path(__file__).parent

_REPOSITORY = """
PREFIX config: <tag:rdf4j.org,2023:config/>
[] a config:Repository ; config:rep.id "kg" ; config:rep.impl [ config:rep.type "openrdf:SailRepository" ;
  config:sail.impl [ config:sail.type "openrdf:NativeStore" ; config:native.tripleIndexes "spoc,posc,cspo" ] ] .
"""


def jars() -> Path:
    """The folder of the server's war and of Jetty's jar, fetched if it is not there."""
    return maven.jars(_FOLDER, "rdf4j")


def command(home: Path, port: int) -> list[str]:
    """What starts the server with a repository ``kg`` in a folder, which is made for it."""
    repository = home / "server" / "repositories" / "kg"
    repository.mkdir(parents=True)
    (repository / "config.ttl").write_text(_REPOSITORY)
    (jetty,), (war,) = jars().glob("*.jar"), jars().glob("*.war")
    folders = (f"-Djava.io.tmpdir={home}", f"-Dorg.eclipse.rdf4j.appdata.basedir={home}")
    served = ("--host", "127.0.0.1", "--port", str(port), "--path", "/rdf4j-server", str(war))
    return [*jena.COMMAND, *folders, "-jar", str(jetty), *served]
