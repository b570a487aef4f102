import Stanza
import Testing

@testable import Session

/// A stream that goes on in another process.
@Suite struct RestorationTests {
    static let resume = "<resume xmlns='urn:xmpp:sm:3' h='7' previd='sm-1'/>"
    static let second = "<enabled xmlns='urn:xmpp:sm:3' id='sm-2' resume='true' max='300'/>"
    static func resumed(_ h: UInt32) -> String { "<resumed xmlns='urn:xmpp:sm:3' h='\(h)' previd='sm-1'/>" }

    /// A new process at the features after authentication; seven stanzas were handled before it.
    static func heir(
        _ saved: SavedStream? = nil, presence: Configuration.Presence? = nil, features: String = Dialogue.sm,
        prepare: (inout Dialogue) throws -> Void = { _ in }
    ) throws -> Dialogue {
        let kept = try saved ?? SavedStreamTests.saved(presence: presence)
        var talk = try Dialogue(presence: presence, restoring: kept, handled: 7)
        try prepare(&talk)
        talk.feed(.start)
        talk.authenticate()
        _ = talk.written()
        _ = talk.did()
        talk.features(Dialogue.bind, features)
        return talk
    }

    // MARK: - What is kept

    @Test func isKeptFromEnablingToTheEnd() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.logIn()
        let saved = try SavedStreamTests.saved()
        #expect(talk.did().streams == [saved])
        #expect(talk.session.handledCount(ifHandledUpTo: 0) == 0)
        // Kept over a loss, and a resumption.
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.resume(0)
        #expect(talk.did().streams.isEmpty)
        // A fresh bind: the old one is forgotten first.
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        #expect(talk.did().streams == [nil])
        talk.bound()
        talk.server(Self.second)
        let other = try SavedStreamTests.saved(Self.second)
        #expect(talk.did().streams == [other])
        talk.feed(.leave)
        #expect(talk.did().streams.isEmpty)
        talk.feed(.streamClosed)
        #expect(talk.did() == [.closeConnection, .keepStream(nil), .ended(.left)])
    }

    @Test(arguments: [
        "<enabled xmlns='urn:xmpp:sm:3'/>", "<failed xmlns='urn:xmpp:sm:3'/>",
        "<enabled xmlns='urn:xmpp:sm:3' id='x'/>",
    ])
    func whatCannotBeResumedIsNotKept(_ answer: String) throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.logIn(enabled: answer)
        #expect(talk.session.isOnline && talk.did().streams.isEmpty)
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.handledCount(ifHandledUpTo: 1) == nil)
    }

    @Test func whatIsDeadIsForgotten() throws {
        var talk = try Dialogue.online()
        talk.ack(99)
        #expect(talk.did().streams == [nil])
    }

    /// Who stops without having closed the stream leaves it to the next.
    @Test func anOutageLeavesItToTheNext() throws {
        var talk = try Dialogue.online { $0.retry = .within(.seconds(10)) }
        talk.feed(.disconnected(.closed("reset")))
        for _ in 0..<20 where talk.session.deadline != nil {
            talk.passToDeadline()
            if talk.did().contains(.connect(.account)) { talk.feed(.disconnected(.unreachable("no route"))) }
        }
        #expect(talk.session.deadline == nil && talk.actions.streams.isEmpty)
        var other = try Dialogue.online()
        other.feed(.disconnected(.closed("reset")))
        other.feed(.leave)
        #expect(other.did().ending == .left && other.actions.streams.isEmpty)
    }

    // MARK: - Resuming

    @Test func goesOnWhereTheOtherStopped() throws {
        var talk = try Self.heir()
        #expect(talk.session.handledCount(ifHandledUpTo: 0) == nil)
        #expect(talk.written() == Self.resume)
        talk.server(Self.resumed(40))
        #expect(talk.written() == StreamManagementTests.request)
        let jid = try JID("bridge@example.org/r")
        #expect(talk.session.boundJID == jid)
        // What the server replays was not handled by the other process.
        talk.server("<message from='a@example.org' id='8'/>")
        #expect(talk.did().events.count == 1 && talk.session.inboundStanza == 1)
        #expect(talk.session.handledCount(ifHandledUpTo: 1) == 8)
        talk.ack(40)
        #expect(
            talk.did() == [.event(.online(jid: jid, resumed: true, peer: "xmpp.example.org:5222")), .writable])
        #expect(talk.session.hasBeenOnline && talk.output.isEmpty)
        talk.send(rows: 1...2)
        #expect(talk.session.queue.sentCount == 42)
        talk.ack(42)
        talk.pong()
        #expect(talk.did().accepted == [2] && talk.session.isOnline)
        _ = talk.written()
        talk.server(InboundTests.ask)
        #expect(talk.written() == InboundTests.answer(7))
        talk.feed(.handled(upTo: 1))
        talk.server(InboundTests.ask)
        #expect(talk.written() == InboundTests.answer(8))
        // From here on it is a stream like any other.
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.written() == "<resume xmlns='urn:xmpp:sm:3' h='8' previd='sm-1'/>")
        #expect(talk.did().streams.isEmpty)
    }

    @Test func bothCountersWrap() throws {
        var talk = try Dialogue(restoring: SavedStreamTests.saved(), handled: UInt32.max)
        talk.feed(.start)
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.written() == "<resume xmlns='urn:xmpp:sm:3' h='4294967295' previd='sm-1'/>")
        talk.resume(UInt32.max)
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.handledCount(ifHandledUpTo: 1) == 0)
        talk.send(rows: 1...3)
        talk.ack(2)
        talk.pong()
        #expect(talk.did().accepted == [3] && talk.session.isOnline)
    }

    /// All that the new process cannot know is asked again, and the presence said.
    @Test func settlesIn() throws {
        var talk = try Self.heir(presence: .init(status: "here"))
        _ = talk.written()
        talk.resume(3)
        for asked in ["jabber:iq:roster", "urn:xmpp:carbons:2", "urn:xmpp:blocking", "<status>here</status>"] {
            #expect(talk.output.contains(asked), "\(asked)")
        }
        // Its contacts' presence is not that of a login, which brings it all.
        #expect(!talk.output.contains("urn:xmpp:ping"))
        talk.server("<presence from='a@example.org/x'/>")
        guard case .presence(let update) = talk.did().events.last else {
            Issue.record("no presence")
            return
        }
        #expect(!update.initial)
    }

    @Test func presenceThatIsHeldBackIsTakenBack() throws {
        var presence = Configuration.Presence()
        presence.isHeldBack = true
        var talk = try Self.heir(presence: presence)
        talk.resume(3)
        #expect(talk.output.contains("<presence type='unavailable'/>"))
    }

    @Test func aLocationIsTriedFirst() throws {
        let saved = try SavedStreamTests.saved("<enabled xmlns='urn:xmpp:sm:3' id='x' resume='1' location='h:9'/>")
        var talk = try Dialogue(restoring: saved)
        talk.feed(.start)
        #expect(talk.did() == [.event(.connecting), .connect(.location(host: "h", port: 9))])
        talk.feed(.disconnected(.unreachable("no route")))
        #expect(talk.did() == [.event(.connecting), .connect(.account)])
    }

    // MARK: - Not resuming

    @Test func refusedItBindsAfresh() throws {
        var talk = try Self.heir()
        talk.server("<failed xmlns='urn:xmpp:sm:3' h='12'><item-not-found/></failed>")
        #expect(talk.did().streams == [nil] && talk.output.contains("<bind"))
        talk.bound()
        talk.server(Self.second)
        let did = talk.did()
        guard case .online(_, let resumed, _) = did.events.last else {
            Issue.record("not online")
            return
        }
        let other = try SavedStreamTests.saved(Self.second)
        #expect(!resumed && did.streams == [other])
        #expect(talk.session.handledCount(ifHandledUpTo: 0) == 0)
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.server("<message from='a@example.org'/>")
        talk.feed(.handled(upTo: 1))
        _ = talk.written()
        talk.server(InboundTests.ask)
        #expect(talk.written() == InboundTests.answer(1))
    }

    @Test func withoutStreamManagementItBindsAfresh() throws {
        var talk = try Self.heir(features: "")
        #expect(talk.output.contains("<bind"))
        talk.bound()
        #expect(talk.session.isOnline && talk.did().streams == [nil])
    }

    /// Resumed but not read: nothing is sent into it, and the next attempt binds afresh.
    @Test func aStreamThatIsNotReadIsGivenUp() throws {
        var talk = try Self.heir()
        talk.server(Self.resumed(3))
        _ = talk.did()
        talk.passToDeadline()
        #expect(talk.did().streams == [nil])
        talk.passToDeadline()
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(!talk.output.contains("<resume ") && talk.output.contains("<bind"))
    }

    static let others: [(String, Dialogue.Kind, Bool)] = [
        ("the same", .init(), true),
        ("another account", .init(account: "other@example.org"), false),
        ("another resource", .init(resource: "q"), false),
        ("no resource", .init(resource: nil), false),
        ("a run that only sends", .init(presence: nil), false),
        ("gone for 300 s", .init(goneFor: .seconds(300)), true),
        ("gone for longer", .init(goneFor: .seconds(301)), false),
    ]

    @Test(arguments: others.indices) func onlyTheSameGoesOn(_ index: Int) throws {
        let (name, kind, isTried) = Self.others[index]
        let saved = try SavedStreamTests.saved(presence: .init())
        let account = try JID(kind.account)
        var talk = try Dialogue(
            resource: kind.resource, presence: kind.presence, restoring: saved, handled: 7, goneFor: kind.goneFor
        ) { $0.account = account }
        talk.feed(.start)
        #expect(talk.actions.streams == (isTried ? [] : [nil]), "\(name)")
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.output.hasPrefix("<resume ") == isTried, "\(name)")
        #expect(talk.output.contains("<bind") == !isTried, "\(name)")
    }

    /// It grows old while we try to connect, too.
    @Test func itGrowsOldWhileWeTry() throws {
        var talk = try Dialogue(restoring: SavedStreamTests.saved(), goneFor: .seconds(299))
        talk.now = Instant(nanoseconds: 5_000_000_000_000)
        talk.feed(.start)
        talk.feed(.disconnected(.unreachable("no route")))
        #expect(talk.did().streams.isEmpty)
        talk.now = talk.now + .seconds(2)
        talk.feed(.timeout)
        #expect(talk.did().streams == [nil])
    }

    /// Whoever holds the resource may be the ghost of the process before.
    @Test func aConflictOfBindIsTriedAgain() throws {
        var talk = try Self.heir()
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.server(
            "<iq type='error' id='\(talk.lastID("bind"))'><error type='cancel'>"
                + "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        #expect(talk.actions.ending == nil && talk.session.deadline != nil)
    }

    /// A process that was killed while it bound its resource may still be heard: it takes the place of the next one, once.
    @Test(arguments: [true, false]) func aDeadProcessMayTakeOurPlaceOnce(isHeir: Bool) throws {
        var talk = try Dialogue(isHeir: isHeir)
        let conflict =
            "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        talk.feed(.start)
        talk.logIn()
        talk.server(conflict)
        #expect((talk.actions.ending == nil) == isHeir)
        guard isHeir else { return }
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.bound()
        talk.server(Dialogue.enabled)
        talk.server(conflict)
        #expect(talk.actions.ending != nil)
    }

    // MARK: - Rooms

    static let room =
        "<x xmlns='http://jabber.org/protocol/muc#user'><item role='participant'/><status code='110'/></x>"

    /// We may be in already: we ask for who is there, and not for what was said, which comes with the stream.
    @Test func roomsAreJoinedAgainWithoutTheirPast() throws {
        let jid = try JID("ops@muc.example.org")
        var talk = try Self.heir(presence: .init()) {
            var choice = RoomChoice(room: jid, nick: "bridge")
            choice.history = 20
            $0.session.join(choice, at: $0.now)
        }
        talk.server(Self.resumed(3))
        // Prosody delays what it kept.
        talk.server(
            "<message type='groupchat' from='ops@muc.example.org/ann'><body>hi</body>"
                + "<delay xmlns='urn:xmpp:delay' from='bridge@example.org' stamp='2026-01-02T03:04:05Z'/></message>")
        guard case .message(let message) = talk.did().events.last else {
            Issue.record("no message")
            return
        }
        #expect(message.room?.isHistory == false)
        talk.ack(3)
        #expect(talk.output.contains("<history maxstanzas='0'/>") && talk.did().events.count == 1)
        talk.server("<presence from='ops@muc.example.org/bridge'>\(Self.room)</presence>")
        #expect(talk.session.standing(in: jid) == .joined(nick: "bridge"))
        // A fresh stream has missed something.
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.bound()
        talk.server(Self.second)
        #expect(talk.output.contains("<history maxstanzas='20'/>"))
    }
}

extension Dialogue {
    /// How another process runs.
    struct Kind {
        var account = Dialogue.account
        var resource: String? = "r"
        var presence: Configuration.Presence? = .init()
        var goneFor = Duration.zero
    }
}
