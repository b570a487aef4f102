import LoopbackServer
import Stanza
import Testing

/// XEP-0280.
@Suite struct CarbonTests {
    /// Alice on 1 (home) and, with carbons, 2 (desk), bob on 3.
    private func dialogue() throws -> Dialogue {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "alice", "desk", priority: -1)
        dialogue.login(3, "bob", "phone")
        #expect(
            dialogue.ask(2, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>").hasSuffix(
                "<iq type='result' id='c' to='alice@localhost/desk'></iq>"))
        for id: UInt64 in 1...3 { _ = dialogue.hear(id) }
        return dialogue
    }

    private func copy(_ direction: String, _ type: String, _ message: String) -> String {
        "<message from='alice@localhost' to='alice@localhost/desk'\(type)><\(direction) xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'\(message)</forwarded></\(direction)></message>"
    }

    @Test(arguments: ["alice@localhost/home", "alice@localhost"]) func whatComesIsCopied(_ to: String) throws {
        var dialogue = try dialogue()
        dialogue.say(3, "<message id='1' type='chat' to='\(to)'><body>x</body></message>")
        #expect(dialogue.hear(1).hasPrefix("<message from='bob@localhost/phone'"))
        #expect(
            dialogue.hear(2)
                == copy(
                    "received", " type='chat'",
                    " from='bob@localhost/phone' id='1' type='chat' to='\(to)'><body>x</body></message>"))
    }

    @Test func whatGoesIsCopied() throws {
        var dialogue = try dialogue()
        dialogue.say(1, "<message to='bob@localhost'><body>x</body></message>")
        #expect(
            dialogue.hear(2)
                == copy("sent", "", " from='alice@localhost/home' to='bob@localhost'><body>x</body></message>"))
        #expect(dialogue.hear(1) == "")
        // Who gets the message itself gets no copy, and nobody two.
        dialogue.say(1, "<message to='alice@localhost/desk'><body>y</body></message>")
        #expect(
            dialogue.hear(2)
                == "<message from='alice@localhost/home' to='alice@localhost/desk'><body>y</body></message>")
    }

    @Test(arguments: [
        ("type='chat'", "<body>x</body>", true), ("", "<body>x</body>", true), ("", "<x xmlns='urn:x'/>", false),
        ("type='chat'", "<body>x</body><private xmlns='urn:xmpp:carbons:2'/>", false),
        ("type='headline'", "<body>x</body>", false), ("type='error'", "<body>x</body>", false),
        ("", "<received xmlns='urn:xmpp:receipts' id='1'/>", true),
        ("", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true),
        ("type='chat'", "<active xmlns='http://jabber.org/protocol/chatstates'/>", true),
        ("", "<x xmlns='jabber:x:conference' jid='ops@conference.localhost'/>", true),
    ])
    func isCopied(_ type: String, _ payload: String, _ isCopied: Bool) throws {
        var dialogue = try dialogue()
        dialogue.say(3, "<message \(type) to='alice@localhost/home'>\(payload)</message>")
        #expect((dialogue.hear(2) != "") == isCopied)
    }

    @Test func whatIsSaidInARoomIsNot() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.login(4, "alice", "desk")
        dialogue.say(4, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
        _ = dialogue.hear(4)
        dialogue.speak(2, "x")
        dialogue.say(2, "<message type='chat' to='\(Dialogue.room)/alice'><body>x</body></message>")
        #expect(dialogue.hear(4) == "")
    }

    @Test func canBeTurnedOffAndMissing() throws {
        var dialogue = try dialogue()
        dialogue.say(2, "<iq type='set' id='c'><disable xmlns='urn:xmpp:carbons:2'/></iq>")
        _ = dialogue.hear(2)
        dialogue.say(3, "<message to='alice@localhost/home'><body>x</body></message>")
        #expect(dialogue.hear(2) == "")
        for wrong in [
            "<iq type='get' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>",
            "<iq type='set' id='c'><other xmlns='urn:xmpp:carbons:2'/></iq>",
        ] {
            #expect(dialogue.ask(2, wrong).range(of: "<bad-request ") != nil)
        }
        let info = "<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        #expect(dialogue.ask(2, info).range(of: "urn:xmpp:carbons:2") != nil)
        dialogue = try Dialogue { $0.carbons = false }
        dialogue.login(1, "alice", "home")
        let enable = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
        #expect(dialogue.ask(1, enable).range(of: "<service-unavailable ") != nil)
        #expect(dialogue.ask(1, info).range(of: "urn:xmpp:carbons:2") == nil)
    }
}
