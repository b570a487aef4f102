"""Ways to the server and ways to prove who we are."""

from xml.etree import ElementTree

import pytest

from harness.bridge import Bridge
from harness.nameserver import NameServer, Service
from harness.peers import Peer
from harness.processes import free_ports


def delivers(bridge: Bridge, peer, *arguments: str, **environment):
    """One line gets through."""
    before = len(peer.bodies)
    run = bridge.run("--retry", "fail-fast", "--to", peer.jid, *arguments, input="through\n", **environment)
    run.ended_with(0)
    peer.wait_for_messages(before + 1, 10)
    return run


def test_direct_tls(bridge, peer, server):
    delivers(bridge, peer, XMPP_BRIDGE_SERVER=server.tls_address)


def test_an_address_instead_of_a_name(bridge, peer, server):
    """The certificate is verified for the domain of the account, wherever the connection leads."""
    delivers(bridge, peer, XMPP_BRIDGE_SERVER=f"127.0.0.1:{server.port}")


def test_flags_stand_over_the_environment(bridge, peer, server):
    account = server.account("other")
    delivers(
        bridge, peer, "--jid", account.jid, "--server", server.address, "--ca-file", str(server.authority.certificate),
        XMPP_BRIDGE_SERVER="localhost:1", XMPP_BRIDGE_PASSWORD=account.password, XMPP_BRIDGE_CA_FILE="/nonexistent",
    )  # fmt: skip
    assert peer.messages[-1].bare == account.jid


@pytest.fixture
def roamer(bridge, server):
    """The program as an account of a domain that only our name server knows."""
    account = server.account("roamer", "bridge.test")
    bridge.environment |= {
        "XMPP_BRIDGE_JID": account.jid, "XMPP_BRIDGE_PASSWORD": account.password, "XMPP_BRIDGE_SERVER": None,
    }  # fmt: skip
    return bridge


STARTTLS, DIRECT = "_xmpp-client._tcp.bridge.test", "_xmpps-client._tcp.bridge.test"


def test_srv_for_starttls(roamer, peer, server):
    with NameServer({STARTTLS: [Service("localhost", server.port)]}) as names:
        delivers(roamer, peer, XMPP_BRIDGE_NAMESERVER=names.address)
    assert {name for name, kind in names.asked if kind == 33} == {STARTTLS, DIRECT}, "both are asked (XEP-0368)"


def test_srv_for_direct_tls(roamer, peer, server):
    with NameServer({DIRECT: [Service("localhost", server.tls_port)]}) as names:
        delivers(roamer, peer, XMPP_BRIDGE_NAMESERVER=names.address)


def test_srv_of_both_are_merged_by_priority(roamer, peer, server):
    [closed] = free_ports(1)
    services = {
        STARTTLS: [Service("localhost", closed, priority=10), Service("localhost", closed, priority=40)],
        DIRECT: [Service("localhost", closed, priority=20), Service("localhost", server.tls_port, priority=30)],
    }
    with NameServer(services) as names:
        delivers(roamer, peer, XMPP_BRIDGE_NAMESERVER=names.address)


def test_srv_that_says_no(roamer):
    nothing = [Service(".", 0)]
    with NameServer({STARTTLS: nothing, DIRECT: nothing}, {"bridge.test": "127.0.0.1"}) as names:
        run = roamer.run(
            "--retry", "fail-fast", "--to", "a@localhost", input="x\n", XMPP_BRIDGE_NAMESERVER=names.address
        ).ended_with(69)
    assert "bridge.test" in run.complaint


def test_srv_is_used_for_the_sort_of_service_that_is_there(roamer, peer, server):
    services = {STARTTLS: [Service("localhost", server.port)], DIRECT: [Service(".", 0)]}
    with NameServer(services) as names:
        delivers(roamer, peer, XMPP_BRIDGE_NAMESERVER=names.address)


def test_a_pinned_certificate_needs_no_authority(bridge, peer, server):
    right = server.certificate.fingerprint
    delivers(bridge, peer, "--fingerprint", right, XMPP_BRIDGE_CA_FILE=None)
    delivers(bridge, peer, "--fingerprint", right.upper().replace("SHA256", "sha256"), XMPP_BRIDGE_CA_FILE=None)


def test_another_certificate_than_the_pinned_one(bridge, server):
    wrong = "sha256:" + "ab" * 32
    run = bridge.run(
        "--retry", "fail-fast", "--to", "a@localhost", "--fingerprint", wrong, input="x\n"
    ).ended_with(76)  # fmt: skip
    assert "fingerprint" in run.complaint and server.certificate.fingerprint.removeprefix("sha256:") in run.err


@pytest.mark.parametrize("fingerprint", ["sha256:abcd", "md5:" + "ab" * 16, "", "sha256:" + "zz" * 32])
def test_a_fingerprint_that_is_none(lone_bridge, fingerprint):
    lone_bridge.run("--to", "a@localhost", "--fingerprint", fingerprint, input="x\n").ended_with(64)


def test_a_client_certificate(bridge, peer, server, authority):
    """SASL EXTERNAL (RFC 6120 6.3.4, XEP-0178): no password at all."""
    jid = f"{bridge.account.user}@external.test"
    if server.name == "ejabberd":
        jid = server.account("external", "external.test").jid
    certificate = authority.client(f"client-{server.name}", jid)
    delivers(
        bridge, peer, "--client-cert", str(certificate.chain), "--client-key", str(certificate.key),
        XMPP_BRIDGE_JID=jid, XMPP_BRIDGE_PASSWORD=None, XMPP_BRIDGE_SERVER=server.external_address,
    )  # fmt: skip
    assert peer.messages[-1].bare == jid


def test_a_client_certificate_of_somebody_else(bridge, server, authority):
    certificate = authority.client(f"other-{server.name}", "somebody-else@elsewhere.test")
    bridge.run(
        "--retry", "fail-fast", "--to", "a@localhost", "--client-cert", str(certificate.chain), "--client-key",
        str(certificate.key), input="x\n", XMPP_BRIDGE_JID="user@external.test", XMPP_BRIDGE_PASSWORD=None,
        XMPP_BRIDGE_SERVER=server.external_address,
    ).ended_with(77)  # fmt: skip


def test_anonymous(bridge, peer):
    anonymous = {"XMPP_BRIDGE_JID": "anon.test", "XMPP_BRIDGE_PASSWORD": None}
    delivers(bridge, peer, "--anonymous", **anonymous)
    assert peer.messages[-1].sender.partition("/")[0].endswith("@anon.test")


def test_an_account_where_only_anonymous_is_offered(bridge):
    bridge.run(
        "--retry", "fail-fast", "--to", "a@localhost", input="x\n", XMPP_BRIDGE_JID="user@anon.test"
    ).ended_with(76, 77)  # fmt: skip


def test_two_runs_of_one_account_share_no_resource(bridge):
    first, second = bridge.listen(), bridge.listen()
    one, two = (run.online()["jid"] for run in (first, second))
    assert one != two and {jid.partition("/")[0] for jid in (one, two)} == {bridge.account.jid}
    first.signal()
    first.end().ended_with(0)
    assert bridge.listen().online()["jid"] == one, "the lowest free number is taken again"
    assert second.process.poll() is None


def test_a_conflict_ends_the_run(bridge, server):
    running = bridge.listen("--resource", "wanted-by-two")
    with Peer(server, bridge.account, "wanted-by-two", conflicts=True) as other:
        assert other.full_jid == running.online()["jid"]
        run = running.end(15).ended_with(76)
        assert "conflict" in run.complaint
        other.ask(lambda client: client["xep_0199"].ping("localhost"))
        assert len(other.logins) == 1, "no fight"


def test_the_resource_stays_from_run_to_run(bridge, peer):
    for _ in range(2):
        delivers(bridge, peer)
    assert peer.messages[0].sender == peer.messages[1].sender


def test_version_ping_and_features_are_answered(bridge, desk):
    """XEP-0092, XEP-0199, XEP-0030."""
    running = bridge.listen()
    own = running.online()["jid"]

    def query(name: str, namespace: str):
        async def ask(client):
            iq = client.make_iq_get(ito=own)
            iq.append(ElementTree.Element(f"{{{namespace}}}{name}"))
            return (await iq.send(timeout=10)).xml

        return desk.ask(ask)

    query("ping", "urn:xmpp:ping")
    assert query("query", "jabber:iq:version").findtext(".//{jabber:iq:version}name") == "xmpp-bridge"
    info = query("query", "http://jabber.org/protocol/disco#info")
    features = {one.get("var") for one in info.iter("{http://jabber.org/protocol/disco#info}feature")}
    assert {"http://jabber.org/protocol/disco#info", "urn:xmpp:ping", "jabber:iq:version"} <= features
