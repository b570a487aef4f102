"""Relays for people: rooms to files and back, and bridges that meet each other."""

import subprocess
import threading
import time
from datetime import datetime

from harness.rooms import Room

#: An hour of a lively room is some thousand messages; here they come as fast as the room takes them.
CHATTER = 3_600


def start(bridge, bridges: str, room_count: int):
    file = bridge.configuration("bridges:\n" + bridges)
    running = bridge.start("run", "--config", str(file), "--log-level", "info", stdin=subprocess.DEVNULL)
    running.wait_for(lambda: running.err.count("in the room ") == room_count, 30)
    return running


def test_two_bridges_between_two_rooms(bridge, other_bridge, owner, server):
    """Each carries what is said in one room into the other: everything is said once in each."""
    a, b = (Room.create(owner, server.room(), "boss") for _ in range(2))
    forth = f"  - {{name: forth, from: 'room:{a.jid}', body: '{{nick}}: {{body}}', to: 'room:{b.jid}'}}\n"
    back = f"  - {{name: back, from: 'room:{b.jid}', body: '{{nick}}: {{body}}', to: 'room:{a.jid}'}}\n"
    one, two = start(bridge, forth + back, 2), start(other_bridge, forth + back, 2)
    for number in range(20):
        (a, b)[number % 2].say(f"word {number}")
    # Each of both rooms hears the owner, and the same from each of the two bridges.
    owner.wait(lambda: len(owner.messages) >= 60, 60, lambda: f"60 messages, {len(owner.messages)} came")
    a.say("the end")
    owner.wait(lambda: len(owner.messages) >= 63, 30, "the last ones")
    owner.synchronise()
    time.sleep(1)  # for what should not come
    said = [message.body for message in owner.messages]
    assert len(said) == 63, said[60:]
    assert all(body.count("boss: ") <= 1 for body in said), said
    for running in (one, two):
        running.signal()
        running.end().ended_with(0)


def test_two_bridges_that_write_to_each_other(bridge, other_bridge, peer, server):
    """Each sends what the other says to the other: a word goes once round, and no further."""
    mine = bridge.configuration(f"bridges:\n  - {{from: ['xmpp:{other_bridge.account.jid}', 'xmpp:{peer.jid}'], to: 'xmpp:{other_bridge.account.jid}'}}\n")
    theirs = other_bridge.configuration(
        f"bridges:\n  - {{from: 'xmpp:{bridge.account.jid}', to: ['xmpp:{bridge.account.jid}', 'xmpp:{peer.jid}']}}\n"
    )
    runs = [
        one.start("run", "--config", str(file), "--log-level", "info", stdin=subprocess.DEVNULL)
        for one, file in ((bridge, mine), (other_bridge, theirs))
    ]
    for running in runs:
        running.complaint_about("online as", 20)
    # ejabberd delivers to who is there, and the first presence may still be on its way.
    peer.wait(lambda: peer.send(bridge.account.jid, "hello") or "hello" in peer.bodies, 30, "the word")
    time.sleep(1)
    count = len(peer.messages)
    peer.send(bridge.account.jid, "again")
    peer.wait(lambda: "again" in peer.bodies, 20, "the word")
    time.sleep(1)  # for what should not come
    assert peer.bodies.count("again") == 1 and len(peer.messages) == count + 1
    for running in runs:
        running.signal()
        running.end().ended_with(0)


def test_an_hour_of_chatter(bridge, owner, server, tmp_path):
    """A room into a file a day, and a FIFO back into the room: no echo, no loop, no loss, in order."""
    room = Room.create(owner, server.room(), "boss")
    fifo, log = tmp_path / "speak", tmp_path / "ops-%Y-%m-%d.log"
    running = start(
        bridge,
        f"  - {{name: log, from: 'room:{room.jid}', body: '<{{nick}}> {{body}}', to: 'file:{log}'}}\n"
        f"  - {{name: speak, from: 'fifo:{fifo}', to: 'room:{room.jid}'}}\n",
        1,
    )  # fmt: skip
    began = datetime.now()
    spoken = 200

    def speak():
        with open(fifo, "w") as pipe:
            for number in range(spoken):
                pipe.write(f"script {number}\n")
                pipe.flush()
                time.sleep(0.02)

    speaker = threading.Thread(target=speak)
    speaker.start()
    for first in range(0, CHATTER, 100):
        for number in range(first, first + 100):
            room.say(f"chat {number}", wait=False)
        owner.wait(lambda: f"chat {first + 99}" in owner.bodies[-400:], 60, "what was said")
    speaker.join()

    def logged() -> list[str]:
        days = {began.strftime(str(log)), datetime.now().strftime(str(log))}
        return [line for day in sorted(days) for line in open(day).read().splitlines()]

    running.wait_for(lambda: sum(line.startswith("<boss>") for line in logged()) >= CHATTER, 60)
    owner.wait(lambda: f"script {spoken - 1}" in owner.bodies, 60, "what the scripts said")
    # Our own words are no news to us: the file has what others said, each once.
    assert logged() == [f"<boss> chat {number}" for number in range(CHATTER)]
    scripts = [body for body in owner.bodies if body.startswith("script")]
    assert scripts == [f"script {number}" for number in range(spoken)]
    assert len(owner.bodies) == CHATTER + spoken
    running.signal()
    running.end().ended_with(0)
