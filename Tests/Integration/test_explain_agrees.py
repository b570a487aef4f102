"""What explain says is sent, and what a run delivers, are the same: a log of a day through twenty rules."""

import json
import re
from xml.etree import ElementTree

import pytest

from harness import day_logs
from harness.rooms import Room

CLIENT = "{jabber:client}"
REPLACE = "{urn:xmpp:message-correct:0}replace"

#: No rate allows more than its burst within a test, so that its speed has no say in what is sent.
RULES = r"""
  - {name: even, from: stdin, match: '[02468]$', to: "file:$folder/even.log"}
  - {name: installed, from: stdin, match: 'status installed (?<package>\S+) (?<version>\S+)', body: "{package} is now {version}", to: "xmpp:$peer"}
  - name: upgrades
    from: stdin
    match: '^(?<day>\S+) (?<time>\S+) upgrade (?<package>[^ :]+):(\S+) (?<old>\S+) (?<new>\S+)$'
    body: "{package|upper}: {old} -> {new}"
    to: ["xmpp:$peer", "file:$folder/upgrades.log"]
    subject: "Upgrades of {day}"
    thread: "{package}"
  - {name: startups, from: stdin, match: ' startup (.*)', body: "starts: {1}", to: "xmpp:$peer", repeat: 1h}
  - {name: halves, from: stdin, match: 'half-(?:configured|installed)', to: "xmpp:$owner", limit: {rate: 1/h, burst: 5, overflow: digest}}
  - {name: unpacked, from: stdin, match: 'status unpacked (\S+)', body: "{1}", to: "xmpp:$owner", group: {within: 1h, max_lines: 40}}
  - {name: triggers, from: stdin, match: 'trigproc|triggers-', to: "xmpp:$peer", limit: {rate: 1/h, burst: 3, overflow: drop}}
  - {name: libraries, from: stdin, match: ' (lib[a-z0-9.+-]+):(amd64|all)', where: {1: {not: [libc6, libc-bin]}, 2: amd64}, body: "{0|trim}", to: "file:$folder/libraries.log"}
  - {name: progress, from: stdin, match: '(?: configure |^progress )(\S+)', body: "at {1}", to: "xmpp:$peer", update: true, limit: {rate: 1/h, burst: 2, queue: 5}}
  - {name: failures, from: stdin, match: '" (?<status>[45]\d\d) ', where: {status: {ge: 500, lt: 600}}, body: "{status} on {line|truncate 40}", to: "xmpp:$peer", type: headline}
  - {name: missing, from: stdin, match: '" 404 ', body: "something is missing", to: "xmpp:$owner", repeat: 1h, group: {within: 1h, max_lines: 3}}
  - {name: objects, from: stdin, where: {json.level: error, json.n: {gt: 2}}, body: "{json.msg|upper|truncate 12}: {json.tags.1|default \"none\"}", to: "xmpp:$peer", stop: true}
  - {name: traces, from: stdin, group: {continue: '^\s|^\w+Error', within: 1h, max_lines: 3}, match: '(?s)^Traceback.*', to: "room:$room"}
  - {name: quoted, from: stdin, match: '(?i)timed out|not a tag', body: "{line|shell}", to: "file:$folder/quoted.log"}
  - {name: json, from: stdin, match: 'größe|не удалось|upgrade', body: "{line|json}", to: "file:$folder/quoted.log"}
  - {name: queries, from: stdin, match: '\[(?<level>warn|crit)\] \S+\t(?<text>.*slow query.*)', body: "{level}: {text}", to: ["xmpp:$owner", "xmpp:$peer"], stop: true}
  - {name: hostile, from: stdin, match: '^(?:a|aa)+$', on_error: pass, to: "xmpp:$peer"}
  - {name: logins, from: stdin, match: 'user logged in', to: "xmpp:$owner", limit: {rate: 1/h, burst: 7, overflow: queue, queue: 10, per: rule}}
  - {name: rest, from: stdin, default: true, match: '^\d', body: "{line|truncate 60}", to: [stdout, "file:$folder/rest.log"]}
  - {name: other, from: stdin, default: true, to: "xmpp:$peer", limit: {rate: 1/h, burst: 20, overflow: drop}}
"""


def escaped(text: str) -> str:
    """A text as a line of a file."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def lines_of(text: str) -> list[str]:
    """Lines that LF ends: a log may hold what `splitlines` takes for a line end as well."""
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def shown(message: ElementTree.Element) -> tuple:
    """What a person sees of a message, and whether it takes the place of another."""
    parts = [message.findtext(CLIENT + name) for name in ("subject", "thread", "body")]
    return (message.get("type"), *parts, message.find(REPLACE) is not None)


def parsed(stanza: str) -> ElementTree.Element:
    return ElementTree.fromstring(stanza.replace("<message", "<message xmlns='jabber:client'", 1))


@pytest.mark.parametrize("log", [day_logs.packages, day_logs.made_packages, day_logs.web], ids=lambda log: log.__name__)
def test_explain_and_the_run_agree(bridge, peer, owner, server, tmp_path, log):
    lines = log(1_500) if log is not day_logs.packages else log()
    room = Room.create(owner, server.room(), "boss")
    rules = RULES.replace("$peer", peer.jid).replace("$owner", owner.jid).replace("$room", room.jid)
    file = bridge.configuration("bridges:" + rules.replace("$folder", str(tmp_path)))
    text = "".join(line + "\n" for line in lines)
    explained = bridge.run("explain", str(file), "--json", "--drain", input=text, seconds=60).ended_with(0)
    told = [json.loads(line) for line in lines_of(explained.out)]
    expected: dict[str, list[dict]] = {}
    for one in told:
        if one["kind"] == "sent":
            expected.setdefault(one["to"], []).append(one)
    assert told[0]["readers"] == 20 and told[-1]["records"] == len(lines)
    assert not any(path.suffix == ".log" for path in tmp_path.iterdir()), "explain writes nothing"

    # What a full queue drops was to be sent: it counts as undelivered.
    status = 75 if any(one["kind"] == "dropped" and one["cause"] == "full-queue" for one in told) else 0
    run = bridge.run("--config", str(file), input=text, seconds=120).ended_with(status)
    assert lines_of(run.out) == [escaped(one["text"]) for one in expected.pop("stdout", [])]
    for user in (peer, owner):
        due = [shown(parsed(one["stanza"])) for one in expected.pop(f"xmpp:{user.jid}", [])]
        user.wait_for_messages(len(due), 60)
        messages = [one for one in user.stanzas if one.tag == CLIENT + "message" and one.get("type") != "groupchat"]
        assert [shown(one) for one in messages if one.find(CLIENT + "body") is not None] == due
    due = [one["text"] for one in expected.pop(f"room:{room.jid}", [])]
    room.wait_for_said(*due)
    assert room.bodies == due
    for path in sorted(tmp_path.glob("*.log")):
        assert lines_of(path.read_text()) == [escaped(one["text"]) for one in expected.pop(f"file:{path}")], path
    assert expected == {}
    dropped = sum(one["messages"] for one in told if one["kind"] == "dropped")
    assert dropped == told[-1]["dropped"]
    assert sum(int(count) for count in re.findall(r"dropped (\d+) message", run.err)) == dropped, run.err
