"""FIFOs that are deleted and made again while they are in use, that become something else, and whose readers stall."""

import os
import signal
import subprocess
import threading

import pytest

ONE_KILOBYTE = "x" * 1_000


@pytest.fixture
def daemon(bridge):
    """Starts `run` with these bridges and waits until it is there."""

    def start(bridges: str):
        text = bridges + "  - {from: events, to: stdout}\n"
        running = bridge.start("run", "--config", str(bridge.configuration(text)), stdin=subprocess.DEVNULL)
        running.present()
        return running

    return start


def write(path, text: str):
    """Writes into a FIFO that is read, and fails where nobody does."""
    end = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.write(end, text.encode())
    os.close(end)


class Reader:
    """Reads a FIFO line by line, on a thread; waits for the writer."""

    def __init__(self, path):
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(path,), daemon=True)
        self._thread.start()

    def _read(self, path):
        with open(path) as end:
            for line in end:
                self.lines.append(line.rstrip("\n"))


def remake(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def test_what_is_read_is_made_anew(daemon, peer, tmp_path):
    fifo = tmp_path / "in"
    running = daemon(f"bridges:\n  - {{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}\n")
    write(fifo, "one\nno end")
    remake(fifo)
    running.complaint_about(f"fifo:{fifo} was made anew: the new one is used")
    write(fifo, "two\n")
    peer.wait_for_messages(3, 15)
    for number in range(20):
        remake(fifo)
        running.wait_for(lambda count=number + 2: running.err.count("was made anew") >= count)
        write(fifo, f"round {number}\n")
    peer.wait_for_messages(23, 15)
    assert peer.bodies == ["one", "no end", "two"] + [f"round {number}" for number in range(20)]
    running.signal()
    running.end().ended_with(0)


def test_what_is_read_is_gone_until_a_hang_up_makes_it(daemon, peer, tmp_path):
    fifo = tmp_path / "in"
    running = daemon(f"bridges:\n  - {{from: 'fifo:{fifo}', to: 'xmpp:{peer.jid}'}}\n")
    fifo.unlink()
    running.complaint_about(f"reading fifo:{fifo} stopped: No such file or directory")
    running.signal(signal.SIGHUP)
    running.complaint_about("was made anew")
    write(fifo, "again\n")
    peer.wait_for_messages(1, 10)
    running.signal()
    running.end().ended_with(0)


def test_its_folder_goes_and_comes(daemon, peer, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    running = daemon(f"bridges:\n  - {{from: 'fifo:{folder}/in', to: 'xmpp:{peer.jid}'}}\n")
    (folder / "in").unlink()
    folder.rmdir()
    running.complaint_about("stopped: No such file or directory")
    folder.mkdir()
    os.mkfifo(folder / "in", 0o600)
    running.complaint_about("was made anew")
    write(folder / "in", "back\n")
    peer.wait_for_messages(1, 10)
    remake(folder / "in")
    running.wait_for(lambda: running.err.count("was made anew") == 2)
    running.signal()
    running.end().ended_with(0)


def test_something_else_in_its_place_is_told_and_others_go_on(daemon, peer, tmp_path):
    fifo, other = tmp_path / "in", tmp_path / "other"
    running = daemon(f"bridges:\n  - {{from: ['fifo:{fifo}', 'fifo:{other}'], to: 'xmpp:{peer.jid}'}}\n")
    fifo.unlink()
    fifo.write_text("precious\n")
    running.complaint_about(f"reading fifo:{fifo} stopped: something else is in its place")
    write(other, "other\n")
    peer.wait_for_messages(1, 10)
    assert fifo.read_text() == "precious\n"
    remake(fifo)
    running.complaint_about("was made anew")
    write(fifo, "mended\n")
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["other", "mended"]
    running.signal()
    running.end().ended_with(0)


def test_what_nobody_reads_yet_is_made_anew(bridge, daemon, peer, tmp_path):
    fifo = tmp_path / "out"
    running = daemon(f"bridges:\n  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'fifo:{fifo}'}}\n")
    peer.send(bridge.account.jid, "waits for a reader")
    running.wait_for(lambda: opens(running, fifo))
    remake(fifo)
    reader = Reader(fifo)
    running.wait_for(lambda: reader.lines == ["waits for a reader"])
    running.signal()
    running.end().ended_with(0)


def opens(running, path) -> bool:
    """Whether the program holds that FIFO, or the place of it."""
    folder = f"/proc/{running.process.pid}/fd"
    names = []
    for number in os.listdir(folder):
        try:
            names.append(os.readlink(f"{folder}/{number}"))
        except FileNotFoundError:
            continue  # closed meanwhile
    return str(path) in names


def test_what_is_written_is_made_anew_behind_a_reader_that_stalls(bridge, daemon, peer, tmp_path):
    """A reader that takes nothing for as long as it likes holds its own route alone, and a new FIFO frees that."""
    fifo, other = tmp_path / "out", tmp_path / "other"
    running = daemon(
        "bridges:\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'fifo:{fifo}'}}\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{other}'}}\n"
    )
    stalled = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        said = [f"{number} {ONE_KILOBYTE}" for number in range(200)]
        for text in said:
            peer.send(bridge.account.jid, text)
        running.wait_for(lambda: other.exists() and other.read_text().splitlines() == said, 20)
        remake(fifo)
        reader = Reader(fifo)
        running.complaint_about(f"fifo:{fifo} was made anew")
        running.wait_for(lambda: reader.lines and reader.lines[-1] == said[-1], 20)
        assert reader.lines == said[-len(reader.lines) :], "whole lines, and none is missing from the first of them on"
        os.set_blocking(stalled, False)
        held = os.read(stalled, 1_000_000).decode().splitlines()
        whole = said[: len(said) - len(reader.lines)]
        assert held[: len(whole)] == whole, "what came before is what the old one holds"
    finally:
        os.close(stalled)
    running.signal()
    running.end().ended_with(0)


def test_what_is_written_becomes_something_else(bridge, daemon, peer, tmp_path):
    fifo, other = tmp_path / "out", tmp_path / "other"
    running = daemon(
        "bridges:\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'fifo:{fifo}'}}\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{other}'}}\n"
    )
    fifo.unlink()
    fifo.mkdir()
    peer.send(bridge.account.jid, "one")
    running.complaint_about(f"writing to fifo:{fifo} failed: something else is in its place")
    running.wait_for(lambda: other.exists() and other.read_text() == "one\n")
    fifo.rmdir()
    os.mkfifo(fifo, 0o600)
    reader = Reader(fifo)
    running.wait_for(lambda: reader.lines == ["one"])
    running.complaint_about(f"writing to fifo:{fifo} works again")
    running.signal()
    running.end().ended_with(0)
