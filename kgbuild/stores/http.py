"""Requests to one server: a connection that is kept, tried again when it drops, and given up after a time."""

import base64
import http.client
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from kgbuild.stores import StoreError
from kgbuild.stores.address import parsed
from kgbuild.stores.patience import in_time

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECONDS = 600.0
"""How long a server may take for what is no query: writing a batch, giving out a graph."""

_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries: a server that is started again within half a minute is not noticed."""

_FIRST_PAUSES = (0.2, 0.5, 1.0, 1.0)
_FIRST_SECONDS = 3.0
"""As long as the server has never answered: its name or port may be wrong."""

_TRY_AGAIN = (502, 503, 504)

_LONGEST_ERROR = 1 << 16
"""Bytes that are read of an answer that is an error: they say where a query is wrong, or nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; the body stays out of ``repr``, it may be words of a note."""

    status: int
    type: str
    body: bytes = field(repr=False)


class Connection:
    """A server, as one user; the password goes nowhere but into the header of requests.

    Args:
        url: What all addresses begin with.
        user: Who asks, or None.
        password: Of the user.

    Raises:
        StoreError: If the address is none, holds a user or password, or would send the password in the clear.
    """

    def __init__(self, url: str, user: str | None, password: str | None) -> None:
        parts = parsed(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise StoreError("expected the address of a data set, as https://HOST/DATASET")
        if password is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise StoreError(f"{url}: a password is sent over https alone")
        self._url, self._parts = url, parts
        self._headers = {"User-Agent": "kgbuild"}
        if user is not None:
            secret = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
            self._headers["Authorization"] = f"Basic {secret}"
        self._open: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None  # of the last request, also while its answer is read
        self._has_answered = False

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        type: str | None = None,
        *,
        accept: str = "*/*",
        seconds: float = _SECONDS,
    ) -> Answer:
        """Send a request that may be repeated; try again if the connection drops or the server is just starting.

        A server that has never answered is tried for three seconds, one that has for half a minute.

        Raises:
            StoreError: If the server does not answer, or not this user, or is not known to be who it says.
            TimeoutError: If it does not answer in time.
        """
        headers = self._headers | {"Accept": accept} | ({} if type is None else {"Content-Type": type})
        end = time.monotonic() + seconds
        for tries in count():
            found = self._tried(method, self._parts.path.rstrip("/") + path, body, headers, end)
            if isinstance(found, Answer):
                return found
            pauses = _PAUSES if self._has_answered else _FIRST_PAUSES
            if tries >= len(pauses) or time.monotonic() + pauses[tries] > end:
                break
            time.sleep(pauses[tries])
        raise StoreError(f"{self._url}: no answer: {found}")

    def _tried(self, method: str, path: str, body: bytes | None, headers: dict[str, str], end: float) -> Answer | str:
        """Send a request once; return the answer, or what went wrong if that may be over soon.

        Raises:
            StoreError: If the server refuses this user, or is not known to be who it says.
            TimeoutError: If it does not answer in time.
        """
        left = max(end - time.monotonic(), 0.001)
        try:
            connection = self._connection()
            answer = in_time(lambda _: self._sent(connection, method, path, body, headers, end), left)
        except TimeoutError:
            self.close()
            raise
        except ssl.SSLCertVerificationError as error:
            self.close()
            why = error.verify_message.rstrip(".")
            raise StoreError(
                f"{self._url}: its certificate is not trusted: {why}; SSL_CERT_FILE names a file of those that are"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return type_of(error)
        self._has_answered = True
        if answer.status in (401, 403):
            raise StoreError(f"{self._url}: the server refused: see SPARQL_USERNAME and SPARQL_PASSWORD")
        return f"answered {answer.status}" if answer.status in _TRY_AGAIN else answer

    def _sent(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        end: float,
    ) -> Answer:
        """Send a request once, in a thread that nobody waits for after the end, whatever trickles in."""
        self._connect(connection, end)
        connection.request(method, path or "/", body, headers)
        self._socket = connection.sock
        response = connection.getresponse()
        type = response.headers.get_content_type()
        if response.status < 400:
            return Answer(response.status, type, response.read())
        said = response.read(_LONGEST_ERROR)
        if not response.isclosed():
            connection.close()  # what is left of it is not waited for
        return Answer(response.status, type, said)

    def _connection(self) -> http.client.HTTPConnection:
        """Return the connection, which may not be open yet."""
        if self._open is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                self._open = http.client.HTTPSConnection(host, port, context=ssl.create_default_context())
            else:
                self._open = http.client.HTTPConnection(host, port)
        return self._open

    def _connect(self, connection: http.client.HTTPConnection, end: float) -> None:
        """Open a connection if it is not; whatever it does next waits until the end at most."""
        left = max(end - time.monotonic(), 0.001)
        if connection.sock is None and not self._has_answered:
            connection.timeout = min(left, _FIRST_SECONDS)
            try:
                connection.connect()
            except TimeoutError:
                raise StoreError(f"{self._url}: no answer: connection timed out") from None
        connection.timeout = left
        if connection.sock is not None:
            connection.sock.settimeout(left)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._open is not None:
            if self._socket is not None:
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # wakes a thread that still reads from it
            self._open.close()
            self._open = None


def type_of(error: Exception) -> str:
    """Return what kind of error it is: its message could be anything."""
    return type(error).__name__ if not isinstance(error, OSError) else error.strerror or type(error).__name__
