"""Blocking (XEP-0191): by command, by standing policy, and as an event whoever did it."""

import pytest

from harness.bridge import chosen
from harness.peers import Peer


def _text(events) -> list[str]:
    return [event.get("body") for event in chosen(events, "message")]


def test_a_blocked_contact_is_not_heard_until_unblocked(bridge, friend, server):
    running = bridge.command()
    friend.send(bridge.account.jid, "before")
    running.event("message", body="before")
    running.tell("block", jid=friend.jid)
    running.event("block", jid=friend.jid, action="blocked")
    listed = running.tell("block_list")
    assert listed["jids"] == [friend.jid] and listed["count"] == 1
    [item] = chosen(running.events, "block", ref=listed["ref"])
    assert item["jid"] == friend.jid and item["action"] == "blocked"
    friend.send(bridge.account.jid, "unheard")
    friend.wait(lambda: friend.errors, 10, "the refusal")
    if server.name == "prosody":  # ejabberd does not tell a blocked contact that we are gone
        friend.wait(lambda: friend.presences[-1].kind == "unavailable", 10, "our going")
    running.tell("unblock", jid=friend.jid)
    running.event("block", jid=friend.jid, action="unblocked")
    friend.send(bridge.account.jid, "after")
    running.event("message", body="after")
    assert "unheard" not in _text(running.events)
    assert running.tell("block_list")["jids"] == []
    running.leave()


def test_a_message_to_somebody_blocked_is_refused(bridge, peer):
    running = bridge.command()
    running.tell("block", jid=peer.jid)
    running.write(f'{{"do": "send", "ref": "m", "to": "{peer.jid}", "body": "you cannot answer"}}\n')
    failed = running.event("delivery", ref="m", stage="failed")
    assert failed["condition"] == "not-acceptable"
    assert peer.bodies == []
    running.leave(75)


def test_several_and_all_at_once(bridge):
    jids = ["one@localhost", "example.org", "two@example.org/phone", "rooms.example.org/x"]
    running = bridge.command()
    running.tell("block", jid=jids)
    assert sorted(running.tell("block_list")["jids"]) == sorted(jids)
    for jid in jids:
        running.event("block", jid=jid, action="blocked")
    running.tell("unblock", jid=jids[:2])
    assert sorted(running.tell("block_list")["jids"]) == sorted(jids[2:])
    mark = running.now
    running.tell("unblock", all=True)
    running.event("block", action="unblocked", after=mark, where=lambda event: "jid" not in event)
    assert running.tell("block_list")["jids"] == []


def test_a_resource_is_blocked_and_the_others_are_not(bridge, peer, server):
    running = bridge.command()
    running.tell("block", jid=peer.full_jid)
    with Peer(server, peer.account, "tablet") as tablet:
        peer.send(bridge.account.jid, "from the phone")
        peer.wait(lambda: peer.errors, 10, "the refusal")
        tablet.send(bridge.account.jid, "from the tablet")
        running.event("message", body="from the tablet")
    assert _text(running.events) == ["from the tablet"]


def test_a_domain_is_blocked(bridge, peer, server):
    running = bridge.command()
    with Peer(server, server.account("pest", "bridge.test")) as pest:
        running.tell("block", jid="bridge.test")
        pest.send(bridge.account.jid, "from there")
        pest.wait(lambda: pest.errors, 10, "the refusal")
        peer.send(bridge.account.jid, "from here")
        running.event("message", body="from here")
    assert _text(running.events) == ["from here"]


def test_what_another_client_blocks_is_an_event(bridge, desk):
    running = bridge.command()
    desk.block("pest@localhost", "example.org")
    for jid in ("pest@localhost", "example.org"):
        event = running.event("block", jid=jid, action="blocked")
        assert "initial" not in event
    desk.unblock("pest@localhost")
    running.event("block", jid="pest@localhost", action="unblocked")
    desk.ask(lambda client: client["xep_0191"].unblock([]))
    running.event("block", action="unblocked", where=lambda event: "jid" not in event)


def test_what_we_block_another_client_sees(bridge, desk):
    desk.blocked()  # Prosody tells those who have asked
    running = bridge.command()
    running.tell("block", jid="pest@localhost")
    desk.stanza("{urn:xmpp:blocking}block")
    assert desk.blocked() == {"pest@localhost"}


def test_who_is_blocked_is_told_at_login(bridge, desk):
    desk.block("pest@localhost", "example.org")
    running = bridge.command()
    for jid in ("pest@localhost", "example.org"):
        running.event("block", jid=jid, action="blocked", initial=True)


def test_a_forged_block_push_is_ignored_and_told(bridge, peer):
    running = bridge.command()
    own = running.online()["jid"]
    peer.raw(
        f"<iq type='set' id='push' to='{own}'><block xmlns='urn:xmpp:blocking'><item jid='boss@localhost'/>"
        "</block></iq>"
    )
    forged = running.event("error", code="forged")
    assert forged["from"] == peer.full_jid and forged["what"] == "block push"
    assert chosen(running.events, "block") == []
    assert running.tell("block_list")["jids"] == []


def test_unblocking_somebody_who_is_not_blocked_changes_nothing(bridge):
    running = bridge.command()
    running.tell("block", jid="pest@localhost")
    running.tell("unblock", jid="nobody@localhost")
    assert running.tell("block_list")["jids"] == ["pest@localhost"]


@pytest.mark.parametrize("before", [[], ["kept@localhost"]], ids=["none blocked before", "one blocked before"])
def test_a_standing_list(bridge, desk, peer, before):
    """contacts.block is seen to at each login, and touches nothing else."""
    if before:
        desk.block(*before)
    running = bridge.configured(
        f"contacts: {{block: [{peer.jid}, spam.example]}}\nbridges:\n  - {{name: events, from: events, to: stdout}}\n"
    )
    running.present()
    for jid in (peer.jid, "spam.example"):
        running.event("block", jid=jid, action="blocked")
    peer.send(bridge.account.jid, "unheard")
    peer.wait(lambda: peer.errors, 10, "the refusal")
    assert desk.blocked() == {peer.jid, "spam.example", *before}
    running.signal()
    running.end().ended_with(0)
    assert _text(running.events) == []
