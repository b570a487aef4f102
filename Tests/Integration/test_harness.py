"""The harness itself, without the program under test: what the other tests take for granted."""

import socket
import ssl
import struct

import pytest

from harness import sample_log
from harness.nameserver import NameServer, Service
from harness.peers import Peer, go_sendxmpp
from harness.processes import eventually
from harness.stalling import PHASES, StallingServer


def test_peers_exchange_messages_in_order(server, peer):
    lines = sample_log.lines(300)
    with Peer(server, server.account("sender")) as sender:
        sender.send_many(peer.jid, lines)
        peer.wait_for_messages(300, 20)
        assert peer.bodies == lines
        assert {message.bare for message in peer.messages} == {sender.jid}


def test_go_sendxmpp_reaches_a_peer(server, peer, account, tmp_path):
    go_sendxmpp(server, account, peer.jid, "from go", tmp_path)
    peer.wait_for_messages(1, 10)
    assert peer.bodies[0].rstrip("\n") == "from go"


def test_peers_see_presence_and_roster(server, peer):
    with Peer(server, server.account("friend")) as friend:
        friend.befriend(peer)
        friend.presence(show="away", status="lunch")
        peer.wait(lambda: any(p.show == "away" and p.status == "lunch" for p in peer.presences), 10, "away")
        peer.roster_set(friend.jid, "A friend", ["ops"])
    peer.wait(lambda: any(p.kind == "unavailable" and p.sender == friend.full_jid for p in peer.presences), 10, "gone")


def test_a_roster_is_filled(server):
    account = server.account("known")
    server.fill_roster(account, 10_000)
    with Peer(server, account, presence=False) as known:
        items = known.do(
            lambda client: {jid: (client.client_roster[jid]["name"], client.client_roster[jid]["groups"])
                            for jid in client.client_roster.keys() if jid.startswith("contact-")}
        )  # fmt: skip
    assert len(items) == 10_000 and items["contact-9999@localhost"] == ("Contact 9999", ["ops"])


def test_a_message_to_nobody_bounces(server, peer):
    peer.send("nobody@localhost", "hello?")
    peer.wait(lambda: peer.errors, 10, "a bounce")
    assert peer.errors[0].sender == "nobody@localhost"


@pytest.mark.parametrize("ended_by", ["stop", "kill"])
def test_a_restarted_server_keeps_its_accounts(server, peer, ended_by):
    getattr(server, ended_by)()
    server.start()
    peer.wait(lambda: len(peer.logins) == 2, 20, "coming back")
    peer.send(peer.jid, "to myself")
    peer.wait_for_messages(1, 10)


def test_an_archive_keeps_what_it_is_asked_to(server, peer):
    peer.send(peer.jid, "before")
    peer.wait_for_messages(1, 10)
    peer.keep_archive()
    peer.send(peer.jid, "after")
    peer.wait_for_messages(2, 10)
    assert "after" in peer.archive()
    assert "before" not in peer.archive()


def test_direct_tls_and_the_certificate(server, authority):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    with socket.create_connection(("127.0.0.1", server.tls_port), 5) as connection:
        with context.wrap_socket(connection, server_hostname="localhost") as secured:
            assert secured.getpeercert()["subjectAltName"][0] == ("DNS", "localhost")


def test_the_name_server_answers():
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x01a\x04test\0" + struct.pack("!HH", 33, 1)
    with NameServer(services={"a.test": [Service("b.test", 5222, priority=3, weight=4)]}) as names:
        host, port = names.address.split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(5)
            asker.sendto(query, (host, int(port)))
            answer = asker.recv(512)
    assert answer[:2] == query[:2] and answer[3] & 0xF == 0
    assert answer.endswith(struct.pack("!HHH", 3, 4, 5222) + b"\x01b\x04test\0")
    assert names.asked == [("a.test", 33)]


@pytest.mark.parametrize("phase", PHASES)
def test_the_stalling_server_gets_as_far_as_it_says(authority, phase):
    certificate = authority.server("stalling", ["localhost"])
    context = ssl.create_default_context(cafile=str(authority.certificate))
    says = {
        1: b"<stream:stream to='localhost' version='1.0'>",
        3: b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        5: b"<stream:stream to='localhost' version='1.0'>",
        7: b"<auth mechanism='PLAIN'>AGEAYg==</auth>",
        8: b"<stream:stream to='localhost' version='1.0'>",
        10: b"<iq type='set' id='b'><bind><resource>x</resource></bind></iq>",
    }
    with StallingServer(certificate, phase) as stalling:
        connection = socket.create_connection(("127.0.0.1", stalling.port), 5)
        for step in range(PHASES.index(phase) + 1):  # our half of the conversation, step by step
            connection.sendall(says.get(step, b""))
            if PHASES[step] == "proceed":
                eventually(lambda: b"<proceed" in connection.recv(4096), 5, "proceed")
            if PHASES[step] == "tls":
                connection = context.wrap_socket(connection, server_hostname="localhost")
        eventually(lambda: stalling.stalled == 1, 5, f"stalled at {phase}")
        connection.close()
