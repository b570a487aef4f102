"""`xmpp-bridge spool`: what runs that could not reach their server have left, for a person, and beside one that lives."""

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from harness.bridge import as_nobody, binary

PEER, DEN = "peer@localhost", "den@rooms.localhost"
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def state(bridge) -> Path:
    """Where the account keeps its state when nothing else is said."""
    return bridge.home / f"state/xmpp-bridge/{bridge.account.jid}"


def spool(bridge, *arguments: str, status: int = 0, **environment):
    """Runs it without the password: it needs none."""
    return bridge.run("spool", *arguments, **{"XMPP_BRIDGE_PASSWORD": None, **environment}).ended_with(status)


def objects(run) -> list[dict]:
    return [json.loads(line) for line in run.out.splitlines()]


def table(run) -> list[dict[str, str]]:
    """The lines by their headings; at least two blanks are between columns."""
    headings, *lines = [re.split(r" {2,}", line) for line in run.out.splitlines()]
    return [dict(zip(headings, line, strict=True)) for line in lines]


def lanes(bridge) -> dict[str, dict]:
    return {lane["lane"]: lane for lane in objects(spool(bridge, "list", "--json"))}


def leave(bridge, text: str, *arguments: str):
    """A run that cannot reach its server."""
    bridge.run(*arguments, "--retry", "100ms", input=text).ended_with(75)


@pytest.fixture
def left(lone_bridge):
    """Two lines for a person and a room, left by a run that ended."""
    leave(lone_bridge, "one\ntwo & more\n", "--to", PEER, "--to", f"room:{DEN}")
    return lone_bridge


def test_each_destination_is_listed_with_how_much_waits_since_when(left):
    run = spool(left)
    assert run.err == "" and spool(left, "list").out == run.out
    listed = table(run)
    assert [(line["PART"], line["RUN"], line["TO"], line["WAITING"]) for line in listed] == [
        ("2", "filter", f"xmpp:{PEER}", "2"), ("2", "filter", f"room:{DEN}", "2"),
    ]  # fmt: skip
    assert all(re.fullmatch(TIME, line["SINCE"]) for line in listed)
    assert "PROCESS" not in listed[0] and "TRIED" not in listed[0], "a column that says nothing is left out"
    for lane, line in zip(objects(spool(left, "list", "--json")), listed, strict=True):
        assert lane == {
            "part": 2, "run": "filter", "account": left.account.jid, "lane": line["TO"], "waiting": 2,
            "bytes": int(line["BYTES"]), "refused": 0, "to_try_again": 0, "since": line["SINCE"], "tried": 0,
        }  # fmt: skip


def test_the_state_is_found_as_a_run_finds_it(left, tmp_path):
    expected = spool(left).out
    assert spool(left, "--jid", left.account.jid, XMPP_BRIDGE_JID=None).out == expected
    assert spool(left, "--state", str(state(left)), XMPP_BRIDGE_JID=None).out == expected
    assert spool(left, XMPP_BRIDGE_JID=None, STATE_DIRECTORY=f"{state(left)}:/other").out == expected
    file = tmp_path / "bridges.yaml"
    file.write_text(f"account: {{jid: {left.account.jid}, password: {{file: {tmp_path}/none}}}}\n")
    assert spool(left, "--config", str(file), XMPP_BRIDGE_JID=None).out == expected


def test_messages_are_listed_shown_and_exported(left):
    listed = table(spool(left, "list", "--messages"))
    assert [(line["MESSAGE"], line["TO"], line["STATE"], line["TEXT"]) for line in listed] == [
        ("2/1", f"xmpp:{PEER}", "waiting", "one"), ("2/2", f"room:{DEN}", "waiting", "one"),
        ("2/3", f"xmpp:{PEER}", "waiting", "two & more"), ("2/4", f"room:{DEN}", "waiting", "two & more"),
    ]  # fmt: skip
    run = spool(left, "export")
    assert run.out == spool(left, "list", "--messages", "--json").out
    assert spool(left, "export", "--dead").out == ""
    exported = objects(run)
    third = exported[2]
    assert list(third) == ["message", "state", "lane", "to", "type", "body", "id", "since", "stanza"]
    assert (third["message"], third["to"], third["type"], third["body"]) == ("2/3", PEER, "chat", "two & more")
    assert f"id='{third['id']}'" in third["stanza"] and "two &amp; more" in third["stanza"]
    assert len({message["id"] for message in exported}) == 4
    assert objects(spool(left, "show", "2/3", "--json")) == [third]
    lines = spool(left, "show", "3").out.splitlines()
    assert lines == [
        "message   2/3", f"to        {PEER}", "type      chat", f"id        {third['id']}", f"since     {third['since']}",
        "state     waiting", "", "two & more", "", third["stanza"],
    ]  # fmt: skip


def test_messages_are_dropped(left):
    assert spool(left, "drop", "1").out == "1 message is forgotten\n"
    assert {name: lane["waiting"] for name, lane in lanes(left).items()} == {f"xmpp:{PEER}": 1, f"room:{DEN}": 2}
    assert spool(left, "drop", "--to", DEN).out == "2 messages are forgotten\n"
    spool(left, "drop", "--all", "--dead", status=66)
    assert spool(left, "drop", "--all").out == "1 message is forgotten\n"
    assert spool(left).out == f"nothing waits in {state(left)}\n"
    assert spool(left, "list", "--json").out == spool(left, "export").out == ""


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["show", "9"], 66, "there is no message 9; see xmpp-bridge spool list --messages"),
        (["show", "1/1"], 66, "there is no message 1/1"),
        (["show", "one"], 64, "the message one: expected a number"),
        (["show"], 64, "part"),
        (["retry", "1"], 66, "none of these was refused for good"),
        (["retry"], 64, "name the messages, or give --to JID, or --all"),
        (["drop"], 64, "name the messages, or give --to JID, or --all"),
        (["drop", "1", "--all"], 64, "name the messages, or give --to JID, or --all"),
        (["drop", "--to", "nobody@localhost"], 66, "there is nothing of that kind"),
        (["drop", "--to", "@"], 64, "--to"),
        (["drop", "--all", "--to", PEER], 64, "name the messages, or give --to JID, or --all"),
        (["drop", "--all", "--from", PEER], 64, "only --to chooses messages"),
        (["list", "--state", "/nowhere/at/all"], 66, "cannot look at the state directory /nowhere/at/all"),
        (["list", "--state", "/dev/null"], 66, "cannot look at the state directory /dev/null"),
        (["frobnicate"], 64, "frobnicate"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(left, arguments, status, words):
    run = spool(left, *arguments, status=status)
    assert words in run.complaint and run.out == ""
    assert len(objects(spool(left, "export"))) == 4


def test_what_is_in_the_hands_of_a_process_stays_there(left):
    """It takes over what the first has left, and its part is another's as long as it lives."""
    running = left.start("--to", PEER, "--retry", "forever", "--on-eof", "stay")
    running.write("three\n")
    running.wait_for(lambda: lanes(left).get(f"xmpp:{PEER}", {}).get("waiting") == 3)
    listed = objects(spool(left, "list", "--json"))
    assert {lane["process"] for lane in listed} == {running.process.pid} and len(listed) == 2
    assert {line["PROCESS"] for line in table(spool(left))} == {str(running.process.pid)}
    name = objects(spool(left, "export"))[-1]["message"]
    assert objects(spool(left, "show", name, "--json"))[0]["body"] == "three"
    run = spool(left, "drop", "--all", status=75)
    assert f"5 of these messages are in the hands of process {running.process.pid}: stop it first" in run.complaint
    assert len(objects(spool(left, "export"))) == 5
    running.signal(signal.SIGKILL)
    running.end()
    assert all("process" not in lane for lane in objects(spool(left, "list", "--json")))
    assert spool(left, "drop", "--all").out == "5 messages are forgotten\n"


def test_a_message_that_two_parts_have_is_named_with_its_part(lone_bridge):
    """Each account has its own parts, in a state directory that is given to both."""
    folder = lone_bridge.home / "both"
    for jid in ("user@localhost", "user2@localhost"):
        leave(lone_bridge, f"of {jid}\n", "--to", PEER, "--jid", jid, "--state", str(folder))
    both = ["--state", str(folder)]
    assert [line["ACCOUNT"] for line in table(spool(lone_bridge, *both))] == ["user@localhost", "user2@localhost"]
    run = spool(lone_bridge, "show", "1", *both, status=64)
    assert "the message 1 is in several parts: say 2/1 and 3/1" in run.complaint
    assert "of user2@localhost" in spool(lone_bridge, "show", "3/1", *both).out
    assert "of user2@localhost" in spool(lone_bridge, "show", "1", *both, "--jid", "user2@localhost").out


def test_one_of_a_newer_version_is_left_alone(left):
    with closing(sqlite3.connect(state(left) / "part-2/spool.db")) as store:
        store.execute("PRAGMA user_version = 99")
    for arguments in (["list"], ["list", "--json"], ["show", "1"], ["drop", "--all"], ["export"]):
        run = spool(left, *arguments, status=78)
        assert "part-2/spool.db: " in run.complaint and "99" in run.complaint and run.out == ""
    run = left.run("--to", PEER, input="x\n").ended_with(78)
    assert "give another state directory with --state, or --no-state" in run.complaint


def test_a_damaged_one_is_told_and_the_next_run_sets_it_aside(left):
    file = state(left) / "part-2/spool.db"
    # What the run wrote last is in the log beside it yet.
    for path in (file, file.with_name("spool.db-wal")):
        if path.exists():
            path.write_bytes(b"Z" * 4_096)
    for arguments in (["list"], ["show", "1"], ["retry", "--all"], ["drop", "--all"], ["export"]):
        run = spool(left, *arguments, status=73)
        assert f"{file} is damaged" in run.complaint and "the next run brings over what can be read" in run.complaint
    run = left.run("--to", PEER, "--retry", "100ms", input="after\n").ended_with(75)
    assert f"{file} is damaged" in run.err and "spool.db.damaged-" in run.err
    assert [message["body"] for message in objects(spool(left, "export"))][-1] == "after"


def test_one_that_may_not_be_written_or_read_is_told(left):
    """As another user: the folder is root's, or ours and closed."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    folder = left.home / "theirs"
    shutil.copytree(state(left), folder)
    program = as_nobody(left, [binary()])

    def run(*arguments: str, status: int):
        words = shlex.join([*program, *arguments, "--state", str(folder)])
        return left.shell(f"exec {words} </dev/null" if "spool" in arguments else f"echo x | {words}").ended_with(status)

    assert "cannot use the state directory" in run("--to", PEER, status=73).complaint
    assert "cannot look at the state directory" in run("spool", status=73).complaint
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    assert len(table(run("spool", status=0))) == 2
    for path in folder.rglob("spool.db*"):
        path.chmod(0o400)
    for path in (folder / "part-2", folder):
        path.chmod(0o500)
    assert "part-2/spool.db" in run("spool", "drop", "--all", status=73).complaint
    assert "cannot use the state directory" in run("--to", PEER, status=73).complaint


def test_what_was_refused_for_good_is_told_sent_again_and_forgotten(bridge):
    lost = "nobody-of-that-name@localhost"
    bridge.run("--to", lost, input="hello\n").ended_with(75)
    assert lanes(bridge) == {
        f"xmpp:{lost}": {
            "part": 2, "run": "filter", "account": bridge.account.jid, "lane": f"xmpp:{lost}", "waiting": 0, "bytes": 0,
            "refused": 1, "to_try_again": 0,
        }
    }  # fmt: skip
    assert table(spool(bridge))[0]["REFUSED"] == "1"
    dead = objects(spool(bridge, "export", "--dead"))
    assert len(dead) == 1 and dead[0]["body"] == "hello" and dead[0]["state"] == "refused"
    assert dead[0]["condition"] in ("service-unavailable", "item-not-found") and re.fullmatch(TIME, dead[0]["refused"])
    assert f"state     refused: {dead[0]['condition']}" in spool(bridge, "show", dead[0]["message"]).out
    assert spool(bridge, "retry", "--to", lost).out == "1 message is sent again by the next run\n"
    again = lanes(bridge)[f"xmpp:{lost}"]
    assert (again["waiting"], again["refused"]) == (1, 0)
    run = bridge.run("--to", lost, input="").ended_with(75)
    assert f"the message to {lost} was not delivered" in run.err
    second = objects(spool(bridge, "export", "--dead"))
    assert [message["id"] for message in second] == [dead[0]["id"]] and second[0]["message"] != dead[0]["message"]
    assert spool(bridge, "drop", "--all", "--dead").out == "1 message is forgotten\n"
    assert lanes(bridge) == {}


def test_what_is_retried_beside_a_living_process_is_sent_by_the_run_after_it(bridge, peer):
    late = "nobody-of-that-name@localhost"
    running = bridge.start("--to", late, "--on-eof", "stay", "--log-level", "info")
    running.write("hello\n")
    running.complaint_about(f"the message to {late} was not delivered")
    running.wait_for(lambda: lanes(bridge).get(f"xmpp:{late}", {}).get("refused") == 1)
    told = spool(bridge, "retry", "--all").out
    assert told == f"1 message is sent again by the run after process {running.process.pid}\n"
    assert lanes(bridge)[f"xmpp:{late}"]["to_try_again"] == 1
    assert table(spool(bridge))[0]["REFUSED"] == "1, 1 to try again"
    running.signal()
    running.end().ended_with(75)
    bridge.run("--to", peer.jid, input="").ended_with(75)
    assert lanes(bridge)[f"xmpp:{late}"]["to_try_again"] == 0, "it was sent, and refused once more"


def test_what_is_listed_into_a_pipe_that_is_closed_ends(left):
    run = left.shell("xmpp-bridge spool list --messages | head -1")
    assert run.out.startswith("MESSAGE") and "Traceback" not in run.err


def test_help_names_every_deed(lone_bridge):
    text = lone_bridge.run("spool", "--help").ended_with(0).out
    for deed in ("list (default)", "show", "retry", "drop", "export", "--state DIR", "Exit status: 66"):
        assert deed in text
    assert "spool" in lone_bridge.run("--help").ended_with(0).out
