"""The people on the other side: slixmpp in a thread of its own or many in one, and go-sendxmpp."""

import asyncio
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from .servers import Account, Server

logging.getLogger("slixmpp").setLevel(logging.CRITICAL)

#: How long an orderly action of a peer may take.
PEER_SECONDS = 20
PLUGINS = (
    "xep_0030", "xep_0045", "xep_0059", "xep_0184", "xep_0191", "xep_0199", "xep_0249", "xep_0280", "xep_0297",
    "xep_0313",
)  # fmt: skip


@dataclass(frozen=True)
class Received:
    """A message as the peer got it."""

    sender: str
    id: str
    kind: str
    body: str
    at: float

    @property
    def bare(self) -> str:
        return self.sender.partition("/")[0]


@dataclass(frozen=True)
class Seen:
    """A presence as the peer got it."""

    sender: str
    kind: str
    show: str
    status: str

    @property
    def bare(self) -> str:
        return self.sender.partition("/")[0]


class _Client(slixmpp.ClientXMPP):
    """slixmpp that connects where it is told, without DNS, and tries again at once."""

    async def _pick_dns_answer(self, domain, service=None):
        return None

    def reschedule_connection_attempt(self):
        if self._current_connection_attempt is None:
            return
        self._connect_loop_wait = 0.2
        self._current_connection_attempt = asyncio.ensure_future(self._connect_routine(), loop=self.loop)


class Loop:
    """An event loop in a thread of its own: one for a peer, or one for a crowd."""

    def __init__(self, name: str):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, awaitable, seconds: float = PEER_SECONDS):
        """Runs it there and waits for what it returns."""
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(seconds)

    def close(self):
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PEER_SECONDS)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        pending = asyncio.all_tasks(self.loop)
        for task in pending:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self.loop.close()


class Peer:
    """An XMPP user that records what it receives, in order; it comes back after a server's restart."""

    def __init__(
        self, server: Server, account: Account, resource: str | None = None, *, presence: bool = True,
        answer=None, conflicts: bool = False, receipts: bool = False, loop: Loop | None = None,
    ):  # fmt: skip
        """With a `loop` of others it shares their thread, and `wait_until_online` is left to the caller."""
        self.account = account
        self.messages: list[Received] = []
        self.errors: list[Received] = []
        self.presences: list[Seen] = []
        #: Every message, presence and push as it came, in order; an element `login` stands where a login was.
        self.stanzas: list[ElementTree.Element] = []
        #: Each login's full JID; more than one after a reconnection.
        self.logins: list[str] = []
        #: Called with the client, on the peer's own thread, after each login.
        self.after_login: list[Callable[[slixmpp.ClientXMPP], None]] = []
        self._server = server
        self._resource = resource
        self._presence = presence
        self._answer = answer
        self._receipts = receipts
        self._returns = not conflicts
        self._changed = threading.Condition()
        self._closed = False
        self._own_loop = loop is None
        self._loop = loop or Loop(f"peer {account.jid}")
        self._client: _Client | None = None
        self._loop.call(self._begin())
        if self._own_loop:
            self.wait_until_online()

    def wait_until_online(self, logins: int = 1, seconds: float = PEER_SECONDS):
        self.wait(lambda: len(self.logins) >= logins, seconds, f"{self.jid} logging in")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def jid(self) -> str:
        """Our bare JID."""
        return self.account.jid

    @property
    def full_jid(self) -> str:
        return self.logins[-1]

    @property
    def bodies(self) -> list[str]:
        """The bodies in the order they came."""
        return [message.body for message in self.messages]

    def wait(self, condition, seconds: float, what):
        """Waits until `condition()` is true and returns it."""
        with self._changed:
            end = time.monotonic() + seconds
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
                self._changed.wait(min(left, 0.5))

    def wait_for_messages(self, count: int, seconds: float):
        """Waits until that many messages have come."""
        self.wait(lambda: len(self.messages) >= count, seconds, lambda: f"{count} messages; {len(self.messages)} came")

    def send(self, to: str, body: str, kind: str = "chat", receipt: bool = False):
        def send(client):
            message = client.make_message(mto=to, mbody=body, mtype=kind)
            message["request_receipt"] = receipt
            message.send()

        self.do(send)

    def send_many(self, to: str, bodies: list[str]):
        def send(client):
            for body in bodies:
                client.send_message(mto=to, mbody=body, mtype="chat")

        self.do(send)

    def presence(self, *, to: str | None = None, kind: str | None = None, show=None, status=None):
        self.do(lambda client: client.send_presence(pto=to, ptype=kind, pshow=show, pstatus=status))

    def raw(self, xml: str):
        self.do(lambda client: client.send_raw(xml))

    def roster_set(self, jid: str, name: str, groups: list[str]):
        """Adds or changes a roster item and waits for the server's answer."""
        self.ask(lambda client: client.update_roster(jid, name=name, groups=groups))

    def roster_remove(self, jid: str):
        self.ask(lambda client: client.update_roster(jid, subscription="remove"))

    def befriend(self, other: "Peer"):
        """Both see each other's presence from now on."""
        for one, two in ((self, other), (other, self)):
            one.presence(to=two.jid, kind="subscribe")
            two.wait(lambda: _has(two, one, "subscribe"), PEER_SECONDS, f"{two.jid} asked by {one.jid}")
            two.presence(to=one.jid, kind="subscribed")
            one.wait(lambda: _has(one, two, "subscribed"), PEER_SECONDS, f"{one.jid} approved by {two.jid}")

    def keep_archive(self):
        """From now on the server archives what we send and receive (XEP-0441)."""
        prefs = "<iq xmlns='jabber:client' type='set' id='archive'><prefs xmlns='urn:xmpp:mam:2' default='always'/></iq>"
        self.raw(prefs)
        self.ask(lambda client: client["xep_0199"].ping(client.boundjid.domain))

    def archive(self) -> list[str]:
        """The bodies that our own archive (XEP-0313) holds; it holds some only after `keep_archive`."""

        async def fetch(client) -> list[str]:
            bodies = []
            results = client["xep_0313"].retrieve(iterator=True, rsm={"max": 1000}, timeout=60)
            async for page in results:
                for result in page["mam"]["results"]:
                    bodies.append(result["mam_result"]["forwarded"]["stanza"]["body"])
            return bodies

        return self.ask(fetch, 120)

    def blocked(self) -> set[str]:
        """Whom we block (XEP-0191)."""
        return {str(jid) for jid in self.ask(lambda client: client["xep_0191"].get_blocked())["blocklist"]["items"]}

    def block(self, *jids: str):
        self.ask(lambda client: client["xep_0191"].block(list(jids)))

    def unblock(self, *jids: str):
        self.ask(lambda client: client["xep_0191"].unblock(list(jids)))

    def carbons(self):
        """From now on the server copies what our other clients send and receive (XEP-0280)."""
        self.ask(lambda client: client["xep_0280"].enable())

    def synchronise(self):
        """Returns when the server has answered a ping, sent after everything else."""
        self.ask(lambda client: client["xep_0199"].ping(client.boundjid.domain))

    def find(self, *path: str, **attributes: str) -> list[ElementTree.Element]:
        """The stanzas so far that have these attributes (`sender` for from) and hold an element of each path."""
        wanted = {"from" if name == "sender" else name: value for name, value in attributes.items()}
        return [
            stanza for stanza in list(self.stanzas)
            if wanted.items() <= stanza.attrib.items() and all(stanza.find(one) is not None for one in path)
        ]  # fmt: skip

    def stanza(self, *path: str, seconds: float = PEER_SECONDS, **attributes: str) -> ElementTree.Element:
        """Waits for the first of those that `find` gives."""
        return self.wait(lambda: self.find(*path, **attributes), seconds, lambda: f"{path} {attributes}")[0]

    def do(self, action):
        """Runs `action(client)` on the peer's own thread and returns its result."""

        async def run():
            return action(self._client)

        return self._loop.call(run())

    def ask(self, question, seconds: float = PEER_SECONDS):
        """Runs `question(client)`, awaits what it returns, and gives that back."""

        async def run():
            return await question(self._client)

        return self._loop.call(run(), seconds)

    def vanish(self):
        """The connection is cut without a word, and the peer does not come back."""
        self._returns = False
        self.do(lambda client: client.abort())

    def close(self):
        """Leaves in good order and ends the thread, if it is its own."""
        if self._closed:
            return
        self._closed = True
        self._returns = False
        self._loop.call(self.leave())
        if self._own_loop:
            self._loop.close()

    async def leave(self):
        """Leaves in good order; to be awaited on the peer's own thread."""
        self._returns = False
        try:
            await asyncio.wait_for(self._client.disconnect(wait=1.0, ignore_send_queue=False), 5)
        except asyncio.TimeoutError:
            self._client.abort()

    async def _begin(self):
        jid = self.account.jid + (f"/{self._resource}" if self._resource else "")
        # The loop computes SCRAM's hash in Python, which is long for a crowd.
        mechanism = None if self._own_loop else "PLAIN"
        client = self._client = _Client(jid, self.account.password, sasl_mech=mechanism)
        for plugin in PLUGINS:
            client.register_plugin(plugin, {"auto_ack": self._receipts} if plugin == "xep_0184" else {})
        client.ca_certs = str(self._server.authority.certificate)
        client.auto_authorize = None
        client.auto_subscribe = False
        client.roster.auto_authorize = None
        client.roster.auto_subscribe = False
        client.whitespace_keepalive = False
        for name in ("message", "presence", "iq"):
            client.register_handler(
                Callback(f"every {name}", MatchXPath(f"{{jabber:client}}{name}"), self._stanza)
            )
        client.add_event_handler("session_start", self._started)
        client.add_event_handler("message", self._message)
        client.add_event_handler("message_error", self._error)
        client.add_event_handler("disconnected", self._disconnected)
        client.add_event_handler("presence", self._presence_seen)
        client.connect(("127.0.0.1", self._server.port))

    async def _started(self, _):
        self._note(self.stanzas, ElementTree.Element("login"))
        await self._client.get_roster()
        if self._presence:
            self._client.send_presence()
        # The answer comes after everything that the server does with our presence.
        await self._client["xep_0199"].ping(self._client.boundjid.domain)
        self._note(self.logins, self._client.boundjid.full)
        for action in self.after_login:
            action(self._client)

    def _stanza(self, stanza):
        if stanza.name != "iq" or stanza["type"] == "set":
            self._note(self.stanzas, stanza.xml)

    def _message(self, stanza):
        if not stanza["body"] or stanza["type"] == "error":
            return
        self._note(self.messages, _received(stanza))
        answer = self._answer(stanza["body"]) if self._answer else None
        if answer is not None:
            self._client.send_message(mto=stanza["from"], mbody=answer, mtype="chat")

    def _error(self, stanza):
        self._note(self.errors, _received(stanza))

    def _presence_seen(self, stanza):
        kind, show = stanza.xml.get("type", "available"), stanza.xml.findtext("{jabber:client}show", "")
        self._note(self.presences, Seen(str(stanza["from"]), kind, show, stanza["status"]))

    def _disconnected(self, _):
        if self._returns:
            self._loop.loop.call_later(0.2, lambda: self._client.connect(("127.0.0.1", self._server.port)))

    def _note(self, where: list, what):
        with self._changed:
            where.append(what)
            self._changed.notify_all()


def _received(stanza) -> Received:
    return Received(str(stanza["from"]), stanza["id"], stanza["type"], stanza["body"], time.monotonic())


def _has(one: Peer, two: Peer, kind: str) -> bool:
    return any(seen.bare == two.jid and seen.kind == kind for seen in one.presences)


def go_sendxmpp(server: Server, account: Account, to: str, body: str, home: Path, *options: str):
    """Sends one message as `go-sendxmpp`, a client that shares no code with ours or with slixmpp."""
    environment = {
        **os.environ, "SSL_CERT_FILE": str(server.authority.certificate), "HOME": str(home), "XDG_CONFIG_HOME": str(home)
    }  # fmt: skip
    command = [
        "go-sendxmpp", "-u", account.jid, "-p", account.password, "-j", f"localhost:{server.port}", *options, to,
    ]  # fmt: skip
    done = subprocess.run(command, input=body, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"go-sendxmpp: {done.stderr.strip()}"


def go_sendxmpp_to_room(server: Server, account: Account, room: str, body: str, home: Path):
    """Joins a room as `go-sendxmpp`, speaks, and leaves."""
    go_sendxmpp(server, account, room, body, home, "-c")
