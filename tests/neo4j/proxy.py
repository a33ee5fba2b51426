"""A way to a server that can be cut: what networks do to connections."""

import contextlib
import select
import socket
import threading
from typing import Self

_READS = b"\x84mode\x81r"  # what Bolt's BEGIN says of a transaction that only reads
_BEGIN = b"\xb1\x11"
_COMMIT = b"\x00\x02\xb0\x12\x00\x00"  # Bolt's COMMIT: a chunk of two bytes, a structure without fields, signature 0x12


class Proxy:
    """Passes connections on to a server until told to cut them.

    Attributes:
        url: Where it listens.
        lost: What of the next commit is lost, with its connection: ``request`` or ``answer``; None for nothing.
        access: Whether that is a commit of a transaction that may ``write``, or only ``read``.
    """

    def __init__(self, url: str) -> None:
        host, port = url.rpartition("/")[2].split(":")
        self._server = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"bolt://127.0.0.1:{self._listening.getsockname()[1]}"
        self.lost: str | None = None
        self.access = "write"
        self._access_of: dict[socket.socket, str] = {}
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop all connections."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        """Pass on what either end says until one of them has done, or a commit is to be lost."""
        with client, contextlib.suppress(OSError), socket.create_connection(self._server) as server:
            ends = {client, server}
            self._open |= ends
            try:
                while all(self._passed(end, client, server) for end in select.select(ends, (), ())[0]):
                    pass
            finally:
                self._open -= ends

    def _passed(self, end: socket.socket, client: socket.socket, server: socket.socket) -> bool:
        """Pass on what one end says; return False when the connection is over."""
        said = end.recv(65536)
        if end is client and _BEGIN in said:
            self._access_of[client] = "read" if _READS in said else "write"
        if end is client and said.endswith(_COMMIT) and self.lost and self._access_of.get(client) == self.access:
            lost, self.lost = self.lost, None
            if lost == "answer":
                server.sendall(said)
                server.recv(65536)
            return False
        (server if end is client else client).sendall(said)
        return bool(said)
