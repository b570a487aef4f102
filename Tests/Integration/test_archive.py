"""Archives (XEP-0313): what was missed while the stream was lost for good comes out of them, and what had arrived does not
go again."""

import signal

import pytest

from harness import sample_log
from harness.bridge import chosen
from harness.rooms import Room
from test_restart import Producer

#: More than two pages.
MISSED = [f"missed {number}" for number in range(1, 131)]


class Away:
    """The program is stopped while the server restarts, so that its stream cannot be resumed."""

    def __init__(self, running, server, *peers):
        self._running, self._server, self._peers = running, server, peers

    def __enter__(self):
        self._running.signal(signal.SIGSTOP)
        logins = [len(peer.logins) for peer in self._peers]
        self._server.restart()
        for peer, count in zip(self._peers, logins):
            peer.wait_until_online(count + 1, 60)

    def __exit__(self, *_):
        self._running.signal(signal.SIGCONT)


@pytest.fixture
def archived(desk):
    """The account under test has an archive; another client of it is online, so that nothing waits offline."""
    desk.keep_archive()
    return desk


def bodies(running, after: int = 0) -> list[tuple[str, bool]]:
    """The messages that were told, and whether they were replayed."""
    return [
        (event["body"], event.get("replayed", False))
        for event in chosen(running.events[after:], "message") if "body" in event
    ]  # fmt: skip


def test_an_account_catches_up(bridge, archived, peer, account, server):
    running = bridge.command()
    peer.send(account.jid, "before")
    running.event("message", body="before")
    with Away(running, server, archived, peer):
        peer.send_many(account.jid, MISSED)
        archived.wait(lambda: set(MISSED) <= set(archived.bodies), 30, "the messages at the desk")
        mark = running.now
    running.event("session", 40, after=mark, state="online", resumed=False)
    running.event("message", 30, after=mark, body=MISSED[-1])
    peer.send(account.jid, "after")
    running.event("message", 20, after=mark, body="after")
    assert bodies(running, mark) == [(body, True) for body in MISSED] + [("after", False)]
    assert not chosen(running.events, "gap")
    running.leave()


def test_what_waits_offline_comes_once(bridge, desk, peer, account, server):
    """Without another client the server keeps the same messages for us as well."""
    desk.keep_archive()
    desk.close()
    running = bridge.command()
    with Away(running, server, peer):
        peer.send_many(account.jid, MISSED)
        peer.synchronise()
        mark = running.now
    running.event("message", 60, after=mark, body=MISSED[-1])
    peer.send(account.jid, "after")
    running.event("message", 20, after=mark, body="after")
    assert [body for body, _ in bodies(running, mark)] == [*MISSED, "after"]
    assert not chosen(running.events, "gap")
    running.leave()


def test_our_own_and_that_of_others(bridge, archived, peer, account, server):
    """What we sent ourselves is in the archive too, and no event; what another client of ours sent is a copy."""
    running = bridge.command()
    running.tell("send", to=peer.jid, body="ours")
    peer.wait(lambda: "ours" in peer.bodies, 20, "our message")
    with Away(running, server, archived, peer):
        archived.send(peer.jid, "of the desk")
        peer.wait(lambda: "of the desk" in peer.bodies, 20, "the message of the desk")
        mark = running.now
    copy = running.event("message", 40, after=mark, body="of the desk")
    assert copy["carbon"] == "sent" and copy["replayed"] is True
    peer.send(account.jid, "after")
    running.event("message", 20, after=mark, body="after")
    assert [body for body, _ in bodies(running, mark)] == ["of the desk", "after"]
    running.leave()


def test_without_an_archive_there_is_a_gap(bridge, peer, account, server):
    """The account keeps none: what comes is told, and that something may be missing."""
    running = bridge.command()
    peer.send(account.jid, "before")
    running.event("message", body="before")
    with Away(running, server, peer):
        mark = running.now
    gap = running.event("gap", 60, after=mark, reason="not-resumed")
    assert "the archive does not keep what we get" in gap["text"]
    running.leave()


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "history"])
def test_a_room_catches_up(bridge, owner, server, archive):
    """Out of the room's archive all of it, out of its history what that holds; never anything twice."""
    room = Room.create(owner, server.room(), "boss", persistent=True, archive=archive)
    running = bridge.command()
    running.tell("join", room=room.jid, nick="bridge")
    running.event("room", room=room.jid, action="joined")
    room.say("before")
    running.event("message", 20, body="before", room=room.jid)
    missed = MISSED if archive else MISSED[:10]
    with Away(running, server, owner):
        room.join()
        for body in missed:
            room.say(body)
        mark = running.now
    running.event("room", 60, after=mark, room=room.jid, action="rejoined")
    running.event("message", 30, after=mark, body=missed[-1])
    room.say("after")
    running.event("message", 20, after=mark, body="after")
    assert bodies(running, mark) == [(body, True) for body in missed] + [("after", False)]
    # ejabberd's history begins anew with it: it cannot be known whether more was said before.
    forgets = not archive and server.name == "ejabberd"
    assert len(chosen(running.events, "gap", jid=room.jid, reason="missed")) == (1 if forgets else 0)
    running.leave()


def test_what_has_arrived_does_not_go_again(bridge, desk, peer, server):
    """Lines through a restart: those that the archive has are not sent a second time."""
    desk.keep_archive()
    desk.close()
    lines = sample_log.lines(3_000, seed=6)
    running = bridge.start("--to", peer.jid)
    producer = Producer(running, lines)
    producer.start()
    peer.wait_for_messages(len(lines) // 3, 60)
    server.restart()
    running.end(90).ended_with(0)
    peer.wait(lambda: set(lines) <= set(peer.bodies), 60, lambda: f"{len(set(lines) - set(peer.bodies))} lines missing")
    twice = len(peer.bodies) - len(set(peer.bodies))
    print(f"{twice} of {len(lines)} lines came twice")
    assert list(dict.fromkeys(peer.bodies)) == lines
