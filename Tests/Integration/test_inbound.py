"""What comes in is in the file, whatever becomes of the program or its connection."""

import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.processes import eventually
from harness.proxy import Proxy

MESSAGES = 10_000
#: More may not be written twice: what the server has not heard of at once.
WINDOW = 1_000


@pytest.fixture
def proxied(bridge, server):
    """The program connects through a network that can be cut."""
    proxy = Proxy(server.port)
    bridge.environment["XMPP_BRIDGE_SERVER"] = f"localhost:{proxy.port}"
    yield proxy
    proxy.close()


class Relay:
    """A daemon that writes what somebody says into a file; another client of its account is at the desk."""

    def __init__(self, bridge, desk, peer, path: Path):
        self._bridge, self.path = bridge, path
        self._file = bridge.configuration(f"bridges: [{{from: 'xmpp:{peer.jid}', to: 'file:{path}', body: '{{body}}'}}]\n")
        path.touch()
        self.start()
        # What comes before the server knows that we are there goes to the desk alone.
        desk.wait(
            lambda: any(seen.bare == desk.jid and seen.sender != desk.full_jid for seen in desk.presences), 20,
            "the presence of the program",
        )  # fmt: skip

    def start(self):
        self.running = self._bridge.start("run", "--config", str(self._file), "--log-level", "info", stdin=subprocess.DEVNULL)
        self.wait_until_online()

    def wait_until_online(self, times: int = 1):
        self.running.wait_for(lambda: self.running.err.count("online as") >= times, 40)

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    def wait_for_lines(self, count: int, seconds: float = 60):
        eventually(lambda: len(self.lines) >= count, seconds, lambda: f"{count} lines, not {len(self.lines)}")

    def has_all(self, said: list[str], seconds: float = 90):
        """Nothing is missing, and the order is kept."""
        eventually(
            lambda: set(said) <= set(self.lines), seconds,
            lambda: f"{len(set(said) - set(self.lines))} of {len(said)} messages: {self.running.err[-600:]}",
        )  # fmt: skip
        assert list(dict.fromkeys(self.lines)) == said
        twice = len(self.lines) - len(said)
        print(f"{twice} of {len(said)} messages came twice")
        assert twice <= WINDOW

    def kill(self):
        self.running.signal(signal.SIGKILL)
        self.running.end()

    @contextmanager
    def frozen(self):
        self.running.signal(signal.SIGSTOP)
        yield
        self.running.signal(signal.SIGCONT)

    def finish(self):
        self.running.signal()
        self.running.end().ended_with(0)


@pytest.fixture
def relay(bridge, desk, peer, tmp_path):
    return Relay(bridge, desk, peer, tmp_path / "said.log")


def said(count: int, begin: int = 0) -> list[str]:
    return [f"said {number}" for number in range(begin, begin + count)]


def restart(server, desk, peer, archived: int):
    """Once the archive has so many: a server that is stopped before loses them itself."""
    eventually(lambda: len(desk.archive()) >= archived, 60, "all messages in the archive", 0.2)
    logins = [len(one.logins) for one in (desk, peer)]
    server.restart()
    for one, count in zip((desk, peer), logins):
        one.wait_until_online(count + 1, 60)
    if len(desk.archive()) < archived:
        pytest.skip(f"{server.name} has lost messages of its own archive in the restart")


def flow(peer, to: str, bodies: list[str]):
    """Some 2,500 messages a second."""
    for begin in range(0, len(bodies), 250):
        peer.send_many(to, bodies[begin : begin + 250])
        time.sleep(0.1)


def test_a_kill_while_messages_flow_in(relay, desk, peer, account, server):
    # Prosody keeps 500 stanzas for a stream that is away: its archive has the rest. ejabberd keeps 5,000, and archives
    # so slowly that messages would no longer flow.
    if server.name == "prosody":
        desk.keep_archive()
    flowing = threading.Thread(target=flow, args=(peer, account.jid, said(MESSAGES)), daemon=True)
    flowing.start()
    relay.wait_for_lines(MESSAGES // 4)
    relay.kill()
    relay.start()
    relay.has_all(said(MESSAGES))
    flowing.join(30)
    relay.finish()


def test_a_kill_and_a_stream_that_is_gone(relay, desk, peer, account, server):
    """The server has forgotten the stream: its archive has what came meanwhile."""
    desk.keep_archive()
    peer.send_many(account.jid, said(500))
    relay.wait_for_lines(400)
    relay.kill()
    restart(server, desk, peer, archived=500)
    peer.send_many(account.jid, said(500, 500))
    desk.wait(lambda: set(said(1_000)) <= set(desk.bodies), 30, "the rest at the desk")
    relay.start()
    relay.has_all(said(1_000))
    relay.finish()


@pytest.mark.parametrize("is_resumed", [True, False], ids=["resumed", "not resumed"])
def test_a_cut_with_900_unacknowledged(bridge, proxied, desk, peer, account, server, tmp_path, is_resumed):
    desk.keep_archive()
    relay = Relay(bridge, desk, peer, tmp_path / "said.log")
    peer.send_many(account.jid, said(100))
    relay.wait_for_lines(100)
    with relay.frozen():
        peer.send_many(account.jid, said(900, 100))
        if is_resumed:
            peer.synchronise()
        else:
            restart(server, desk, peer, archived=1_000)
        proxied.cut()
    relay.wait_until_online(2)
    relay.has_all(said(1_000))
    assert ", resumed" in relay.running.err or not is_resumed
    relay.finish()
