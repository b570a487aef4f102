import Session
import Stanza
import Testing

@testable import Bridge

/// Lines into a room, and what is said there, through the whole pump.
@Suite struct PumpRoomTests {
    static let room = "ops@rooms.example.org"
    static let mucUser = "xmlns='http://jabber.org/protocol/muc#user'"

    static func filter(
        _ more: [String] = [], retry: Configuration.Retry = .forever
    ) throws -> PumpDialogue {
        var talk = try PumpDialogue.online(["--to", "room:\(room)"] + more, retry: retry)
        talk.forget()
        return talk
    }

    @Test func linesWaitUntilWeAreInAndCountWhenTheyAreShown() throws {
        var talk = try PumpDialogue(["--to", "room:\(Self.room)"])
        try talk.logIn()
        talk.settle()
        #expect(talk.socket.contains("<presence id='"), "it joins")
        #expect(!talk.socket.contains("<presence><"), "and announces no presence")
        talk.type("one\ntwo\n")
        #expect(talk.bodies == [])
        talk.feed(.inputEnded)
        #expect(!talk.hasLeft)
        try talk.enterRoom()
        #expect(talk.bodies == ["one"], "one after the other")
        #expect(talk.messages[0].contains("type='groupchat'"))
        talk.settle()
        #expect(!talk.hasLeft, "the server's acceptance is no proof")
        try talk.show(talk.messages[0])
        #expect(talk.bodies == ["one", "two"])
        try talk.show(talk.messages[1])
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success && talk.complaints == [])
    }

    @Test func aRoomThatShutsUsOutEndsTheFilterWithOneLine() throws {
        var talk = try Self.filter()
        talk.type((1...50).map { "line \($0)\n" }.joined())
        try talk.refuseRoom("registration-required", type: "auth")
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(talk.complaints.count == 1, "\(talk.complaints)")
        #expect(talk.complaints.first?.hasPrefix("error: the room \(Self.room): ") == true)
        #expect(talk.complaints.first?.hasSuffix("; 50 messages were not delivered") == true)
    }

    @Test func withFailFastARoomThatCannotBeReachedEndsItToo() throws {
        var talk = try Self.filter(retry: .failFast)
        try talk.refuseRoom("remote-server-timeout", type: "wait")
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered && talk.complaints.count == 1, "\(talk.complaints)")
    }

    @Test func patienceWithARoomIsThatWithAServer() throws {
        var talk = try Self.filter(retry: .within(.seconds(60)))
        talk.type("hi\n")
        try talk.refuseRoom("remote-server-timeout", type: "wait")
        #expect(talk.status == nil && talk.complaints.count == 1)
        talk.forget()
        // It is tried again, and answered by nobody.
        for _ in 0..<70 where talk.status == nil {
            talk.pass(.seconds(1))
            talk.settle()
        }
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(
            talk.complaints.last
                == "error: the room \(Self.room): it was not entered within 60 s; 1 message was not delivered")
    }

    @Test func whatARoomTurnsAwayGoesAgainAndKeepsItsID() throws {
        var talk = try Self.filter()
        try talk.enterRoom()
        talk.type("one\ntwo\n")
        let first = talk.messages
        try talk.bounce(first[0], "policy-violation", type: "wait")
        talk.forget()
        talk.wait(.seconds(2))
        #expect(talk.messages == first)
        try talk.show(first[0])
        talk.wait(.seconds(2))
        #expect(talk.bodies == ["one", "two"])
        try talk.show(talk.messages[1])
        talk.feed(.inputEnded)
        #expect(talk.hasLeft && talk.complaints == [])
    }

    @Test func whatARoomRefusesIsAFailure() throws {
        var talk = try Self.filter()
        try talk.enterRoom()
        talk.type("one\n")
        try talk.bounce(talk.messages[0], "forbidden", type: "auth")
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered)
        #expect(talk.complaints == ["error: the message to \(Self.room) was not delivered: forbidden"])
    }

    @Test func aRoomThatShowsNothingIsAFailureInTime() throws {
        var talk = try Self.filter()
        try talk.enterRoom()
        talk.type("one\n")
        talk.feed(.inputEnded)
        talk.settle()
        #expect(!talk.hasLeft)
        talk.wait(.seconds(31))
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered, "\(talk.complaints)")
    }

    /// A fresh stream sends again what the room has not shown, and nothing else.
    @Test func afterAFreshLoginOnlyWhatWasNotShownGoesAgain() throws {
        var talk = try Self.filter()
        try talk.enterRoom()
        talk.type("one\ntwo\n")
        try talk.show(talk.messages[0])
        let said = talk.messages
        talk.cut()
        talk.forget()
        talk.wait(.seconds(5))
        try talk.authenticate()
        try talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        try talk.bound()
        try talk.enterRoom()
        talk.wait(.seconds(2))
        #expect(Set(talk.messages) == [said[1]])
    }

    /// What the room has taken before the stream was lost is among what was missed, and not said again.
    @Test func whatTheRoomHasTakenIsNotSaidAgain() throws {
        var talk = try PumpDialogue(["--to", "room:\(Self.room)"])
        try talk.logIn()
        try talk.room(has: "urn:xmpp:mam:2")
        try talk.enterRoom()
        try talk.endPage()
        talk.type("one\ntwo\n")
        let said = try #require(talk.messages.first)
        talk.cut()
        talk.forget()
        talk.wait(.seconds(5))
        try talk.authenticate()
        try talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        try talk.bound()
        try talk.enterRoom()
        talk.wait(.seconds(2))
        #expect(talk.messages == [], "perhaps it is there")
        let copy = said.replacing(
            "<message ", with: "<message xmlns='jabber:client' from='\(Self.room)/bridge' ")
        try talk.server(
            "<message from='\(Self.room)'><result xmlns='urn:xmpp:mam:2' queryid='\(talk.lastID("page"))' id='1'>"
                + "<forwarded xmlns='urn:xmpp:forward:0'>\(copy)</forwarded></result></message>")
        #expect(talk.messages == [])
        try talk.endPage()
        #expect(talk.bodies == ["two"])
    }

    /// What waits for a room that is lost makes nobody look all the time.
    @Test func aLostRoomIsEnteredAgainWhenItsTimeHasCome() throws {
        var talk = try Self.filter()
        try talk.refuseRoom("remote-server-timeout", type: "wait")
        talk.wait(.seconds(2))
        try talk.enterRoom()
        talk.type("one\n")
        let said = talk.messages
        try talk.bounce(said[0], "not-acceptable", type: "modify")
        talk.wait(.milliseconds(10))
        let id = talk.lastID("self")
        #expect(id != "none")
        try talk.server(
            "<iq type='error' from='\(Self.room)/bridge' id='\(id)'><error type='cancel'>"
                + "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        talk.forget()
        var looks = 0
        let end = talk.now + .seconds(5)
        while let deadline = talk.pump.deadline, deadline <= end, looks < 100 {
            talk.now = max(talk.now, deadline)
            talk.feed(.timeout)
            looks += 1
        }
        #expect(looks < 20, "looked \(looks) times")
        #expect(talk.socket.contains("<presence id="), "it asks to come in again")
        talk.forget()
        try talk.enterRoom()
        #expect(talk.messages == said)
    }

    // MARK: - Inbound

    @Test func whatIsSaidInTheRoomGoesToItsRulesAndNothingOfOurs() throws {
        let yaml = """
            bridges:
              - {from: "room:\(Self.room)", to: stdout, body: "<{nick}> {body}"}
              - {from: stdin, to: "room:\(Self.room)"}
            """
        var talk = try PumpDialogue.online([], yaml: yaml)
        try talk.enterRoom()
        talk.type("ours\n")
        try talk.show(talk.messages[0])
        try talk.server(
            "<message type='groupchat' from='\(Self.room)/bob'><body>hello</body></message>")
        // Another client of ours, under the same nick.
        try talk.server(
            "<message type='groupchat' from='\(Self.room)/bridge' id='z'><body>by hand</body></message>")
        try talk.server("<message type='groupchat' from='other@rooms.example.org/x'><body>forged</body></message>")
        #expect(talk.printed == "<bob> hello\n")
    }

    @Test func eventsOfARoom() throws {
        var talk = try PumpDialogue.online(["--events", "--to", "room:\(Self.room)"])
        try talk.enterRoom()
        #expect(
            talk.events.last(where: { $0.contains("\"event\":\"room\"") })
                == "{\"event\":\"room\",\"room\":\"\(Self.room)\",\"action\":\"joined\",\"nick\":\"bridge\",\"occupants\":2}"
        )
        talk.forget()
        try talk.server("<message type='groupchat' from='other@rooms.example.org/x'><body>forged</body></message>")
        #expect(talk.events.count == 1 && talk.events[0].contains("\"code\":\"forged\""))
    }

    @Test func invitationsAreFollowedByPolicyOnly() throws {
        let yaml = """
            contacts: {invitations: ["*@example.org"]}
            bridges: [{from: events, to: stdout}]
            """
        var talk = try PumpDialogue.online([], yaml: yaml)
        for (inviter, isFollowed) in [("eve@example.net", false), ("bob@example.org", true)] {
            talk.forget()
            try talk.server(
                "<message from='\(Self.room)'><x \(Self.mucUser)><invite from='\(inviter)/x'/></x></message>")
            talk.settle()
            #expect(talk.socket.contains("to='\(Self.room)/bridge'") == isFollowed)
        }
    }

    @Test func requestsAreApprovedByPolicyOnly() throws {
        let yaml = """
            contacts: {accept: ["*@example.org"], block: [spam.example]}
            bridges: [{from: events, to: stdout}]
            """
        var talk = try PumpDialogue(["--events"], yaml: yaml)
        try talk.logIn()
        #expect(talk.socket.contains("<block xmlns='urn:xmpp:blocking'><item jid='spam.example'/></block>"))
        talk.forget()
        try talk.server("<presence type='subscribe' from='eve@example.net'/>")
        #expect(!talk.socket.contains("subscribed"))
        try talk.server("<presence type='subscribe' from='bob@example.org'/>")
        #expect(talk.socket.contains("<presence to='bob@example.org' type='subscribed'"))
    }
}

extension PumpDialogue {
    /// What a person was told by default.
    fileprivate var complaints: [String] { said.filter { !$0.hasPrefix("info: ") } }

    /// The room lets us in, where bob is already.
    mutating func enterRoom() throws {
        try server(
            "<presence from='\(PumpRoomTests.room)/bob'><x \(PumpRoomTests.mucUser)>"
                + "<item affiliation='none' role='participant'/></x></presence>")
        try server(
            "<presence from='\(PumpRoomTests.room)/bridge'><x \(PumpRoomTests.mucUser)>"
                + "<item affiliation='none' role='participant'/><status code='110'/></x></presence>")
        try server("<message type='groupchat' from='\(PumpRoomTests.room)'><subject/></message>")
    }

    /// The room says what it can do.
    mutating func room(has features: String...) throws {
        let list = features.map { "<feature var='\($0)'/>" }.joined()
        try server(
            "<iq type='result' from='\(PumpRoomTests.room)' id='\(lastID("info"))'>"
                + "<query xmlns='http://jabber.org/protocol/disco#info'>\(list)</query></iq>")
    }

    /// The page of its archive that was asked for last ends, and with it the archive.
    mutating func endPage() throws {
        let iq = socket.pieces(by: "<iq ").last { $0.contains("queryid=") } ?? ""
        try server(
            "<iq type='result' from='\(PumpRoomTests.room)' id='\(iq.from(" id='").upTo("'", keeping: false))'>"
                + "<fin xmlns='urn:xmpp:mam:2' complete='true'/></iq>")
    }

    mutating func refuseRoom(_ condition: String, type: String) throws {
        try server(
            "<presence from='\(PumpRoomTests.room)/bridge' type='error'><x xmlns='http://jabber.org/protocol/muc'/>"
                + "<error type='\(type)'><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
        )
    }

    private static func id(of message: String) -> String { message.from("id='").upTo("'", keeping: false) }

    /// The room shows our message to us.
    mutating func show(_ message: String) throws {
        try server(
            "<message type='groupchat' from='\(PumpRoomTests.room)/bridge' id='\(Self.id(of: message))'>"
                + "<body>\(message.from("<body>").upTo("</body>", keeping: false))</body></message>")
    }

    mutating func bounce(_ message: String, _ condition: String, type: String) throws {
        try server(
            "<message type='error' from='\(PumpRoomTests.room)' id='\(Self.id(of: message))'>"
                + "<error type='\(type)'><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    }
}
