"""xmpp-bridge --to JID -- COMMAND: what it prints goes there, what is said there comes to its input, and it ends the run."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.bridge import binary
from harness.processes import bound_to_us, eventually


def is_there(pid: int) -> bool:
    """Whether a process runs, and is not one that only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def python(tmp_path):
    """The words that run a program of these lines, which has its folder as `here`."""

    def words(text: str) -> list[str]:
        program = tmp_path / "child.py"
        program.write_text(
            "import os, pathlib, signal, sys, time\n"
            "here = pathlib.Path(__file__).parent\n"
            "def say(text): print(text, flush=True)\n"
            f"{text}"
        )
        return ["--", "/usr/bin/python3", "-B", str(program)]

    return words


def test_a_conversation(bridge, peer):
    running = bridge.start("--to", peer.jid, "--", "bash", "-c", "echo ready; while read -r line; do echo \"you said: $line\"; done")
    peer.wait_for_messages(1, 20)
    peer.send(bridge.account.jid, "one\ntwo")
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["ready", "you said: one\\ntwo"]
    running.signal()
    run = running.end(15).ended_with(0)
    assert run.out == "" and run.err == ""


def test_events_for_a_program(bridge, peer, tmp_path):
    got = tmp_path / "got"
    running = bridge.start("--to", peer.jid, "--output", "ndjson", "--", "sh", "-c", f"echo ready; exec cat > {got}")
    peer.wait_for_messages(1, 20)
    peer.send(bridge.account.jid, "hello")
    running.wait_for(lambda: got.exists() and "hello" in got.read_text())
    events = [json.loads(line) for line in got.read_text().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["event"] == "message" and events[-1]["body"] == "hello"
    running.signal()
    running.end(15).ended_with(0)


def test_commands_of_a_program(bridge, peer, tmp_path):
    got = tmp_path / "got"
    command = json.dumps({"do": "send", "ref": "1", "to": peer.jid, "body": "by command"})
    script = f"echo '{command}'; while read -r line; do echo \"$line\" >> {got}; case $line in *acknowledged*) exit 0;; esac; done"
    bridge.run("--input", "ndjson", "--", "bash", "-c", script).ended_with(0)
    peer.wait_for_messages(1, 10)
    assert peer.bodies == ["by command"]
    assert '"ref":"1","ok":true' in got.read_text()


def test_the_ends_of_a_file_of_rules(bridge, peer):
    file = bridge.configuration(
        "bridges:\n"
        f"  - {{from: stdin, match: '^!(.*)', body: '{{1}}', to: 'xmpp:{peer.jid}'}}\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: 'heard {{body}}', to: stdout}}\n"
    )
    running = bridge.start("--config", str(file), "--", "bash", "-c", "echo silent; echo '!ready'; read -r line; echo \"!$line\"; exit 0")
    peer.wait_for_messages(1, 20)
    peer.send(bridge.account.jid, "you")
    running.end(20).ended_with(0)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["ready", "heard you"]


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_its_end_ends_the_run_and_all_is_delivered(bridge, peer, script, status):
    run = bridge.run("--to", peer.jid, "--", "bash", "-c", f"seq 2000; printf 'no end'; {script}", seconds=60).ended_with(status)
    peer.wait_for_messages(2_001, 30)
    assert peer.bodies == [str(number) for number in range(1, 2_001)] + ["no end"]
    assert len(run.complaints) == (0 if status == 0 else 1), run


def test_what_was_not_delivered_is_told_before_its_status(bridge, peer):
    run = bridge.run("--to", "nobody@localhost", "--", "bash", "-c", "echo hello; exit 3").ended_with(75)
    assert "nobody@localhost" in run.err and "the command ended with status 3" in run.err, run


@pytest.mark.parametrize("word", ["no-such-command", "/no/such/command", ""])
def test_no_such_command(lone_bridge, word):
    run = lone_bridge.run("--to", "ops@localhost", "--", word).ended_with(127)
    assert run.complaint == f"xmpp-bridge: cannot run {word}: there is no such command"


def test_a_command_that_cannot_be_run(lone_bridge, tmp_path):
    (tmp_path / "data").write_text("#!/bin/sh\n")
    run = lone_bridge.run("--to", "ops@localhost", "--", str(tmp_path / "data")).ended_with(126)
    assert "Permission denied" in run.complaint


def test_no_command(lone_bridge):
    assert "no command behind --" in lone_bridge.run("--to", "ops@localhost", "--").ended_with(64).complaint
    assert "cat" in lone_bridge.run("run", "--", "cat").ended_with(64).complaint


def test_a_command_named_like_a_subcommand(lone_bridge):
    run = lone_bridge.run("--to", "ops@localhost", "--", "schema", "--version").ended_with(127)
    assert "cannot run schema" in run.complaint


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_it_and_its_last_words_arrive(bridge, peer, python, number):
    words = python(
        "def leave(number, frame):\n"
        "    say(f'last words after {number}')\n"
        "    sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "signal.signal(signal.SIGINT, leave)\n"
        "say('ready')\n"
        "while True: time.sleep(60)\n"
    )
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    running.signal(number)
    running.end(15).ended_with(0)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["ready", f"last words after {int(number)}"]


def test_one_that_ignores_the_signal_is_killed(bridge, peer, python):
    words = python("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay(os.getpid())\nwhile True: time.sleep(60)\n")
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    running.signal()
    run = running.end(14).ended_with(0)
    assert "has not ended within 5 s, and is killed" in run.complaint
    assert not is_there(int(peer.bodies[0]))


def test_a_second_signal_ends_both_at_once(bridge, peer, python):
    words = python("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay(os.getpid())\nwhile True: time.sleep(60)\n")
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    running.signal()
    time.sleep(0.3)  # two of a kind that are pending at once are one
    running.signal()
    running.end(4)
    eventually(lambda: not is_there(int(peer.bodies[0])), 5, "the end of the command")


def test_control_c_reaches_it_once(bridge, peer, python):
    words = python(
        "count = 0\n"
        "def count_it(number, frame):\n"
        "    global count\n"
        "    count += 1\n"
        "signal.signal(signal.SIGINT, count_it)\n"
        "say('ready')\n"
        "while not count: time.sleep(0.01)\n"
        "time.sleep(1)\n"
        "say(f'pressed {count}')\n"
    )
    controller, terminal = pty.openpty()
    # A session of its own, whose terminal this is.
    begin = ["setsid", "--ctty", "--wait", binary(), "--to", peer.jid, *words]
    process = subprocess.Popen(bound_to_us(begin), env=bridge.environment, stdin=terminal, stdout=terminal, stderr=terminal)
    try:
        os.close(terminal)
        peer.wait_for_messages(1, 20)
        os.write(controller, b"\x03")
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["ready", "pressed 1"]


def test_what_it_inherits(bridge, peer, python):
    words = python(
        "status = dict(line.split(':\\t', 1) for line in open('/proc/self/status'))\n"
        "say(status['SigBlk'].strip())\n"
        "say([name for name in os.environ if 'PASSWORD' in name])\n"
        "print('untouched\\x1b[0m', file=sys.stderr)\n"
    )
    # Python itself ignores SIGPIPE (13) and SIGXFSZ (25), so a shell says what it got. 3 is the folder that ls reads.
    script = 'grep SigIgn /proc/$$/status | cut -f 2; ls /proc/self/fd | xargs; exec "$@"'
    run = bridge.run(
        "--to", peer.jid, "--", "bash", "-c", script, *words, XMPP_BRIDGE_ROOM_PASSWORD="secret"
    ).ended_with(0)
    peer.wait_for_messages(4, 10)
    assert int(peer.bodies[0], 16) & (1 << 12 | 1 << 24) == 0, "what the parent had ignored is left alone, and no more is"
    assert peer.bodies[1:] == ["0 1 2 3", "0" * 16, "[]"]
    assert run.err == "untouched\x1b[0m\n"


def test_it_closes_its_output_and_lives_on(bridge, peer, python, tmp_path):
    words = python(
        "say('last line')\n"
        "os.close(1)\n"
        "(here / 'heard').write_text(sys.stdin.readline())\n"
        "sys.exit(4)\n"
    )
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    peer.send(bridge.account.jid, "still there")
    running.end(20).ended_with(4)
    assert (tmp_path / "heard").read_text() == "still there\n"


def test_it_does_not_read(bridge, peer, python):
    """Three thousand messages of 1 kB wait for it, and still it is heard."""
    words = python("say('ready')\nwhile not (here / 'go').exists(): time.sleep(0.05)\nsay('done')\n")
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    for number in range(3_000):
        peer.send(bridge.account.jid, f"{number} " + "x" * 1_000)
    (bridge.home / "go").touch()
    running.end(30).ended_with(0)
    peer.wait_for_messages(2, 20)
    assert peer.bodies == ["ready", "done"]


def test_it_closes_its_input(bridge, peer, python):
    words = python("os.close(0)\nsay('deaf')\nwhile not (here / 'go').exists(): time.sleep(0.05)\nsay('done')\n")
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    for text in ("one", "two"):
        peer.send(bridge.account.jid, text)
    (bridge.home / "go").touch()
    run = running.end(20).ended_with(0)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["deaf", "done"] and run.err == ""


def test_what_its_own_children_hold_open_is_not_waited_for(bridge, peer):
    began = time.monotonic()
    bridge.run("--to", peer.jid, "--", "bash", "-c", "sleep 30 & echo early; exit 0").ended_with(0)
    assert time.monotonic() - began < 20
    peer.wait_for_messages(1, 10)


def test_the_bridge_is_killed(bridge, peer, python):
    words = python("say(os.getpid())\nsys.stdin.read()\n")
    running = bridge.start("--to", peer.jid, *words)
    peer.wait_for_messages(1, 20)
    running.signal(signal.SIGKILL)
    running.end(10)
    eventually(lambda: not is_there(int(peer.bodies[0])), 10, "the end of a command whose input has ended")


def test_the_bridge_has_enough(bridge, peer, python, tmp_path):
    """--count ends the bridge first: the command gets the end of its input and has time to finish."""
    words = python("say('ready')\n(here / 'heard').write_text(sys.stdin.read())\nsys.exit(9)\n")
    running = bridge.start("--to", peer.jid, "--count", "1", *words)
    peer.wait_for_messages(1, 20)
    peer.send(bridge.account.jid, "enough")
    running.end(20).ended_with(0)
    assert (tmp_path / "heard").read_text() == "enough\n"


def test_credentials_refused(bridge, python):
    words = python("(here / 'pid').write_text(str(os.getpid()))\nwhile True: time.sleep(60)\n")
    run = bridge.run("--to", "ops@localhost", *words, XMPP_BRIDGE_PASSWORD="wrong").ended_with(77)
    assert not is_there(int((bridge.home / "pid").read_text())), run
