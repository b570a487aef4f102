"""The server goes away in the middle of a long input and comes back: nothing is missing at the receiver."""

import threading
import time

from harness import sample_log

LINES = 10_000
#: Lines a second: slow enough that the restart falls into the middle, fast enough to be done soon.
PACE = 1_000


class Producer(threading.Thread):
    """Writes lines at an even pace, as far as the program takes them."""

    def __init__(self, running, lines: list[str]):
        super().__init__(daemon=True)
        self._running, self._lines = running, lines
        self.written = 0
        self.failed: OSError | None = None

    def run(self):
        begun = time.monotonic()
        try:
            for line in self._lines:
                ahead = begun + self.written / PACE - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
                self._running.write(line + "\n")
                self.written += 1
            self._running.end_input()
        except OSError as problem:
            self.failed = problem


def test_paced_lines_through_a_restart(bridge, peer, server):
    lines = sample_log.lines(LINES, seed=3)
    running = bridge.start("--to", peer.jid)
    producer = Producer(running, lines)
    producer.start()
    peer.wait_for_messages(LINES // 3, 30)
    server.restart()
    run = running.end(90).ended_with(0)
    assert producer.failed is None and producer.written == LINES, run
    _all_arrived(peer, lines)


def test_a_killed_server(bridge, peer, server):
    """What a killed server had accepted and not yet handed on would be lost with it, whoever sent it; so the lines
    pause until all are handed on."""
    lines = sample_log.lines(1_000, seed=4)
    running = bridge.start("--to", peer.jid)
    running.write("".join(line + "\n" for line in lines[:500]))
    peer.wait_for_messages(500, 30)
    server.kill()
    running.write("".join(line + "\n" for line in lines[500:]))
    running.end_input()
    server.start()
    running.end(60).ended_with(0)
    _all_arrived(peer, lines)


def test_a_signal_while_the_server_is_away(bridge, peer, server):
    """The drain of a signal goes on over an outage that ends in time."""
    running = bridge.start("--to", peer.jid)
    running.write("before\n")
    peer.wait_for_messages(1, 20)
    server.stop()
    running.write("meanwhile\n")
    running.wait_for_lines_read(2)
    running.signal()
    server.start()
    running.end(30).ended_with(0)
    peer.wait(lambda: "meanwhile" in peer.bodies, 20, "what was taken in while the server was away")


def _all_arrived(peer, lines: list[str]):
    """Nothing is missing, the first copies are in order, and no more came twice than may be unacknowledged at once."""
    peer.wait(lambda: set(lines) <= set(peer.bodies), 30, lambda: _difference(lines, peer.bodies))
    assert list(dict.fromkeys(peer.bodies)) == lines
    duplicates = len(peer.bodies) - len(lines)
    print(f"{duplicates} of {len(lines)} lines came twice")
    assert duplicates <= 1_000


def _difference(lines: list[str], bodies: list[str]) -> str:
    missing = [line for line in lines if line not in set(bodies)]
    return f"{len(missing)} lines missing, the first: {missing[:3]}"
