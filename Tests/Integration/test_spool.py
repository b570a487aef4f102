"""What was accepted outlives the process: kill -9 with every kind of source, a server that is away, two runs at once."""

import os
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

LINES = 10_000
#: More may not come twice: what is on its way at once.
WINDOW = 1_000


def lines(count: int = LINES) -> list[str]:
    return [f"line {number}" for number in range(count)]


def text(count: int = LINES) -> str:
    return "".join(line + "\n" for line in lines(count))


@pytest.fixture
def daemon(bridge):
    """Starts `run` with these bridges and waits until it is online."""

    def start(bridges: str):
        running = bridge.start("run", "--config", str(bridge.configuration(bridges)), "--log-level", "info", stdin=subprocess.DEVNULL)
        running.complaint_about("online as", 20)
        return running

    return start


def all_arrived(peer, expected: list[str], seconds: float = 90):
    """Nothing is missing, the order is kept, and what came twice has the id of its twin."""
    peer.wait(
        lambda: set(expected) <= set(peer.bodies), seconds,
        lambda: f"{len(set(expected) - set(peer.bodies))} of {len(expected)} lines are missing",
    )  # fmt: skip
    assert list(dict.fromkeys(peer.bodies)) == expected
    ids: dict[str, set[str]] = {}
    for message in peer.messages:
        ids.setdefault(message.body, set()).add(message.id)
    strangers = [body for body, own in ids.items() if len(own) > 1]
    assert not strangers, f"{len(strangers)} lines came twice under another id, the first: {strangers[:3]}"
    twice = len(peer.bodies) - len(expected)
    print(f"{twice} of {len(expected)} lines came twice")
    assert twice <= WINDOW


def kill(running):
    running.signal(signal.SIGKILL)
    running.end()


def spooled(bridge) -> int:
    """Messages in all parts of the state."""
    count = 0
    for path in (bridge.home / "state").rglob("spool.db"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            count += store.execute("SELECT count(*) FROM rows").fetchone()[0]
    return count


def finish(running):
    running.signal()
    running.end().ended_with(0)


def holds(running, path: Path) -> bool:
    """Whether the program has that file open."""
    folder = Path(f"/proc/{running.process.pid}/fd")
    return any(folder.joinpath(number).resolve() == path for number in os.listdir(folder))


def test_a_kill_while_a_file_is_followed(daemon, peer, tmp_path):
    log = tmp_path / "app.log"
    log.touch()
    bridges = f"bridges: [{{from: 'tail:{log}', to: 'xmpp:{peer.jid}'}}]\n"
    running = daemon(bridges)
    running.wait_for(lambda: holds(running, log))
    log.write_text(text())
    peer.wait_for_messages(LINES // 4, 30)
    kill(running)
    running = daemon(bridges)
    all_arrived(peer, lines())
    finish(running)


class Feeder(threading.Thread):
    """Writes all lines into a pipe, in pieces that end anywhere; a full pipe pauses it."""

    def __init__(self, descriptor: int):
        super().__init__(daemon=True)
        self.descriptor = descriptor

    def run(self):
        rest = text().encode()
        while rest:
            rest = rest[os.write(self.descriptor, rest[:3_001]) :]


def test_a_kill_while_a_fifo_is_read(daemon, peer, tmp_path):
    fifo = tmp_path / "in"
    os.mkfifo(fifo, 0o600)
    held = os.open(fifo, os.O_RDWR)
    bridges = f"bridges: [{{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}]\n"
    running = daemon(bridges)
    feeder = Feeder(held)
    feeder.start()
    peer.wait_for_messages(LINES // 4, 30)
    kill(running)
    running = daemon(bridges)
    all_arrived(peer, lines())
    feeder.join(5)
    finish(running)
    os.close(held)


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_a_kill_while_standard_input_is_read(bridge, peer, tmp_path, kind):
    """Started again on the same open file, or the same pipe, it goes on where it was."""
    if kind == "file":
        path = tmp_path / "input"
        path.write_text(text())
        source = os.open(path, os.O_RDONLY)
    else:
        source, end = os.pipe()
        Feeder(end).start()
    running = bridge.start("--to", peer.jid, "--on-eof", "stay", stdin=source)
    peer.wait_for_messages(LINES // 4, 30)
    kill(running)
    running = bridge.start("--to", peer.jid, "--on-eof", "stay", stdin=source)
    all_arrived(peer, lines())
    finish(running)
    if kind == "file":
        assert os.lseek(source, 0, os.SEEK_CUR) == len(text())
    os.close(source)


def resident_bytes(running) -> int:
    for line in Path(f"/proc/{running.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def test_a_long_backlog_takes_no_memory_and_is_drained(bridge, peer, server, tmp_path):
    count = int(os.environ.get("XMPP_BRIDGE_BACKLOG", "100000"))
    running = bridge.start("--to", peer.jid)
    running.write("first\n")
    peer.wait_for_messages(1, 20)
    server.stop()
    peak = [0]

    def watch():
        while running.process.poll() is None:
            try:
                peak[0] = max(peak[0], resident_bytes(running))
            except FileNotFoundError:
                return
            time.sleep(0.1)

    threading.Thread(target=watch, daemon=True).start()
    before = resident_bytes(running)
    running.write(text(count))
    running.wait_for_lines_read(count + 1, 60 + count / 2_000)
    full = resident_bytes(running)
    server.start()
    running.end_input()
    peer.wait_for_messages(count + 1, 60 + count / 500)
    running.end(60).ended_with(0)
    print(f"{count} lines: {before >> 20} MiB before, {full >> 20} MiB full, {peak[0] >> 20} MiB at the most")
    assert list(dict.fromkeys(peer.bodies)) == ["first"] + lines(count)
    assert peak[0] - before < 40 << 20


def test_a_full_spool_pauses_the_producer(lone_bridge):
    file = lone_bridge.configuration("spool: {bytes_max: 1MiB, durability: process}\n")
    running = lone_bridge.start("--config", str(file), "--to", "peer@localhost", "--log-level", "info")
    threading.Thread(target=write, args=(running, text(200_000)), daemon=True).start()
    folder = lone_bridge.home / "state"

    def size() -> int:
        return sum(path.stat().st_size for path in folder.rglob("spool.db*"))

    last, since = -1, time.monotonic()
    end = since + 60
    while time.monotonic() < end and time.monotonic() - since < 2:
        if size() != last:
            last, since = size(), time.monotonic()
        time.sleep(0.1)
    assert time.monotonic() - since >= 2 and last < 12 << 20, f"{last} bytes"
    kill(running)


def write(running, data: str):
    with suppress(OSError):  # it is killed while it reads
        running.write(data)


def test_what_a_dead_run_left_is_delivered_by_the_next(bridge, peer, server, tmp_path):
    """Two filters and a daemon at once; one is killed while the server is away."""
    fifo = tmp_path / "in"
    daemon = bridge.start(
        "run", "--config", str(bridge.configuration(f"bridges: [{{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}]\n")),
        "--log-level", "info", stdin=subprocess.DEVNULL,
    )  # fmt: skip
    filters = [bridge.start("--to", peer.jid, "--log-level", "info", "--on-eof", "stay", XDG_CONFIG_HOME=str(tmp_path / "none")) for _ in range(2)]
    runs = [daemon, *filters]
    for running in runs:
        running.complaint_about("online as", 20)
    resources = {running.err.partition("online as ")[2].split()[0] for running in runs}
    assert len(resources) == 3, resources
    server.stop()
    filters[0].write("left\n")
    filters[0].wait_for(lambda: spooled(bridge) == 1)
    kill(filters[0])
    server.start()
    third = bridge.start("--to", peer.jid, "--log-level", "info", XDG_CONFIG_HOME=str(tmp_path / "none"))
    third.write("mine\n")
    third.end_input()
    third.end(40).ended_with(0)
    peer.wait(lambda: {"left", "mine"} <= set(peer.bodies), 20, lambda: f"both lines, not only {peer.bodies}")
    for running in (daemon, filters[1]):
        finish(running)


def test_a_state_that_cannot_be_used_is_told_and_nothing_begins(lone_bridge, tmp_path):
    (tmp_path / "file").write_text("")
    run = lone_bridge.run("--to", "peer@localhost", "--state", str(tmp_path / "file"), input="x\n").ended_with(73)
    assert "cannot use the state directory" in run.complaint


def test_the_end_says_what_is_kept(lone_bridge):
    run = lone_bridge.run("--to", "peer@localhost", "--retry", "1s", input="one\ntwo\n").ended_with(75)
    assert "2 messages were not accepted by the server, and kept in " in run.err
    assert "the next run sends them" in run.err
    lost = lone_bridge.run("--to", "peer@localhost", "--retry", "1s", "--no-state", input="one\n").ended_with(75)
    assert "1 message was not accepted by the server, and not kept" in lost.err
