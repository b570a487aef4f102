"""Fixtures: every test that takes `server` runs on Prosody and on ejabberd."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("harness.bridge", "harness.peers", "harness.processes", "harness.rooms")

from harness.bridge import Bridge  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.peers import Peer  # noqa: E402
from harness.servers import SERVERS, Account  # noqa: E402


@pytest.fixture(scope="session")
def authority():
    # Not pytest's own folder: a server that runs as its own user must be able to read what is here.
    directory = Path(tempfile.mkdtemp(prefix="xmpp-bridge-ca-"))
    directory.chmod(0o755)
    yield Authority(directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session", params=SERVERS)
def server(request, authority):
    running = SERVERS[request.param](authority)
    try:
        running.start()
        yield running
    finally:
        running.remove()


@pytest.fixture
def account(server):
    """The account of the program under test."""
    return server.account("bridge")


@pytest.fixture
def bridge(server, account, tmp_path):
    """The program under test, told all that it needs by its environment."""
    one = Bridge(account, tmp_path, server.authority, server.address)
    yield one
    one.remove()


@pytest.fixture
def lone_bridge(authority, tmp_path):
    """The program under test without a server: a test says where it shall connect."""
    one = Bridge(Account("user@localhost", "pencil"), tmp_path, authority, "localhost:1")
    yield one
    one.remove()


@pytest.fixture
def desk(server, account):
    """Another client of the account that the program under test uses."""
    with Peer(server, account, "desk") as one:
        yield one


@pytest.fixture
def other_bridge(server, tmp_path):
    """The program a second time, as another account."""
    home = tmp_path / "other"
    home.mkdir()
    one = Bridge(server.account("other"), home, server.authority, server.address)
    yield one
    one.remove()


@pytest.fixture
def owner(server):
    """A user who makes the rooms that the others visit."""
    with Peer(server, server.account("owner"), "desk") as one:
        yield one


@pytest.fixture
def friend(desk, peer):
    """A peer whom the account under test knows, both ways."""
    desk.befriend(peer)
    return peer


@pytest.fixture
def peer(server):
    """A user on the other side."""
    with Peer(server, server.account("peer"), "phone") as one:
        yield one
