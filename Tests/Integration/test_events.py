"""What happens on the session, as NDJSON on stdout; every event is checked against the schema as it is read."""

import subprocess

from harness.bridge import chosen
from harness.peers import Peer, go_sendxmpp

#: The issue asks for a second; a busy machine gets a few.
SOON = 5


def test_an_answer_is_an_event(bridge, server):
    with Peer(server, server.account("oncall"), answer=lambda body: f"seen: {body}") as oncall:
        running = bridge.start("--to", oncall.jid, "--events")
        online = running.online()
        running.write("disk full\n")
        event = running.event("message", where=lambda event: event.get("body") == "seen: disk full")
        assert event["from"] == oncall.full_jid and event["jid"] == oncall.jid
        assert event["to"] == online["jid"] and event["type"] == "chat" and event["id"]
        running.end_input()
        running.end().ended_with(0)


def test_an_answer_by_go_sendxmpp_is_an_event(bridge, server, peer, tmp_path):
    running = bridge.listen()
    go_sendxmpp(server, peer.account, bridge.account.jid, "answer from go", tmp_path)
    event = running.event("message", where=lambda event: event.get("body", "").rstrip("\n") == "answer from go")
    assert event["jid"] == peer.jid and event["from"] != peer.full_jid
    running.signal()
    running.end().ended_with(0)


def test_the_session_tells_its_states(bridge):
    running = bridge.listen()
    states = [event["state"] for event in chosen(running.events, "session")]
    assert states[0] == "connecting" and states[-1] == "online"
    online = running.online()
    assert online["jid"].startswith(bridge.account.jid + "/") and online["resumed"] is False
    running.signal()
    run = running.end().ended_with(0)
    assert run.events[0]["seq"] == 1


def test_presence_comes_and_goes(bridge, friend):
    running = bridge.listen()
    running.event("presence", SOON, **{"from": friend.full_jid, "jid": friend.jid, "available": True})
    friend.presence(show="away", status="lunch")
    running.event("presence", SOON, jid=friend.jid, available=True, show="away", status="lunch")
    friend.presence(kind="unavailable")
    running.event("presence", SOON, **{"from": friend.full_jid, "available": False})
    about = chosen(running.events, "presence", jid=friend.jid)
    assert len(about) == 3, about


def test_the_roster_at_login(bridge, friend, desk):
    desk.roster_set(friend.jid, "A friend", ["ops", "night shift"])
    running = bridge.listen()
    event = running.event("roster", SOON, jid=friend.jid, initial=True)
    assert event["name"] == "A friend" and sorted(event["groups"]) == ["night shift", "ops"]
    assert event["subscription"] == "both"


def test_a_roster_item_added_elsewhere(bridge, desk, peer):
    running = bridge.listen()
    desk.roster_set(peer.jid, "A peer", ["ops"])
    event = running.event("roster", SOON, jid=peer.jid, action="set")
    assert event["name"] == "A peer" and event["groups"] == ["ops"] and event["subscription"] == "none"
    desk.roster_remove(peer.jid)
    running.event("roster", SOON, jid=peer.jid, action="remove")
    assert len(chosen(running.events, "roster", jid=peer.jid)) == 2


def test_a_subscription_request(bridge, peer):
    running = bridge.listen()
    peer.presence(to=bridge.account.jid, kind="subscribe")
    running.event("subscription", SOON, jid=peer.jid, action="request")
    assert len(chosen(running.events, "subscription")) == 1
    assert not any(seen.kind == "subscribed" for seen in peer.presences), "nobody is accepted by default"


def test_count_ends_after_that_many_messages(bridge, peer):
    running = bridge.listen("--from", peer.jid, "--count", "2")
    for body in ("one", "two"):
        peer.send(bridge.account.jid, body)
    run = running.end().ended_with(0)
    assert [event["body"] for event in chosen(run.events, "message")] == ["one", "two"]


def test_timeout_ends_a_wait(bridge, peer):
    running = bridge.listen("--from", peer.jid, "--timeout", "1s")
    run = running.end(15).ended_with(75)
    assert chosen(run.events, "message") == []


def test_output_as_text(bridge, peer, server):
    running = bridge.start("--from", peer.jid, "--output", "text", "--count", "2", stdin=subprocess.DEVNULL)
    peer.presence(status="available again, so that the server has had time")
    with Peer(server, server.account("stranger")) as stranger:
        stranger.send(bridge.account.jid, "not from whom it listens to")
    # What is sent before the bridge is there waits for it on the server.
    peer.send(bridge.account.jid, "one")
    peer.send(bridge.account.jid, "two\nlines")
    run = running.end().ended_with(0)
    assert run.out == "one\ntwo\\nlines\n"


def test_what_count_leaves_is_for_the_next_run(bridge, peer):
    """A run acknowledges what it has printed and nothing behind it."""
    first = bridge.listen("--from", peer.jid, "--count", "1", "--resource", "reader")
    for body in ("one", "two", "three", "four"):
        peer.send(bridge.account.jid, body)
    assert [event["body"] for event in chosen(first.end().ended_with(0).events, "message")] == ["one"]
    rest = []
    for count in ("1", "2"):
        run = bridge.run("--from", peer.jid, "--count", count, "--output", "text", "--resource", "reader", input="")
        rest += run.ended_with(0).out.splitlines()
    assert rest == ["two", "three", "four"]
