"""Files and FIFOs as ends of bridges: rotation in every way, writers and readers that come and go."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from datetime import date

import pytest

from harness.rooms import Room


@pytest.fixture
def daemon(bridge):
    """Starts `run` with these bridges and waits until it is online."""

    def start(bridges: str):
        running = bridge.start("run", "--config", str(bridge.configuration(bridges)), "--log-level", "info", stdin=subprocess.DEVNULL)
        running.complaint_about("online as", 20)
        return running

    return start


def test_a_files_mode_and_fsync(bridge, daemon, peer, tmp_path):
    """A file is made as it is asked for, whatever the umask says; what was there keeps its own."""
    fifo = tmp_path / "in"
    running = daemon(
        "bridges:\n"
        f"  - {{from: 'fifo:{fifo}', to: 'file:{tmp_path}/new.log', mode: 0606, fsync: true}}\n"
        f"  - {{from: 'fifo:{fifo}', to: 'file:{tmp_path}/old.log', mode: 0600}}\n"
        f"  - {{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}\n"
    )
    (tmp_path / "old.log").touch(0o644)
    (tmp_path / "old.log").chmod(0o644)
    fifo.write_text("hello\n")
    running.wait_for(lambda: lines_of(tmp_path / "new.log") == lines_of(tmp_path / "old.log") == ["hello"], 20)
    assert (tmp_path / "new.log").stat().st_mode & 0o777 == 0o606
    assert (tmp_path / "old.log").stat().st_mode & 0o777 == 0o644
    running.signal()
    running.end().ended_with(0)


def test_a_followed_file_that_cannot_be_read(bridge, daemon, peer, tmp_path):
    """Told once, tried again; the other bridges do not notice."""
    log, fifo = tmp_path / "app.log", tmp_path / "in"
    log.mkdir()
    running = daemon(
        f"bridges:\n  - {{from: 'tail:{log}', to: 'xmpp:{peer.jid}'}}\n  - {{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}\n"
    )
    running.complaint_about(f"reading tail:{log} stopped: not a regular file", 20)
    fifo.write_text("meanwhile\n")
    peer.wait(lambda: "meanwhile" in peer.bodies, 20, "the other bridge")
    log.rmdir()
    log.write_text("at last\n")
    peer.wait(lambda: "at last" in peer.bodies, 20, "the file's line")
    assert running.err.count("stopped") == 1
    running.signal()
    running.end().ended_with(0)


def lines_of(path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def holds(running, path) -> bool:
    """Whether the program has that file open."""
    there = os.stat(path)
    folder = f"/proc/{running.process.pid}/fd"
    for number in os.listdir(folder):
        try:
            held = os.stat(f"{folder}/{number}")
        except FileNotFoundError:
            continue  # closed meanwhile
        if (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino):
            return True
    return False


def cpu_seconds(running) -> float:
    fields = open(f"/proc/{running.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Rotator:
    """Writes numbered lines into a file that it rotates in every way. What destroys a file waits until the program holds
    it, or has read it: nobody can read what was gone before it was seen."""

    NAMES = 40

    def __init__(self, running, folder, out, seed: int):
        self.running, self.folder, self.out = running, folder, out
        self.path = folder / "app.log"
        self.random = random.Random(seed)
        self.count = self.targets = 0
        self.ways = {self.rename: 0, self.copy_and_truncate: 0, self.delete: 0, self.switch_link: 0}

    def write(self, count: int):
        with open(self.path, "a") as file:
            for _ in range(count):
                file.write(f"line {self.count}\n")
                self.count += 1
                if self.random.random() < 0.02:
                    file.flush()

    def rotate(self):
        way = self.random.choice(list(self.ways))
        self.ways[way] += 1
        way()

    def shift(self):
        for number in reversed(range(1, self.NAMES)):
            name = self.folder / f"app.log.{number}"
            if name.exists():
                name.rename(self.folder / f"app.log.{number + 1}")

    def rename(self):
        self.shift()
        self.path.rename(self.folder / "app.log.1")
        self.path.touch()

    def copy_and_truncate(self):
        self.drained()
        self.shift()
        shutil.copy(self.path, self.folder / "app.log.1")
        os.truncate(self.path, 0)

    def delete(self):
        self.running.wait_for(lambda: holds(self.running, self.path), 30)
        self.path.unlink()
        self.path.touch()

    def switch_link(self):
        self.running.wait_for(lambda: holds(self.running, self.path), 30)
        self.targets += 1
        target = self.folder / f"target-{self.targets}"
        target.touch()
        link = self.folder / "link"
        link.symlink_to(target)
        link.replace(self.path)

    def drained(self):
        last = f"line {self.count - 1}\n".encode()

        def has_last():
            if not self.out.exists():
                return False
            with open(self.out, "rb") as file:
                file.seek(max(0, os.path.getsize(self.out) - len(last)))
                return file.read() == last

        self.running.wait_for(has_last, 60)


def test_two_hundred_thousand_lines_through_every_rotation(bridge, daemon, peer, tmp_path):
    out = tmp_path / "out.txt"
    log = tmp_path / "log"
    log.mkdir()
    (log / "app.log").write_text("old\n")
    running = daemon(
        "bridges:\n"
        f"  - {{from: 'tail:{log}/app.log', to: 'file:{out}'}}\n"
        f"  - {{from: 'tail:{log}/app.log', match: '^line \\d+000$', to: 'xmpp:{peer.jid}'}}\n"
    )
    running.wait_for(lambda: holds(running, log / "app.log"))
    rotator = Rotator(running, log, out, seed=4)
    rotator.write(10)
    rotator.drained()
    while rotator.count < 200_000:
        rotator.write(rotator.random.randrange(1, 3_000))
        rotator.rotate()
    rotator.write(10)
    rotator.drained()
    assert lines_of(out) == [f"line {number}" for number in range(rotator.count)]
    assert all(rotator.ways.values()), rotator.ways
    expected = [f"line {number}" for number in range(1_000, rotator.count, 1_000)]
    peer.wait_for_messages(len(expected), 60)
    assert peer.bodies == expected
    running.signal()
    running.end().ended_with(0)


def test_rotation_while_nobody_reads(bridge, daemon, peer, tmp_path):
    log = tmp_path / "app.log"
    log.write_text("old\n")
    bridges = f"bridges: [{{from: 'tail:{log}', to: 'xmpp:{peer.jid}'}}]\n"
    running = daemon(bridges)
    running.wait_for(lambda: holds(running, log))
    with open(log, "a") as file:
        file.write("one\n")
    peer.wait_for_messages(1, 10)
    running.signal()
    running.end().ended_with(0)
    with open(log, "a") as file:
        file.write("two\n")
    log.rename(tmp_path / "app.log.2")
    (tmp_path / "app.log.1").write_text("three\n")
    log.write_text("four\n")
    running = daemon(bridges)
    peer.wait_for_messages(4, 10)
    assert peer.bodies == ["one", "two", "three", "four"]
    assert "lost" not in running.err
    running.signal()
    running.end().ended_with(0)


def test_a_kill_loses_nothing(bridge, daemon, peer, tmp_path):
    """What was not accepted is read again; what comes twice is of the last second."""
    log = tmp_path / "app.log"
    log.touch()
    bridges = f"bridges: [{{from: 'tail:{log}', to: 'xmpp:{peer.jid}'}}]\n"
    running = daemon(bridges)
    running.wait_for(lambda: holds(running, log))
    with open(log, "a") as file:
        for number in range(3_000):
            file.write(f"line {number}\n")
    peer.wait_for_messages(200, 20)
    running.signal(signal.SIGKILL)
    running.end()
    running = daemon(bridges)
    peer.wait(lambda: "line 2999" in peer.bodies, 60, "the last line")
    assert {f"line {number}" for number in range(3_000)} == set(peer.bodies)
    running.signal()
    running.end().ended_with(0)


def test_writers_come_and_go_and_nothing_turns_between(bridge, daemon, peer, tmp_path):
    fifo = tmp_path / "in"
    running = daemon(f"bridges: [{{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}]\n")
    for writer in range(100):
        with open(fifo, "w") as end:
            end.write("".join(f"{writer} {number}\n" for number in range(5)))
    peer.wait_for_messages(500, 30)
    assert peer.bodies == [f"{writer} {number}" for writer in range(100) for number in range(5)]
    before = cpu_seconds(running)
    time.sleep(2)  # what is measured is what is done in that time
    assert cpu_seconds(running) - before < 0.1
    running.signal()
    running.end().ended_with(0)


#: How long writers come and go; a minute by hand: WRITERS_SECONDS=60.
WRITERS_SECONDS = float(os.environ.get("WRITERS_SECONDS", "15"))


def test_a_hundred_writers_at_once(bridge, daemon, peer, tmp_path):
    """They start and end at random: nothing is lost, each one's lines are in order, and nothing turns between."""
    fifo = tmp_path / "in"
    running = daemon(f"bridges:\n  - {{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}\n")
    written = [0] * 100

    def write(writer: int):
        dice = random.Random(writer)
        end = time.monotonic() + WRITERS_SECONDS
        while (pause := dice.random() * WRITERS_SECONDS / 3) + time.monotonic() < end:
            time.sleep(pause)
            with open(fifo, "w") as pipe:
                for _ in range(dice.randint(0, 5)):
                    pipe.write(f"{writer} {written[writer]}\n")
                    pipe.flush()
                    written[writer] += 1
                    time.sleep(dice.random() / 20)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    peer.wait_for_messages(sum(written), 30)
    for writer in range(100):
        own = [body for body in peer.bodies if body.startswith(f"{writer} ")]
        assert own == [f"{writer} {number}" for number in range(written[writer])]
    assert len(peer.bodies) == sum(written) > 500
    before = cpu_seconds(running)
    time.sleep(3)  # to see that it does nothing
    assert cpu_seconds(running) - before < 0.1
    running.signal()
    running.end().ended_with(0)


def test_a_room_into_a_file_a_day_and_a_fifo_back(bridge, daemon, owner, server, tmp_path):
    room = Room.create(owner, server.room(), "boss")
    fifo = tmp_path / "say"
    running = daemon(
        "bridges:\n"
        f"  - {{from: 'room:{room.jid}', body: '<{{nick}}> {{body}}', to: 'file:{tmp_path}/ops-%Y-%m-%d.log'}}\n"
        f"  - {{from: 'fifo:{fifo}', to: 'room:{room.jid}'}}\n"
    )
    room.wait_for(bridge.account.jid.split("@")[0])
    said = [f"word {number}" for number in range(20)]
    for text in said:
        room.say(text)
    with open(fifo, "w") as end:
        end.write("from the pipe\n")
    room.wait_for_said("from the pipe")
    today = tmp_path / f"ops-{date.today():%Y-%m-%d}.log"
    running.wait_for(lambda: lines_of(today) == [f"<boss> {text}" for text in said])
    # Logrotate's way: the next line is in a file of its own.
    today.rename(tmp_path / "ops.old")
    running.signal(signal.SIGHUP)
    room.say("after")
    running.wait_for(lambda: lines_of(today) == ["<boss> after"])
    running.signal()
    running.end().ended_with(0)


def test_each_file_of_a_glob_by_its_name(bridge, daemon, peer, tmp_path):
    """A record of several lines is of one file, whatever the others write meanwhile."""
    logs = [tmp_path / f"{name}.log" for name in ("a", "b")]
    for log in logs:
        log.touch()
    fifo = tmp_path / "in"
    running = daemon(
        f"bridges:\n  - {{from: ['tail:{tmp_path}/*.log', 'fifo:{fifo}'], to: 'xmpp:{peer.jid}', "
        f"group: {{continue: '^ ', within: 3s}}, body: '{{source}}|{{line}}'}}\n"
    )
    for log in logs:
        running.wait_for(lambda log=log: holds(running, log))
    with open(fifo, "w") as pipe, open(logs[0], "a") as first, open(logs[1], "a") as second:
        for number in range(50):
            for file in (pipe, first, second):
                file.write(f"{number}\n")
                file.flush()
            for file in (first, pipe, second):
                file.write(f" of {number}\n")
                file.flush()
    peer.wait_for_messages(150, 20)
    running.signal()
    running.end().ended_with(0)
    for path in (*logs, fifo):
        assert [body for body in peer.bodies if body.startswith(str(path))] == [f"{path}|{n}\n of {n}" for n in range(50)]
