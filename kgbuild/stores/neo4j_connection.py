"""The way to a Neo4j server: who asks, what is tried again, and what errors may say.

Nothing that passes here is logged: at DEBUG the driver would print every parameter, and these are patients' data.
"""

import logging
import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self, TypeVar

import neo4j
from neo4j import READ_ACCESS, WRITE_ACCESS, GraphDatabase, ManagedTransaction, Record, unit_of_work
from neo4j.exceptions import AuthError, DriverError, IncompleteCommit, Neo4jError

from kgbuild.stores import StoreError
from kgbuild.stores.address import parsed
from kgbuild.stores.statement import on_one_line

_Result = TypeVar("_Result")

RETRY_SECONDS = 300.0
"""How long a transaction is tried again while the server restarts, or others hold what it needs."""

WRITE_SECONDS = 600.0
"""After this the server gives up a writing transaction: a process that hangs does not keep others waiting for ever."""

_LONGEST_CODE = 120  # characters; Neo4j's longest have about 80

_COMMITS = 5  # connections that drop in the middle of a commit, one after the other

_LOGGERS = ("", ".io", ".pool", ".session", ".auth_management", ".notifications")


class Connection:
    """A driver for one database of a server; sessions see what earlier ones wrote.

    Args:
        url: ``neo4j://`` or ``bolt://``, with ``+s`` for an encrypted one, ``+ssc`` for one to whatever certificate the
            server has; says nothing of user or password. Of a cluster ``neo4j+s://`` alone finds the other servers.
        password: Asked with the user's name where ``NEO4J_PASSWORD`` is not set.

    ``NEO4J_USERNAME`` (neo4j) and ``NEO4J_DATABASE`` (the user's own) are read from the environment.

    Raises:
        StoreError: If the server cannot be reached, or refuses user or password.
    """

    def __init__(self, url: str, password: Callable[[str], str] | None = None) -> None:
        self.url = _checked(url)
        _withhold_from_logs()
        self._database = os.environ.get("NEO4J_DATABASE") or None
        self._bookmarks = GraphDatabase.bookmark_manager()
        with self._errors():
            self._driver = GraphDatabase.driver(
                reached(self.url),
                auth=_credentials(self.url, password),
                max_transaction_retry_time=RETRY_SECONDS,
                notifications_min_severity="OFF",
                telemetry_disabled=True,
            )
        try:
            with self._errors():
                self._driver.verify_connectivity()
        except StoreError:
            self.close()
            raise

    def write(self, work: Callable[[ManagedTransaction], _Result]) -> _Result:
        """Do some work in one transaction and return what it returns, once the server has it on disk.

        The work is done again when the server restarts, the connection drops or others get in the way. A connection
        may drop while the server commits, so work must come to the same when it has been done already.
        """
        timed = unit_of_work(timeout=WRITE_SECONDS)(work)
        return self._committed(WRITE_ACCESS, lambda session: session.execute_write(timed))

    def read(self, statement: str, **parameters: object) -> list[Record]:
        """Return the answer to a statement of ours."""
        return self.reading(lambda transaction: list(transaction.run(statement, parameters)))

    def reading(self, work: Callable[[ManagedTransaction], _Result]) -> _Result:
        """Do some work in a transaction in which the server refuses to write."""
        return self._committed(READ_ACCESS, lambda session: session.execute_read(work))

    def _committed(self, access: str, execute: Callable[[neo4j.Session], _Result]) -> _Result:
        """Do a transaction, again if the connection drops while it is committed: nobody knows whether it was."""
        for _ in range(_COMMITS):
            with suppress(IncompleteCommit), self._session(access) as session:
                return execute(session)
        raise StoreError(f"{self.url}: the connection dropped at each of {_COMMITS} commits")

    def run(self, statements: Sequence[str]) -> None:
        """Run statements that want a transaction each: those on constraints."""
        for statement in statements:
            self.write(lambda transaction, text=statement: transaction.run(text).consume() and None)  # type: ignore[misc]

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _session(self, access: str) -> Iterator[neo4j.Session]:
        """Open a session; its errors are those of stores."""
        with (
            self._errors(),
            self._driver.session(
                database=self._database, default_access_mode=access, bookmark_manager=self._bookmarks
            ) as session,
        ):
            yield session

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the driver's errors into those of stores, which say nothing of what was sent or stored."""
        try:
            yield
        except IncompleteCommit:
            raise
        except AuthError:
            raise StoreError(f"{self.url}: refused: NEO4J_USERNAME or NEO4J_PASSWORD is not right") from None
        except Neo4jError as error:
            raise ServerError(self.url, error) from None
        except DriverError as error:
            raise StoreError(f"{self.url}: {_unreachable(error)}") from None


class ServerError(StoreError):
    """What a server answered instead of doing as it was told.

    Attributes:
        code: Neo4j's code for it; the message that goes with it may hold what is stored, and is not shown.
        message: That message.
    """

    def __init__(self, url: str, error: Neo4jError) -> None:
        self.code = on_one_line(error.code or type(error).__name__, _LONGEST_CODE)
        self.message = error.message or ""
        super().__init__(f"{url}: the server answered {self.code}")


def _checked(url: str) -> str:
    """Return the address of a server.

    Raises:
        StoreError: If it says more than scheme, host and port: a password would end up in logs and process lists.
    """
    parts = parsed(url)
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise StoreError(
            f"{parts.scheme}: expected {parts.scheme}://HOST:PORT; the database is named by NEO4J_DATABASE"
        )
    return url.rstrip("/")


def reached(url: str) -> str:
    """Return the address that the driver is given: only who is known by a certificate may send it to another server.

    >>> reached("neo4j://localhost:7687"), reached("neo4j+s://cluster")
    ('bolt://localhost:7687', 'neo4j+s://cluster')
    """
    scheme, _, rest = url.partition("://")
    alone = {"neo4j": "bolt", "neo4j+ssc": "bolt+ssc"}.get(scheme.lower(), scheme)
    return f"{alone}://{rest}"


def _unreachable(error: DriverError) -> str:
    """Return why there is no connection: the server's certificate, or that nothing answers."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            said = cause.verify_message.rstrip(".")
            return f"the server's certificate is not trusted: {said}; SSL_CERT_FILE names the authorities to trust"
    return f"{type(error).__name__}: the server does not answer"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    yield error
    together = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for cause in (*together, error.__cause__ or error.__context__):
        if cause is not None:
            yield from _causes(cause)


def _credentials(url: str, password: Callable[[str], str] | None) -> tuple[str, str]:
    """Return user and password."""
    user = os.environ.get("NEO4J_USERNAME") or "neo4j"
    known = os.environ.get("NEO4J_PASSWORD")
    if known is None and password is not None:
        known = password(user)
    if known is None:
        raise StoreError(f"{url}: no password for the user: set NEO4J_PASSWORD")
    return user, known


def _withhold_from_logs() -> None:
    """See to it that the driver logs nothing, whatever a program's logging asks for: warnings repeat what was sent."""
    for name in _LOGGERS:
        logging.getLogger(f"neo4j{name}").addFilter(_nothing)  # adding it twice changes nothing


def _nothing(_: logging.LogRecord) -> bool:
    return False
