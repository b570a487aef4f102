"""A name server for a handful of names: SRV and A over UDP (RFC 1035, RFC 2782)."""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field

_A, _AAAA, _SRV, _IN = 1, 28, 33, 1
_NO_SUCH_NAME = 3


@dataclass(frozen=True)
class Service:
    """An SRV record; the target "." says that there is no such service."""

    target: str
    port: int
    priority: int = 0
    weight: int = 0


@dataclass
class NameServer:
    """Answers on 127.0.0.1; a name that it was not given does not exist; a silent one answers nothing."""

    services: dict[str, list[Service]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    silent: bool = False

    def __enter__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        #: Every question that came: name and type.
        self.asked: list[tuple[str, int]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(5)
        self._socket.close()

    @property
    def address(self) -> str:
        """For XMPP_BRIDGE_NAMESERVER."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def answer(self, query: bytes) -> bytes:
        """The response to a query of one question."""
        name, end = _read_name(query)
        kind = struct.unpack_from("!H", query, end)[0]
        self.asked.append((name, kind))
        records = []
        if kind == _SRV:
            for one in self.services.get(name, []):
                head = struct.pack("!HHH", one.priority, one.weight, one.port)
                records.append(head + _written_name(one.target))
        elif kind == _A and name in self.addresses:
            records.append(socket.inet_aton(self.addresses[name]))
        known = name in self.services or name in self.addresses
        flags = 0x8580 | (0 if known else _NO_SUCH_NAME)
        question = query[12 : end + 4]
        body = b"".join(struct.pack("!HHHIH", 0xC00C, kind, _IN, 1, len(data)) + data for data in records)
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question + body

    def _serve(self):
        while not self._over.is_set():
            with suppress(TimeoutError):
                query, client = self._socket.recvfrom(4096)
                response = self.answer(query)
                if not self.silent:
                    self._socket.sendto(response, client)


def _read_name(query: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), at + 1


def _written_name(name: str) -> bytes:
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
