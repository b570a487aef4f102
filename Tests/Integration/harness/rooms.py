"""Rooms (XEP-0045) with slixmpp: one peer's view of a room, and a crowd in one thread."""

import asyncio
from dataclasses import dataclass

import slixmpp
from slixmpp.exceptions import IqError

from .peers import PEER_SECONDS, Loop, Peer
from .servers import Account, Server

#: What ElementTree writes before a name of XEP-0045's user namespace, and before a condition of RFC 6120 8.3.3.
USER = "{http://jabber.org/protocol/muc#user}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


class Refused(Exception):
    """The room's or the server's answer to what we asked: the condition of RFC 6120 8.3.3."""

    def __init__(self, condition: str):
        super().__init__(condition)
        self.condition = condition


@dataclass(frozen=True)
class Occupant:
    """Someone in the room, as the room shows them."""

    nick: str
    role: str
    affiliation: str
    jid: str
    show: str
    status: str


@dataclass(frozen=True)
class Said:
    """A message to all, as the room sent it."""

    nick: str
    body: str
    id: str
    delayed: bool


class Room:
    """A room as one peer sees it; most of it needs the peer to be inside."""

    def __init__(self, peer: Peer, jid: str, nick: str | None = None):
        self.peer, self.jid = peer, jid
        self.nick = nick or peer.account.user

    @classmethod
    def create(
        cls, peer: Peer, jid: str, nick: str | None = None, *, password: str | None = None, members_only: bool = False,
        moderated: bool = False, persistent: bool = False, anonymous: bool = True, archive: bool = False,
    ) -> "Room":  # fmt: skip
        """Creates the room, configures and unlocks it; the peer is its owner and inside."""
        room = cls(peer, jid, nick)
        room.join()
        room.configure(
            **{
                "muc#roomconfig_passwordprotectedroom": bool(password),
                "muc#roomconfig_roomsecret": password or "",
                "muc#roomconfig_membersonly": members_only,
                "muc#roomconfig_moderatedroom": moderated,
                "members_by_default": not moderated,  # ejabberd's name for who gets a voice
                "muc#roomconfig_persistentroom": persistent,
                "muc#roomconfig_whois": "moderators" if anonymous else "anyone",
                "muc#roomconfig_enablearchiving": archive,
                "mam": archive,  # ejabberd's name of that
            }
        )
        return room

    def join(self, password: str | None = None, history: int = 0, seconds: float = PEER_SECONDS):
        """Goes in and waits for our own presence there; raises Refused."""
        before = len(self.peer.stanzas)
        self.ask_to_join(password, history)

        def answer():
            for stanza in self.peer.stanzas[before:]:
                if stanza.tag != "{jabber:client}presence" or _bare(stanza) != self.jid:
                    continue
                if stanza.get("type") == "error" or "110" in _codes(stanza):
                    return stanza
            return None

        stanza = self.peer.wait(answer, seconds, f"{self.peer.jid} in {self.jid}")
        if stanza.get("type") == "error":
            raise Refused(_condition(stanza))
        self.nick = _nick(stanza)

    def ask_to_join(self, password: str | None = None, history: int = 0):
        """Asks to be let in and waits for nothing."""

        self.peer.do(lambda client: self._ask_to_join(client, password, history))

    def stay(self):
        """Comes back into the room after each login, as a client does that has it bookmarked."""
        self.peer.after_login.append(self._ask_to_join)

    def leave(self, status: str = ""):
        self.peer.presence(to=f"{self.jid}/{self.nick}", kind="unavailable", status=status or None)
        self.wait_until_outside()

    def rename(self, nick: str):
        self.peer.presence(to=f"{self.jid}/{nick}")
        self.nick = nick
        self.wait_for(nick)

    def say(self, body: str, wait: bool = True):
        """Speaks to all and waits until the room has sent it to us too."""
        before = len(self.said)
        self.peer.do(lambda client: client.send_message(mto=self.jid, mbody=body, mtype="groupchat"))
        if wait:
            self.peer.wait(
                lambda: any(one.nick == self.nick and one.body == body for one in self.said[before:]), PEER_SECONDS,
                lambda: f"{self.jid} giving back {body!r}; the room sent {self.said[-3:]}",
            )  # fmt: skip

    def whisper(self, nick: str, body: str):
        self.peer.send(f"{self.jid}/{nick}", body)

    def set_subject(self, subject: str):
        self.peer.do(lambda client: client.send_message(mto=self.jid, msubject=subject, mtype="groupchat"))
        self.wait_for_subject(subject)

    @property
    def said(self) -> list[Said]:
        """The messages to all so far, ours and history among them."""
        return [
            Said(
                _nick(one), one.findtext("{jabber:client}body"), one.get("id", ""),
                one.find("{urn:xmpp:delay}delay") is not None,
            )
            for one in self._from_room("message")
            if one.get("type") == "groupchat" and one.find("{jabber:client}body") is not None
        ]  # fmt: skip

    @property
    def bodies(self) -> list[str]:
        return [one.body for one in self.said]

    @property
    def subject(self) -> str | None:
        """The last subject that the room sent; None before the first, "" for none."""
        for one in reversed(self._from_room("message")):
            subject, body = one.find("{jabber:client}subject"), one.find("{jabber:client}body")
            if one.get("type") == "groupchat" and subject is not None and body is None:
                return subject.text or ""
        return None

    @property
    def occupants(self) -> dict[str, Occupant]:
        """Who is inside now, by nick, as far as the room has told us since we last came in."""
        inside: dict[str, Occupant] = {}
        for one in self._from_room("presence", "login"):
            if one.tag == "login":
                inside.clear()
                continue
            nick, item = _nick(one), one.find(f"{USER}x/{USER}item")
            if one.get("type") == "unavailable":
                inside.pop(nick, None)
                if "110" in _codes(one) and "303" not in _codes(one):
                    inside.clear()
            elif one.get("type") is None and item is not None:
                inside[nick] = Occupant(
                    nick, item.get("role", ""), item.get("affiliation", ""), item.get("jid", ""),
                    one.findtext("{jabber:client}show", ""), one.findtext("{jabber:client}status", ""),
                )  # fmt: skip
        return inside

    def farewells(self, nick: str) -> list[tuple[set[str], str, str]]:
        """For each time that one left: the status codes, who did it, and the reason."""
        left = []
        for one in self._from_room("presence"):
            if one.get("type") == "unavailable" and _nick(one) == nick:
                actor = one.find(f"{USER}x/{USER}item/{USER}actor")
                reason = one.findtext(f"{USER}x/{USER}item/{USER}reason", "")
                left.append((_codes(one), "" if actor is None else actor.get("nick", ""), reason))
        return left

    def wait_for(self, *nicks: str, seconds: float = PEER_SECONDS):
        """Waits until these are inside."""
        self.peer.wait(
            lambda: set(nicks) <= self.occupants.keys(), seconds,
            lambda: f"{set(nicks) - self.occupants.keys()} in {self.jid}",
        )  # fmt: skip

    def wait_without(self, nick: str, seconds: float = PEER_SECONDS):
        """Waits until this one is not inside."""
        self.peer.wait(lambda: nick not in self.occupants, seconds, f"{nick} leaving {self.jid}")

    def wait_until_outside(self, seconds: float = PEER_SECONDS):
        """Waits until we ourselves are not inside."""
        self.wait_without(self.nick, seconds)

    def wait_for_said(self, *bodies: str, seconds: float = PEER_SECONDS):
        """Waits until each of these has been said."""
        self.peer.wait(
            lambda: set(bodies) <= set(self.bodies), seconds,
            lambda: f"{sorted(set(bodies) - set(self.bodies))[:3]} in {self.jid}; last: {self.bodies[-3:]}",
        )  # fmt: skip

    def wait_for_subject(self, subject: str, seconds: float = PEER_SECONDS):
        self.peer.wait(lambda: self.subject == subject, seconds, lambda: f"the subject {subject!r}: {self.subject!r}")

    def configure(self, **fields):
        """Submits the room's form with these fields; those that this server does not have are left out."""

        async def submit(client):
            form = await client["xep_0045"].get_room_config(self.jid)
            filled = client["xep_0004"].make_form(ftype="submit")
            for name, field in form.get_fields().items():
                value = fields.get(name, field["value"])
                if field["type"] == "boolean":
                    value = "1" if value in (True, "1", "true") else "0"
                if value not in (None, "") or name in fields:
                    filled.add_field(var=name, ftype=field["type"], value=value)
            await client["xep_0045"].set_room_config(self.jid, filled)

        self._ask(submit)

    def affiliate(self, jid: str, affiliation: str, reason: str = ""):
        """Sets what a bare JID is here; `outcast` bans it."""
        self._ask(
            lambda client: client["xep_0045"].set_affiliation(
                self.jid, affiliation, jid=slixmpp.JID(jid), reason=reason
            )
        )

    def affiliations(self, affiliation: str) -> set[str]:
        """The bare JIDs of that affiliation."""
        return set(map(str, self._ask(lambda client: client["xep_0045"].get_affiliation_list(self.jid, affiliation))))

    def kick(self, nick: str, reason: str = ""):
        self._ask(lambda client: client["xep_0045"].set_role(self.jid, nick, "none", reason=reason))

    def give_role(self, nick: str, role: str):
        self._ask(lambda client: client["xep_0045"].set_role(self.jid, nick, role))

    def destroy(self, reason: str = "", alternative: str = ""):
        self._ask(lambda client: client["xep_0045"].destroy(self.jid, reason=reason, altroom=alternative))

    def invite(self, jid: str, reason: str = "", direct: bool = False):
        """By the room (XEP-0045 7.8.2), or by ourselves (XEP-0249)."""
        if direct:
            self.peer.do(lambda client: client["xep_0249"].send_invitation(jid, self.jid, reason=reason))
        else:
            self.peer.do(lambda client: client["xep_0045"].invite(self.jid, jid, reason=reason))

    def archive(self) -> list[str]:
        """The bodies that the room's archive (XEP-0313) holds."""

        async def fetch(client) -> list[str]:
            results = client["xep_0313"].retrieve(
                jid=slixmpp.JID(self.jid), iterator=True, rsm={"max": 1000}, timeout=60
            )
            return [
                result["mam_result"]["forwarded"]["stanza"]["body"]
                async for page in results for result in page["mam"]["results"]
            ]  # fmt: skip

        return [body for body in self._ask(fetch) if body]

    def forget(self, nick: str):
        """Makes the room forget an occupant without a word; with Prosody only."""
        self.peer.raw(f"<message to='{self.jid}'><forget xmlns='urn:xmpp-bridge:test' nick='{nick}'/></message>")
        self.peer.synchronise()

    def _ask_to_join(self, client: slixmpp.ClientXMPP, password: str | None = None, history: int = 0):
        presence = client.make_presence(pto=f"{self.jid}/{self.nick}")
        presence.enable("muc_join")
        if password is not None:
            presence["muc_join"]["password"] = password
        presence["muc_join"]["history"]["maxstanzas"] = str(history)
        presence.send()

    def _ask(self, question):
        try:
            return self.peer.ask(question)
        except IqError as problem:
            raise Refused(problem.condition) from None

    def _from_room(self, kind: str, mark: str = "") -> list:
        tag = f"{{jabber:client}}{kind}"
        return [
            one for one in list(self.peer.stanzas) if (one.tag == tag and _bare(one) == self.jid) or one.tag == mark
        ]  # fmt: skip


class Crowd:
    """Many peers in one thread, in one room: cheap occupants that come back after a restart."""

    def __init__(self, server: Server, accounts: list[Account], room: str):
        self._loop = Loop(f"crowd in {room}")
        self.peers = [Peer(server, account, "crowd", loop=self._loop) for account in accounts]
        self.rooms = [Room(peer, room) for peer in self.peers]
        for peer in self.peers:
            peer.wait_until_online()
        for one in self.rooms:
            one.stay()
            one.ask_to_join()
        for one in self.rooms:
            one.wait_for(one.nick)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def nicks(self) -> set[str]:
        return {one.nick for one in self.rooms}

    def wait_until_back(self, logins: int, seconds: float = 60):
        """Waits until each has logged in that many times and is in the room again."""
        for one in self.rooms:
            one.peer.wait_until_online(logins, seconds)
            one.wait_for(one.nick, seconds=seconds)

    def close(self):
        async def leave():
            await asyncio.gather(*(peer.leave() for peer in self.peers))

        self._loop.call(leave())
        self._loop.close()


def _bare(stanza) -> str:
    return stanza.get("from", "").partition("/")[0]


def _nick(stanza) -> str:
    return stanza.get("from", "").partition("/")[2]


def _codes(stanza) -> set[str]:
    return {one.get("code") for one in stanza.iterfind(f"{USER}x/{USER}status")}


def _condition(stanza) -> str:
    for one in stanza.iterfind("{jabber:client}error/*"):
        if one.tag.startswith(STANZAS) and one.tag != f"{STANZAS}text":
            return one.tag.removeprefix(STANZAS)
    return "undefined-condition"
