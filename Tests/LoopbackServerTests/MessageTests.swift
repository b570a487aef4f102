import LoopbackServer
import Stanza
import Testing

@Suite struct MessageTests {
    static let text = "<body>hi &lt;&amp;&gt;</body>"

    private func outcomes(_ dialogue: inout Dialogue) -> [Server.SeenMessage.Outcome] {
        dialogue.observed().compactMap {
            if case .message(let seen) = $0 { seen.outcome } else { nil }
        }
    }

    @Test func goesToAFullAddressWithTheSendersOwn() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        dialogue.say(
            1,
            "<message to='bob@localhost/phone' type='chat' id='7' xml:lang='en'>\(Self.text)<x xmlns='urn:x'><y a='&apos;'/></x></message>"
        )
        #expect(
            dialogue.hear(2)
                == "<message from='alice@localhost/home' to='bob@localhost/phone' type='chat' id='7' xml:lang='en'>\(Self.text)<x xmlns='urn:x'><y a='&apos;'/></x></message>"
        )
        #expect(dialogue.hear(1) == "")
        #expect(
            dialogue.observed() == [
                .message(
                    .init(
                        from: try JID("alice@localhost/home"), to: "bob@localhost/phone", type: "chat", id: "7",
                        body: "hi <&>", outcome: .delivered(sessions: 1)))
            ])
    }

    @Test func toABareAddressGoesToAllWhoTakeIt() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        dialogue.login(3, "bob", "desk", priority: 5)
        dialogue.login(4, "bob", "silent", priority: -1)
        dialogue.bind(5, "bob", "hidden")
        for id: UInt64 in 2...5 { _ = dialogue.hear(id) }
        dialogue.say(1, "<message to='bob@localhost'>\(Self.text)</message>")
        let heard = "<message from='alice@localhost/home' to='bob@localhost'>\(Self.text)</message>"
        #expect((2...5).map { dialogue.hear($0) } == [heard, heard, "", ""])
        #expect(outcomes(&dialogue) == [.delivered(sessions: 2)])
        // A full address reaches who announced nothing, too.
        dialogue.say(1, "<message to='bob@localhost/hidden'>\(Self.text)</message>")
        #expect(dialogue.hear(5).hasPrefix("<message "))
    }

    @Test func withoutARecipientComesBackToTheAccount() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        #expect(
            dialogue.ask(1, "<message>\(Self.text)</message>")
                == "<message from='alice@localhost/home'>\(Self.text)</message>")
    }

    /// RFC 6121 8.5.2.2 and 8.5.3.2: nobody is there.
    @Test(arguments: [
        ("", "bob@localhost", Server.SeenMessage.Outcome.stored), (" type='chat'", "bob@localhost", .stored),
        (" type='normal'", "bob@localhost/gone", .stored), (" type='headline'", "bob@localhost", .ignored),
        (" type='headline'", "bob@localhost/gone", .ignored), (" type='error'", "bob@localhost", .ignored),
        (" type='groupchat'", "bob@localhost", .bounced(condition: "service-unavailable")),
        (" type='groupchat'", "bob@localhost/gone", .bounced(condition: "service-unavailable")),
        (" type='chat'", "dave@localhost", .bounced(condition: "service-unavailable")),
        (" type='error'", "dave@localhost", .ignored),
        (" type='chat'", "localhost", .bounced(condition: "service-unavailable")),
        (" type='chat'", "bob@elsewhere", .bounced(condition: "remote-server-not-found")),
        (" type='error'", "bob@elsewhere", .ignored),
    ])
    func withNobodyThere(_ type: String, _ to: String, _ expected: Server.SeenMessage.Outcome) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        let answer = dialogue.ask(1, "<message\(type) to='\(to)' id='7'>\(Self.text)</message>")
        switch expected {
        case .bounced(let condition):
            #expect(
                answer
                    == "<message type='error' id='7' from='\(to)' to='alice@localhost/home'><error type='cancel'><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
            )
            #expect(outcomes(&dialogue) == [expected])
        case .stored, .ignored, .delivered:
            #expect(answer == "")
            #expect(outcomes(&dialogue) == [expected])
        }
    }

    @Test func aBadAddressIsSaidSo() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        let answer = dialogue.ask(1, "<message to='@' id='7'>\(Self.text)</message>")
        #expect(answer.range(of: "<error type='modify'><jid-malformed ") != nil)
    }

    @Test func theStoreKeepsOrderAndGivesOnce() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        for number in 1...3 { dialogue.say(1, "<message to='bob@localhost'><body>\(number)</body></message>") }
        dialogue.login(2, "bob", "silent", priority: -1)
        dialogue.bind(3, "bob", "phone")
        let greeting = dialogue.ask(3, "<presence/>")
        let bodies = greeting.split(separator: "<body>").dropFirst().compactMap(\.first)
        #expect(bodies == ["1", "2", "3"])
        #expect(
            greeting.range(
                of: "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-22T09:40:00.123Z'/></message>")
                != nil)
        #expect(dialogue.ask(3, "<presence/>").range(of: "<body>") == nil)
    }

    @Test func aPriorityThatRisesBringsTheStore() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.say(1, "<message to='bob@localhost'><body>1</body></message>")
        dialogue.bind(2, "bob", "phone")
        #expect(dialogue.ask(2, "<presence><priority>-1</priority></presence>").range(of: "<body>") == nil)
        #expect(dialogue.ask(2, "<presence><priority>0</priority></presence>").range(of: "<body>1</body>") != nil)
    }

    @Test func aFullStoreBounces() throws {
        var dialogue = try Dialogue { $0.limits.offlineStanzasMax = 2 }
        dialogue.login(1, "alice", "home")
        for number in 1...3 { dialogue.say(1, "<message to='bob@localhost'><body>\(number)</body></message>") }
        #expect(outcomes(&dialogue) == [.stored, .stored, .bounced(condition: "service-unavailable")])
        #expect(dialogue.hear(1).range(of: "<service-unavailable ") != nil)
    }

    @Test func chatStatesAreNotStored() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.say(
            1,
            "<message type='chat' to='bob@localhost'><active xmlns='http://jabber.org/protocol/chatstates'/></message>")
        dialogue.say(1, "<message type='chat' to='bob@localhost'/>")
        #expect(outcomes(&dialogue) == [.ignored, .ignored])
    }

    @Test(arguments: [
        ("<message from='bob@localhost'/>", "invalid-from"), ("<message from='alice@localhost/x'/>", "invalid-from"),
        ("<message from='@'/>", "invalid-from"), ("<message xmlns='urn:x'/>", "unsupported-stanza-type"),
        ("<letter/>", "unsupported-stanza-type"),
    ])
    func endsTheStreamOf(_ stanza: String, _ condition: String) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        #expect(dialogue.ask(1, stanza).hasPrefix("<stream:error><\(condition) "))
        #expect(dialogue.did() == ["close 1"])
    }

    @Test func itsOwnAddressMayBeSaid() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        for from in ["alice@localhost", "alice@localhost/home"] {
            #expect(
                dialogue.ask(1, "<message from='\(from)'>\(Self.text)</message>")
                    == "<message from='alice@localhost/home'>\(Self.text)</message>")
        }
    }

    @Test func observationsCanBeTurnedOff() throws {
        var dialogue = try Dialogue { $0.observesMessages = false }
        dialogue.login(1, "alice", "home")
        dialogue.say(1, "<message>\(Self.text)</message>")
        #expect(dialogue.observed() == [])
    }
}
