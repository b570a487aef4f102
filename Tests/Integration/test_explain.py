"""explain: what the bridges of a file would do with a sample; no network, no secret."""

import json
import re

import jsonschema
import pytest

from harness.bridge import ROOT

SCHEMA = ROOT / "contrib/schema/explain-v1.schema.json"
BRIDGES = r"""
account: {jid: user@no-such-domain.invalid, password: {file: /nonexistent/password}}
bridges:
  - {name: errors, from: stdin, match: '\[(?<level>error|crit)\] (.*)', where: {level: crit}, body: "{2}", to: "xmpp:a@b"}
  - name: traces
    from: stdin
    group: {continue: '^\s', within: 1s}
    match: '(?s)^Traceback.*'
    to: room:ops@conference.b
  - {name: slow, from: stdin, match: '^slow', to: "xmpp:a@b", limit: {rate: 10/min, burst: 1, queue: 2}, stop: true}
  - {name: rest, from: stdin, default: true, to: stdout}
  - {name: people, from: "xmpp:a@b", body: "{body}", to: "xmpp:c@d", type: headline, subject: "of {jid}"}
  - {name: web, from: "tail:/var/log/web.log", to: presence, show: dnd, hold: 10m}
"""
LINES = "[crit] fire\n[error] smoke\n\nTraceback:\n  one\nslow 1\nslow 2\nslow 3\nslow 4\n"


@pytest.fixture
def explain(lone_bridge, tmp_path):
    """Runs it with these bridges, without an environment that names an account."""
    file = tmp_path / "bridges.yaml"
    file.write_text(BRIDGES)

    def run(*arguments: str, input: str = LINES):
        unset = dict.fromkeys(("XMPP_BRIDGE_JID", "XMPP_BRIDGE_PASSWORD", "XMPP_BRIDGE_SERVER", "XMPP_BRIDGE_CA_FILE"))
        return lone_bridge.run("explain", str(file), *arguments, input=input, **unset)

    return run


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def told(run, validator) -> list[dict]:
    objects = [json.loads(line) for line in run.out.splitlines()]
    for one in objects:
        validator.validate(one)
    assert objects[0]["kind"] == "sample" and objects[-1]["kind"] == "summary"
    return objects


def only(objects, kind: str) -> list[dict]:
    return [one for one in objects if one["kind"] == kind]


def test_why_each_rule_did_what_it_did(explain, validator):
    objects = told(explain("--json").ended_with(0), validator)
    assert objects[0] == {"kind": "sample", "source": "stdin", "every_ms": 0, "rules": 6, "readers": 4}
    records = {one["number"]: one for one in only(objects, "record")}
    assert sorted(records) == [1, 2, 4, 5, 6, 7, 8, 9], "numbered as in the file; an empty line is none"
    verdicts = {number: [rule["verdict"] for rule in one["rules"]] for number, one in records.items()}
    others = ["other-source", "other-source"]
    assert verdicts[1] == ["took", "joins-lines", "not-matched", "taken", *others]
    assert verdicts[2] == ["condition", "joins-lines", "not-matched", "took", *others]
    assert verdicts[6] == ["not-matched", "joins-lines", "took", "taken", *others]
    first = records[1]["rules"][0]
    assert [one["text"] for one in first["captures"]] == ["[crit] fire", "crit", "fire"]
    assert first["captures"][1]["name"] == "level"
    assert first["makes"] == [{"to": "xmpp:a@b", "text": "fire", "fate": "sent"}]
    assert records[2]["rules"][0]["field"] == "level" and len(records[2]["rules"][0]["captures"]) == 3
    assert records[6]["rules"][3]["by"] == 3
    joined = [one for one in only(objects, "joined") if one["rules"][0]["verdict"] == "took"]
    assert [(one["line"], one["records"]) for one in joined] == [("Traceback:\n  one", [[4, 5]])]


def test_limits_in_simulated_time(explain, validator):
    objects = told(explain("--json", "--every", "100ms").ended_with(0), validator)
    slow = [one for one in only(objects, "sent") if one.get("name") == "slow"]
    assert [(one["at_ms"], one["text"], one["records"]) for one in slow] == [
        (400, "slow 1", [[6, 6]]), (6400, "slow 2", [[7, 7]]), (12400, "slow 3", [[8, 8]]),
    ]  # fmt: skip
    fates = [one["rules"][2]["makes"][0] for one in only(objects, "record") if one["line"].startswith("slow")]
    assert [(one["fate"], one.get("until_ms"), one.get("cause")) for one in fates] == [
        ("sent", None, None), ("waits", 6400, None), ("waits", 12400, None), ("dropped", None, "full-queue"),
    ]  # fmt: skip
    assert [(one["messages"], one["records"]) for one in only(objects, "dropped")] == [(1, [[9, 9]])]
    assert objects[-1]["records"] == 8 and objects[-1]["untaken"] == 0 and objects[-1]["dropped"] == 1
    drained = told(explain("--json", "--drain").ended_with(0), validator)
    assert {one["at_ms"] for one in only(drained, "sent")} == {0}


def test_the_stanza_is_shown(explain, validator):
    objects = told(explain("--json").ended_with(0), validator)
    assert re.match(r"<message to='a@b' type='chat' id='explain-1'><body>fire</body>", only(objects, "sent")[0]["stanza"])
    [room] = [one for one in only(objects, "sent") if one["to"].startswith("room:")]
    assert re.match(r"<message to='ops@conference.b' type='groupchat' id='[^']+'><body>Traceback:\n  one</body>", room["stanza"])


def test_recorded_events_come_in_their_own_time(explain, validator):
    def message(time, sender, body):
        bare = sender.split("/")[0]
        return json.dumps({"event": "message", "time": time, "seq": 1, "from": sender, "jid": bare, "type": "chat", "body": body})

    lines = [
        message("2026-11-22T09:40:00.000Z", "a@b/phone", "one & two"),
        message("2026-11-22T09:41:30.250Z", "z@b/phone", "not for us"),
        '{"event":"presence"', "[]", '{"event":"gap","seq":3}',
    ]  # fmt: skip
    run = explain("--json", "--source", "events", input="\n".join(lines)).ended_with(65)
    objects = told(run, validator)
    assert objects[0] == {"kind": "sample", "source": "events", "rules": 6, "readers": 1}
    assert [one["at_ms"] for one in only(objects, "record")] == [0, 90_250, 90_250]
    [sent] = only(objects, "sent")
    assert sent["subject"] == "of a@b" and "<subject>of a@b</subject><body>one &amp; two</body>" in sent["stanza"]
    assert [one["number"] for one in only(objects, "broken")] == [3, 4]
    assert objects[-1]["untaken"] == 2 and "2 lines are no event" in run.err


def test_another_source(explain, validator):
    run = explain("--json", "--source", "tail:/var/log/web.log", input="down\n").ended_with(0)
    [sent] = only(told(run, validator), "sent")
    assert (sent["to"], sent["text"], sent["show"], sent["hold_ms"]) == ("presence", "down", "dnd", 600_000)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--source", "tail:/nope"], "they read stdin, tail:/var/log/web.log"),
        (["--source", "xmpp:a@b"], "--source events"),
        (["--source", "stdout"], "no source"),
        (["--source", "nonsense"], "unknown endpoint"),
        (["--every", "often"], "no length of time"),
    ],
)
def test_what_cannot_be_explained(explain, arguments, words):
    run = explain(*arguments).ended_with(64)
    assert words in run.complaint and run.out == ""


def test_for_a_person(explain):
    run = explain("--every", "100ms").ended_with(0)
    assert run.err == ""
    for words in (
        "stands for lines of stdin, one each 0.1s; 4 of 6 bridges read them",
        'errors took it; level is "crit"; 2 is "fire"\n    sent, to xmpp:a@b\n      <message',
        "condition on level does not hold: errors\n",
        "pattern does not match: errors",
        "taken already, by slow: rest\n",
        "held until +6.4s by the rate, to xmpp:a@b\n      slow 2\n",
        "dropped, as the queue is full, to xmpp:a@b\n",
        "lines 4-5, joined, at +0.4s: Traceback:\n",
        "at +12.4s slow sends what it made of line 8, to xmpp:a@b\n",
    ):
        assert words in run.out, run.out
    assert run.out.splitlines()[-1] == (
        "8 lines: errors took 1, sent 1; traces took 1, sent 1; slow took 4, sent 3, dropped 1; rest took 3, sent 3; "
        "no bridge took 0"
    )


def test_nothing_of_a_line_reaches_the_terminal_as_an_order(explain):
    run = explain(input="\x1b[31mred\x07 \u202e\u009b1m \ufffd\n").ended_with(0)
    assert not set(run.out) & set("\x1b\x07\u202e\u009b")


def test_what_is_known_is_said_at_once(lone_bridge, tmp_path):
    file = tmp_path / "bridges.yaml"
    file.write_text(BRIDGES)
    running = lone_bridge.start("explain", str(file), "--json")
    for number in range(1, 4):
        running.write(f"line {number}\n")
        running.wait_for(lambda: f'"number":{number},"line":"line {number}"' in running.out, 10)
    assert '"kind":"summary"' not in running.out
    running.end_input()
    running.end().ended_with(0)


def test_a_file_with_mistakes(lone_bridge, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("bridges: [{from: stdin, tto: stdout}]\n")
    run = lone_bridge.run("explain", str(file), input="x\n").ended_with(78)
    assert "did you mean to?" in run.err and run.out == ""


def test_a_reader_that_leaves(lone_bridge, tmp_path):
    file = tmp_path / "bridges.yaml"
    file.write_text(BRIDGES)
    run = lone_bridge.shell(f"yes line | head -n 100000 | xmpp-bridge explain {file} | head -n 1").ended_with(74)
    assert run.out.startswith("The sample stands for") and "Broken pipe" in run.err
