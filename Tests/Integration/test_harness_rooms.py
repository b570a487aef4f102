"""The harness itself, without the program under test: rooms, blocking, carbons and receipts on both servers."""

import pytest

from harness.peers import Peer, go_sendxmpp, go_sendxmpp_to_room
from harness.processes import eventually
from harness.rooms import STANZAS, USER, Crowd, Refused, Room


def test_a_room_is_created_joined_and_spoken_in(server, owner, peer):
    room = Room.create(owner, server.room(), "boss")
    with pytest.raises(Refused) as refused:
        Room(peer, room.jid, "boss").join()
    assert refused.value.condition == "conflict"
    other = Room(peer, room.jid, "guest")
    other.join()
    room.wait_for("boss", "guest")
    assert set(other.occupants) == {"boss", "guest"}
    assert (other.occupants["boss"].affiliation, other.occupants["boss"].role) == ("owner", "moderator")
    assert (other.occupants["guest"].affiliation, other.occupants["guest"].role) == ("none", "participant")
    assert room.occupants["guest"].jid == peer.full_jid, "a moderator sees who it is"
    assert other.occupants["boss"].jid == "", "the others do not"
    room.say("one")
    other.say("two")
    for view in (room, other):
        view.wait_for_said("one", "two")
    assert [(one.nick, one.body) for one in room.said] == [("boss", "one"), ("guest", "two")]
    room.set_subject("what it is about")
    other.wait_for_subject("what it is about")
    other.rename("visitor")
    room.wait_for("visitor")
    assert "guest" not in room.occupants
    other.whisper("boss", "psst")
    owner.wait(lambda: any(m.sender == f"{room.jid}/visitor" and m.kind == "chat" for m in owner.messages), 10, "psst")
    other.leave("bye")
    room.wait_without("visitor")


def test_doors(server, owner, peer):
    locked = Room.create(owner, server.room(), password="open sesame")
    guest = Room(peer, locked.jid)
    for wrong in (None, "wrong"):
        with pytest.raises(Refused) as refused:
            guest.join(wrong)
        assert refused.value.condition == "not-authorized"
    guest.join("open sesame")

    members = Room.create(owner, server.room(), members_only=True)
    guest = Room(peer, members.jid)
    with pytest.raises(Refused) as refused:
        guest.join()
    assert refused.value.condition == "registration-required"
    members.affiliate(peer.jid, "member")
    assert members.affiliations("member") == {peer.jid}
    guest.join()
    members.affiliate(peer.jid, "none")
    guest.wait_until_outside()
    assert "321" in guest.farewells(guest.nick)[-1][0]

    public = Room.create(owner, server.room())
    guest = Room(peer, public.jid)
    guest.join()
    public.affiliate(peer.jid, "outcast", "enough")
    guest.wait_until_outside()
    codes, _, reason = guest.farewells(guest.nick)[-1]
    assert "301" in codes and reason == "enough"
    with pytest.raises(Refused) as refused:
        guest.join()
    assert refused.value.condition == "forbidden"


def test_a_room_that_is_open_to_all_shows_who_is_who(server, owner, peer):
    room = Room.create(owner, server.room(), "boss", anonymous=False)
    guest = Room(peer, room.jid, "guest")
    guest.join()
    assert guest.occupants["boss"].jid == owner.full_jid


def test_a_moderated_room(server, owner, peer):
    room = Room.create(owner, server.room(), moderated=True)
    guest = Room(peer, room.jid, "guest")
    guest.join()
    assert guest.occupants["guest"].role == "visitor"
    guest.say("may I?", wait=False)
    peer.wait(lambda: peer.errors, 10, "the refusal")
    room.give_role("guest", "participant")
    peer.wait(lambda: guest.occupants["guest"].role == "participant", 10, "a voice")
    guest.say("thanks")


def test_kicks_and_destruction(server, owner, peer):
    room = Room.create(owner, server.room(), "boss")
    guest = Room(peer, room.jid, "guest")
    guest.join()
    room.kick("guest", "out")
    guest.wait_until_outside()
    codes, by, reason = guest.farewells("guest")[-1]
    assert "307" in codes and reason == "out" and by in ("boss", "")
    guest.join()
    other = server.room("other")
    room.destroy("moved", other)
    guest.wait_until_outside()
    assert peer.stanza(f"{USER}x/{USER}destroy").find(f"{USER}x/{USER}destroy").get("jid") == other


def test_invitations(server, owner, peer):
    room = Room.create(owner, server.room(), "boss")
    room.invite(peer.jid, "come in")
    mediated = peer.stanza(f"{USER}x/{USER}invite")
    # The inviter: Prosody names the occupant, ejabberd the user.
    inviter = mediated.find(f"{USER}x/{USER}invite").get("from")
    assert mediated.get("from") == room.jid and inviter in (f"{room.jid}/boss", owner.full_jid)
    room.invite(peer.jid, "come in", direct=True)
    direct = peer.stanza("{jabber:x:conference}x", sender=owner.full_jid)
    assert direct.find("{jabber:x:conference}x").get("jid") == room.jid


@pytest.mark.parametrize("persistent", [True, False])
def test_a_room_over_a_restart(server, owner, peer, persistent):
    room = Room.create(owner, server.room(), "boss", persistent=persistent, password="sesame")
    guest = Room(peer, room.jid, "guest")
    guest.join("sesame")
    guest.say("before")
    server.restart()
    for one in (owner, peer):
        one.wait_until_online(2)
    assert guest.occupants == {}
    if persistent:
        with pytest.raises(Refused):
            guest.join()
    guest.join("sesame", history=10)
    guest.say("after")
    delayed = [one.body for one in guest.said if one.delayed]
    assert delayed == (["before"] if persistent and server.name == "prosody" else []), "who keeps a history on disk"
    role = guest.occupants["guest"].affiliation
    assert role == ("none" if persistent else "owner"), "a room that is not kept is made anew by the first who comes"


def test_an_archive_of_a_room(server, owner, peer):
    room = Room.create(owner, server.room(), archive=True, persistent=True)
    room.say("kept")
    eventually(lambda: "kept" in room.archive(), 10, lambda: f"the archive: {room.archive()}")
    if server.name == "prosody":  # ejabberd answers from the history that it keeps for those who join
        other = Room.create(owner, server.room())
        other.say("not kept")
        assert other.archive() == []


def test_a_crowd(server, owner):
    room = Room.create(owner, server.room(), "boss", persistent=True)
    with Crowd(server, server.accounts(50, "crowd"), room.jid) as crowd:
        room.wait_for(*crowd.nicks)
        for one in crowd.rooms:
            one.say(f"by {one.nick}", wait=False)
        room.wait_for_said(*(f"by {nick}" for nick in crowd.nicks))
        server.restart()
        owner.wait_until_online(2)
        room.join()
        crowd.wait_until_back(2)
        room.wait_for(*crowd.nicks)


def test_slow_rooms(server, owner):
    room = Room.create(owner, server.room(host=server.slow_rooms))
    for number in range(4):
        room.say(f"{number}", wait=False)
    owner.wait(lambda: owner.errors, 10, "a refusal")
    eventually(lambda: len(room.bodies) + len(owner.errors) == 4, 10, lambda: f"{room.bodies} {owner.errors}")
    conditions = {"prosody": "policy-violation", "ejabberd": "resource-constraint"}
    for refused in owner.find(type="error"):
        assert refused.find("{jabber:client}error").get("type") == "wait"
        assert refused.find(f"{{jabber:client}}error/{STANZAS}{conditions[server.name]}") is not None
    # ejabberd sends the second when its time has come, and refuses what comes while that one waits.
    assert room.bodies == (["0"] if server.name == "prosody" else ["0", "1"])


def test_a_room_that_forgets(server, owner, peer):
    if server.name != "prosody":
        pytest.skip("ejabberd cannot be made to")
    room = Room.create(owner, server.room(), "boss")
    guest = Room(peer, room.jid, "guest")
    guest.join()
    room.forget("guest")
    room.say("can you hear me?")
    guest.say("hello?", wait=False)
    peer.wait(lambda: peer.errors, 10, "the refusal")
    assert guest.bodies == []


def test_blocking(server, peer):
    with Peer(server, server.account("pest")) as pest:
        pest.befriend(peer)
        peer.block(pest.jid)
        assert peer.blocked() == {pest.jid}
        pest.send(peer.jid, "unheard")
        pest.wait(lambda: pest.errors, 10, "the refusal")
        if server.name == "prosody":  # ejabberd does not tell a blocked contact that we are gone
            pest.wait(lambda: pest.presences[-1].kind == "unavailable", 10, "the end of what it saw")
        peer.unblock(pest.jid)
        assert peer.blocked() == set()
        pest.send(peer.jid, "heard")
        peer.wait_for_messages(1, 10)
        assert peer.bodies == ["heard"]


def test_carbons(server, peer):
    account = server.account("two")
    with Peer(server, account, "one") as one, Peer(server, account, "two") as two:
        two.carbons()
        peer.send(one.full_jid, "for one")
        two.stanza("{urn:xmpp:carbons:2}received")
        one.send(peer.jid, "by one")
        two.stanza("{urn:xmpp:carbons:2}sent")


def test_receipts(server, peer):
    with Peer(server, server.account("reader"), receipts=True) as reader:
        peer.send(reader.jid, "seen?", receipt=True)
        peer.stanza("{urn:xmpp:receipts}received")


def test_go_sendxmpp_speaks_in_a_room(server, owner, account, tmp_path):
    room = Room.create(owner, server.room(), "boss")
    go_sendxmpp_to_room(server, account, room.jid, "from go", tmp_path)
    room.wait_for_said("from go")
