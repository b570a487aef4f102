"""Rooms as ends of a pipe: the filter, rules of the file, and a room that goes and comes back."""

import subprocess
import time

import pytest

from harness import sample_log
from harness.bridge import Bridge, chosen
from harness.processes import stop
from harness.rooms import Crowd, Room


@pytest.fixture
def room(owner, server):
    """A room that is there, with its owner inside."""
    return Room.create(owner, server.room(), "boss")


def refused(bridge: Bridge, room: Room | str, *arguments: str, mentions: str, **environment):
    """A line for the room: status 75, and one line on stderr that names the room and says why."""
    jid = room if isinstance(room, str) else room.jid
    run = bridge.run("--to", f"room:{jid}", *arguments, input="an alert\n", **environment).ended_with(75)
    assert run.out == ""
    assert jid in run.complaint and mentions in run.complaint, run.complaint
    if isinstance(room, Room):
        assert room.bodies == []
    return run


def test_lines_into_a_room(bridge, room):
    lines = sample_log.lines(300, seed=5)
    run = bridge.run("--to", f"room:{room.jid}", input="".join(line + "\n" for line in lines), seconds=60).ended_with(0)
    assert run.out == "" and run.complaints == []
    room.wait_for_said(*lines)
    assert room.bodies == lines
    room.wait_without(room.said[0].nick)


def test_tail_f_into_a_room(bridge, room, tmp_path):
    log = tmp_path / "app.log"
    log.write_text("first\n")
    tail = subprocess.Popen(["tail", "-n", "+1", "-F", str(log)], stdout=subprocess.PIPE)
    try:
        running = bridge.start("--to", f"room:{room.jid}", stdin=tail.stdout)
        tail.stdout.close()
        room.wait_for_said("first")
        with log.open("a") as more:
            more.write("second\n")
        room.wait_for_said("second")
        running.signal()
        running.end(20).ended_with(0)
        assert room.bodies == ["first", "second"]
    finally:
        stop(tail)


def test_a_room_and_a_person(bridge, room, peer):
    bridge.run("--to", f"room:{room.jid}", "--to", peer.jid, input="to both\n").ended_with(0)
    room.wait_for_said("to both")
    peer.wait_for_messages(1, 10)
    assert peer.bodies == ["to both"]


def test_a_room_that_needs_a_password(bridge, owner, server):
    room = Room.create(owner, server.room(), "boss", password="open sesame")
    refused(bridge, room, mentions="password")
    file = bridge.configuration(
        f"rooms: [{{jid: {room.jid}, nick: bridge, password: {{env: ROOM_PASSWORD}}}}]\n"
        f"bridges:\n  - {{name: alerts, from: stdin, to: 'room:{room.jid}'}}\n"
    )
    run = bridge.run("--config", str(file), input="an alert\n", ROOM_PASSWORD="open sesame").ended_with(0)
    assert run.complaints == []
    room.wait_for_said("an alert")
    assert [one.nick for one in room.said] == ["bridge"]
    run = bridge.run("--config", str(file), input="an alert\n", ROOM_PASSWORD="wrong word").ended_with(75)
    assert "password" in run.complaint and "wrong word" not in run.err and "sesame" not in run.err


def test_a_room_that_bans_us(bridge, room):
    room.affiliate(bridge.account.jid, "outcast")
    refused(bridge, room, mentions="ban")


def test_a_room_for_members_only(bridge, owner, server):
    room = Room.create(owner, server.room(), "boss", members_only=True)
    refused(bridge, room, mentions="member")
    room.affiliate(bridge.account.jid, "member")
    bridge.run("--to", f"room:{room.jid}", input="by a member\n").ended_with(0)
    room.wait_for_said("by a member")


def test_a_room_that_is_not_there(bridge, server, peer):
    jid = server.room()
    refused(bridge, jid, mentions="create")
    guest = Room(peer, jid, "guest")
    guest.join()
    assert guest.occupants["guest"].affiliation == "owner", "nobody has made it before"


def test_a_room_is_made_where_the_file_says_so(bridge, server, peer):
    jid = server.room()
    running = bridge.configured(
        f"rooms: [{{jid: {jid}, nick: bridge, create: true}}]\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
        f"  - {{name: alerts, from: stdin, to: 'room:{jid}'}}\n"
    )
    running.event("room", 20, room=jid, action="created")
    guest = Room(peer, jid, "guest")
    guest.join()
    running.write("an alert\n")
    guest.wait_for_said("an alert")
    running.leave()


def test_a_room_where_we_have_no_voice(bridge, owner, server):
    """It lets us in, and refuses what we say: the error is the proof that the reflection would have been."""
    room = Room.create(owner, server.room(), "boss", moderated=True)
    refused(bridge, room, mentions="forbidden")


def test_a_nick_that_is_taken_is_no_obstacle(bridge, room, server):
    file = bridge.configuration(
        f"rooms: [{{jid: {room.jid}, nick: boss}}]\nbridges:\n  - {{name: a, from: stdin, to: 'room:{room.jid}'}}\n"
    )
    bridge.run("--config", str(file), input="an alert\n").ended_with(0)
    room.wait_for_said("an alert")
    assert room.said[0].nick != "boss"


def test_one_of_two_rooms_is_closed(bridge, room, owner, server):
    closed = Room.create(owner, server.room(), "boss", members_only=True)
    run = bridge.run("--to", f"room:{room.jid}", "--to", f"room:{closed.jid}", input="an alert\n").ended_with(75)
    assert closed.jid in run.err and room.jid not in run.err
    room.wait_for_said("an alert")


def test_a_room_of_no_service(bridge):
    """It may be there later: tried for as long as the filter tries to come online."""
    run = bridge.run(
        "--retry", "3s", "--to", "room:ops@no-such-service.localhost", input="an alert\n", seconds=60
    ).ended_with(75)
    told = [line for line in run.complaints if "not accepted by the server, and kept in" not in line]
    assert all("no-such-service.localhost" in line for line in told) and told, run.err


@pytest.mark.parametrize("name", ["room:conference.localhost", "room:", "room:ops@conference.localhost/nick"])
def test_what_is_no_room(lone_bridge, name):
    run = lone_bridge.run("--to", name, input="an alert\n").ended_with(64)
    assert run.seconds < 5 and "room" in run.complaint


def test_a_rooms_rate_limit_is_obeyed(bridge, owner, server):
    room = Room.create(owner, server.room(host=server.slow_rooms), "boss")
    lines = [f"line {number}" for number in range(4)]
    bridge.run("--to", f"room:{room.jid}", input="".join(line + "\n" for line in lines), seconds=90).ended_with(0)
    room.wait_for_said(*lines)
    assert room.bodies == lines


def test_what_is_said_in_a_room_is_printed(bridge, room, peer):
    running = bridge.start("--from", f"room:{room.jid}", "--output", "text", "--count", "2", stdin=subprocess.DEVNULL)
    nick = bridge.account.user
    room.wait_for(nick)
    peer.send(bridge.account.jid, "not from the room")
    room.say("one")
    room.say("two\nlines")
    assert running.end().ended_with(0).out == "one\ntwo\\nlines\n"
    room.wait_without(nick)


def test_a_rooms_messages_as_events(bridge, room):
    running = bridge.start("--from", f"room:{room.jid}", stdin=subprocess.DEVNULL)
    room.wait_for(bridge.account.user)
    room.say("hello")
    event = running.event("message", body="hello")
    assert event["room"] == room.jid and event["nick"] == "boss"


def test_rules_both_ways(bridge, room):
    """A room to stdout, stdin to the room; what we say ourselves is not read as if others had said it."""
    running = bridge.configured(
        f"rooms: [{{jid: {room.jid}, nick: relay}}]\n"
        "bridges:\n"
        f"  - {{name: out, from: 'room:{room.jid}', to: stdout, body: '<{{nick}}> {{body}}'}}\n"
        f"  - {{name: in, from: stdin, to: 'room:{room.jid}', body: 'log: {{line}}'}}\n"
    )
    room.wait_for("relay")
    running.write("disk full\n")
    room.wait_for_said("log: disk full")
    room.say("on it")
    room.say("fixed")
    assert running.line() == "<boss> on it\n"
    run = running.leave()
    assert run.out in ("<boss> on it\n<boss> fixed\n", "<boss> on it\n")
    assert [(one.nick, one.body) for one in room.said] == [
        ("relay", "log: disk full"), ("boss", "on it"), ("boss", "fixed"),
    ]  # fmt: skip


def test_from_room_to_room(bridge, room, owner, server):
    other = Room.create(owner, server.room(), "boss")
    file = bridge.configuration(
        f"bridges:\n  - {{name: relay, from: 'room:{room.jid}', to: 'room:{other.jid}', body: '{{nick}}: {{body}}'}}\n"
        "  - {name: events, from: events, to: stdout}\n"
    )
    running = bridge.start("run", "--config", str(file), stdin=subprocess.DEVNULL)
    for one in (room, other):
        running.event("room", 20, room=one.jid, action="joined")
    room.say("hello over there")
    other.wait_for_said("boss: hello over there")
    other.say("not back")
    running.event("message", body="not back")
    assert room.bodies == ["hello over there"]


def test_private_messages_are_not_what_is_said_in_the_room(bridge, room):
    running = bridge.start("--from", f"room:{room.jid}", "--output", "text", stdin=subprocess.DEVNULL)
    room.wait_for(bridge.account.user)
    room.whisper(bridge.account.user, "psst")
    room.say("aloud")
    running.wait_for(lambda: "aloud\n" in running.out)
    running.signal()
    assert running.end().ended_with(0).out == "aloud\n"


# What goes away and comes back


@pytest.fixture
def bridges(server, tmp_path):
    """Four of the program, each as an account of its own."""
    ours = []
    for number in range(4):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        ours.append(Bridge(server.account("member"), home, server.authority, server.address))
    yield ours
    for one in ours:
        one.remove()


def test_fifty_occupants_over_a_restart_of_the_server(bridges, owner, server):
    """All are back, and each message of before and after came once to each."""
    room = Room.create(owner, server.room(), "boss", persistent=True)
    runs = [one.command() for one in bridges]
    for number, running in enumerate(runs):
        running.tell("join", room=room.jid, nick=f"bridge-{number}")
        running.event("room", 20, room=room.jid, action="joined")
    with Crowd(server, server.accounts(45, "crowd"), room.jid) as crowd:
        room.wait_for(*crowd.nicks, *(f"bridge-{number}" for number in range(4)))
        assert len(room.occupants) == 50
        for number, running in enumerate(runs):
            running.tell("send", room=room.jid, body=f"before {number}")
        befores = [f"before {number}" for number in range(4)]
        for number, running in enumerate(runs):
            for body in _but(befores, number):
                running.event("message", body=body)
        marks = [running.now for running in runs]
        server.restart()
        owner.wait_until_online(2, 30)
        room.join()
        for running, mark in zip(runs, marks):
            back = running.event("room", 60, room=room.jid, action="rejoined", after=mark)
            assert back["nick"].startswith("bridge-")
        crowd.wait_until_back(2)
        room.wait_for(*crowd.nicks, *(f"bridge-{number}" for number in range(4)), seconds=60)
        for number, running in enumerate(runs):
            running.tell("send", room=room.jid, body=f"after {number}")
        room.say("by the boss")
        afters = [f"after {number}" for number in range(4)] + ["by the boss"]
        room.wait_for_said(*afters)
        for number, running in enumerate(runs):
            for body in _but(afters, number):
                running.event("message", 20, body=body)
            heard = [
                event["body"] for event in chosen(running.events, "message", room=room.jid)
                if event["nick"] != f"bridge-{number}"
            ]  # fmt: skip
            assert sorted(heard) == sorted(_but(befores + afters, number)), "each once"
        for one in crowd.rooms:
            one.wait_for_said(*afters)
            live = [said.body for said in one.said if not said.delayed]
            assert sorted(live) == sorted(befores + afters), "each once"
    for running in runs:
        running.leave()


def _but(bodies: list[str], number: int) -> list[str]:
    """What the others said."""
    return [body for body in bodies if not body.endswith(f" {number}")]


def test_lines_into_a_room_over_a_restart(bridge, owner, server):
    """Nothing is missing, nothing comes twice: what was not reflected is sent again only where it was not taken."""
    room = Room.create(owner, server.room(), "boss", persistent=True)
    room.stay()
    running = bridge.start("--to", f"room:{room.jid}")
    lines = [f"line {number}" for number in range(200)]
    running.write("".join(line + "\n" for line in lines[:100]))
    room.wait_for_said(*lines[:100])
    server.restart()
    owner.wait_until_online(2, 30)
    running.write("".join(line + "\n" for line in lines[100:]))
    running.leave(seconds=90)
    room.wait_for_said(*lines[100:])
    assert [one.body for one in room.said if not one.delayed] == lines


def test_a_room_that_a_restart_takes_away(bridge, owner, server):
    """One that was made by us is made again; the filter's lines are not lost."""
    jid = server.room()
    running = bridge.configured(
        f"rooms: [{{jid: {jid}, nick: bridge, create: true}}]\n"
        "bridges:\n  - {name: events, from: events, to: stdout}\n"
        f"  - {{name: alerts, from: stdin, to: 'room:{jid}'}}\n"
    )
    running.event("room", 20, room=jid, action="created")
    mark = running.now
    server.restart()
    running.event(
        "room", 60, room=jid, after=mark, where=lambda event: event["action"] in ("created", "rejoined")
    )
    owner.wait_until_online(2, 30)
    room = Room(owner, jid, "boss")
    room.join()
    running.write("an alert\n")
    room.wait_for_said("an alert")
    running.leave()


def test_a_room_that_forgets_us_is_healed(bridge, owner, server):
    """The server forgets the occupant without a word; the next line finds out, and is not lost."""
    if server.name != "prosody":
        pytest.skip("ejabberd cannot be made to forget")
    room = Room.create(owner, server.room(), "boss")
    running = bridge.command()
    running.tell("join", room=room.jid, nick="bridge")
    running.event("room", room=room.jid, action="joined")
    room.forget("bridge")
    ref = running.tell("send", room=room.jid, body="can you hear me?")["ref"]
    running.event("room", 30, room=room.jid, action="lost")
    running.event("room", 60, room=room.jid, action="rejoined")
    room.wait_for("bridge")
    told = running.event("delivery", 30, ref=ref, where=lambda event: event["stage"] in ("acknowledged", "failed"))
    room.say("we can")
    running.event("message", body="we can")
    if told["stage"] == "acknowledged":
        room.wait_for_said("can you hear me?")
    assert room.bodies.count("can you hear me?") == (told["stage"] == "acknowledged"), "what is said of it is true"


def test_a_killed_server_and_a_room(bridge, owner, server):
    room = Room.create(owner, server.room(), "boss", persistent=True)
    running = bridge.command()
    running.tell("join", room=room.jid, nick="bridge")
    running.event("room", room=room.jid, action="joined")
    mark = running.now
    began = time.monotonic()
    server.kill()
    server.start()
    running.event("room", 60, room=room.jid, action="rejoined", after=mark)
    assert time.monotonic() - began < 60
    owner.wait_until_online(2, 30)
    room.join()
    room.wait_for("bridge")
    running.tell("send", room=room.jid, body="back")
    room.wait_for_said("back")
    running.leave()
