"""PRODUCER | xmpp-bridge --to JID: every line arrives once, in order, unchanged, and the status is true."""

import pytest

from harness import sample_log
from harness.peers import Peer


def test_ten_thousand_lines_of_a_log(bridge, peer, tmp_path):
    lines = sample_log.lines(10_000)
    log = tmp_path / "app.log"
    log.write_text("".join(line + "\n" for line in lines))
    run = bridge.shell(f"cat {log} | xmpp-bridge --to {peer.jid}", seconds=90).ended_with(0)
    assert run.out == "", "a filter that only sends is silent on stdout"
    peer.wait_for_messages(10_000, 60)
    assert peer.bodies == lines
    assert {message.bare for message in peer.messages} == {bridge.account.jid}
    assert {message.kind for message in peer.messages} == {"chat"}
    ids = [message.id for message in peer.messages]
    assert len(set(ids)) == 10_000 and "" not in ids


def test_every_recipient_gets_every_line(bridge, peer, server):
    lines = sample_log.lines(200, seed=2)
    with Peer(server, server.account("second")) as second:
        text = "".join(line + "\n" for line in lines)
        bridge.run("--to", peer.jid, "--to", second.jid, input=text).ended_with(0)
        for receiver in (peer, second):
            receiver.wait_for_messages(200, 10)
            assert receiver.bodies == lines


def test_a_last_line_without_its_end_is_a_line(bridge, peer):
    bridge.run("--to", peer.jid, input="one\ntwo").ended_with(0)
    peer.wait_for_messages(2, 10)
    assert peer.bodies == ["one", "two"]


@pytest.mark.parametrize("kind", ["chat", "normal", "headline"])
def test_the_type_is_as_asked(bridge, peer, kind):
    bridge.run("--to", peer.jid, "--type", kind, input="typed\n").ended_with(0)
    peer.wait_for_messages(1, 10)
    assert peer.messages[0].kind == kind


def test_bad_bytes_are_shown_and_reported(bridge, peer):
    run = bridge.run("--to", peer.jid, input=b"nul \0 bell \a\nnot utf-8: \xff\xfe!\n\n\nlast\n").ended_with(0)
    peer.wait_for_messages(3, 10)
    assert peer.bodies == ["nul \u2400 bell \u2407", "not utf-8: \ufffd\ufffd!", "last"]
    assert run.complaints, "what was replaced is reported on stderr"


def test_an_overlong_line_is_split_into_numbered_parts(bridge, peer):
    line = "äöü🦊" * 20_000  # 200,000 bytes; the limit is 64 KiB
    bridge.run("--to", peer.jid, input=f"{line}\nafter\n").ended_with(0)
    peer.wait(lambda: "after" in peer.bodies, 20, "the line after it")
    parts = peer.bodies[:-1]
    assert len(parts) >= 4 and all(len(part.encode()) <= 65_536 for part in parts)
    for number, part in enumerate(parts, 1):
        assert part.startswith(f"(part {number}) "), part[:40]
    assert "".join(part.split(") ", 1)[1] for part in parts) == line, "split between characters, and nothing lost"


def test_a_filter_that_only_sends_draws_no_messages(bridge, peer, desk):
    with_input = bridge.start("--to", peer.jid)
    with_input.write("here\n")
    peer.wait_for_messages(1, 10)
    assert all(seen.sender == desk.full_jid for seen in desk.presences if seen.bare == desk.jid)
    peer.send(bridge.account.jid, "for the desk")
    desk.wait_for_messages(1, 10)
    with_input.end_input()
    with_input.end().ended_with(0)


def test_a_message_to_nobody_is_reported(bridge, peer):
    run = bridge.run("--to", "nobody@localhost", input="hello?\n").ended_with(75)
    assert "nobody@localhost" in run.err and "service-unavailable" in run.err, run
    assert bridge.account.password not in run.err


def test_one_of_two_recipients_is_nobody(bridge, peer):
    run = bridge.run("--to", "nobody@localhost", "--to", peer.jid, input="hello?\n").ended_with(75)
    assert "nobody@localhost" in run.err and peer.jid not in run.err, run
    peer.wait_for_messages(1, 10)


def test_a_password_in_a_file(bridge, peer, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(bridge.account.password + "\n")
    secret.chmod(0o600)
    bridge.environment |= {"XMPP_BRIDGE_PASSWORD": None, "XMPP_BRIDGE_PASSWORD_FILE": str(secret)}
    bridge.run("--to", peer.jid, input="hi\n").ended_with(0)
    peer.wait_for_messages(1, 10)
