"""The roster and subscriptions: each an event when it changes and a command on the pipe."""

import os
import subprocess

import pytest

from harness.bridge import ROOT, binary, chosen
from harness.peers import Peer

SCRIPT = ROOT / "contrib/examples/contacts.sh"


@pytest.fixture
def two(server, tmp_path):
    """The environment of the example script, with two accounts."""
    alice, bob = server.account("alice"), server.account("bob")
    return {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
        "XMPP_BRIDGE": binary(), "XMPP_BRIDGE_SERVER": server.address,
        "XMPP_BRIDGE_CA_FILE": str(server.authority.certificate),
        "ALICE_JID": alice.jid, "ALICE_PASSWORD": alice.password, "BOB_JID": bob.jid, "BOB_PASSWORD": bob.password,
    }  # fmt: skip


def run_script(environment) -> list[str]:
    """Its lines, after it has ended well."""
    done = subprocess.run(["bash", SCRIPT], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}"
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok: ") for line in lines), lines
    return lines


def test_the_example_script_passes_twice_on_the_same_accounts(two):
    assert run_script(two) == run_script(two)


def test_the_example_script_tolerates_what_others_left(two, server):
    alice, bob = (
        Peer(server, type(server.account())(two[f"{name}_JID"], two[f"{name}_PASSWORD"])) for name in ("ALICE", "BOB")
    )
    with alice, bob:
        alice.befriend(bob)
        alice.roster_set(bob.jid, "Old name", ["old group"])
        alice.block(bob.jid)
    with Peer(server, bob.account) as bob:  # a request that waits
        bob.roster_remove(alice.jid)
        bob.presence(to=alice.jid, kind="subscribe")
        bob.synchronise()
    run_script(two)


def test_the_roster_is_listed(bridge, desk):
    for number in range(3):
        desk.roster_set(f"contact-{number}@example.org", f"Contact {number}", ["ops", f"group {number}"])
    running = bridge.command()
    result = running.tell("roster_get")
    items = chosen(running.events, "roster", ref=result["ref"])
    assert result["count"] == 3 and len(items) == 3
    assert {item["jid"]: item["name"] for item in items} == {
        f"contact-{number}@example.org": f"Contact {number}" for number in range(3)
    }
    assert all("ops" in item["groups"] and item["subscription"] == "none" for item in items)
    assert running.events.index(result) > max(running.events.index(item) for item in items), "the result comes last"
    assert len(chosen(running.events, "roster", initial=True)) == 3
    running.leave()


def test_an_empty_roster_is_listed(bridge):
    running = bridge.command()
    assert running.tell("roster_get")["count"] == 0
    assert chosen(running.events, "roster") == []


def test_a_contact_is_added_changed_and_removed(bridge, desk):
    """What a command leaves out stays as it is; the other client of the account sees each step."""
    jid = "contact@example.org"
    running = bridge.command()

    def seen() -> tuple[str, list[str]] | None:
        item = desk.find("{jabber:iq:roster}query")[-1].find("{jabber:iq:roster}query/{jabber:iq:roster}item")
        if item.get("subscription") == "remove":
            return None
        return item.get("name", ""), sorted(group.text for group in item.iterfind("{jabber:iq:roster}group"))

    def becomes(name: str, groups: list[str], **keys):
        mark = running.now
        running.tell("roster_set", jid=jid, **keys)
        event = running.event("roster", jid=jid, action="set", after=mark)
        assert (event.get("name", ""), sorted(event.get("groups", []))) == (name, groups)
        desk.wait(lambda: desk.find("{jabber:iq:roster}query") and seen() == (name, groups), 10, "the push")

    becomes("", [])
    becomes("One", [], name="One")
    becomes("One", ["a b", "ops"], groups=["ops", "a b"])
    becomes("Two & <three>", ["a b", "ops"], name="Two & <three>")
    becomes("Two & <three>", ["night"], groups=["night"])
    becomes("Two & <three>", [], groups=[])
    becomes("", [], name="")
    mark = running.now
    running.tell("roster_remove", jid=jid)
    running.event("roster", jid=jid, action="remove", after=mark)
    desk.wait(lambda: seen() is None, 10, "the push")
    assert running.tell("roster_get")["count"] == 0
    running.leave()


def test_the_servers_refusal_of_a_roster_change(bridge, server):
    if server.name == "ejabberd":
        pytest.skip("ejabberd refuses none of these")
    running = bridge.command()
    running.refused("roster_remove", "item-not-found", jid="nobody@localhost")
    running.refused("roster_set", "not-allowed", jid=bridge.account.jid, name="me")


def test_a_forged_roster_push_is_ignored_and_told(bridge, peer):
    """RFC 6121 2.1.6: only our own account, or no address at all, may push."""
    running = bridge.command()
    own = running.online()["jid"]
    peer.raw(
        f"<iq type='set' id='push' to='{own}'><query xmlns='jabber:iq:roster'>"
        f"<item jid='{peer.jid}' name='Your bank' subscription='both'/></query></iq>"
    )
    forged = running.event("error", code="forged")
    assert forged["from"] == peer.full_jid and forged["what"] == "roster push" and forged["count"] >= 1
    assert running.tell("roster_get")["count"] == 0
    assert chosen(running.events, "roster") == []


def test_a_request_waits_for_an_answer_and_repeats_are_one(bridge, peer):
    running = bridge.command()
    for _ in range(3):
        peer.presence(to=bridge.account.jid, kind="subscribe", status="it is me")
    running.event("subscription", jid=peer.jid, action="request", status="it is me")
    peer.synchronise()
    running.tell("ping")
    assert len(chosen(running.events, "subscription")) == 1
    assert not any(seen.kind == "subscribed" for seen in peer.presences), "nobody is accepted by default"
    running.tell("approve", jid=peer.jid)
    peer.wait(lambda: any(seen.kind == "subscribed" for seen in peer.presences), 10, "the approval")
    own = running.online()["jid"]
    peer.wait(lambda: any(seen.sender == own and seen.kind == "available" for seen in peer.presences), 10, "presence")
    running.event("roster", jid=peer.jid, subscription="from")
    running.leave()


def test_a_request_is_denied_and_may_come_again(bridge, peer):
    running = bridge.command()
    for _ in range(2):
        mark, before = running.now, len(peer.presences)
        peer.presence(to=bridge.account.jid, kind="subscribe")
        running.event("subscription", jid=peer.jid, action="request", after=mark)
        running.tell("deny", jid=peer.jid)
        peer.wait(lambda: any(seen.kind == "unsubscribed" for seen in peer.presences[before:]), 10, "the denial")


def test_a_request_that_waited_on_the_server(bridge, peer):
    peer.presence(to=bridge.account.jid, kind="subscribe")
    peer.synchronise()
    running = bridge.command()
    running.event("subscription", jid=peer.jid, action="request")
    running.tell("approve", jid=peer.jid)
    peer.wait(lambda: any(seen.kind == "subscribed" for seen in peer.presences), 10, "the approval")
    running.leave()
    again = bridge.command()
    again.tell("ping")
    assert chosen(again.events, "subscription") == []


def test_we_ask_and_are_let_in(bridge, peer):
    running = bridge.command()
    running.tell("subscribe", jid=peer.jid, status="your alerts")
    peer.wait(
        lambda: any((seen.kind, seen.status) == ("subscribe", "your alerts") for seen in peer.presences), 10, "it"
    )
    running.event("roster", jid=peer.jid, ask=True)
    peer.presence(to=bridge.account.jid, kind="subscribed")
    running.event("subscription", jid=peer.jid, action="approved")
    running.event("roster", jid=peer.jid, subscription="to")
    running.event("presence", jid=peer.jid, available=True)
    mark = running.now
    peer.presence(to=bridge.account.jid, kind="unsubscribed")
    running.event("subscription", jid=peer.jid, action="denied", after=mark)
    running.event("roster", jid=peer.jid, subscription="none", after=mark)


def test_we_ask_and_are_not_let_in(bridge, peer):
    running = bridge.command()
    running.tell("subscribe", jid=peer.jid)
    peer.wait(lambda: any(seen.kind == "subscribe" for seen in peer.presences), 10, "the request")
    peer.presence(to=bridge.account.jid, kind="unsubscribed")
    running.event("subscription", jid=peer.jid, action="denied")


def test_we_look_no_longer(bridge, friend):
    running = bridge.command()
    running.event("presence", jid=friend.jid, available=True)
    running.tell("unsubscribe", jid=friend.jid)
    friend.wait(lambda: any(seen.kind == "unsubscribe" for seen in friend.presences), 10, "it")
    running.event("roster", jid=friend.jid, subscription="from")
    running.event("presence", jid=friend.jid, available=False)


def test_we_are_shown_no_longer(bridge, friend):
    running = bridge.command()
    own = running.online()["jid"]
    friend.wait(lambda: any(seen.sender == own for seen in friend.presences), 10, "our presence")
    running.tell("revoke", jid=friend.jid)
    friend.wait(lambda: any(seen.kind == "unsubscribed" for seen in friend.presences), 10, "it")
    friend.wait(
        lambda: any(seen.sender == own and seen.kind == "unavailable" for seen in friend.presences), 10, "our going"
    )
    running.event("roster", jid=friend.jid, subscription="to")


def test_an_approval_in_advance(bridge, peer, server):
    """RFC 6121 3.4: the request is not even seen."""
    if server.name == "ejabberd":
        pytest.skip("ejabberd 23.01 does not offer it")
    running = bridge.command()
    running.tell("approve", jid=peer.jid)
    running.event("roster", jid=peer.jid, approved=True)
    peer.presence(to=bridge.account.jid, kind="subscribe")
    peer.wait(lambda: any(seen.kind == "subscribed" for seen in peer.presences), 10, "the approval")
    running.event("roster", jid=peer.jid, subscription="from")
    assert chosen(running.events, "subscription", action="request") == []


def test_requests_are_accepted_by_policy(bridge, server):
    """contacts.accept takes globs of JIDs; who is not among them waits."""
    ops, exact, other = (Peer(server, server.account(name)) for name in ("ops", "exact", "stranger"))
    with ops, exact, other:
        running = bridge.configured(
            f"contacts: {{accept: ['ops-*@localhost', {exact.jid}]}}\nbridges:\n"
            "  - {name: events, from: events, to: stdout}\n"
            "  - {name: commands, from: stdin, to: commands}\n"
        )
        running.online()
        for one in (other, ops, exact):
            one.presence(to=bridge.account.jid, kind="subscribe")
        for one in (ops, exact):
            one.wait(lambda: any(seen.kind == "subscribed" for seen in one.presences), 10, f"{one.jid} accepted")
        running.event("subscription", jid=other.jid, action="request")
        running.tell("ping")
        assert not any(seen.kind == "subscribed" for seen in other.presences)
        running.tell("deny", jid=other.jid)
        other.wait(lambda: any(seen.kind == "unsubscribed" for seen in other.presences), 10, "the denial")


@pytest.mark.parametrize("pattern", ["*@localhost", "*"])
def test_wide_policies(bridge, peer, pattern):
    running = bridge.configured(
        f"contacts: {{accept: ['{pattern}']}}\nbridges:\n  - {{name: events, from: events, to: stdout}}\n"
    )
    running.online()
    peer.presence(to=bridge.account.jid, kind="subscribe")
    peer.wait(lambda: any(seen.kind == "subscribed" for seen in peer.presences), 10, "the approval")


def test_a_policy_for_others_accepts_nobody_here(bridge, peer):
    running = bridge.configured(
        "contacts: {accept: ['*@example.org', 'peer@localhost']}\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
    )
    running.online()
    peer.presence(to=bridge.account.jid, kind="subscribe")
    running.event("subscription", jid=peer.jid, action="request")
    assert not any(seen.kind == "subscribed" for seen in peer.presences)


def test_ten_thousand_contacts(bridge, server):
    """An ordinary roster: it comes whole, again from the cache, and costs little memory."""
    server.fill_roster(bridge.account, 10_000)
    for _ in range(2):  # the second login has the roster's version (RFC 6121 2.6)
        running = bridge.command()
        result = running.tell("roster_get", seconds=60)
        assert result["count"] == 10_000
        assert len(chosen(running.events, "roster", initial=True)) == 10_000
        listed = chosen(running.events, "roster", ref=result["ref"])
        assert len({item["jid"] for item in listed}) == 10_000
        assert {item["name"] for item in listed} >= {"Contact 0", "Contact 9999"}
        status = dict(line.split(":", 1) for line in open(f"/proc/{running.process.pid}/status"))
        assert int(status["VmHWM"].split()[0]) < 120_000, status["VmHWM"]
        running.leave()


def test_a_change_made_while_we_were_away(bridge, desk):
    desk.roster_set("old@example.org", "Old", [])
    desk.roster_set("gone@example.org", "Gone", [])
    bridge.command().leave()
    desk.roster_set("new@example.org", "New", [])
    desk.roster_set("old@example.org", "Renamed", ["ops"])
    desk.roster_remove("gone@example.org")
    running = bridge.command()
    running.tell("roster_get")
    initial = {event["jid"]: event.get("name") for event in chosen(running.events, "roster", initial=True)}
    assert initial == {"new@example.org": "New", "old@example.org": "Renamed"}
