"""For a person: roster, subscription, block, presence and room, each a readable table and NDJSON with --json."""

import json

import pytest

from harness.bridge import Bridge, Ended
from harness.peers import Peer
from harness.rooms import USER, Refused, Room

#: What a server's refusal may end with, by sysexits.h: undelivered or protocol, never success, usage or a bug.
REFUSED = (65, 69, 75, 76)


def records(run: Ended) -> list[dict]:
    """The lines of --json, after a good end."""
    run.ended_with(0)
    assert run.complaints == [], run
    return [json.loads(line) for line in run.out.splitlines()]


def table(run: Ended) -> str:
    """What a person sees, after a good end: no JSON, no trailing blanks, columns under a heading or plain words."""
    run.ended_with(0)
    assert run.complaints == [], run
    assert not any(line.startswith("{") for line in run.out.splitlines()), run.out
    assert all(line == line.rstrip() for line in run.out.splitlines()), run.out
    return run.out


def row(text: str, *words: str) -> str:
    """The line of a table that holds all of these."""
    rows = [line for line in text.splitlines() if all(word in line for word in words)]
    assert len(rows) == 1, f"{words} in one line of:\n{text}"
    return rows[0]


def done(run: Ended) -> Ended:
    """It went well and has nothing to complain of."""
    run.ended_with(0)
    assert run.complaints == [], run
    return run


def complaint(run: Ended, *statuses: int) -> str:
    """The one line that says why not."""
    run.ended_with(*statuses)
    assert run.out == "", run
    return run.complaint


@pytest.fixture
def room(owner, server):
    return Room.create(owner, server.room(), "boss")


# Roster


def test_the_roster(bridge, desk):
    desk.roster_set("bob@example.org", "Bob the <great>", ["ops", "night shift"])
    desk.roster_set("ann@example.org", "", [])
    text = table(bridge.run("roster"))
    row(text, "bob@example.org", "Bob the <great>", "ops", "night shift", "none")
    row(text, "ann@example.org", "none")
    assert text.index("ann@") < text.index("bob@"), "sorted"
    items = {item["jid"]: item for item in records(bridge.run("roster", "--json"))}
    assert set(items) == {"ann@example.org", "bob@example.org"}
    assert items["bob@example.org"]["name"] == "Bob the <great>"
    assert sorted(items["bob@example.org"]["groups"]) == ["night shift", "ops"]
    assert all(item["event"] == "roster" for item in items.values())


def test_an_empty_roster(bridge):
    assert records(bridge.run("roster", "--json")) == []
    table(bridge.run("roster"))


def test_the_roster_is_changed(bridge, desk):
    def roster():
        return {item["jid"]: item for item in records(bridge.run("roster", "--json"))}

    done(bridge.run("roster", "add", "bob@example.org", "--name", "Bob", "--group", "ops", "--group", "night"))
    desk.wait(lambda: desk.find("{jabber:iq:roster}query"), 10, "the push")
    [item] = roster().values()
    assert (item["jid"], item["name"], sorted(item["groups"])) == ("bob@example.org", "Bob", ["night", "ops"])
    done(bridge.run("roster", "add", "bob@example.org", "--name", "Robert"))
    [item] = roster().values()
    assert (item["name"], sorted(item["groups"])) == ("Robert", ["night", "ops"])
    done(bridge.run("roster", "remove", "bob@example.org"))
    assert roster() == {}


def test_the_roster_moves_to_another_account(bridge, other_bridge, desk):
    items = {f"c{number}@example.org": (f"Name \"{number}\" ü", [f"group {number % 3}"]) for number in range(30)}
    for jid, (name, groups) in items.items():
        desk.roster_set(jid, name, groups)
    exported = done(bridge.run("roster", "export"))
    assert len(exported.out.splitlines()) == 30 and all(json.loads(line)["jid"] for line in exported.out.splitlines())
    done(other_bridge.run("roster", "import", input=exported.out))
    moved = {item["jid"]: (item["name"], item["groups"]) for item in records(other_bridge.run("roster", "--json"))}
    assert moved == items
    done(other_bridge.run("roster", "import", input=exported.out))
    assert len(records(other_bridge.run("roster", "--json"))) == 30


def test_an_import_that_is_none(bridge):
    run = bridge.run("roster", "import", input='{"jid": "a@example.org"}\nnonsense\n{"jid": "@@"}\n').ended_with(65)
    assert "2" in run.err and run.complaints, "the line is named"
    run = bridge.run("roster", "--json").ended_with(0)
    assert "@@" not in run.out


def test_a_refused_change_of_the_roster(bridge, server):
    if server.name == "prosody":
        line = complaint(bridge.run("roster", "remove", "nobody@example.org"), *REFUSED)
        assert "item-not-found" in line and "nobody@example.org" in line


# Subscriptions


def test_subscriptions(bridge, peer):
    done(bridge.run("subscription", "request", peer.jid))
    peer.wait(lambda: any(seen.kind == "subscribe" for seen in peer.presences), 10, "the request")
    peer.presence(to=bridge.account.jid, kind="subscribed")
    peer.presence(to=bridge.account.jid, kind="subscribe")
    peer.synchronise()
    done(bridge.run("subscription", "approve", peer.jid))
    peer.wait(lambda: any(seen.kind == "subscribed" for seen in peer.presences), 10, "the approval")
    [item] = records(bridge.run("roster", "--json"))
    assert item["subscription"] == "both"
    done(bridge.run("subscription", "revoke", peer.jid))
    peer.wait(lambda: any(seen.kind == "unsubscribed" for seen in peer.presences), 10, "its end")
    done(bridge.run("subscription", "unsubscribe", peer.jid))
    peer.wait(lambda: any(seen.kind == "unsubscribe" for seen in peer.presences), 10, "its end")
    [item] = records(bridge.run("roster", "--json"))
    assert item["subscription"] == "none"


def test_a_request_is_denied(bridge, peer):
    peer.presence(to=bridge.account.jid, kind="subscribe")
    peer.synchronise()
    done(bridge.run("subscription", "deny", peer.jid))
    peer.wait(lambda: any(seen.kind == "unsubscribed" for seen in peer.presences), 10, "the denial")


# Blocking


def test_blocking(bridge, desk):
    assert records(bridge.run("block", "--json")) == []
    done(bridge.run("block", "add", "pest@example.org"))
    done(bridge.run("block", "add", "spam.example"))
    assert desk.blocked() == {"pest@example.org", "spam.example"}
    text = table(bridge.run("block"))
    row(text, "pest@example.org")
    row(text, "spam.example")
    assert {one["jid"] for one in records(bridge.run("block", "--json"))} == {"pest@example.org", "spam.example"}
    done(bridge.run("block", "remove", "pest@example.org"))
    assert desk.blocked() == {"spam.example"}


# Presence


def test_who_is_there(bridge, friend, server):
    with Peer(server, friend.account, "tablet") as tablet:
        tablet.presence(show="away", status="at lunch")
        tablet.synchronise()
        text = table(bridge.run("presence"))
        row(text, friend.jid, "tablet", "away", "at lunch")
        row(text, friend.jid, "phone")
        told = {one["from"]: one for one in records(bridge.run("presence", "--json"))}
        assert told[tablet.full_jid]["show"] == "away" and told[tablet.full_jid]["available"] is True
        assert set(told) >= {tablet.full_jid, friend.full_jid}
        assert {one["event"] for one in told.values()} == {"presence"}


def test_nobody_is_there(bridge):
    assert [one for one in records(bridge.run("presence", "--json")) if one["jid"] != bridge.account.jid] == []


# Rooms


def test_who_is_in_a_room(bridge, room, peer):
    guest = Room(peer, room.jid, "guest <1>")
    guest.join()
    peer.presence(to=f"{room.jid}/{guest.nick}", show="away")
    text = table(bridge.run("room", "occupants", room.jid))
    row(text, "boss", "moderator", "owner")
    row(text, "guest <1>", "participant", "away")
    told = {one["nick"]: one for one in records(bridge.run("room", "occupants", room.jid, "--json"))}
    assert told["boss"]["role"] == "moderator" and told["boss"]["affiliation"] == "owner"
    assert told["guest <1>"]["role"] == "participant"
    peer.synchronise()
    assert set(room.occupants) <= {"boss", "guest <1>", bridge.account.user}
    room.wait_without(bridge.account.user)


def test_who_belongs_to_a_room(bridge, room, peer):
    room.affiliate(bridge.account.jid, "owner")
    done(bridge.run("room", "affiliate", room.jid, peer.jid, "member"))
    assert room.affiliations("member") == {peer.jid}
    row(table(bridge.run("room", "affiliations", room.jid, "member")), peer.jid, "member")
    [item] = records(bridge.run("room", "affiliations", room.jid, "member", "--json"))
    assert item["jid"] == peer.jid and item["affiliation"] == "member"
    done(bridge.run("room", "affiliate", room.jid, peer.jid, "none"))
    assert room.affiliations("member") == set()
    assert records(bridge.run("room", "affiliations", room.jid, "member", "--json")) == []


def test_a_room_is_ruled(bridge, room, peer):
    guest = Room(peer, room.jid, "guest")
    guest.join()
    room.affiliate(bridge.account.jid, "owner")
    done(bridge.run("room", "subject", room.jid, "on call: ann & bob"))
    guest.wait_for_subject("on call: ann & bob")
    done(bridge.run("room", "kick", room.jid, "guest"))
    guest.wait_until_outside()
    assert "307" in guest.farewells("guest")[-1][0]
    done(bridge.run("room", "affiliate", room.jid, peer.jid, "outcast"))
    with pytest.raises(Refused, match="forbidden"):
        guest.join()
    room.wait_without(bridge.account.user)


def test_somebody_is_invited(bridge, room, peer):
    done(bridge.run("room", "invite", room.jid, peer.jid))
    peer.wait(lambda: peer.find("{jabber:x:conference}x") or peer.find(f"{USER}x"), 10, "the invitation")


def test_a_room_refuses(bridge, room, owner, server):
    assert "forbidden" in complaint(bridge.run("room", "affiliations", room.jid, "owner"), *REFUSED)
    line = complaint(bridge.run("room", "kick", room.jid, "boss"), *REFUSED)
    assert "not-allowed" in line or "forbidden" in line
    closed = Room.create(owner, server.room(), "boss", members_only=True)
    assert closed.jid in complaint(bridge.run("room", "occupants", closed.jid), *REFUSED)
    nowhere = server.room()
    assert nowhere in complaint(bridge.run("room", "occupants", nowhere), *REFUSED)


# All of them


#: Each is a mistake of the command line, found before anything is connected to.
MISTAKES = [
    ["roster", "add"],
    ["roster", "add", "not a jid@@"],
    ["roster", "add", "a@b/c"],
    ["roster", "dance"],
    ["roster", "remove"],
    ["subscription"],
    ["subscription", "request"],
    ["subscription", "approve", "@"],
    ["block", "add"],
    ["block", "add", "@@"],
    ["block", "remove"],
    ["room", "occupants"],
    ["room", "occupants", "conference.localhost"],
    ["room", "occupants", "a@b/nick"],
    ["room", "affiliations", "a@b", "boss"],
    ["room", "affiliate", "a@b", "c@d"],
    ["room", "kick", "a@b"],
    ["room", "invite", "a@b", "@@"],
    ["room", "subject", "a@b"],
]


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(lone_bridge, arguments):
    run = lone_bridge.run(*arguments, XMPP_BRIDGE_SERVER="localhost:1").ended_with(64)
    assert run.seconds < 5 and run.out == ""
    assert run.complaint


SUBCOMMANDS = [["roster"], ["block"], ["presence"], ["subscription", "approve", "a@localhost"],
               ["room", "occupants", "a@conference.localhost"]]  # fmt: skip


@pytest.mark.parametrize("arguments", SUBCOMMANDS, ids=" ".join)
def test_a_wrong_password(bridge: Bridge, arguments):
    assert bridge.account.jid in complaint(bridge.run(*arguments, XMPP_BRIDGE_PASSWORD="wrong"), 77)


@pytest.mark.parametrize("arguments", SUBCOMMANDS, ids=" ".join)
def test_no_server(lone_bridge, arguments):
    run = lone_bridge.run(*arguments, "--retry", "fail-fast", XMPP_BRIDGE_SERVER="localhost:1")
    assert "localhost:1" in complaint(run, 69)
