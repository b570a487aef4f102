"""How a run ends: signals, readers that go, and what stdin, stdout and stderr may be."""

import os
import pty
import signal
import subprocess
import threading
import time

import pytest

from harness.bridge import binary
from harness.processes import stop


@pytest.fixture
def configuration(tmp_path, peer):
    """A file whose only bridge is from stdin."""
    file = tmp_path / "bridges.yaml"
    file.write_text(
        "account: {password: {env: XMPP_BRIDGE_PASSWORD}}\n"
        f"bridges:\n  - {{name: lines, from: stdin, to: 'xmpp:{peer.jid}'}}\n"
    )
    return file


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_tail_f_into_a_file_of_rules_until_told_to_stop(bridge, peer, configuration, tmp_path, number):
    log = tmp_path / "app.log"
    log.write_text("first\n")
    tail = subprocess.Popen(["tail", "-n", "+1", "-f", str(log)], stdout=subprocess.PIPE)
    try:
        running = bridge.start("--config", str(configuration), stdin=tail.stdout)
        tail.stdout.close()
        with log.open("a") as more:
            more.write("second\n")
        peer.wait_for_messages(2, 15)
        assert peer.bodies == ["first", "second"]
        running.signal(number)
        run = running.end(15).ended_with(0)
        assert run.out == ""
    finally:
        stop(tail)


def test_the_reader_of_stdout_goes(bridge):
    run = bridge.shell("xmpp-bridge | head -n 1").ended_with(74)
    assert run.out.startswith('{"event":"session"') and run.out.count("\n") == 1


def test_the_reader_of_stdout_goes_later(bridge, peer):
    running = bridge.start_shell("xmpp-bridge --from " + peer.jid + " --output text | head -n 1", subprocess.DEVNULL)
    over = threading.Event()

    def talk():
        while not over.wait(0.2):
            peer.send(bridge.account.jid, "again")

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        run = running.end().ended_with(74)
    finally:
        over.set()
        talker.join()
    assert run.out == "again\n"


def test_control_c_in_the_middle_of_a_long_input(bridge, peer):
    running = bridge.start("--to", peer.jid)
    over = threading.Event()

    def produce():
        number = 0
        try:
            while not over.is_set():
                running.write("".join(f"{n}\n" for n in range(number, number + 100)))
                number += 100
        except (BrokenPipeError, ValueError):
            pass  # it has gone, as it should

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    try:
        peer.wait_for_messages(500, 20)
        pressed = time.monotonic()
        running.signal(signal.SIGINT)
        run = running.end(15).ended_with(0, 75)
        assert time.monotonic() - pressed < 12, run
    finally:
        over.set()
    peer.wait(_quiet(peer), 20, "the last message")
    assert len(peer.bodies) >= 500
    assert peer.bodies == [str(number) for number in range(len(peer.bodies))], "a prefix, whole and in order"


def _quiet(peer):
    """True when a second has passed without another message."""
    return lambda: time.monotonic() - peer.messages[-1].at > 1


def test_a_second_signal_ends_at_once(lone_bridge):
    [read, write] = os.pipe()
    try:
        running = lone_bridge.start("--to", "ops@localhost", stdin=read, XMPP_BRIDGE_SERVER="localhost:1")
        os.write(write, b"kept\n")
        time.sleep(0.5)  # a run that keeps trying has no event to wait for
        running.signal()
        # Two of a kind that are pending at once are one.
        running.complaint_about("second signal")
        running.signal()
        running.end(4).ended_with(75)
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("redirection", ["<&-", "</dev/null"])
def test_no_input(bridge, peer, redirection):
    run = bridge.shell(f"xmpp-bridge --to {peer.jid} {redirection}").ended_with(0)
    assert run.complaints == [] and peer.bodies == []


def test_a_regular_file(bridge, peer, tmp_path):
    file = tmp_path / "lines"
    file.write_text("one\ntwo\n")
    bridge.shell(f"xmpp-bridge --to {peer.jid} <{file}").ended_with(0)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["one", "two"]


def test_a_fifo(bridge, peer, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f"( echo one; sleep 0.3; echo two ) > {fifo} & xmpp-bridge --to {peer.jid} <{fifo}"
    bridge.shell(script).ended_with(0)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["one", "two"]


def test_a_terminal(bridge, peer):
    controller, terminal = pty.openpty()
    try:
        running = bridge.start("--to", peer.jid, stdin=terminal)
        os.write(controller, b"typed\n")
        peer.wait_for_messages(1, 15)
        os.write(controller, b"\x04")  # end of input, at the beginning of a line
        running.end().ended_with(0)
    finally:
        os.close(controller)
        os.close(terminal)


def test_standard_input_is_left_as_it_was(bridge, peer, tmp_path):
    """O_NONBLOCK belongs to the description that others share: it must not be set when the program has gone."""
    script = f"echo one | {{ xmpp-bridge --to {peer.jid}; grep flags /proc/self/fdinfo/0; }}"
    run = bridge.shell(script)
    flags = int(run.out.split()[-1], 8)
    assert flags & os.O_NONBLOCK == 0, oct(flags)


def test_stdout_closed_where_it_is_not_used(bridge, peer):
    bridge.shell(f"echo one | xmpp-bridge --to {peer.jid} >&-").ended_with(0)
    peer.wait_for_messages(1, 10)


def test_stdout_closed_where_it_is_used(bridge, peer):
    bridge.shell(f"echo one | xmpp-bridge --to {peer.jid} --events >&-").ended_with(0, 74)


def test_stderr_closed(bridge, peer):
    bridge.shell(f"echo one | xmpp-bridge --to {peer.jid} 2>&-").ended_with(0)
    peer.wait_for_messages(1, 10)


def test_stdout_on_a_full_disk(bridge):
    run = bridge.shell("xmpp-bridge >/dev/full").ended_with(74)
    assert "stdout" in run.err or "standard output" in run.err, run


def on_a_terminal(bridge, *arguments: str) -> str:
    """Runs three seconds of input with a terminal as stderr; returns what was drawn there."""
    controller, terminal = pty.openpty()
    drawn: list[bytes] = []

    def watch():
        try:
            while chunk := os.read(controller, 4096):
                drawn.append(chunk)
        except OSError:
            pass  # the last holder of the terminal has gone

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    producer = "for n in $(seq 1 300); do echo $n; sleep 0.01; done"
    command = f"( {producer} ) | xmpp-bridge {' '.join(arguments)} 2>/dev/fd/{terminal}"
    path = os.ttyname(terminal)
    try:
        bridge.shell(command.replace(f"/dev/fd/{terminal}", path)).ended_with(0)
    finally:
        os.close(terminal)
        watcher.join(5)
        os.close(controller)
    return b"".join(drawn).decode(errors="replace")


def test_progress_is_drawn_on_a_terminal(bridge, peer):
    assert "300" in on_a_terminal(bridge, "--to", peer.jid)


def test_no_progress_where_it_is_quiet(bridge, peer):
    assert on_a_terminal(bridge, "--to", peer.jid, "--quiet") == ""


def test_backpressure_reaches_the_producer(lone_bridge):
    """A server that is not there takes nothing: a producer of 200 MB is stopped, and memory stays small."""
    script = "head -c 200000000 /dev/zero | tr '\\0' 'x' | fold -w 199 | xmpp-bridge --retry 30s --to ops@localhost"
    running = lone_bridge.start_shell(script + " & wait", XMPP_BRIDGE_SERVER="localhost:1")
    time.sleep(4)
    group = subprocess.run(["pgrep", "-g", str(running.process.pid)], capture_output=True, text=True).stdout.split()
    pids = [pid for pid in group if os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(binary())]
    assert len(pids) == 1, f"it is still there, waiting: {running.err}"
    status = dict(line.split(":", 1) for line in open(f"/proc/{pids[0]}/status"))
    assert int(status["VmHWM"].split()[0]) < 100_000, status["VmHWM"]


def test_memory_is_flat_however_long_the_input(bridge, peer):
    running = bridge.start("--to", peer.jid)

    def peak() -> int:
        status = dict(line.split(":", 1) for line in open(f"/proc/{running.process.pid}/status"))
        return int(status["VmHWM"].split()[0])

    running.write("".join(f"{n} {'x' * 200}\n" for n in range(3_000)))
    peer.wait_for_messages(3_000, 20)
    early = peak()
    running.write("".join(f"{n} {'x' * 200}\n" for n in range(3_000, 15_000)))
    peer.wait_for_messages(15_000, 60)
    late = peak()
    running.end_input()
    running.end().ended_with(0)
    assert late - early < 4_000, f"{early} kB after 3,000 lines, {late} kB after 15,000"
