import Stanza
import Testing

@testable import Session

/// Messages of rooms, subjects, invitations (XEP-0045 7.4, 7.5, 7.8, 8.1, XEP-0249), and what only looks so.
@Suite struct RoomMessageTests {
    static let delay = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>"
    static let roomDelay =
        "<delay xmlns='urn:xmpp:delay' from='\(Dialogue.room)' stamp='2026-01-02T03:04:05Z'/>"

    @Test func whereItComesFrom() throws {
        var talk = try Dialogue.inRoom()
        let room = try JID(Dialogue.room)
        talk.groupchat("ann", "<body>hi</body>")
        talk.groupchat("bridge", "<body>hi</body>")
        talk.groupchat(nil, "<body>welcome</body>")
        talk.server("<message type='chat' from='\(room)/ann'><body>psst</body></message>")
        talk.server("<message from='\(room)/bridge'><body>psst</body></message>")
        talk.server("<message from='\(room)'><body>a form</body></message>")
        let messages = talk.did().messages
        #expect(
            messages.map(\.room) == [
                RoomOrigin(room: room, nick: "ann"),
                RoomOrigin(room: room, nick: "bridge", isReflection: true),
                RoomOrigin(room: room, nick: nil),
                RoomOrigin(room: room, nick: "ann", isPrivate: true),
                RoomOrigin(room: room, nick: "bridge", isPrivate: true),
                RoomOrigin(room: room, nick: nil),
            ])
        #expect(messages.map(\.type) == ["groupchat", "groupchat", "groupchat", "chat", "normal", "normal"])
    }

    @Test func historyEndsWithTheSubject() throws {
        var talk = try Dialogue.inRoom { $0.history = 20 }
        talk.groupchat("ann", "<body>1</body>" + Self.delay)
        talk.groupchat("ann", "<body>2</body>")
        talk.groupchat(nil, "<subject>ops</subject>")
        talk.groupchat("ann", "<body>3</body>" + Self.delay)
        talk.groupchat("ann", "<body>4</body>" + Self.roomDelay)
        #expect(talk.did().messages.map { $0.room?.isHistory } == [true, false, false, true])
    }

    @Test func historyIsAskedForAsChosen() throws {
        for (wanted, written) in [(0, "0"), (20, "20"), (-1, "0")] {
            var talk = try Dialogue.online()
            talk.join(try Dialogue.choice { $0.history = wanted })
            #expect(talk.written().contains("<history maxstanzas='\(written)'/>"))
        }
    }

    // MARK: - Subjects

    @Test func subjects() throws {
        var talk = try Dialogue.inRoom()
        talk.groupchat("ann", "<subject>a</subject>")
        talk.groupchat("ann", "<subject>a</subject>")
        talk.groupchat(nil, "<subject/>")
        // With a body it is a message with a title, and so is one of a thread (XEP-0045 8.1).
        talk.groupchat("bob", "<subject>b</subject><body>text</body>")
        talk.groupchat("bob", "<subject>b</subject><thread>t</thread>")
        let told = talk.did()
        #expect(told.rooms.map(\.action) == [.subject, .subject, .subject])
        #expect(told.rooms.map(\.subject) == ["a", "a", ""] && told.rooms.map(\.by) == ["ann", "ann", nil])
        #expect(told.messages.count == 2)
    }

    @Test func theSubjectOfBeforeIsNoNews() throws {
        var talk = try Dialogue.inRoom()
        talk.groupchat(nil, "<subject/>")
        #expect(talk.did().rooms.isEmpty)
        talk.groupchat("ann", "<subject>a</subject>")
        talk.gone("bridge", [110, 332])
        talk.passToDeadline()
        talk.pass(.seconds(1))
        talk.occupant("bridge", codes: [110])
        talk.groupchat("ann", "<subject>a</subject>")
        #expect(talk.did().rooms.map(\.action) == [.subject, .lost, .rejoined])
    }

    // MARK: - Invitations

    @Test func invitations() throws {
        var talk = try Dialogue.online()
        talk.server(
            "<message from='\(Dialogue.room)'><x xmlns='http://jabber.org/protocol/muc#user'>"
                + "<invite from='ann@example.org/x'><reason>come</reason></invite><password>pw</password></x>"
                + "<x xmlns='jabber:x:conference' jid='\(Dialogue.room)'>come</x><body>ann invites you</body></message>"
        )
        talk.server(
            "<message from='ann@example.org/x'><x xmlns='jabber:x:conference' jid='\(Dialogue.room)/x' "
                + "password='pw' reason='do'/></message>")
        talk.server(
            "<message from='ann@example.org/x'><x xmlns='jabber:x:conference' jid='\(Dialogue.room)'/>"
                + "<body>please</body></message>")
        let did = talk.did()
        #expect(did.messages.isEmpty && did.rooms.map(\.action) == [.invited, .invited, .invited])
        #expect(did.rooms.map(\.room.text) == [Dialogue.room, Dialogue.room, Dialogue.room])
        #expect(did.rooms.map(\.by) == ["ann@example.org/x", "ann@example.org/x", "ann@example.org/x"])
        #expect(did.rooms.map(\.reason) == ["come", "do", "please"])
        #expect(did.rooms.map(\.password?.revealed) == ["pw", "pw", nil])
    }

    /// What only looks like an invitation is a message.
    static let noInvitations = [
        "<message from='ann@example.org/x'><x xmlns='http://jabber.org/protocol/muc#user'>"
            + "<invite from='boss@example.org'/></x></message>",
        "<message from='ann@example.org/x'><x xmlns='jabber:x:conference' jid='@'/></message>",
        "<message from='ann@example.org/x'><x xmlns='jabber:x:conference'/></message>",
        "<message type='error' from='ann@example.org/x'><x xmlns='jabber:x:conference' jid='a@b'/></message>",
        "<message from='ann@example.org/x'><x xmlns='http://jabber.org/protocol/muc#user'>"
            + "<decline from='boss@example.org'/></x></message>",
    ]

    @Test(arguments: noInvitations)
    func noInvitation(_ stanza: String) throws {
        var talk = try Dialogue.online()
        talk.server(stanza)
        let did = talk.did()
        #expect(did.messages.count == 1 && did.messages[0].room == nil && did.rooms.isEmpty)
    }

    @Test func somebodyDeclines() throws {
        var talk = try Dialogue.inRoom()
        talk.server(
            "<message from='\(Dialogue.room)'><x xmlns='http://jabber.org/protocol/muc#user'>"
                + "<decline from='zoe@example.org'><reason>busy</reason></decline></x></message>")
        let did = talk.did()
        #expect(did.messages.isEmpty && did.rooms.map(\.action) == [.declined])
        #expect(did.rooms[0].by == "zoe@example.org" && did.rooms[0].reason == "busy")
    }

    // MARK: - Rooms we are not in

    @Test func whatWeAreNotInIsForged() throws {
        var talk = try Dialogue.online()
        talk.server("<message type='groupchat' from='ann@example.org/x'><body>boo</body></message>")
        talk.server("<message type='groupchat' from='other@rooms.example.org/x'><body>boo</body></message>")
        talk.occupant("x", room: "other@rooms.example.org")
        talk.occupant("x", room: "other@rooms.example.org", type: "unavailable", codes: [110, 301])
        let did = talk.did()
        #expect(
            did.forgeries == [
                "room message from ann@example.org/x", "room message from other@rooms.example.org/x",
                "room presence from other@rooms.example.org/x", "room presence from other@rooms.example.org/x",
            ])
        #expect(did.events.count == 4)
    }

    /// A contact stays a contact, beside a room or in it.
    @Test func othersAreLeftAlone() throws {
        var talk = try Dialogue.inRoom()
        talk.server("<presence from='ann@example.org/x'/>")
        talk.server("<presence from='\(Dialogue.room)' type='subscribe'/>")
        talk.server("<message type='chat' from='ann@example.org/x'><body>hi</body></message>")
        let events = talk.did().events
        guard events.count == 3, case .presence = events[0], case .subscription = events[1],
            case .message(let message) = events[2]
        else {
            Issue.record("\(events)")
            return
        }
        #expect(message.room == nil)
    }

    /// Occupants see our presence, so they may ask; when we are gone, they may not.
    @Test func occupantsMayKnowOfUs() throws {
        var talk = try Dialogue.inRoom()
        let ask = "<iq type='get' id='q' from='\(Dialogue.room)/ann'><ping xmlns='urn:xmpp:ping'/></iq>"
        talk.server(ask)
        #expect(talk.written().contains("type='result' id='q'"))
        talk.gone("bridge", [110, 307])
        talk.server(ask)
        #expect(talk.written().contains("service-unavailable"))
    }

    // MARK: - What the bridge writes

    @Test func written() throws {
        let room = try JID(Dialogue.room + "/x")
        let ann = try JID("ann@example.org")
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        #expect(
            text(RoomStanza.subject(room: room, text: "a < b", id: "s1"))
                == "<message id='s1' to='ops@rooms.example.org' type='groupchat'><subject>a &lt; b</subject></message>")
        #expect(
            text(RoomStanza.invitation(room: room, to: ann, reason: "come", direct: false, password: Secret("p")))
                == "<message to='ops@rooms.example.org'><x xmlns='http://jabber.org/protocol/muc#user'>"
                + "<invite to='ann@example.org'><reason>come</reason></invite><password>p</password></x></message>")
        #expect(
            text(RoomStanza.invitation(room: room, to: ann, reason: nil, direct: true, password: nil, id: "i"))
                == "<message id='i' to='ann@example.org'><x xmlns='jabber:x:conference' "
                + "jid='ops@rooms.example.org'/></message>")
    }
}
