"""The people on the other side: slixmpp in a thread of its own, and go-sendxmpp."""

import asyncio
import logging
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import slixmpp

from .servers import Account, Server

logging.getLogger("slixmpp").setLevel(logging.CRITICAL)

#: How long an orderly action of a peer may take.
PEER_SECONDS = 20


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


class Peer:
    """An XMPP user that records what it receives, in order; it comes back after a server's restart."""

    def __init__(
        self, server: Server, account: Account, resource: str | None = None, *, presence: bool = True,
        answer=None, conflicts: bool = False,
    ):  # fmt: skip
        self.account = account
        self.messages: list[Received] = []
        self.errors: list[Received] = []
        self.presences: list[Seen] = []
        #: Each login's full JID; more than one after a reconnection.
        self.logins: list[str] = []
        self._server = server
        self._resource = resource
        self._presence = presence
        self._answer = answer
        self._returns = not conflicts
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._client: _Client | None = None
        self._thread = threading.Thread(target=self._run, name=f"peer {account.jid}", daemon=True)
        self._thread.start()
        self.wait(lambda: self.logins, PEER_SECONDS, f"{account.jid} logging in")

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

    def send(self, to: str, body: str, kind: str = "chat"):
        self.do(lambda client: client.send_message(mto=to, mbody=body, mtype=kind))

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

    def do(self, action):
        """Runs `action(client)` on the peer's own thread and returns its result."""

        async def run():
            return action(self._client)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PEER_SECONDS)

    def ask(self, question, seconds: float = PEER_SECONDS):
        """Runs `question(client)`, awaits what it returns, and gives that back."""

        async def run():
            return await question(self._client)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(seconds)

    def vanish(self):
        """The connection is cut without a word, and the peer does not come back."""
        self._returns = False
        self.do(lambda client: client.abort())

    def close(self):
        """Leaves in good order and ends the thread."""
        if not self._thread.is_alive():
            return
        self._returns = False

        async def leave():
            try:
                await asyncio.wait_for(self._client.disconnect(wait=1.0, ignore_send_queue=False), 5)
            except asyncio.TimeoutError:
                self._client.abort()
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(leave(), self._loop)
        self._thread.join(PEER_SECONDS)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        jid = self.account.jid + (f"/{self._resource}" if self._resource else "")
        client = self._client = _Client(jid, self.account.password)
        for plugin in ("xep_0030", "xep_0059", "xep_0199", "xep_0297", "xep_0313"):
            client.register_plugin(plugin)
        client.ca_certs = str(self._server.authority.certificate)
        client.auto_authorize = None
        client.auto_subscribe = False
        client.roster.auto_authorize = None
        client.roster.auto_subscribe = False
        client.whitespace_keepalive = False
        client.add_event_handler("session_start", self._started)
        client.add_event_handler("message", self._message)
        client.add_event_handler("message_error", self._error)
        client.add_event_handler("disconnected", self._disconnected)
        client.add_event_handler("presence", self._presence_seen)
        client.connect(("127.0.0.1", self._server.port))
        self._loop.run_forever()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    async def _started(self, _):
        await self._client.get_roster()
        if self._presence:
            self._client.send_presence()
        # The answer comes after everything that the server does with our presence.
        await self._client["xep_0199"].ping(self._client.boundjid.domain)
        self._note(self.logins, self._client.boundjid.full)

    def _message(self, stanza):
        if not stanza["body"]:
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
            self._loop.call_later(0.2, lambda: self._client.connect(("127.0.0.1", self._server.port)))

    def _note(self, where: list, what):
        with self._changed:
            where.append(what)
            self._changed.notify_all()


def _received(stanza) -> Received:
    return Received(str(stanza["from"]), stanza["id"], stanza["type"], stanza["body"], time.monotonic())


def _has(one: Peer, two: Peer, kind: str) -> bool:
    return any(seen.bare == two.jid and seen.kind == kind for seen in one.presences)


def go_sendxmpp(server: Server, account: Account, to: str, body: str, home: Path):
    """Sends one message as `go-sendxmpp`, a client that shares no code with ours or with slixmpp."""
    environment = {
        **os.environ, "SSL_CERT_FILE": str(server.authority.certificate), "HOME": str(home), "XDG_CONFIG_HOME": str(home)
    }  # fmt: skip
    command = ["go-sendxmpp", "-u", account.jid, "-p", account.password, "-j", f"localhost:{server.port}", to]
    done = subprocess.run(command, input=body, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"go-sendxmpp: {done.stderr.strip()}"
