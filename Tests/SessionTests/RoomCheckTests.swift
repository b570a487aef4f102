import Stanza
import Testing

@testable import Session

/// A room that looks joined but is deaf: found by the self-ping, and healed (XEP-0410).
@Suite struct RoomCheckTests {
    /// In the room, with the first self-ping written.
    static func asked() throws -> Dialogue {
        var talk = try Dialogue.inRoom(managed: false)
        talk.pass(.seconds(224))
        #expect(!talk.written().contains("self-"))
        talk.pass(.seconds(1))
        return talk
    }

    @Test func silenceIsAskedAbout() throws {
        var talk = try Self.asked()
        let id = talk.lastID("self")
        #expect(
            talk.output.contains(
                "<iq type='get' id='\(id)' to='ops@rooms.example.org/bridge'><ping xmlns='urn:xmpp:ping'/></iq>"))
        talk.answerCheck()
        #expect(talk.standing == .joined(nick: "bridge") && talk.did().rooms.isEmpty)
        _ = talk.written()
        talk.pass(.seconds(224))
        #expect(!talk.written().contains("self-"))
        talk.pass(.seconds(1))
        #expect(talk.written().contains("self-"))
    }

    /// Whatever the room says shows that we are in.
    @Test(arguments: ["message", "presence", "room"])
    func signsOfLife(_ kind: String) throws {
        var talk = try Dialogue.inRoom(managed: false)
        talk.pass(.seconds(200))
        switch kind {
        case "message": talk.groupchat("ann", "<body>hi</body>")
        case "presence": talk.occupant("ann")
        case _: talk.server("<presence from='\(Dialogue.room)'><photo/></presence>")
        }
        _ = talk.written()
        talk.pass(.seconds(224))
        #expect(!talk.written().contains("self-"))
        talk.pass(.seconds(1))
        #expect(talk.written().contains("self-"))
    }

    /// The room reflects the ping to us where it does not answer itself.
    @Test func ourOwnPingIsAnswered() throws {
        var talk = try Self.asked()
        talk.server("<iq type='get' from='\(Dialogue.room)/bridge' id='x'><ping xmlns='urn:xmpp:ping'/></iq>")
        #expect(talk.output.contains("<iq type='result' id='x' to='ops@rooms.example.org/bridge'/>"))
    }

    enum Outcome { case present, absent, unclear }

    /// XEP-0410 3.2, condition and type of the answer.
    static let answers: [(String?, String, Outcome)] = [
        (nil, "", .present), ("service-unavailable", "cancel", .present),
        ("feature-not-implemented", "cancel", .present),
        ("not-acceptable", "cancel", .absent), ("not-allowed", "cancel", .absent), ("bad-request", "modify", .absent),
        ("forbidden", "auth", .absent), ("item-not-found", "cancel", .unclear),
        ("remote-server-not-found", "cancel", .unclear), ("remote-server-timeout", "wait", .unclear),
        ("resource-constraint", "wait", .unclear),
    ]

    @Test(arguments: answers)
    func means(_ condition: String?, _ type: String, is outcome: Outcome) throws {
        var talk = try Self.asked()
        talk.answerCheck(condition, type: type)
        _ = talk.written()
        switch outcome {
        case .present: #expect(talk.standing == .joined(nick: "bridge") && talk.did().rooms.isEmpty)
        case .absent:
            let lost = try #require(talk.did().rooms.first)
            #expect(lost.action == .lost && lost.condition == condition && lost.retryIn == .zero)
        case .unclear:
            #expect(talk.standing == .joined(nick: "bridge") && talk.did().rooms.isEmpty)
            talk.pass(.milliseconds(500))
            #expect(talk.written().contains("self-"))
        }
    }

    @Test func whoIsNotInComesBackAtOnce() throws {
        var talk = try Self.asked()
        let id = talk.lastID("self")
        _ = talk.written()
        talk.server(
            "<iq type='error' from='\(Dialogue.room)/bridge' id='\(id)'><error type='cancel'>"
                + "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        #expect(talk.written().contains("<history"))
        talk.occupant("ann")
        talk.occupant("bridge", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.lost, .rejoined])
        // A room that only says so is not asked into a circle.
        talk.pass(.seconds(30))
        talk.hint()
        talk.passToDeadline()
        talk.answerCheck("not-acceptable")
        #expect(talk.did().rooms.last?.retryIn == .seconds(1))
    }

    @Test func anAnswerFromAnotherCountsNothing() throws {
        var talk = try Self.asked()
        let id = talk.lastID("self")
        for from in ["mallory@evil.org", "rooms.example.org", "example.org"] {
            talk.server("<iq type='error' from='\(from)' id='\(id)'/>")
        }
        #expect(talk.standing == .joined(nick: "bridge") && talk.did().rooms.isEmpty)
    }

    @Test func threeDoubtsAreALoss() throws {
        var talk = try Self.asked()
        talk.pass(.seconds(30))
        talk.pass(.milliseconds(500))
        talk.answerCheck("remote-server-timeout", type: "wait")
        #expect(talk.did().rooms.isEmpty)
        talk.pass(.seconds(1))
        talk.pass(.seconds(30))
        let lost = try #require(talk.did().rooms.first)
        #expect(lost.action == .lost && lost.retryIn == .milliseconds(500))
    }

    @Test func whatIsHeardMeanwhileSettlesADoubt() throws {
        var talk = try Self.asked()
        talk.now = talk.now + .seconds(1)
        talk.groupchat("ann", "<body>hi</body>")
        talk.pass(.seconds(29))
        _ = talk.written()
        talk.pass(.seconds(1))
        #expect(!talk.written().contains("self-"))
    }

    /// The XEP takes it for a change of nick; a server that forgot a temporary room says so too.
    @Test func anUnknownNickTwiceIsAForgottenRoom() throws {
        var talk = try Self.asked()
        talk.answerCheck("item-not-found")
        talk.pass(.milliseconds(500))
        talk.answerCheck("item-not-found")
        #expect(talk.did().rooms.map(\.action) == [.lost])
    }

    @Test func aChangeOfNickMeanwhileIsNone() throws {
        var talk = try Self.asked()
        talk.answerCheck("item-not-found")
        talk.gone("bridge", [110, 303], item: "<item nick='bot'/>")
        talk.occupant("bot", codes: [110])
        talk.pass(.milliseconds(500))
        #expect(talk.output.contains("/bot'><ping"))
        talk.answerCheck("item-not-found", nick: "bot")
        #expect(talk.standing == .joined(nick: "bot") && talk.did().rooms.isEmpty)
    }

    // MARK: - Hints

    @Test(arguments: [Dialogue.room, Dialogue.room + "/ann"])
    func aMessageThatIsRefusedIsAHint(_ from: String) throws {
        var talk = try Dialogue.inRoom(managed: false)
        talk.hint(from)
        // The one who sent it hears of it, too.
        #expect(talk.did().messages.map(\.type) == ["error"])
        talk.passToDeadline()
        talk.answerCheck("not-acceptable")
        #expect(talk.did().rooms.map(\.action) == [.lost] && talk.output.contains("<history"))
    }

    @Test func otherErrorsAreNone() throws {
        var talk = try Dialogue.inRoom(managed: false)
        talk.server(
            "<message type='error' id='m1' from='\(Dialogue.room)'><error type='auth'>"
                + "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        talk.pass(.seconds(1))
        #expect(!talk.written().contains("self-"))
    }

    @Test func aRefusedDirectedPresenceIsAHintAndIsTold() throws {
        var talk = try Dialogue.inRoom(managed: false)
        talk.server(
            "<presence type='error' id='p1' from='\(Dialogue.room)/zoe'><error type='cancel'>"
                + "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
        guard case .presence(let update)? = talk.did().events.first else {
            Issue.record("not told")
            return
        }
        #expect(update.error?.condition == "not-acceptable")
        talk.passToDeadline()
        #expect(talk.written().contains("self-"))
    }

    // MARK: - Streams

    @Test func aResumptionIsCheckedAndNoLoss() throws {
        var talk = try Dialogue.inRoom()
        let sent = talk.session.queue.sentCount
        talk.ack(sent)
        talk.feed(.disconnected(.closed("reset")))
        #expect(talk.standing == .joining)
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='\(sent)' previd='sm-1'/>")
        // What is replayed is the room's.
        _ = talk.did()
        talk.groupchat("ann", "<body>meanwhile</body>")
        #expect(talk.did().messages.first?.room?.nick == "ann")
        _ = talk.written()
        talk.ack(sent)
        #expect(talk.standing == .joined(nick: "bridge"))
        talk.passToDeadline()
        #expect(talk.output.contains("self-"))
        talk.answerCheck()
        #expect(talk.did().rooms.isEmpty && talk.standing == .joined(nick: "bridge"))
    }

    @Test func manyRoomsAreCheckedOneAfterAnother() throws {
        var talk = try Dialogue.online()
        for number in 0..<3 {
            talk.join(try Dialogue.choice(room: "r\(number)@rooms.example.org"))
            talk.occupant("bridge", room: "r\(number)@rooms.example.org", codes: [110])
        }
        let sent = talk.session.queue.sentCount
        talk.ack(sent)
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.resume(sent)
        func checks(_ text: String) -> Int { text.split(separator: "self-").count - 1 }
        #expect(checks(talk.written()) == 1)
        talk.pass(.milliseconds(100))
        #expect(checks(talk.written()) == 1)
        talk.pass(.milliseconds(100))
        #expect(checks(talk.written()) == 1)
    }

    @Test func afterAFreshLoginAllRoomsAreJoinedAgain() throws {
        var talk = try Dialogue.inRoom(managed: false)
        talk.join(try Dialogue.choice(room: "late@rooms.example.org"))
        talk.feed(.disconnected(.closed("reset")))
        talk.join(try Dialogue.choice(room: "offline@rooms.example.org"))
        #expect(talk.did().rooms.isEmpty)
        talk.passToDeadline()
        talk.logIn(managed: false)
        let written = talk.written()
        for room in ["late", "offline", "ops"] {
            #expect(written.contains("to='\(room)@rooms.example.org/bridge'><x"))
        }
        for room in ["ops", "late", "offline"] {
            talk.occupant("bridge", room: room + "@rooms.example.org", codes: [110])
        }
        let told = talk.did().rooms
        #expect(told.map(\.action) == [.lost, .rejoined, .joined, .joined])
        #expect(told[0].room.text == Dialogue.room && told[0].retryIn == .zero)
    }

    @Test func aNickWantedOfflineIsTakenAtTheNextStream() throws {
        var talk = try Dialogue.inRoom()
        let sent = talk.session.queue.sentCount
        talk.ack(sent)
        talk.feed(.disconnected(.closed("reset")))
        talk.join(try Dialogue.choice("bot"))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        _ = talk.written()
        talk.resume(sent)
        #expect(talk.written().contains("to='ops@rooms.example.org/bot'/>"))
    }

    @Test func whatIsLeftOfflineIsLeftAtTheNextStream() throws {
        for isResumed in [true, false] {
            var talk = try Dialogue.inRoom()
            let sent = talk.session.queue.sentCount
            talk.ack(sent)
            talk.feed(.disconnected(.closed("reset")))
            talk.session.leave(room: try JID(Dialogue.room), status: "bye", at: talk.now)
            #expect(talk.standing == nil)
            talk.passToDeadline()
            talk.authenticate()
            talk.features(Dialogue.bind, Dialogue.sm)
            _ = talk.written()
            if isResumed {
                talk.resume(sent)
                #expect(talk.written().contains("<status>bye</status>"))
                talk.gone("bridge", [110])
            } else {
                talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
                talk.bound()
                talk.server(Dialogue.enabled)
                #expect(!talk.written().contains("rooms.example.org"))
            }
            #expect(talk.did().rooms.map(\.action) == [.left])
        }
    }

    @Test func theEndLeavesTheRoomsFirst() throws {
        var talk = try Dialogue.inRoom()
        talk.feed(.leave)
        let written = talk.written()
        #expect(written.contains("<presence to='ops@rooms.example.org/bridge' type='unavailable'/>"))
        #expect(written.hasSuffix("</stream:stream>"))
        #expect(talk.did().rooms.map(\.action) == [.left])
        #expect(talk.session.deadline == talk.now + .seconds(5))
        talk.passToDeadline()
        #expect(talk.did().ending == .left)
    }
}
