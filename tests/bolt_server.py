"""A server that speaks enough of Bolt to be asked where to go, and names another address for all of it."""

import socket
import struct
import threading
from contextlib import suppress

_SUCCESS = b"\xb1\x70"
_HELLO, _ROUTE, _RUN = 0x01, 0x66, 0x10


class BoltServer:
    """A server at an address of this machine.

    Attributes:
        address: Host and port.
        asked: The kinds of messages that have come.
        goes_to: The address to which it sends who asks for a routing table.
    """

    def __init__(self, host: str) -> None:
        self._listening = socket.create_server((host, 0))
        self.address = f"{host}:{self._listening.getsockname()[1]}"
        self.goes_to = self.address
        self.asked: list[int] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError), connection:
            _read(connection, 20)  # versions that the driver offers
            connection.sendall(b"\0\0\4\5")  # Bolt 5.4
            while True:
                kind = _message(connection)[1]
                self.asked.append(kind)
                _send(connection, self._facts(kind))

    def _facts(self, kind: int) -> dict[str, object]:
        if kind == _HELLO:
            return {"server": "Neo4j/5.26.0", "connection_id": "bolt-1"}
        if kind == _ROUTE:
            servers = [{"addresses": [self.goes_to], "role": role} for role in ("ROUTE", "READ", "WRITE")]
            return {"rt": {"ttl": 300, "db": "neo4j", "servers": servers}}
        return {"fields": [], "qid": 0} if kind == _RUN else {}


def _read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _message(connection: socket.socket) -> bytes:
    found = b""
    while True:
        (size,) = struct.unpack(">H", _read(connection, 2))
        if size:
            found += _read(connection, size)
        elif found:
            return found


def _send(connection: socket.socket, facts: dict[str, object]) -> None:
    data = _SUCCESS + _packed(facts)
    connection.sendall(struct.pack(">H", len(data)) + data + b"\0\0")


def _packed(value: object) -> bytes:
    """Return a value in PackStream: texts, small numbers, and short lists and maps of such."""
    if isinstance(value, str):
        return b"\xd0" + bytes([len(value)]) + value.encode()
    if isinstance(value, int):
        return b"\xc9" + struct.pack(">h", value)
    if isinstance(value, dict):
        return bytes([0xA0 + len(value)]) + b"".join(_packed(key) + _packed(one) for key, one in value.items())
    assert isinstance(value, list | tuple)
    return bytes([0x90 + len(value)]) + b"".join(map(_packed, value))
