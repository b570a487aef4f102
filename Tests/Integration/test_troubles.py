"""Files that cannot be read or written: the route that is concerned says so, tries again and recovers; others go on."""

import os
import shlex
import subprocess

import pytest

from harness.bridge import as_nobody, binary


@pytest.fixture
def daemon(bridge):
    """Starts `run` with these bridges, as a user who may not read everything, and waits until it is there."""

    def start(bridges: str):
        text = bridges + "  - {from: events, to: stdout}\n"
        configuration = bridge.configuration(text)
        program = [binary(), "run", "--config", str(configuration), "--no-state"]
        if os.geteuid() == 0:
            program = as_nobody(bridge, program)
        running = bridge.start_shell("exec " + shlex.join(program), stdin=subprocess.DEVNULL)
        running.present()
        return running

    return start


@pytest.fixture
def shared(tmp_path):
    """A folder in which everybody may write."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def lines_of(path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def append(path, text: str):
    with open(path, "a") as file:
        file.write(text)


def test_a_log_that_must_not_be_read(daemon, peer, shared):
    secret, open_one = shared / "secret.log", shared / "open.log"
    for log in (secret, open_one):
        log.write_text("old\n")
    secret.chmod(0o000)
    running = daemon(f"bridges:\n  - {{from: ['tail:{secret}', 'tail:{open_one}'], to: 'xmpp:{peer.jid}', body: '{{line}}'}}\n")
    running.complaint_about(f"reading tail:{secret} stopped: Permission denied ({secret}); it is tried again")
    trouble = running.event("error", code="source")
    assert trouble["source"] == f"tail:{secret}"
    append(open_one, "others go on\n")
    peer.wait_for_messages(1, 15)
    secret.chmod(0o644)
    running.complaint_about(f"reading tail:{secret} works again")
    append(secret, "now\n")
    peer.wait_for_messages(2, 15)
    assert peer.bodies == ["others go on", "now"]
    assert running.err.count("Permission denied") == 1
    running.signal()
    running.end().ended_with(0)


def test_the_permission_is_lost_in_the_middle(daemon, peer, shared):
    log = shared / "app.log"
    log.write_text("old\n")
    log.chmod(0o644)
    running = daemon(f"bridges:\n  - {{from: 'tail:{log}', to: 'xmpp:{peer.jid}', body: '{{line}}'}}\n")
    append(log, "one\n")
    peer.wait_for_messages(1, 15)
    log.rename(shared / "app.log.1")
    made = os.open(log, os.O_CREAT | os.O_WRONLY, 0o000)
    os.write(made, b"two\n")
    os.close(made)
    running.complaint_about("Permission denied")
    append(shared / "app.log.1", "late\n")
    log.chmod(0o644)
    running.complaint_about("works again")
    peer.wait_for_messages(3, 15)
    assert peer.bodies == ["one", "late", "two"]
    running.signal()
    running.end().ended_with(0)


def test_one_of_a_glob_must_not_be_read(daemon, peer, shared):
    running = daemon(f"bridges:\n  - {{from: 'tail:{shared}/*.log', to: 'xmpp:{peer.jid}', body: '{{source}} {{line}}'}}\n")
    (shared / "folder.log").mkdir()
    secret = shared / "a.log"
    secret.touch(0o000)
    append(shared / "b.log", "b\n")
    peer.wait_for_messages(1, 15)
    running.complaint_about(f"Permission denied ({secret})")
    secret.chmod(0o644)
    append(secret, "a\n")
    peer.wait_for_messages(2, 15)
    assert peer.bodies == [f"{shared}/b.log b", f"{secret} a"]
    assert "folder.log" not in running.err
    running.signal()
    running.end().ended_with(0)


def test_a_folder_where_a_log_is_meant(daemon, peer, shared):
    log = shared / "app.log"
    log.mkdir()
    running = daemon(f"bridges:\n  - {{from: 'tail:{log}', to: 'xmpp:{peer.jid}', body: '{{line}}'}}\n")
    running.complaint_about(f"reading tail:{log} stopped: not a regular file ({log}); it is tried again")
    log.rmdir()
    log.write_text("a file\n")
    running.complaint_about(f"reading tail:{log} works again")
    peer.wait_for_messages(1, 15)
    assert peer.bodies == ["a file"]
    running.signal()
    running.end().ended_with(0)


@pytest.mark.parametrize("hindrance", ["folder", "read-only", "no way"])
def test_a_file_that_cannot_be_written(bridge, daemon, peer, shared, hindrance):
    inner = shared / "inner"
    inner.mkdir()
    inner.chmod(0o777)
    file, other = inner / "chat.log", shared / "other.log"
    match hindrance:
        case "folder":
            file.mkdir()
            words = "Is a directory"
        case "read-only":
            file.touch()
            file.chmod(0o444)
            words = "Permission denied"
        case "no way":
            inner.chmod(0o000)
            words = "Permission denied"
    running = daemon(
        f"bridges:\n  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{file}'}}\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{other}'}}\n"
    )
    peer.send(bridge.account.jid, "one")
    running.complaint_about(f"writing to file:{file} failed: {words} ({file}); it is tried again")
    running.wait_for(lambda: lines_of(other) == ["one"])
    match hindrance:
        case "folder":
            file.rmdir()
        case "read-only":
            file.chmod(0o666)
        case "no way":
            inner.chmod(0o777)
    running.complaint_about(f"writing to file:{file} works again", 20)
    peer.send(bridge.account.jid, "two")
    running.wait_for(lambda: lines_of(file) == ["one", "two"] and lines_of(other) == ["one", "two"])
    running.signal()
    running.end().ended_with(0)


def test_permission_to_write_is_lost_in_the_middle(bridge, daemon, peer, shared):
    file = shared / "chat.log"
    running = daemon(f"bridges:\n  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{file}'}}\n")
    peer.send(bridge.account.jid, "one")
    running.wait_for(lambda: lines_of(file) == ["one"])
    file.rename(shared / "chat.log.1")
    shared.chmod(0o755)
    peer.send(bridge.account.jid, "two")
    running.complaint_about("Permission denied")
    shared.chmod(0o777)
    running.wait_for(lambda: lines_of(file) == ["two"], 20)
    running.signal()
    running.end().ended_with(0)


def test_the_disk_is_full(bridge, daemon, peer, shared):
    disk, other = shared / "disk", shared / "other.log"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=777", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk to be had: {mounted.stderr.decode()}")
    try:
        file = disk / "chat.log"
        running = daemon(
            f"bridges:\n  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{file}'}}\n"
            f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{other}'}}\n"
        )
        said = [f"{number:02} " + "x" * 997 for number in range(30)]
        for text in said:
            peer.send(bridge.account.jid, text)
        running.complaint_about(f"writing to file:{file} failed: No space left on device", 20)
        running.wait_for(lambda: lines_of(other) == said, 20)
        assert lines_of(file) == said[: len(lines_of(file))], "whole lines only"
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        running.wait_for(lambda: lines_of(file) == said, 40)
        running.complaint_about("works again")
        running.signal()
        running.end().ended_with(0)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_mode_and_fsync(bridge, daemon, peer, shared):
    file, plain = shared / "chat.log", shared / "plain.log"
    running = daemon(
        f"bridges:\n  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{file}', mode: 0664, fsync: true}}\n"
        f"  - {{from: 'xmpp:{peer.jid}', body: '{{body}}', to: 'file:{plain}'}}\n"
    )
    peer.send(bridge.account.jid, "one")
    running.wait_for(lambda: lines_of(file) == ["one"] and lines_of(plain) == ["one"])
    assert file.stat().st_mode & 0o7777 == 0o664, "whatever the umask says"
    assert plain.stat().st_mode & 0o7777 & ~0o640 == 0
    file.chmod(0o600)
    peer.send(bridge.account.jid, "two")
    running.wait_for(lambda: lines_of(file) == ["one", "two"])
    assert file.stat().st_mode & 0o7777 == 0o600, "what is there is left as it is"
    running.signal()
    running.end().ended_with(0)
