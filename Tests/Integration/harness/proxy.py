"""A network that breaks."""

import socket
import threading


class Proxy:
    """Stands between the bridge and its server: cuts connections after any byte, or swallows what is sent."""

    def __init__(self, port: int):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.left: int | None = None  # bytes until the cut
        self.swallows = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 2)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self.lock:
                self.pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    def copy(self, one: socket.socket, other: socket.socket):
        try:
            while data := one.recv(65536):
                with self.lock:
                    if self.swallows:
                        continue
                    if self.left is not None:
                        data, self.left = data[: self.left], self.left - len(data)
                        if self.left <= 0:
                            self.left = None
                            other.sendall(data)
                            break
                other.sendall(data)
        except OSError:
            pass
        self.end(one, other)

    @staticmethod
    def end(*sockets: socket.socket):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def cut_after(self, count: int):
        with self.lock:
            self.left = count

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
            self.left, self.swallows = None, False
        for pair in pairs:
            self.end(*pair)

    def swallow(self):
        with self.lock:
            self.swallows = True

    def close(self):
        self.listener.close()
        self.cut()
