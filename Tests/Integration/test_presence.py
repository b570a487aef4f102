"""Our own presence and that of the contacts; presence as the sink of a rule."""

from harness.bridge import chosen
from harness.peers import Peer


def _saw(peer: Peer, sender: str, kind: str = "available", **fields):
    """Waits until the peer has seen such a presence."""
    return peer.wait(
        lambda: [
            seen for seen in peer.presences
            if seen.sender == sender and seen.kind == kind and all(getattr(seen, k) == v for k, v in fields.items())
        ], 10, lambda: f"{sender} {kind} {fields}; seen: {peer.presences[-3:]}",
    )  # fmt: skip


def test_our_presence_by_commands(bridge, friend):
    running = bridge.command()
    own = running.online()["jid"]
    for show in ("away", "xa", "dnd", "chat"):
        running.tell("presence", show=show, status=f"now {show}", priority=-3)
        _saw(friend, own, show=show, status=f"now {show}")
    last = friend.find(sender=own)[-1]
    assert last.findtext("{jabber:client}priority") == "-3"
    running.tell("presence", type="unavailable", status="lunch")
    _saw(friend, own, "unavailable", status="lunch")
    running.tell("presence")
    friend.wait(lambda: friend.presences[-1].kind == "available" and friend.presences[-1].show == "", 10, "back")
    running.leave()


def test_presence_to_one(bridge, peer, friend, server):
    """Directed presence (RFC 6121 4.6) reaches who is no contact, and nobody else."""
    running = bridge.command()
    own = running.online()["jid"]
    with Peer(server, server.account("stranger")) as stranger:
        running.tell("presence", to=stranger.jid, show="dnd", status="for you")
        _saw(stranger, own, show="dnd", status="for you")
        running.tell("presence", to=stranger.jid, type="unavailable")
        _saw(stranger, own, "unavailable")
        running.tell("presence", to=stranger.jid)
        _saw(stranger, own, show="")
        running.leave()
        stranger.wait(lambda: stranger.presences[-1].kind == "unavailable", 10, "our end, which it is told too")
    assert all(seen.show != "dnd" for seen in friend.presences)


def test_contacts_are_told_in_full(bridge, friend):
    """Resource, show, status, priority and capabilities (XEP-0115)."""
    running = bridge.command()
    # What the login brings is over once the pings behind it are answered, of which the second goes after the first.
    running.tell("ping")
    running.tell("ping")
    mark = running.now
    friend.raw(
        "<presence><show>away</show><status>at &lt;lunch&gt;</status><priority>7</priority>"
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://example.org/client' ver='abc='/>"
        "</presence>"
    )
    event = running.event("presence", jid=friend.jid, after=mark, show="away")
    assert event["from"] == friend.full_jid and event["resource"] == "phone" and event["available"] is True
    assert event["status"] == "at <lunch>" and event["priority"] == 7
    assert event["caps"] == "https://example.org/client#abc="
    assert "initial" not in event


def test_what_is_there_before_us_is_told_as_such(bridge, friend, server):
    """A new reader of events gets the present state first."""
    with Peer(server, friend.account, "tablet") as tablet:
        tablet.presence(show="xa", status="since yesterday")
        tablet.synchronise()
        running = bridge.command()
        for full, show in ((friend.full_jid, None), (tablet.full_jid, "xa")):
            event = running.event("presence", **{"from": full, "available": True})
            assert event["initial"] is True and event.get("show") == show
        running.tell("ping")
        running.tell("ping")
        mark = running.now
        tablet.presence(show="chat")
        event = running.event("presence", after=mark, **{"from": tablet.full_jid})
        assert "initial" not in event and event["show"] == "chat"
    running.event("presence", available=False, **{"from": tablet.full_jid})


def test_each_resource_goes_alone(bridge, friend, server):
    running = bridge.command()
    with Peer(server, friend.account, "tablet") as tablet:
        running.event("presence", available=True, **{"from": tablet.full_jid})
    gone = running.event("presence", available=False, **{"from": tablet.full_jid})
    assert gone["resource"] == "tablet"
    assert not chosen(running.events, "presence", available=False, **{"from": friend.full_jid})


def test_a_file_says_how_we_come(bridge, friend):
    running = bridge.configured(
        "presence: {show: dnd, status: three bridges up, priority: 5}\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
    )
    own = running.online()["jid"]
    _saw(friend, own, show="dnd", status="three bridges up")
    running.signal()
    running.end().ended_with(0)
    _saw(friend, own, "unavailable")


def test_presence_is_a_sink(bridge, friend):
    """A contact list as a status board."""
    running = bridge.configured(
        "presence: {show: chat, status: all is well}\n"
        "bridges:\n"
        "  - {name: red, from: stdin, match: '^error (?<text>.*)', to: presence, show: dnd, body: '{text}'}\n"
        "  - {name: green, from: stdin, match: '^fixed', to: presence, show: chat, body: all is well again}\n"
    )
    friend.wait(lambda: any(seen.status == "all is well" for seen in friend.presences), 15, "the beginning")
    own = friend.presences[-1].sender
    running.write("nothing special\nerror disk full\n")
    _saw(friend, own, show="dnd", status="disk full")
    running.write("fixed\n")
    _saw(friend, own, show="chat", status="all is well again")
    running.leave()
    _saw(friend, own, "unavailable")
    assert [seen.status for seen in friend.presences if seen.sender == own and seen.kind == "available"] == [
        "all is well", "disk full", "all is well again",
    ]  # fmt: skip


def test_a_status_is_held_for_a_time(bridge, friend):
    """hold: it goes back by itself to what it was."""
    running = bridge.configured(
        "presence: {show: chat, status: all is well}\n"
        "bridges:\n  - {name: red, from: stdin, to: presence, show: dnd, hold: 1s}\n"
    )
    friend.wait(lambda: any(seen.status == "all is well" for seen in friend.presences), 15, "the beginning")
    own = friend.presences[-1].sender
    running.write("on fire\n")
    _saw(friend, own, show="dnd", status="on fire")
    friend.wait(
        lambda: (friend.presences[-1].show, friend.presences[-1].status) == ("chat", "all is well"), 10, "green again"
    )


def test_a_presence_survives_the_server(bridge, friend, server):
    """After a new login contacts see what was said last, not what the file said."""
    running = bridge.command()
    own = running.online()["jid"]
    running.tell("presence", show="away", status="said by hand")
    _saw(friend, own, show="away")
    server.stop()
    before = len(friend.presences)
    server.start()
    friend.wait(lambda: _shown(friend.presences[before:], own), 40, "the same presence again")


def _shown(presences, own: str) -> bool:
    return any(seen.sender == own and (seen.show, seen.status) == ("away", "said by hand") for seen in presences)
