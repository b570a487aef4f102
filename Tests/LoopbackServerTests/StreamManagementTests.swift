import LoopbackServer
import Stanza
import Testing

@Suite struct StreamManagementTests {
    static let request = "<r xmlns='urn:xmpp:sm:3'/>"

    private func acknowledgement(_ h: UInt32) -> String { "<a xmlns='urn:xmpp:sm:3' h='\(h)'/>" }

    private func message(_ body: String) -> String {
        "<message type='chat' to='bob@localhost/phone' id='\(body)'><body>\(body)</body></message>"
    }

    private func received(_ body: String) -> String {
        "<message from='alice@localhost/home' type='chat' to='bob@localhost/phone' id='\(body)'><body>\(body)</body></message>"
    }

    /// Alice on 1 without, bob on 2 with stream management and nothing unacknowledged.
    private func prepared(
        faults: [String] = [], change: (inout Server.Configuration) -> Void = { _ in }
    ) throws -> (Dialogue, id: String) {
        var dialogue = try Dialogue(faults: faults, change: change)
        dialogue.login(1, "alice", "home")
        dialogue.bind(2, "bob", "phone")
        let id = dialogue.enable(2)
        dialogue.say(2, "<presence/>")
        dialogue.say(2, acknowledgement(1))
        _ = dialogue.hear(2)
        _ = dialogue.observed()
        _ = dialogue.did()
        return (dialogue, id)
    }

    @Test func isEnabledOnce() throws {
        var dialogue = try Dialogue()
        dialogue.bind(1, "alice", "home")
        let enabled = dialogue.ask(1, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        let id = try #require(attribute("id", of: enabled))
        #expect(enabled == "<enabled xmlns='urn:xmpp:sm:3' id='\(id)' resume='true' max='60'/>")
        #expect(
            dialogue.ask(1, "<enable xmlns='urn:xmpp:sm:3'/>")
                == "<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        )
    }

    @Test func isEnabledWithoutResumptionWhereNobodyAsksOrItIsOff() throws {
        for (timeout, wish) in [(Duration.seconds(60), ""), (.zero, " resume='true'")] {
            var dialogue = try Dialogue { $0.resumptionTimeout = timeout }
            dialogue.bind(1, "alice", "home")
            #expect(dialogue.ask(1, "<enable xmlns='urn:xmpp:sm:3'\(wish)/>") == "<enabled xmlns='urn:xmpp:sm:3'/>")
        }
    }

    @Test func countsWhatTheClientSends() throws {
        var dialogue = try Dialogue()
        dialogue.bind(1, "alice", "home")
        _ = dialogue.enable(1)
        #expect(dialogue.ask(1, Self.request) == acknowledgement(0))
        for _ in 1...3 { dialogue.say(1, "<message to='bob@localhost'/>") }
        #expect(dialogue.ask(1, Self.request) == acknowledgement(3))
        dialogue.say(1, "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        #expect(
            dialogue.hear(1)
                == "<iq type='result' id='p' from='localhost' to='alice@localhost/home'></iq><r xmlns='urn:xmpp:sm:3'/>"
        )
        #expect(dialogue.ask(1, Self.request) == acknowledgement(4))
    }

    @Test func asksOnceUntilAnsweredAndOnlyForNews() throws {
        var (dialogue, _) = try prepared()
        dialogue.say(1, message("1"))
        #expect(dialogue.hear(2) == received("1") + Self.request)
        dialogue.say(1, message("2"))
        #expect(dialogue.hear(2) == received("2"))
        #expect(dialogue.ask(2, acknowledgement(2)) == Self.request)  // 2 was sent behind the question
        #expect(dialogue.ask(2, acknowledgement(2)) == "")  // a slow client is not asked again and again
        #expect(dialogue.ask(2, acknowledgement(3)) == "")
    }

    @Test func resumesAndSendsAgainWhatWasNotAcknowledged() throws {
        var (dialogue, id) = try prepared()
        for body in ["1", "2", "3"] { dialogue.say(1, message(body)) }
        dialogue.say(2, acknowledgement(2))
        _ = dialogue.hear(2)
        dialogue.input(.disconnected(2))
        dialogue.say(1, message("4"))
        #expect(dialogue.hear(2) == "")
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        #expect(
            dialogue.resume(3, id, h: 3)
                == "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='\(id)'/>" + received("3") + received("4")
                + Self.request)
        #expect(dialogue.observed().last == .login(try JID("bob@localhost/phone"), resumed: true))
        dialogue.say(3, acknowledgement(5))
        dialogue.say(1, message("5"))
        #expect(dialogue.hear(3) == received("5") + Self.request)
        #expect(dialogue.server.deadline == nil)
    }

    @Test func resumesWhileTheOldConnectionStillSeemsAlive() throws {
        var (dialogue, id) = try prepared()
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        _ = dialogue.did()
        #expect(dialogue.resume(3, id, h: 1).hasPrefix("<resumed "))
        #expect(dialogue.hear(2).hasSuffix("</stream:error></stream:stream>"))
        #expect(dialogue.did() == ["close 2"])
        dialogue.input(.disconnected(2))
        dialogue.say(1, message("1"))
        #expect(dialogue.hear(3) == received("1") + Self.request)
    }

    @Test func aSessionNobodyResumesGivesItsMessagesToTheStore() throws {
        var (dialogue, id) = try prepared()
        dialogue.say(1, message("1"))
        dialogue.say(
            1,
            "<message type='chat' to='bob@localhost/phone'><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
        )
        dialogue.input(.disconnected(2))
        #expect(dialogue.server.deadline == dialogue.now + .seconds(60))
        dialogue.pass(.seconds(59))
        #expect(dialogue.observed().contains(.logout(try JID("bob@localhost/phone"))) == false)
        dialogue.pass(.seconds(1))
        #expect(dialogue.observed().contains(.logout(try JID("bob@localhost/phone"))))
        #expect(dialogue.server.deadline == nil)
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        #expect(
            dialogue.resume(3, id, h: 1)
                == "<failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        )
        dialogue.say(3, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        _ = dialogue.hear(3)
        let greeting = dialogue.ask(3, "<presence/>")
        #expect(
            greeting.hasSuffix(
                "id='1'><body>1</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-22T09:40:00.123Z'/></message>"
            ))
        #expect(greeting.range(of: "chatstates") == nil)
    }

    @Test func whatWaitedForABoundResourceComesToTheNextSessionOfIt() throws {
        var (dialogue, _) = try prepared()
        dialogue.say(1, message("1"))
        dialogue.input(.disconnected(2))
        dialogue.login(4, "bob", "desk")
        #expect(dialogue.hear(4) == "")  // another resource gets nothing of it
        dialogue.bind(3, "bob", "phone")
        #expect(dialogue.hear(4).range(of: "<body>") == nil)
        #expect(dialogue.ask(3, "<presence/>").range(of: "<body>1</body><delay") != nil)
        #expect(dialogue.server.deadline == nil)
    }

    @Test func whatASessionDidNotTakeGoesToOthersOfTheAccount() throws {
        var (dialogue, _) = try prepared()
        dialogue.login(4, "bob", "desk")
        dialogue.say(1, message("1"))
        dialogue.input(.disconnected(2))
        _ = dialogue.hear(4)
        dialogue.pass(.seconds(60))
        #expect(dialogue.hear(4).range(of: "<body>1</body><delay") != nil)
    }

    @Test func aMessageThatWaitsTwiceSaysOnceWhenItWasTaken() throws {
        var (dialogue, _) = try prepared()
        dialogue.say(1, message("1"))
        for id: UInt64 in 3...4 {
            dialogue.input(.disconnected(id - 1))
            dialogue.pass(.seconds(60))
            dialogue.bind(id, "bob", "b\(id)")
            _ = dialogue.enable(id)
            let greeting = dialogue.ask(id, "<presence/>")
            #expect(greeting.split(separator: "<body>1</body>").count == 2)
            #expect(greeting.split(separator: "<delay ").count == 2)
        }
    }

    @Test(arguments: ["", "<enable xmlns='urn:xmpp:sm:3'/>"]) func aSessionThatEndsAmidTheStoreLeavesTheRest(
        _ enable: String
    ) throws {
        var dialogue = try Dialogue(faults: ["2:sent=3:abort"])
        dialogue.login(1, "alice", "home")
        for body in 1...4 { dialogue.say(1, "<message to='bob@localhost'><body>\(body)</body></message>") }
        dialogue.bind(2, "bob", "phone")
        if !enable.isEmpty { dialogue.say(2, enable) }
        dialogue.say(2, "<presence/>")  // hears itself, one message, and no more
        dialogue.bind(3, "bob", "desk")
        let bodies = dialogue.ask(3, "<presence/>").split(separator: "<body>").dropFirst().compactMap(\.first)
        #expect(bodies == (enable.isEmpty ? ["3", "4"] : ["1", "2", "3", "4"]))
    }

    @Test func aQuestionThatASessionDidNotTakeIsAnsweredForIt() throws {
        var (dialogue, _) = try prepared()
        dialogue.say(1, "<iq type='get' id='v' to='bob@localhost/phone'><query xmlns='jabber:iq:version'/></iq>")
        dialogue.say(1, "<iq type='result' id='w' to='bob@localhost/phone'/>")
        dialogue.input(.disconnected(2))
        #expect(dialogue.hear(1) == "")
        dialogue.pass(.seconds(60))
        #expect(
            dialogue.hear(1)
                == "<iq type='error' id='v' from='bob@localhost/phone' to='alice@localhost/home'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
    }

    @Test func aGoodbyeEndsTheSessionForGood() throws {
        var (dialogue, id) = try prepared()
        dialogue.say(1, message("1"))
        dialogue.input(.streamClosed(2))
        dialogue.input(.disconnected(2))
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        #expect(dialogue.resume(3, id, h: 1).hasPrefix("<failed "))
    }

    @Test func nobodyResumesTheSessionOfAnother() throws {
        var (dialogue, id) = try prepared()
        dialogue.input(.disconnected(2))
        dialogue.authenticate(3, "carol")
        _ = dialogue.hear(3)
        #expect(
            dialogue.resume(3, id, h: 1)
                == "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        )
        dialogue.authenticate(4, "bob")
        _ = dialogue.hear(4)
        #expect(dialogue.resume(4, id, h: 1).hasPrefix("<resumed "))
    }

    @Test(arguments: [false, true]) func anAcknowledgementOfMoreThanWasSentEndsTheStream(_ byResume: Bool) throws {
        var (dialogue, id) = try prepared()
        let text: String
        if byResume {
            dialogue.input(.disconnected(2))
            dialogue.authenticate(3, "bob")
            _ = dialogue.hear(3)
            text = dialogue.resume(3, id, h: 9)
        } else {
            text = dialogue.ask(2, acknowledgement(9))
        }
        #expect(
            text
                == "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><handled-count-too-high xmlns='urn:xmpp:sm:3' h='9' send-count='1'/></stream:error></stream:stream>"
        )
    }

    @Test func aClientThatNeverAcknowledgesIsDropped() throws {
        var (dialogue, _) = try prepared { $0.limits.unacknowledgedStanzasMax = 3 }
        for body in ["1", "2", "3"] { dialogue.say(1, message(body)) }
        #expect(dialogue.did() == [])
        dialogue.say(1, message("4"))
        #expect(dialogue.did() == ["close 2"])
        dialogue.login(3, "bob", "desk")
        dialogue.say(1, message("5"))
        dialogue.bind(4, "bob", "tablet")
        var other = dialogue
        #expect(other.ask(4, "<presence/>").range(of: "<body>") == nil)  // the first to come took all four
    }

    @Test(arguments: [
        ("<a xmlns='urn:xmpp:sm:3'/>", "bad-format"), ("<a xmlns='urn:xmpp:sm:3' h='-1'/>", "bad-format"),
        ("<a xmlns='urn:x'/>", "unsupported-stanza-type"), ("<query/>", "unsupported-stanza-type"),
    ])
    func refusesWhatItCannotRead(_ element: String, _ condition: String) throws {
        var (dialogue, _) = try prepared()
        #expect(dialogue.ask(2, element).hasPrefix("<stream:error><\(condition) "))
    }

    @Test func resumptionHasItsRules() throws {
        var dialogue = try Dialogue()
        dialogue.authenticate(1, "alice")
        _ = dialogue.hear(1)
        #expect(dialogue.ask(1, "<resume xmlns='urn:xmpp:sm:3' previd='x'/>").range(of: "<bad-request") != nil)
        #expect(dialogue.ask(1, "<enable xmlns='urn:xmpp:sm:3'/>").range(of: "<unexpected-request") != nil)
        dialogue = try Dialogue { $0.streamManagement = false }
        dialogue.authenticate(1, "alice")
        #expect(dialogue.hear(1).range(of: "urn:xmpp:sm") == nil)
        #expect(dialogue.resume(1, "x", h: 0).range(of: "<feature-not-implemented") != nil)
    }

    /// What a session that never was available leaves behind is older than what was stored since.
    @Test func whatIsLeftComesInItsOrder() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "a")
        dialogue.login(2, "bob", "b")
        _ = dialogue.enable(1)
        dialogue.say(2, "<message to='alice@localhost' type='chat'><body>1</body></message>")
        dialogue.bind(3, "alice", "a")
        dialogue.pass(.seconds(1))
        dialogue.wall.milliseconds += 1_000
        dialogue.say(2, "<message to='alice@localhost' type='chat'><body>2</body></message>")
        dialogue.input(.disconnected(3))
        dialogue.bind(4, "alice", "a")
        let heard = dialogue.ask(4, "<presence/>")
        #expect(heard.split(separator: "<body>").dropFirst().map { $0.first } == ["1", "2"])
    }
}
