"""What comes with a message: copies of other devices, receipts, encryption, ids and delays; and what is forged."""

import json

import pytest

from harness.bridge import chosen
from harness.peers import Peer


def _forward(sender: str, to: str, body: str, namespace: str = "jabber:client") -> str:
    return (
        f"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='{namespace}' from='{sender}' to='{to}' type='chat' "
        f"id='inner'><body>{body}</body></message></forwarded>"
    )


def test_copies_of_what_another_device_sends_and_gets(bridge, desk, peer):
    running = bridge.command()
    running.tell("ping")  # behind what the login asks for
    desk.send(peer.jid, "by the desk")
    sent = running.event("message", body="by the desk")
    assert sent["carbon"] == "sent" and sent["from"] == desk.full_jid and sent["to"] == peer.jid
    peer.send(desk.full_jid, "to the desk")
    received = running.event("message", body="to the desk")
    assert received["carbon"] == "received" and received["from"] == peer.full_jid and received["jid"] == peer.jid
    peer.send(running.online()["jid"], "to the bridge")
    assert "carbon" not in running.event("message", body="to the bridge")
    running.leave()


@pytest.mark.parametrize("wrapper", ["sent", "received"])
def test_a_forged_copy_is_ignored_and_told(bridge, peer, wrapper):
    """XEP-0280 11: only our own server may say what our other devices said."""
    running = bridge.command()
    own = running.online()["jid"]
    forward = _forward(bridge.account.jid + "/other", "boss@localhost", "pay him")
    copy = f"<{wrapper} xmlns='urn:xmpp:carbons:2'>{forward}</{wrapper}>"
    peer.raw(f"<message to='{own}' type='chat'>{copy}</message>")
    forged = running.event("error", code="forged")
    assert forged["from"] == peer.full_jid and forged["what"] == "carbon"
    peer.send(own, "an honest one")
    running.event("message", body="an honest one")
    assert [event["body"] for event in chosen(running.events, "message")] == ["an honest one"]


def test_receipts_for_what_we_send(bridge, server):
    with Peer(server, server.account("reader"), receipts=True) as reader:
        running = bridge.command()
        ref = running.tell("send", to=reader.jid, body="seen?", receipt=True)["ref"]
        done = running.event("delivery", ref=ref, stage="received")
        assert done["to"].partition("/")[0] == reader.jid
        # A receipt may overtake the server's own word.
        running.event("delivery", ref=ref, stage="acknowledged")
        stages = [event["stage"] for event in chosen(running.events, "delivery", ref=ref)]
        assert sorted(stages) == ["acknowledged", "received"], stages
        plain = running.tell("send", to=reader.jid, body="not asked")["ref"]
        reader.wait_for_messages(2, 10)
        running.tell("ping", jid=reader.full_jid)
        assert not chosen(running.events, "delivery", ref=plain, stage="received")
        assert len(reader.find("{urn:xmpp:receipts}request")) == 1
        running.leave()


def test_a_receipt_by_somebody_else_is_no_receipt(bridge, peer, server):
    with Peer(server, server.account("liar")) as liar:
        running = bridge.command()
        own = running.online()["jid"]
        running.tell("send", to=peer.jid, body="seen?", receipt=True, id="mine")
        peer.wait_for_messages(1, 10)
        liar.raw(f"<message to='{own}' id='r'><received xmlns='urn:xmpp:receipts' id='mine'/></message>")
        forged = running.event("error", code="forged")
        assert forged["from"] == liar.full_jid and forged["what"] == "receipt"
        assert not chosen(running.events, "delivery", stage="received")
        peer.raw(f"<message to='{own}' id='r'><received xmlns='urn:xmpp:receipts' id='mine'/></message>")
        running.event("delivery", stage="received")
        running.leave()


def test_a_receipt_that_is_for_another_of_our_devices(bridge, friend):
    running = bridge.command()
    own = running.online()["jid"]
    friend.raw(f"<message to='{own}'><received xmlns='urn:xmpp:receipts' id='not-ours'/></message>")
    event = running.event("receipt", id="not-ours")
    assert event["from"] == friend.full_jid and event["jid"] == friend.jid


def test_contacts_get_receipts_and_strangers_do_not(bridge, friend, server):
    running = bridge.command()
    own = running.online()["jid"]
    friend.send(own, "from a friend", receipt=True)
    running.event("message", body="from a friend")
    received = friend.stanza("{urn:xmpp:receipts}received", sender=own)
    asked = chosen(running.events, "message", body="from a friend")[0]["id"]
    assert received.find("{urn:xmpp:receipts}received").get("id") == asked
    with Peer(server, server.account("stranger")) as stranger:
        stranger.send(own, "from a stranger", receipt=True)
        running.event("message", body="from a stranger")
        running.tell("ping", jid=friend.full_jid)
        stranger.synchronise()
        assert not stranger.find("{urn:xmpp:receipts}received")


def test_receipts_by_policy(bridge, peer):
    running = bridge.configured(
        "receipts: {ask: true, answer: everybody}\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
        f"  - {{name: lines, from: stdin, to: 'xmpp:{peer.jid}'}}\n"
    )
    own = running.online()["jid"]
    peer.send(own, "seen?", receipt=True)
    peer.stanza("{urn:xmpp:receipts}received", sender=own)
    running.write("a line\n")
    message = peer.stanza("{urn:xmpp:receipts}request", "{jabber:client}body", sender=own)
    peer.raw(f"<message to='{own}'><received xmlns='urn:xmpp:receipts' id='{message.get('id')}'/></message>")
    running.event("delivery", stage="received")
    running.leave()


ENCRYPTED = {
    "OMEMO": "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>"
    "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>",
    "OpenPGP for XMPP": "<openpgp xmlns='urn:xmpp:openpgp:0'>AAAA</openpgp>"
    "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:openpgp:0' name='OpenPGP'/>",
    "Private": "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:private' name='Private'/>",
}


def test_encrypted_messages_have_a_scheme_and_no_body(bridge, peer):
    """XEP-0380: the fallback text is not what was said."""
    running = bridge.command()
    own = running.online()["jid"]
    for number, (name, payload) in enumerate(ENCRYPTED.items()):
        peer.raw(
            f"<message to='{own}' type='chat' id='e{number}'><body>I sent you an encrypted message but your client "
            f"cannot read it</body>{payload}</message>"
        )
        event = running.event("message", id=f"e{number}")
        assert event["encrypted"] == name and "body" not in event
    running.leave()


def test_an_encrypted_message_is_no_line_of_text(bridge, peer):
    running = bridge.start("--from", peer.jid, "--output", "text", "--count", "1")
    peer.raw(f"<message to='{bridge.account.jid}' type='chat'><body>fallback</body>{ENCRYPTED['OMEMO']}</message>")
    peer.send(bridge.account.jid, "in the clear")
    assert running.end().ended_with(0).out == "in the clear\n"


def test_a_message_that_waited_says_since_when(bridge, peer):
    peer.send(bridge.account.jid, "kept")
    peer.synchronise()
    running = bridge.command()
    event = running.event("message", body="kept")
    assert event["delay"].startswith("2") and event["delay"].endswith("Z")


def test_only_our_own_server_gives_ids(bridge, desk, peer):
    """XEP-0359: a stanza-id by anybody else is not told."""
    desk.keep_archive()  # then the server gives each message an id
    running = bridge.command()
    own = running.online()["jid"]
    peer.raw(
        f"<message to='{own}' type='chat' id='m'><body>with ids</body><origin-id xmlns='urn:xmpp:sid:0' id='origin'/>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='{peer.jid}'/>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='{bridge.account.jid}'/></message>"
    )
    event = running.event("message", body="with ids")
    assert event["origin_id"] == "origin" and event["stanza_id"] != "forged"


def test_groupchat_from_who_is_no_room_is_ignored_and_told(bridge, peer):
    running = bridge.command()
    peer.send(running.online()["jid"], "as if in a room", kind="groupchat")
    forged = running.event("error", code="forged")
    assert forged["from"] == peer.full_jid and forged["what"] == "room message"
    assert chosen(running.events, "message") == []


def test_room_presence_from_who_is_no_room(bridge, peer):
    running = bridge.command()
    own = running.online()["jid"]
    peer.raw(
        f"<presence to='{own}'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' "
        "role='moderator'/><status code='110'/></x></presence>"
    )
    peer.send(own, "after it")
    running.event("message", body="after it")
    assert chosen(running.events, "room") == [] and chosen(running.events, "occupant") == []


def test_questions(bridge, peer, server):
    """disco, ping, version and status."""
    running = bridge.command()
    own = running.online()["jid"]
    info = running.tell("disco")
    assert "http://jabber.org/protocol/disco#info" in info["features"]
    assert any(one.startswith("server/im") for one in info["identities"]), info
    assert server.rooms in running.tell("disco", items=True)["jids"]
    assert any(one.startswith("conference/text") for one in running.tell("disco", jid=server.rooms)["identities"])
    assert running.tell("ping")["ms"] >= 0
    assert running.tell("ping", jid=peer.full_jid)["ms"] >= 0
    assert running.tell("version", jid="localhost")["name"].lower() == server.name
    status = running.tell("status")
    assert status["state"] == "online" and status["jid"] == own and status["text"]
    running.refused("ping", "service-unavailable", jid="nobody@localhost/x")
    running.refused("version", "service-unavailable", jid="nobody@localhost/x")
    running.refused("disco", "item-not-found", "service-unavailable", jid=server.room())
    running.leave()


def test_results_carry_the_refs_of_their_commands(bridge, peer):
    """Many questions at once: each is answered, with its own ref."""
    running = bridge.command()
    lines = [{"do": "ping", "ref": str(number)} for number in range(100)]
    lines += [{"do": "roster_set", "ref": f"r{number}", "jid": f"c{number}@localhost"} for number in range(100)]
    running.write("".join(json.dumps(line) + "\n" for line in lines))
    running.tell("status")
    for line in lines:
        assert running.event("result", ref=line["ref"])["ok"]
    assert running.tell("roster_get")["count"] == 100
    running.leave()
