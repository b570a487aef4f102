"""`echo hi | xmpp-bridge --retry fail-fast --to x` where it cannot work: the right status, one clear line, in time."""

import pytest

from harness.bridge import Bridge
from harness.certificates import UNNAMED_DOMAIN
from harness.nameserver import NameServer
from harness.processes import free_ports
from harness.stalling import PHASES, StallingServer

FAIL_FAST = ["--retry", "fail-fast", "--to", "ops@localhost"]
#: The connect deadline (DESIGN 5.1) and the time to start and to leave.
BOUND_SECONDS = 12


def refused(bridge: Bridge, *arguments: str, status: int | tuple[int, ...], **environment):
    statuses = (status,) if isinstance(status, int) else status
    run = bridge.run(*FAIL_FAST, *arguments, input="hi\n", **environment).ended_with(*statuses)
    assert run.seconds < BOUND_SECONDS, run
    assert run.out == ""
    assert bridge.account.password not in run.complaint
    return run


def test_a_wrong_password(bridge):
    run = refused(bridge, status=77, XMPP_BRIDGE_PASSWORD="not the password")
    assert "not the password" not in run.err and bridge.account.jid in run.err


def test_an_unknown_account(bridge):
    refused(bridge, status=77, XMPP_BRIDGE_JID="nobody@localhost")


def test_an_untrusted_certificate(bridge):
    run = refused(bridge, status=76, XMPP_BRIDGE_CA_FILE=None)
    assert "certificate" in run.err


def test_a_certificate_for_another_name(bridge, server):
    account = server.account("user", UNNAMED_DOMAIN)
    run = refused(bridge, status=76, XMPP_BRIDGE_JID=account.jid, XMPP_BRIDGE_PASSWORD=account.password)
    assert "certificate" in run.err and UNNAMED_DOMAIN in run.err


def test_a_server_name_does_not_stand_in_for_the_domain(bridge, server):
    """The certificate names localhost, whither --server leads, and not the domain of the account (RFC 6125)."""
    account = server.account("user", UNNAMED_DOMAIN)
    refused(
        bridge, status=76, XMPP_BRIDGE_JID=account.jid, XMPP_BRIDGE_PASSWORD=account.password,
        XMPP_BRIDGE_SERVER=server.tls_address,
    )  # fmt: skip


def test_a_wrong_password_with_patience_is_not_retried(bridge):
    run = bridge.run("--to", "ops@localhost", input="hi\n", XMPP_BRIDGE_PASSWORD="wrong").ended_with(77)
    assert run.seconds < BOUND_SECONDS


def test_nothing_is_read_before_the_first_login(bridge):
    script = "printf 'a\\nb\\n' | { xmpp-bridge --retry fail-fast --to ops@localhost; echo status $?; cat; }"
    run = bridge.shell(script, XMPP_BRIDGE_PASSWORD="wrong").ended_with(0)
    assert run.out == "status 77\na\nb\n"


@pytest.mark.parametrize("address", ["no-such-host.invalid", "no-such-host.invalid:5222", "tls://no-such-host.invalid"])
def test_an_unknown_host(lone_bridge, address):
    run = refused(lone_bridge, status=69, XMPP_BRIDGE_SERVER=address)
    assert "no-such-host.invalid" in run.err


def test_an_unknown_domain(lone_bridge):
    with NameServer() as names:
        run = refused(
            lone_bridge, status=69, XMPP_BRIDGE_SERVER=None, XMPP_BRIDGE_NAMESERVER=names.address,
            XMPP_BRIDGE_JID="user@no-such-domain.invalid",
        )  # fmt: skip
    assert "no-such-domain.invalid" in run.err
    assert ("_xmpp-client._tcp.no-such-domain.invalid", 33) in names.asked


def test_a_name_server_that_says_nothing(lone_bridge):
    with NameServer(silent=True) as names:
        refused(
            lone_bridge, status=69, XMPP_BRIDGE_SERVER=None, XMPP_BRIDGE_NAMESERVER=names.address,
            XMPP_BRIDGE_JID="user@no-such-domain.invalid",
        )  # fmt: skip


def test_a_refused_port(lone_bridge):
    [port] = free_ports(1)
    run = refused(lone_bridge, status=69, XMPP_BRIDGE_SERVER=f"localhost:{port}")
    assert f"localhost:{port}" in run.err


@pytest.fixture(scope="session")
def stalling_certificate(authority):
    return authority.server("stalling-program", ["localhost"])


def stalled(bridge: Bridge, certificate, phase: str, *arguments: str):
    with StallingServer(certificate, phase) as stalling:
        bridge.environment["XMPP_BRIDGE_SERVER"] = f"localhost:{stalling.port}"
        run = refused(bridge, *arguments, status=(69, 76))
        assert stalling.stalled >= 1, f"it did not get as far as this: {run}"
    return run


@pytest.mark.parametrize("phase", PHASES)
def test_a_server_that_stalls(lone_bridge, stalling_certificate, phase):
    run = stalled(lone_bridge, stalling_certificate, phase, "--connect-timeout", "2s")
    assert run.seconds < 5, run


@pytest.mark.parametrize("phase", ["accepted", "proceed"])
def test_the_deadline_is_there_by_default(lone_bridge, stalling_certificate, phase):
    run = stalled(lone_bridge, stalling_certificate, phase)
    assert run.seconds > 8, f"the default is 10 s over all phases: {run}"


def test_a_peer_that_speaks_something_else(lone_bridge, stalling_certificate):
    """Direct TLS to a port that wants STARTTLS: TLS gets XML, or silence."""
    with StallingServer(stalling_certificate, "header") as stalling:
        refused(
            lone_bridge, "--connect-timeout", "2s", status=(69, 76), XMPP_BRIDGE_SERVER=f"tls://localhost:{stalling.port}"
        )


def test_patience_has_an_end(lone_bridge):
    """With a DURATION input is accepted from the start; when it runs out, what was accepted is kept: 75."""
    [port] = free_ports(1)
    run = lone_bridge.run(
        "--retry", "2s", "--to", "ops@localhost", input="hi\n", XMPP_BRIDGE_SERVER=f"localhost:{port}"
    ).ended_with(75)
    assert 1.5 < run.seconds < BOUND_SECONDS, run


def test_usage_errors_come_first(lone_bridge):
    for arguments in (["--to", "not a jid@@"], ["--no-such-flag"], ["--to", "a@b", "--retry", "soon"]):
        run = lone_bridge.run(*arguments, input="hi\n").ended_with(64)
        assert run.seconds < 3, run


def test_no_account_is_a_usage_or_configuration_error(lone_bridge):
    lone_bridge.run("--to", "a@b", input="hi\n", XMPP_BRIDGE_JID=None).ended_with(64, 78)
    lone_bridge.run("--to", "a@b", input="hi\n", XMPP_BRIDGE_PASSWORD=None).ended_with(64, 77, 78)


def test_a_server_that_asks_and_goes(lone_bridge, authority):
    """What we answer meets a closed connection while more is still to be read: a loss like any other."""
    pings = "".join(
        f"<iq type='get' id='p{number}' from='localhost'><ping xmlns='urn:xmpp:ping'/></iq>" for number in range(3_000)
    )
    certificate = authority.server("asks-and-goes", ["localhost"])
    with StallingServer(certificate, "bound", farewell=pings.encode()) as server:
        for _ in range(3):
            lone_bridge.run(
                "--events", "--retry", "fail-fast", XMPP_BRIDGE_SERVER=f"localhost:{server.port}"
            ).ended_with(69)
