"""SIGHUP reads the configuration file again: what has not changed goes on."""

import os
import signal
import subprocess
import threading
import time

import pytest

from harness.rooms import Room


@pytest.fixture
def daemon(bridge):
    def start(bridges: str):
        running = bridge.start("run", "--config", str(bridge.configuration(bridges)), "--log-level", "info", stdin=subprocess.DEVNULL)
        running.complaint_about("online as", 20)
        return running

    return start


def reload(running, bridge, bridges: str, told: str = "loaded again"):
    """Writes the file and has it read; waits until it is in force, or refused."""
    before = running.err.count(told)
    bridge.configuration(bridges)
    running.signal(signal.SIGHUP)
    running.wait_for(lambda: running.err.count(told) > before, 15)


def test_under_load(daemon, bridge, peer, tmp_path):
    """Lines flow while the rule changes, again and again: each comes once, in order, by a rule that was in force."""
    fifo = tmp_path / "in"
    versions = 12
    bridges = "bridges:\n  - {{name: a, from: 'fifo:{}', body: 'v{} {{line}}', to: 'xmpp:{}'}}\n"
    running = daemon(bridges.format(fifo, 0, peer.jid))
    stop, count = threading.Event(), [0]

    def produce():
        with open(fifo, "w") as pipe:
            while not stop.is_set():
                pipe.write(f"line {count[0]}\n")
                pipe.flush()
                count[0] += 1
                time.sleep(0.0005)

    producer = threading.Thread(target=produce)
    producer.start()
    for version in range(versions):
        if version > 0:
            reload(running, bridge, bridges.format(fifo, version, peer.jid))
        peer.wait(lambda: sum(body.startswith(f"v{version} ") for body in peer.bodies) > 100, 20, f"version {version}")
    stop.set()
    producer.join()
    running.wait_for_lines_read(count[0])
    peer.wait_for_messages(count[0], 40)
    running.signal()
    running.end().ended_with(0)
    seen = [body.split(" ", 1) for body in peer.bodies]
    assert [line for _, line in seen] == [f"line {number}" for number in range(count[0])]
    order = [int(version[1:]) for version, _ in seen]
    assert order == sorted(order) and set(order) == set(range(versions))
    # The session stayed up all the time.
    assert running.err.count(" at localhost") == 1


def test_the_last_file_counts(daemon, bridge, peer, tmp_path):
    """Signals that come faster than the file is read."""
    fifo = tmp_path / "in"
    bridges = "bridges:\n  - {{name: a, from: 'fifo:{}', body: 'v{} {{line}}', to: 'xmpp:{}'}}\n"
    running = daemon(bridges.format(fifo, 0, peer.jid))
    for version in range(1, 60):
        bridge.configuration(bridges.format(fifo, version, peer.jid))
        running.signal(signal.SIGHUP)
    last = f"v{version} x"
    peer.wait(lambda: fifo.write_text("x\n") and last in peer.bodies, 20, "the last version")
    fifo.write_text("the end\n")
    peer.wait(lambda: any(body.endswith("the end") for body in peer.bodies), 20, "the last line")
    order = [int(body[1:].split()[0]) for body in peer.bodies]
    assert order == sorted(order) and order[-1] == version
    running.signal()
    running.end().ended_with(0)


def test_mistakes_are_refused(daemon, bridge, peer, tmp_path):
    fifo, events = tmp_path / "in", tmp_path / "events"
    good = f"bridges:\n  - {{name: a, from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}\n  - {{from: events, to: 'file:{events}'}}\n"
    running = daemon(good)
    reload(running, bridge, good.replace("to: 'xmpp:", "too: 'xmpp:"), told="was not loaded")
    assert 'unknown key "too" in a bridge; did you mean to?' in running.err
    fifo.write_text("still here\n")
    peer.wait_for_messages(1, 20)
    running.wait_for(lambda: '"code":"reload"' in events.read_text(), 10)
    reload(running, bridge, good)
    running.wait_for(lambda: '"event":"config"' in events.read_text(), 10)
    running.signal()
    running.end().ended_with(0)


def test_ends_come_and_go(daemon, bridge, peer, tmp_path):
    one, two, log = tmp_path / "one", tmp_path / "two", tmp_path / "log"
    first = f"bridges:\n  - {{from: 'fifo:{one}', to: 'xmpp:{peer.jid}'}}\n"
    second = f"bridges:\n  - {{from: 'fifo:{two}', to: ['xmpp:{peer.jid}', 'file:{log}']}}\n"
    running = daemon(first)
    for bridges, fifo in [(second, two), (first, one), (second, two)]:
        reload(running, bridge, bridges)
        count = len(peer.messages)
        fifo.write_text("hello\n")
        peer.wait_for_messages(count + 1, 20)
    running.wait_for(lambda: log.exists() and log.read_text() == "hello\nhello\n", 10)
    # Nobody reads the FIFO that has gone out of use.
    with pytest.raises(OSError):
        os.close(os.open(one, os.O_WRONLY | os.O_NONBLOCK))
    running.signal()
    running.end().ended_with(0)


def test_rooms_come_and_go(daemon, bridge, owner, server, tmp_path):
    fifo = tmp_path / "in"
    rooms = [Room.create(owner, server.room(), "boss") for _ in range(2)]
    bridges = "bridges:\n  - {{name: r, from: 'fifo:{}', to: 'room:{}'}}\n"
    running = daemon(bridges.format(fifo, rooms[0].jid))
    running.complaint_about(f"in the room {rooms[0].jid}", 20)
    reload(running, bridge, bridges.format(fifo, rooms[1].jid))
    running.complaint_about(f"in the room {rooms[1].jid}", 20)
    fifo.write_text("hello\n")
    owner.wait(lambda: any(said.body == "hello" and said.bare == rooms[1].jid for said in owner.messages), 20, "the line")
    assert bridge.account.user not in rooms[0].occupants
    running.signal()
    running.end().ended_with(0)


def test_what_takes_a_restart_is_told(daemon, bridge, peer, tmp_path):
    text = f"bridges:\n  - {{from: 'fifo:{tmp_path}/in', to: 'xmpp:{peer.jid}'}}\n"
    running = daemon(text)
    file = bridge.configuration(text)
    file.write_text(file.read_text().replace("account: {", "account: {resource: other, "))
    running.signal(signal.SIGHUP)
    running.complaint_about("needs a restart, and goes on as before: account", 15)
    running.signal()
    running.end().ended_with(0)
