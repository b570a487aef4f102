"""A server that follows the protocol up to a point and says nothing from there on."""

import re
import socket
import ssl
import threading
from contextlib import suppress

from .certificates import Certificate

_STREAM = (
    "<?xml version='1.0'?><stream:stream from='localhost' id='s' version='1.0' xml:lang='en' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
_STARTTLS = (
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
)
_PLAIN = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
    "</mechanisms></stream:features>"
)
_BIND = (
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>"
)

#: What the server does, in order: the name of each step is the last thing that a stalling server does.
#: A step waits for a pattern from the client (None: nothing), then sends a text (`TLS`: shakes hands).
STEPS = [
    ("accepted", None, ""),
    ("header", rb"<stream:stream[^>]*>", _STREAM),
    ("features", None, _STARTTLS),
    ("proceed", rb"<starttls[^>]*>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ("tls", None, "TLS"),
    ("header over tls", rb"<stream:stream[^>]*>", _STREAM),
    ("mechanisms", None, _PLAIN),
    ("authenticated", rb"<auth[^>]*>[^<]*</auth>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
    ("header after authentication", rb"<stream:stream[^>]*>", _STREAM),
    ("bind offered", None, _BIND),
    ("bound", rb"<iq[^>]*\bid=['\"]([^'\"]*)['\"].*?</iq>",
     "<iq type='result' id='{0}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>user@localhost/x</jid></bind></iq>"),
]  # fmt: skip
PHASES = [name for name, _, _ in STEPS]


class StallingServer:
    """Listens on 127.0.0.1 and stalls every connection after the step of that name."""

    def __init__(self, certificate: Certificate, last_step: str, farewell: bytes | None = None):
        #: Sent after the last step, and the connection closed at once with all that came unread.
        self._farewell = farewell
        self._last = PHASES.index(last_step)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.chain, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        #: How many connections have come as far as the last step.
        self.stalled = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in [self._listener, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket):
        seen = b""
        with suppress(OSError, EOFError):
            for _, pattern, answer in STEPS[: self._last + 1]:
                groups = ()
                while pattern and not (match := re.search(pattern, seen, re.DOTALL)):
                    chunk = connection.recv(4096)
                    if not chunk:
                        raise EOFError
                    seen += chunk
                if pattern:
                    seen, groups = seen[match.end() :], [group.decode() for group in match.groups()]
                if answer == "TLS":
                    connection = self._tls.wrap_socket(connection, server_side=True)
                    self._open.append(connection)
                elif answer:
                    connection.sendall(answer.format(*groups).encode() if groups else answer.encode())
            self.stalled += 1
            if self._farewell is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
                connection.sendall(self._farewell)
                socket.socket.close(connection)
                return
            while connection.recv(4096):
                pass
