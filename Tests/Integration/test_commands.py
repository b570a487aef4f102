"""--input ndjson: commands in, results and events out; a broken command costs only itself."""

import json

import pytest

from harness.bridge import chosen


def commands(*objects) -> str:
    """Lines of NDJSON; a text goes in as it stands."""
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in objects)


def test_send(bridge, peer):
    running = bridge.start("--input", "ndjson")
    running.write(commands({"do": "send", "ref": "42", "to": peer.jid, "body": "by command\nof two lines"}))
    running.event("result", ref="42", ok=True)
    running.event("delivery", ref="42", stage="acknowledged", to=peer.jid)
    peer.wait_for_messages(1, 10)
    assert peer.bodies == ["by command\nof two lines"]
    running.end_input()
    running.end().ended_with(0)


def test_send_to_nobody_fails_its_delivery(bridge):
    run = bridge.run(
        "--input", "ndjson", input=commands({"do": "send", "ref": "1", "to": "nobody@localhost", "body": "hello?"})
    ).ended_with(75)
    [failed] = chosen(run.events, "delivery", ref="1", stage="failed")
    assert failed["to"] == "nobody@localhost" and failed["condition"] == "service-unavailable"
    assert chosen(run.events, "delivery", ref="1", stage="acknowledged") == []


def test_presence(bridge, desk, peer):
    desk.befriend(peer)
    running = bridge.start("--input", "ndjson")
    own = running.online()["jid"]
    running.write(commands({"do": "presence", "ref": 7, "show": "dnd", "status": "busy"}))
    running.event("result", ref="7", ok=True)
    peer.wait(
        lambda: any(seen.sender == own and seen.show == "dnd" and seen.status == "busy" for seen in peer.presences),
        10, "the presence",
    )  # fmt: skip
    running.end_input()
    running.end().ended_with(0)
    peer.wait(lambda: peer.presences[-1].sender == own and peer.presences[-1].kind == "unavailable", 10, "leaving")


def test_raw(bridge, peer):
    running = bridge.start("--input", "ndjson")
    stanza = f"<message to='{peer.jid}' type='headline' id='raw-1'><body>a &lt; b</body></message>"
    running.write(commands({"do": "raw", "ref": "raw", "xml": stanza}))
    running.event("result", ref="raw", ok=True)
    peer.wait_for_messages(1, 10)
    assert [(one.id, one.kind, one.body) for one in peer.messages] == [("raw-1", "headline", "a < b")]
    running.end_input()
    running.end().ended_with(0)


def test_a_raw_query_gets_the_servers_answer(bridge):
    running = bridge.start("--input", "ndjson")
    running.online()
    running.write(
        commands({"do": "raw", "ref": "q", "xml": "<iq type='get' to='localhost'><query xmlns='urn:nothing'/></iq>"})
    )
    running.event("result", ref="q", ok=False, where=lambda event: "condition" in event)
    running.end_input()
    running.end()


#: What is wrong, and what the result must name.
BROKEN = [
    ('{"do": "send", "to": ', {}),
    ("not json", {"column": 1}),
    ("[]", {}),
    ('{"do": "dance", "ref": "9"}', {"ref": "9", "code": "unknown-command"}),
    ('{"do": "send", "ref": "10", "to": "a@@b", "body": "x"}', {"ref": "10", "code": "bad-jid", "key": "to"}),
    ('{"do": "send", "ref": "11", "body": "x"}', {"ref": "11", "key": "to"}),
    ('{"do": "send", "ref": "12", "to": "a@localhost", "body": "x", "boddy": 1}', {"ref": "12", "key": "boddy"}),
    ('{"do": "raw", "ref": "13", "xml": "<message><body></message>"}', {"ref": "13", "key": "xml"}),
    ('{"do": "raw", "ref": "14", "xml": "<message/></stream:stream>"}', {"ref": "14", "key": "xml"}),
    ('{"do": "presence", "ref": "15", "show": "sleepy"}', {"ref": "15", "key": "show"}),
    ('{"do": "send", "ref": "16", "to": "a@localhost", "body": 3}', {"ref": "16", "key": "body"}),
]


@pytest.mark.parametrize("line, named", BROKEN, ids=[line for line, _ in BROKEN])
def test_a_broken_command_costs_only_itself(bridge, peer, line, named):
    good = {"do": "send", "ref": "good", "to": peer.jid, "body": "still here"}
    run = bridge.run("--input", "ndjson", input=commands(good, line, good)).ended_with(0, 65)
    [refused] = chosen(run.events, "result", ok=False)
    assert named.items() <= refused.items() and refused["line"] == 2 and refused["text"], refused
    if refused["code"] == "bad-json":
        assert refused["column"] >= 1
    assert len(chosen(run.events, "result", ok=True, ref="good")) == 2
    peer.wait_for_messages(2, 10)


#: The same for each verb, in one run; each has a ref of its own.
CHECKED = [
    ('{"do": "rooster_get", "ref": "17"}', {"ref": "17", "code": "unknown-command"}),
    ('{"do": "roster_set", "ref": "18"}', {"ref": "18", "key": "jid"}),
    ('{"do": "roster_set", "ref": "19", "jid": "a@b/c"}', {"ref": "19", "code": "bad-jid", "key": "jid"}),
    ('{"do": "roster_set", "ref": "20", "jid": "a@b", "group": ["x"]}', {"ref": "20", "key": "group"}),
    ('{"do": "roster_set", "ref": "21", "jid": "a@b", "groups": ["x", ""]}', {"ref": "21", "key": "groups"}),
    ('{"do": "roster_set", "ref": "22", "jid": "a@b", "groups": ["x", "x"]}', {"ref": "22", "key": "groups"}),
    ('{"do": "roster_set", "ref": "23", "jid": "a@b", "groups": "x"}', {"ref": "23", "key": "groups"}),
    ('{"do": "roster_remove", "ref": "24", "jid": "@@"}', {"ref": "24", "code": "bad-jid", "key": "jid"}),
    ('{"do": "subscribe", "ref": "25", "jid": ""}', {"ref": "25", "key": "jid"}),
    ('{"do": "approve", "ref": "26"}', {"ref": "26", "key": "jid"}),
    ('{"do": "deny", "ref": "27", "jid": 7}', {"ref": "27", "key": "jid"}),
    ('{"do": "revoke", "ref": "28", "jid": "a@b", "status": "x"}', {"ref": "28", "key": "status"}),
    ('{"do": "block", "ref": "29"}', {"ref": "29", "key": "jid"}),
    ('{"do": "block", "ref": "30", "jid": []}', {"ref": "30", "key": "jid"}),
    ('{"do": "block", "ref": "31", "jid": ["a@b", "@"]}', {"ref": "31", "code": "bad-jid", "key": "jid"}),
    ('{"do": "unblock", "ref": "32", "jid": "a@b", "all": true}', {"ref": "32"}),
    ('{"do": "join", "ref": "33", "room": "ops@conference.localhost/nick"}', {"ref": "33", "key": "room"}),
    ('{"do": "join", "ref": "34", "room": "conference.localhost"}', {"ref": "34", "key": "room"}),
    ('{"do": "join", "ref": "35", "room": "a@b", "history": 1001}', {"ref": "35", "key": "history"}),
    ('{"do": "join", "ref": "36", "room": "a@b", "history": 1.5}', {"ref": "36", "key": "history"}),
    ('{"do": "join", "ref": "37", "room": "a@b", "nick": ""}', {"ref": "37", "key": "nick"}),
    ('{"do": "leave", "ref": "38"}', {"ref": "38", "key": "room"}),
    ('{"do": "subject", "ref": "39", "room": "a@b"}', {"ref": "39", "key": "subject"}),
    ('{"do": "invite", "ref": "40", "room": "a@b"}', {"ref": "40", "key": "jid"}),
    ('{"do": "affiliate", "ref": "41", "room": "a@b", "jid": "c@d", "affiliation": "boss"}',
     {"ref": "41", "key": "affiliation"}),
    ('{"do": "kick", "ref": "42", "room": "a@b"}', {"ref": "42", "key": "nick"}),
    ('{"do": "disco", "ref": "43", "jid": "a b@c"}', {"ref": "43", "code": "bad-jid", "key": "jid"}),
    ('{"do": "version", "ref": "44"}', {"ref": "44", "key": "jid"}),
    ('{"do": "ping", "ref": "45", "to": "localhost"}', {"ref": "45", "key": "to"}),
    ('{"do": "status", "ref": "46", "jid": "a@b"}', {"ref": "46", "key": "jid"}),
    ('{"do": "send", "ref": "47", "room": "a@b", "to": "c@d", "body": "x"}', {"ref": "47"}),
    ('{"do": "send", "ref": "48", "room": "a@b/nick", "body": "x"}', {"ref": "48", "key": "room"}),
    ('{"do": "history", "ref": "49"}', {"ref": "49", "code": "unsupported-command"}),
]  # fmt: skip


def test_every_verb_checks_its_keys(bridge, peer):
    good = {"do": "send", "ref": "good", "to": peer.jid, "body": "still here"}
    run = bridge.run("--input", "ndjson", input=commands(*(line for line, _ in CHECKED), good)).ended_with(65)
    for number, (line, named) in enumerate(CHECKED, 1):
        [refused] = chosen(run.events, "result", ref=named["ref"])
        assert {**named, "ok": False, "line": number}.items() <= refused.items() and refused["text"], (line, refused)
    assert chosen(run.events, "result", ref="good", ok=True)
    peer.wait_for_messages(1, 10)


@pytest.mark.parametrize(
    "wrong, right",
    [("rooster_get", "roster_get"), ("un_block", "unblock"), ("subscibe", "subscribe"), ("kik", "kick")],
)
def test_an_unknown_verb_is_told_with_what_was_meant(bridge, wrong, right):
    run = bridge.run("--input", "ndjson", input=commands({"do": wrong, "ref": "x"})).ended_with(65)
    [result] = chosen(run.events, "result", ref="x")
    assert result["code"] == "unknown-command" and f'"{right}"' in result["text"], result


def test_many_commands(bridge, peer):
    sends = [{"do": "send", "ref": str(n), "to": peer.jid, "body": f"{n} ü"} for n in range(1_000)]
    run = bridge.run("--input", "ndjson", input=commands(*sends), seconds=60).ended_with(0)
    peer.wait_for_messages(1_000, 20)
    assert peer.bodies == [one["body"] for one in sends]
    done = [event["ref"] for event in chosen(run.events, "delivery", stage="acknowledged")]
    assert done == [one["ref"] for one in sends]


def test_a_query_as_first_input_waits_for_the_session(bridge):
    query = "<iq type='get' id='q1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
    run = bridge.run("--input", "ndjson", input=commands({"do": "raw", "ref": "first", "xml": query})).ended_with(0)
    assert [event["ok"] for event in chosen(run.events, "result", ref="first")] == [True]


def test_an_overlong_command_is_refused_whole(bridge, peer):
    run = bridge.run(
        "--input", "ndjson",
        input=commands({"do": "send", "ref": "long", "to": peer.jid, "body": "x" * 2_000_000}, {"do": "nothing"}),
    ).ended_with(65)  # fmt: skip
    assert [(event["line"], event["code"]) for event in chosen(run.events, "result")] == [
        (1, "too-long"),
        (2, "unknown-command"),
    ]


def test_a_body_longer_than_a_stanza_goes_in_parts(bridge, peer):
    body = "<&>" * 50_000
    bridge.run("--input", "ndjson", input=commands({"do": "send", "to": peer.jid, "body": body})).ended_with(0)
    peer.wait(lambda: len("".join(peer.bodies)) >= len(body), 20, "all parts")
    assert all(part.startswith(f"(part {number}) ") for number, part in enumerate(peer.bodies, 1))
    assert "".join(part.split(") ", 1)[1] for part in peer.bodies) == body
