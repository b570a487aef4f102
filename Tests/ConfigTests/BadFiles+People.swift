extension BadFiles {
    /// Mistakes in contacts, rooms, receipts, and in bridges to them.
    static let people = [
        BadFile(
            "contacts:\n  accept: [a b, ops@example.org/x]\n  block: [\"*@example.org\"]\n  invite: x\n",
            [
                "f:2:12: \"a b\" is no address; expected for example ops@example.org or *@example.org",
                "f:2:17: \"ops@example.org/x\" has a resource; expected an address without one, or a pattern such as "
                    + "*@example.org",
                "f:3:11: \"*@example.org\" is a pattern; servers block addresses; a domain alone blocks all of it",
                "f:4:3: unknown key \"invite\" in contacts; expected accept, block or invitations",
            ]),
        BadFile(
            "rooms:\n  - {nick: a}\n  - {jid: ops@example.org/me}\n  - {jid: conference.example.org}\n  - {jid: a@b, "
                + "history: -1, nick_conflict: altr, create: maybe}\n  - {jid: a@b}\n",
            [
                "f:2:5: a room without jid; add jid: ops@conference.example.org",
                "f:3:11: the room \"ops@example.org/me\" has a nick in it; write jid: ops@example.org and nick: me",
                "f:4:11: \"conference.example.org\" is a service and no room of it; expected for example "
                    + "ops@conference.example.org",
                "f:5:25: history \"-1\"; expected a whole number from 0 to 1000",
                "f:5:44: unknown nick_conflict \"altr\"; did you mean alter? expected alter or refuse",
                "f:5:58: create is \"maybe\"; expected true or false",
                "f:6:11: the room a@b stands here twice; the first is in line 5; leave one out",
            ]),
        BadFile(
            "receipts: {ask: 1, answer: all}\nbridges:\n  - {from: presence, to: stdout, hold: 0s, show: busy}\n",
            [
                "f:1:17: ask is \"1\"; expected true or false",
                "f:1:28: unknown answer \"all\"; expected never, contacts or everybody",
                "f:3:12: presence is no source: records only go there; expected stdin, fifo:PATH, tail:PATH, xmpp:JID, room:JID or events",
                "f:3:40: hold is zero; expected for example 10s",
                "f:3:50: unknown show \"busy\"; expected away, chat, dnd or xa",
            ]),
    ]
}
