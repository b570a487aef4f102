"""Rooms (XEP-0045) by commands: coming in, speaking, who is there, who rules, and how it ends."""

import subprocess

import pytest

from harness.bridge import ROOT, binary, chosen
from harness.peers import Peer, go_sendxmpp_to_room
from harness.rooms import Refused, Room


@pytest.fixture
def room(owner, server):
    """A room that is there, with its owner inside."""
    return Room.create(owner, server.room(), "boss")


@pytest.fixture
def inside(bridge, room):
    """The program inside of that room, as `bridge`."""
    running = bridge.command()
    running.tell("join", room=room.jid, nick="bridge")
    running.event("room", room=room.jid, action="joined")
    return running


def outcome(running, room: str, seconds: float = 20, **keys) -> dict:
    """Asks to join, and waits for the event that says what came of it."""
    mark = running.now
    running.ask("join", room=room, **keys)
    return running.event(
        "room", seconds, after=mark, room=room,
        where=lambda event: event["action"] in ("joined", "created", "rejoined", "refused"),
    )  # fmt: skip


def test_we_come_in_and_leave(bridge, room, peer):
    guest = Room(peer, room.jid, "guest")
    guest.join()
    running = bridge.command()
    own = running.online()["jid"]
    joined = outcome(running, room.jid, nick="bridge")
    assert joined["action"] == "joined" and joined["nick"] == "bridge" and joined["occupants"] == 3
    before = chosen(running.events, "occupant", room=room.jid, action="joined", initial=True)
    told = {event["nick"]: (event["role"], event["affiliation"]) for event in before}
    assert told == {"boss": ("moderator", "owner"), "guest": ("participant", "none")}
    assert all("jid" not in event for event in before), "an anonymous room"
    [ourselves] = chosen(running.events, "occupant", room=room.jid, self=True)
    assert ourselves["nick"] == "bridge" and ourselves["action"] == "joined" and ourselves["jid"] == own
    room.wait_for("bridge")
    running.tell("leave", room=room.jid, status="good night")
    left = running.event("room", room=room.jid, action="left")
    room.wait_without("bridge")
    assert left["nick"] == "bridge" or "nick" not in left
    assert chosen(running.events, "presence", jid=room.jid) == [], "who is in a room is no contact"
    running.leave()


def test_the_end_of_the_run_leaves_the_room(inside, room):
    room.wait_for("bridge")
    inside.leave()
    room.wait_without("bridge")


def test_messages_both_ways(inside, room, server):
    room.say("by the boss")
    heard = inside.event("message", body="by the boss")
    assert (heard["room"], heard["nick"], heard["type"]) == (room.jid, "boss", "groupchat")
    assert heard["from"] == f"{room.jid}/boss" and heard["jid"] == room.jid
    assert "private" not in heard and "delay" not in heard and "replayed" not in heard
    ref = inside.tell("send", room=room.jid, body="by the bridge\nof two lines")["ref"]
    done = inside.event("delivery", ref=ref, stage="acknowledged")
    assert done["to"] == room.jid
    ref = inside.tell("send", to=room.jid, type="groupchat", body="again")["ref"]
    inside.event("delivery", ref=ref, stage="acknowledged")
    room.wait_for_said("by the bridge\nof two lines", "again")
    assert [(one.nick, one.body) for one in room.said] == [
        ("boss", "by the boss"), ("bridge", "by the bridge\nof two lines"), ("bridge", "again"),
    ]  # fmt: skip
    inside.leave()


def test_many_messages_in_order(inside, room):
    bodies = [f"{number} & <ü>" for number in range(300)]
    for body in bodies:
        inside.write(f'{{"do": "send", "room": "{room.jid}", "body": "{body}"}}\n')
    inside.leave()
    room.wait_for_said(*bodies)
    assert room.bodies == bodies


def test_private_messages_both_ways(inside, room):
    room.whisper("bridge", "psst")
    heard = inside.event("message", body="psst")
    assert (heard["room"], heard["nick"], heard["private"], heard["type"]) == (room.jid, "boss", True, "chat")
    ref = inside.tell("send", to=f"{room.jid}/boss", body="yes?")["ref"]
    inside.event("delivery", ref=ref, stage="acknowledged")
    room.peer.wait(
        lambda: any((m.sender, m.kind, m.body) == (f"{room.jid}/bridge", "chat", "yes?") for m in room.peer.messages),
        10, "the answer",
    )  # fmt: skip
    assert room.bodies == []
    ref = inside.tell("send", to=f"{room.jid}/nobody", body="anyone?")["ref"]
    failed = inside.event("delivery", ref=ref, stage="failed")
    assert failed["condition"] in ("item-not-found", "recipient-unavailable"), failed
    inside.leave(75)


def test_a_room_that_is_not_joined_takes_no_message(bridge, room):
    running = bridge.command()
    result = running.ask("send", room=room.jid, body="from outside")
    assert result["ok"] is False and result["code"] == "not-joined" and room.jid in result["text"]
    assert room.bodies == []
    running.leave(0, 65, 75)


def test_no_history_by_default_and_some_where_asked(bridge, room):
    for number in range(5):
        room.say(f"{number}")
    running = bridge.command()
    outcome(running, room.jid, nick="bridge")
    room.say("live")
    running.event("message", body="live")
    assert [event["body"] for event in chosen(running.events, "message")] == ["live"]
    running.tell("leave", room=room.jid)
    running.event("room", room=room.jid, action="left")
    mark = running.now
    outcome(running, room.jid, nick="bridge", history=3)
    room.say("live again")
    running.event("message", body="live again")
    again = chosen(running.events[mark:], "message")
    assert [event["body"] for event in again] == ["3", "4", "live", "live again"]
    for event in again[:-1]:
        assert event["replayed"] is True and event["delay"] and event["nick"] == "boss"
    assert "replayed" not in again[-1]


def test_the_subject(inside, room):
    room.set_subject("on call: ann")
    told = inside.event("room", room=room.jid, action="subject", subject="on call: ann")
    assert told["by"] == "boss"
    room.configure(**{"muc#roomconfig_changesubject": True})
    inside.tell("subject", room=room.jid, subject="on call: bob & co")
    room.wait_for_subject("on call: bob & co")
    inside.event("room", room=room.jid, action="subject", subject="on call: bob & co")
    inside.tell("subject", room=room.jid, subject="")
    room.wait_for_subject("")
    inside.event("room", room=room.jid, action="subject", subject="")
    inside.leave()


def test_a_subject_that_we_may_not_set(inside, room):
    room.configure(**{"muc#roomconfig_changesubject": False})
    ref = inside.ask("subject", room=room.jid, subject="mine")["ref"]
    inside.event("delivery", ref=ref, stage="failed", condition="forbidden")
    assert room.subject != "mine"


def test_the_subject_is_told_on_coming_in(bridge, room):
    room.set_subject("what it is about")
    running = bridge.command()
    outcome(running, room.jid, nick="bridge")
    running.event("room", room=room.jid, action="subject", subject="what it is about")


def test_who_comes_and_goes(inside, room, peer, server):
    guest = Room(peer, room.jid, "guest")
    guest.join()
    joined = inside.event("occupant", room=room.jid, nick="guest", action="joined")
    assert joined["role"] == "participant" and joined["affiliation"] == "none" and "initial" not in joined
    if server.name == "prosody":  # ejabberd has XEP-0421 since 23.10
        assert joined["occupant_id"]
        guest.say("who am I?")
        assert inside.event("message", body="who am I?")["occupant_id"] == joined["occupant_id"]
    peer.presence(to=f"{room.jid}/guest", show="away", status="lunch")
    inside.event("occupant", room=room.jid, nick="guest", action="changed", show="away", status="lunch")
    guest.rename("visitor")
    inside.event("occupant", room=room.jid, nick="guest", action="renamed", new_nick="visitor")
    room.affiliate(peer.jid, "admin")
    changed = inside.event("occupant", room=room.jid, nick="visitor", action="changed", affiliation="admin")
    assert changed["role"] == "moderator"
    guest.leave("bye")
    inside.event("occupant", room=room.jid, nick="visitor", action="left", status="bye")
    assert chosen(inside.events, "presence", jid=room.jid) == []


def test_who_is_thrown_out(inside, room, peer):
    guest = Room(peer, room.jid, "guest")
    guest.join()
    room.kick("guest", "too loud")
    kicked = inside.event("occupant", room=room.jid, nick="guest", action="kicked")
    assert kicked["reason"] == "too loud" and kicked["by"] == "boss"
    guest.join()
    room.affiliate(peer.jid, "outcast", "for good")
    banned = inside.event("occupant", room=room.jid, nick="guest", action="banned")
    assert banned["reason"] == "for good" and banned["affiliation"] == "outcast"


def test_real_addresses_where_the_room_shows_them(bridge, owner, server):
    room = Room.create(owner, server.room(), "boss", anonymous=False)
    running = bridge.command()
    outcome(running, room.jid, nick="bridge")
    assert running.event("occupant", room=room.jid, nick="boss")["jid"] == owner.full_jid


def test_we_rule(bridge, room, peer):
    """Kick, ban, lists and invitations as an owner."""
    guest = Room(peer, room.jid, "guest")
    guest.join()
    room.affiliate(bridge.account.jid, "owner")
    running = bridge.command()
    outcome(running, room.jid, nick="bridge")
    running.tell("kick", room=room.jid, nick="guest", reason="too loud")
    guest.wait_until_outside()
    codes, by, reason = guest.farewells("guest")[-1]
    assert "307" in codes and reason == "too loud"
    running.tell("affiliate", room=room.jid, jid=peer.jid, affiliation="outcast", reason="for good")
    with pytest.raises(Refused, match="forbidden"):
        guest.join()
    listed = running.tell("affiliate", room=room.jid, affiliation="outcast")
    [item] = chosen(running.events, "occupant", ref=listed["ref"])
    assert listed["count"] == 1 and item["action"] == "affiliation" and item["jid"] == peer.jid
    assert item["affiliation"] == "outcast" and item["room"] == room.jid
    running.tell("affiliate", room=room.jid, jid=peer.jid, affiliation="none")
    assert running.tell("affiliate", room=room.jid, affiliation="outcast")["count"] == 0
    listed = running.tell("affiliate", room=room.jid, affiliation="owner")
    owners = {event["jid"] for event in chosen(running.events, "occupant", ref=listed["ref"])}
    assert owners == {room.peer.jid, bridge.account.jid}
    guest.join()
    running.leave()


def test_we_do_not_rule(inside, room, server):
    inside.refused("kick", "not-allowed", "forbidden", room=room.jid, nick="boss")
    inside.refused("affiliate", "forbidden", "not-allowed", room=room.jid, jid="a@localhost", affiliation="member")
    inside.refused("affiliate", "forbidden", room=room.jid, affiliation="owner")
    inside.refused("affiliate", "item-not-found", "forbidden", room=server.room(), affiliation="owner")
    room.affiliate(inside.online()["jid"].partition("/")[0], "admin")
    inside.event("occupant", room=room.jid, nick="bridge", action="changed", affiliation="admin")
    inside.refused("kick", "item-not-found", "not-acceptable", room=room.jid, nick="nobody")
    inside.leave()


def test_we_invite(inside, room, peer):
    room.affiliate(inside.online()["jid"].partition("/")[0], "admin")
    inside.tell("invite", room=room.jid, jid=peer.jid, reason="come in")
    path = "{http://jabber.org/protocol/muc#user}x/{http://jabber.org/protocol/muc#user}invite"
    mediated = peer.stanza(path, sender=room.jid).find(path)
    assert mediated.findtext("{http://jabber.org/protocol/muc#user}reason") == "come in"
    inside.tell("invite", room=room.jid, jid=peer.jid, reason="come in", direct=True)
    direct = peer.stanza("{jabber:x:conference}x", sender=inside.online()["jid"]).find("{jabber:x:conference}x")
    assert direct.get("jid") == room.jid and direct.get("reason") == "come in"
    peer.raw(
        f"<message to='{room.jid}'><x xmlns='http://jabber.org/protocol/muc#user'>"
        f"<decline to='{inside.online()['jid'].partition('/')[0]}'><reason>too busy</reason></decline></x></message>"
    )
    declined = inside.event("room", room=room.jid, action="declined")
    assert declined["reason"] == "too busy" and declined["by"].partition("/")[0] == peer.jid


@pytest.mark.parametrize("direct", [False, True], ids=["mediated", "direct"])
def test_an_invitation_is_told_and_not_followed(bridge, owner, server, direct):
    room = Room.create(owner, server.room(), "boss", password="open sesame")
    running = bridge.command()
    running.tell("ping")  # ejabberd keeps no invitation for who has only just come
    room.invite(bridge.account.jid, "come in", direct=direct)
    told = running.event("room", room=room.jid, action="invited")
    assert told["reason"] == "come in"
    assert told["by"] == f"{room.jid}/boss" or told["by"].partition("/")[0] == owner.jid
    running.tell("ping")
    assert chosen(running.events, "room", action="joined") == []
    assert "sesame" not in running.out + running.err, "no password is shown"
    assert len(chosen(running.events, "room", action="invited")) == 1
    room.wait_without("bridge")


@pytest.mark.parametrize("direct", [False, True], ids=["mediated", "direct"])
def test_an_invitation_is_followed_by_policy(bridge, owner, server, direct):
    room = Room.create(owner, server.room(), "boss")
    running = bridge.configured(
        f"contacts: {{invitations: ['{room.jid.partition('@')[0]}@*', {owner.jid}]}}\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
    )
    running.present()
    room.invite(bridge.account.jid, "come in", direct=direct)
    joined = running.event("room", 20, room=room.jid, action="joined")
    room.wait_for(joined["nick"])


def test_an_invitation_by_others_than_the_policy_says(bridge, room):
    running = bridge.configured(
        "contacts: {invitations: ['*@example.org']}\nbridges:\n  - {name: events, from: events, to: stdout}\n"
    )
    running.present()
    room.invite(bridge.account.jid, "come in", direct=True)
    running.event("room", room=room.jid, action="invited")
    assert chosen(running.events, "room", action="joined") == []


def test_a_nick_that_is_taken(bridge, room):
    """Another is taken; a room is not stayed out of for a name."""
    running = bridge.command()
    joined = outcome(running, room.jid, nick="boss")
    assert joined["action"] == "joined" and joined["nick"] not in ("", "boss")
    room.wait_for("boss", joined["nick"])


def test_a_nick_that_is_taken_is_refused_by_policy(bridge, room):
    running = bridge.configured(
        f"rooms: [{{jid: {room.jid}, nick: boss, nick_conflict: refuse}}]\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
    )
    refused = running.event("room", 20, room=room.jid, action="refused")
    assert refused["condition"] == "conflict" and refused["reason"]


def test_a_password(bridge, owner, server):
    room = Room.create(owner, server.room(), "boss", password="open sesame")
    running = bridge.command()
    for keys in ({}, {"password": "wrong"}):
        refused = outcome(running, room.jid, nick="bridge", **keys)
        assert refused["action"] == "refused" and refused["condition"] == "not-authorized" and refused["reason"]
    joined = outcome(running, room.jid, nick="bridge", password="open sesame")
    assert joined["action"] == "joined"
    assert "sesame" not in running.out + running.err
    room.wait_for("bridge")


def test_members_only(bridge, owner, server):
    room = Room.create(owner, server.room(), "boss", members_only=True)
    running = bridge.command()
    refused = outcome(running, room.jid, nick="bridge")
    assert refused["action"] == "refused" and refused["condition"] == "registration-required"
    room.affiliate(bridge.account.jid, "member")
    assert outcome(running, room.jid, nick="bridge")["action"] == "joined"


def test_banned_beforehand(bridge, room):
    room.affiliate(bridge.account.jid, "outcast")
    running = bridge.command()
    refused = outcome(running, room.jid, nick="bridge")
    assert refused["action"] == "refused" and refused["condition"] == "forbidden"


def test_a_room_is_made_only_where_asked(bridge, server, peer):
    jid = server.room()
    running = bridge.command()
    refused = outcome(running, jid, nick="bridge")
    assert refused["action"] == "refused" and refused["condition"] == "item-not-found"
    # ejabberd answers nothing that reaches the room while it ends; we say so in time, and asking again helps.
    gone = running.ask("disco", jid=jid, seconds=40)
    if gone.get("code") == "timeout":
        gone = running.ask("disco", jid=jid)
    assert gone["ok"] is False and gone["condition"] == "item-not-found", gone
    created = outcome(running, jid, nick="bridge", create=True)
    assert created["action"] == "created" and created["occupants"] == 1
    guest = Room(peer, jid, "guest")
    guest.join()  # it is open
    assert guest.occupants["bridge"].affiliation == "owner"
    guest.say("hello")
    running.event("message", body="hello", room=jid)


def test_kicked(inside, room):
    room.kick("bridge", "restart yourself")
    kicked = inside.event("room", room=room.jid, action="kicked")
    assert kicked["by"] == "boss" and kicked["reason"] == "restart yourself"
    assert "retry_in_ms" not in kicked, "no fight by default"
    result = inside.ask("send", room=room.jid, body="still here?")
    if result["ok"]:
        inside.event("delivery", ref=result["ref"], stage="failed")
    assert outcome(inside, room.jid, nick="bridge")["action"] in ("joined", "rejoined")
    room.wait_for("bridge")


def test_kicked_and_back_by_policy(bridge, room):
    running = bridge.configured(
        f"rooms: [{{jid: {room.jid}, nick: bridge, rejoin: true}}]\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
    )
    running.event("room", 20, room=room.jid, action="joined")
    room.kick("bridge")
    kicked = running.event("room", room=room.jid, action="kicked")
    assert kicked["retry_in_ms"] > 0
    running.event("room", kicked["retry_in_ms"] / 1000 + 20, room=room.jid, action="rejoined")


def test_banned_while_inside(inside, room):
    room.affiliate(inside.online()["jid"].partition("/")[0], "outcast", "enough")
    banned = inside.event("room", room=room.jid, action="banned")
    assert banned["reason"] == "enough" and "retry_in_ms" not in banned


def test_made_a_room_for_members(inside, room):
    room.configure(**{"muc#roomconfig_membersonly": True})
    inside.event("room", room=room.jid, action="removed")


def test_destroyed(inside, room, server):
    other = server.room("other")
    room.destroy("we have moved", other)
    gone = inside.event("room", room=room.jid, action="destroyed")
    assert gone["reason"] == "we have moved" and gone["alternative"] == other


def test_several_rooms_side_by_side(bridge, owner, server):
    rooms = [Room.create(owner, server.room(), "boss") for _ in range(8)]
    running = bridge.command()
    for room in rooms:
        running.write(f'{{"do": "join", "room": "{room.jid}", "nick": "bridge"}}\n')
    for room in rooms:
        running.event("room", 20, room=room.jid, action="joined")
    for number, room in enumerate(rooms):
        room.say(f"in {number}")
        assert running.event("message", body=f"in {number}")["room"] == room.jid
    running.leave()


def test_commands_about_no_room(bridge, server):
    running = bridge.command()
    nowhere = "room@no-such-service.localhost"
    running.write(f'{{"do": "join", "ref": "nowhere", "room": "{nowhere}"}}\n')
    told = running.event("room", room=nowhere, where=lambda event: event["action"] in ("refused", "lost"))
    assert told["condition"] and told["reason"]
    # Another domain may be reached later, so the command waits as long as commands do.
    assert running.event("result", 60, ref="nowhere")["ok"] is False
    running.tell("leave", room=nowhere)
    assert running.ask("leave", room=server.room())["ok"] is False


def test_the_example_script_prints_what_goes_on(bridge, room, peer, owner, server):
    script = ROOT / "contrib/examples/room-status.sh"
    running = bridge.start_shell(f"exec bash {script} {room.jid} watcher", subprocess.DEVNULL, XMPP_BRIDGE=binary())
    room.wait_for("watcher")
    guest = Room(peer, room.jid, "guest")
    guest.join()
    room.say("hello")
    guest.leave()
    running.wait_for(lambda: "* guest left" in running.out)
    told = [line for line in running.out.splitlines() if "watcher" not in line and not line.startswith("= subject")]
    assert told == [
        "  boss, moderator", "= joined, here: 2", "* guest joined", "<boss> hello", "* guest left",
    ]  # fmt: skip
    running.signal()
    closed = Room.create(owner, server.room(), "boss", members_only=True)
    run = bridge.shell(f"bash {script} {closed.jid} watcher", XMPP_BRIDGE=binary())
    assert run.status == 1 and run.out.splitlines()[-1].startswith("cannot join: "), run


def test_go_sendxmpp_in_a_room(inside, room, server, tmp_path):
    """A client that shares no code with ours or with slixmpp."""
    gopher = server.account("gopher")
    go_sendxmpp_to_room(server, gopher, room.jid, "from go", tmp_path)
    joined = inside.event(
        "occupant", 20, room=room.jid, action="joined", where=lambda event: event["nick"] not in ("boss", "bridge")
    )
    heard = inside.event("message", room=room.jid, where=lambda event: event.get("body", "").rstrip("\n") == "from go")
    assert heard["nick"] == joined["nick"] and heard["type"] == "groupchat"
    inside.event("occupant", room=room.jid, nick=joined["nick"], action="left")


def test_slixmpp_and_the_program_hear_the_same(inside, room, server):
    """Each of three in a room, two of them other software, hears each message once and in the same order."""
    with Peer(server, server.account("third")) as third:
        other = Room(third, room.jid, "third")
        other.join()
        inside.event("occupant", room=room.jid, nick="third", action="joined")
        for number in range(50):
            (room, other)[number % 2].say(f"{number}", wait=False)
        room.wait_for_said(*map(str, range(50)))
        inside.event("message", body=room.bodies[-1])
        other.wait_for_said(*map(str, range(50)))
        assert [event["body"] for event in chosen(inside.events, "message")] == room.bodies == other.bodies
