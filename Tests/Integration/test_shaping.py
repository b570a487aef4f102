"""Rules that join, count, limit and edit what they send, through the real program."""

import time

import pytest

EVENTS = "  - {name: all, from: events, to: stdout}\n"
REPLACE = "{urn:xmpp:message-correct:0}replace"


@pytest.fixture
def shaped(bridge, peer):
    """Starts the filter with one rule for the peer and these keys in it."""

    def start(keys: str, more: str = ""):
        rule = f"bridges:\n  - {{name: lines, from: stdin, to: 'xmpp:{peer.jid}', {keys}}}\n"
        return bridge.configured(rule + more)

    return start


def test_a_stack_trace_is_one_message(shaped, peer):
    running = shaped("group: {continue: '^\\s', within: 500ms}, match: '(?s)^Traceback.*'")
    running.write("noise\nTraceback:\n  File one\n  File two\nmore noise\nTraceback:\n  File three\n")
    peer.wait_for_messages(2, 15)
    assert peer.bodies == ["Traceback:\n  File one\n  File two", "Traceback:\n  File three"]
    running.write("Traceback:\n  the last of them")
    running.end_input()
    running.end().ended_with(0)
    peer.wait_for_messages(3, 10)
    assert peer.bodies[2] == "Traceback:\n  the last of them"


def test_many_lines_within_a_time_are_one_message(shaped, peer):
    running = shaped("group: {within: 2s, max_lines: 1000}")
    running.write("".join(f"line {number}\n" for number in range(200)))
    time.sleep(0.3)
    running.write("and one more\n")
    peer.wait_for_messages(1, 15)
    running.end_input()
    running.end().ended_with(0)
    assert peer.bodies == ["\n".join([*(f"line {number}" for number in range(200)), "and one more"])]


def test_a_flood_is_a_digest(shaped, peer):
    running = shaped("limit: {rate: 1/3s, burst: 2, overflow: digest}")
    running.write("first\nsecond\n" + "disk full\n" * 40 + "fan broken\n")
    peer.wait_for_messages(3, 20)
    expected = "41 messages were held back\nfirst: disk full\nlast: fan broken\nmost frequent (40 times): disk full"
    assert peer.bodies == ["first", "second", expected]
    assert peer.messages[2].at - peer.messages[1].at > 2, "the rate is kept"
    running.end_input()
    running.end().ended_with(0)


def test_what_is_repeated_is_counted(shaped, peer):
    running = shaped("repeat: 5m")
    running.write("up\n" + "down\n" * 42 + "up\n")
    running.end_input()
    running.end().ended_with(0)
    peer.wait_for_messages(4, 10)
    assert peer.bodies == ["up", "down", "repeated 41 times: down", "up"]


def test_what_is_dropped_is_told(shaped, peer):
    running = shaped("limit: {rate: 1/h, burst: 3, overflow: drop}", EVENTS)
    running.online()
    running.write("".join(f"{number}\n" for number in range(10)))
    peer.wait_for_messages(3, 10)
    running.event("error", code="limited", count=7)
    running.end_input()
    run = running.end().ended_with(0)
    assert peer.bodies == ["0", "1", "2"]
    assert run.complaint == "xmpp-bridge: bridge lines has dropped 7 messages beyond its limit"


def test_a_stop_sends_what_waits(shaped, peer):
    """What the rule holds was taken in: SIGTERM loses none of it, and keeps its order."""
    running = shaped("limit: {rate: 1/h, burst: 1, overflow: queue}, group: {within: 1h, max_lines: 2}")
    running.write("".join(f"{number}\n" for number in range(99)))
    peer.wait_for_messages(1, 10)
    running.wait_for_lines_read(99)
    running.signal()
    running.end().ended_with(0)
    peer.wait_for_messages(50, 10)
    assert "\n".join(peer.bodies).split("\n") == [str(number) for number in range(99)]


def test_progress_edits_one_message(shaped, peer):
    running = shaped("match: '^progress: (.*)', body: '{1}', update: true, limit: {rate: 2/s, burst: 1}")
    running.write("".join(f"progress: {percent}%\n" for percent in range(0, 100, 10)) + "else\nprogress: done\n")
    running.end_input()
    run = running.end().ended_with(0)
    peer.wait(lambda: peer.bodies[-1:] == ["done"], 10, lambda: f"{peer.bodies}")
    messages = [one for one in peer.stanzas if one.find("{jabber:client}body") is not None]
    original = messages[0].get("id")
    assert messages[0].find(REPLACE) is None
    assert len(messages) < 12, "an edit that waits is replaced by the next"
    assert [one.find(REPLACE).get("id") for one in messages[1:]] == [original] * (len(messages) - 1)
    assert len({one.get("id") for one in messages}) == len(messages)
    assert run.complaints == []


def test_a_relay_of_people_is_limited_too(bridge, peer, server):
    """Messages of the session go through the same machines, and none is lost without a word."""
    rule = (
        f"bridges:\n  - {{name: relay, from: 'xmpp:{peer.jid}', to: stdout, body: '{{body}}', "
        "limit: {rate: 2/s, burst: 1, overflow: queue}}\n"
    )
    running = bridge.configured(rule, "--log-level", "info")
    running.complaint_about("online as", 15)
    own = running.err.split("online as ")[1].split()[0]
    bodies = [f"{number}" for number in range(6)]
    peer.send_many(own, bodies)
    running.wait_for(lambda: running.out.split() == bodies, 15)
    running.signal()
    running.end().ended_with(0)


def test_mistakes_are_named(lone_bridge, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "account: {jid: a@example.org, password: {env: XMPP_BRIDGE_PASSWORD}}\n"
        "bridges:\n"
        "  - {from: stdin, to: 'xmpp:b@example.org', limit: {rate: often}}\n"
        "  - {from: stdin, to: 'xmpp:b@example.org', group: {contine: x}}\n"
        "  - {from: stdin, to: commands, repeat: 5m}\n"
    )
    run = lone_bridge.run("check", "--config", str(file)).ended_with(78)
    places = [line.removeprefix("xmpp-bridge: ").split(": ")[0].rsplit(":", 2)[1] for line in run.complaints]
    assert places == ["3", "4", "5"], run.err
    assert "did you mean continue?" in run.complaints[1]
