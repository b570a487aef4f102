import LoopbackServer
import Stanza
import Testing

/// The profile that imitates what was seen of Openfire.
@Suite struct OpenfireTests {
    private func dialogue() throws -> Dialogue {
        try Dialogue {
            $0.profile = .openfire
            $0.saslMechanisms = [.plain, .scramSHA1]
        }
    }

    @Test func namesMechanismsInClearAndKeepsItsStreamID() throws {
        var dialogue = try dialogue()
        dialogue.connect(1, directTLS: false)
        dialogue.open(1, to: "elsewhere")
        let first = dialogue.hear(1)
        #expect(
            first.hasSuffix(
                "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms><compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression><ver xmlns='urn:xmpp:features:rosterver'/><register xmlns='http://jabber.org/features/iq-register'/></stream:features>"
            ))
        dialogue.say(1, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        dialogue.input(.secured(1))
        _ = dialogue.hear(1)
        dialogue.open(1)
        _ = dialogue.hear(1)
        dialogue.say(1, FaultTests.auth)
        _ = dialogue.hear(1)
        dialogue.open(1)
        let last = dialogue.hear(1)
        #expect(attribute("id", of: last) == attribute("id", of: first))
        #expect(
            last.hasSuffix(
                "<stream:features><compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression><ver xmlns='urn:xmpp:features:rosterver'/><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session><sm xmlns='urn:xmpp:sm:2'/><sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/></stream:features>"
            ))
        let streamID = try #require(attribute("id", of: first))
        #expect(
            dialogue.ask(1, FaultTests.bind)
                == "<iq type='result' id='b' to='localhost/\(streamID)'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/home</jid></bind></iq>"
                + "<iq type='get' id='1-version' from='localhost' to='alice@localhost/home'><query xmlns='jabber:iq:version'/></iq>"
        )
    }

    @Test func pushesWithoutFromAndBeforeTheResult() throws {
        var dialogue = try dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.say(1, "<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver=''/></iq>")
        #expect(dialogue.hear(1).range(of: "ver='-1'") != nil)
        let heard = dialogue.ask(
            1, "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='bob@localhost'/></query></iq>")
        #expect(heard.hasPrefix("<iq type='set' id='push-"))
        #expect(heard.range(of: "from=") == nil)
        #expect(heard.hasSuffix("<iq type='result' id='s' to='alice@localhost/home'></iq>"))
    }

    @Test func takesAMutualContactOffInThreeSteps() throws {
        var dialogue = try dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "home")
        dialogue.befriend(1, "alice", 2, "bob")
        dialogue.say(1, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
        _ = dialogue.hear(1)
        let heard = dialogue.ask(
            1,
            "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='bob@localhost' subscription='remove'/></query></iq>"
        )
        let words = heard.split(separator: "subscription='").dropFirst().map { $0.prefix { $0 != "'" } }
        #expect(words == ["from", "none", "remove"])
    }

    @Test func errorsCarryACodeAndEchoAndMessagesToNobodyVanish() throws {
        var dialogue = try dialogue()
        dialogue.login(1, "alice", "home")
        #expect(
            dialogue.ask(1, "<iq type='get' id='1' to='localhost'><query xmlns='urn:x'/></iq>")
                == "<iq type='error' id='1' from='localhost' to='alice@localhost/home'><query xmlns='urn:x'/><error code='503' type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        #expect(dialogue.ask(1, "<message to='dave@localhost'><body>x</body></message>") == "")
    }

    @Test func aResumptionNamesAHostAndDelaysWhatItRepeats() throws {
        var dialogue = try dialogue()
        dialogue.bind(1, "alice", "home")
        let enabled = dialogue.ask(1, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        let id = try #require(attribute("id", of: enabled))
        #expect(enabled == "<enabled xmlns='urn:xmpp:sm:3' id='\(id)' resume='true' location='localhost' max='60'/>")
        dialogue.say(1, "<message to='alice@localhost/home'><body>1</body></message>")
        dialogue.input(.disconnected(1))
        dialogue.authenticate(2, "alice")
        _ = dialogue.hear(2)
        #expect(dialogue.resume(2, id, h: 0).range(of: "<body>1</body><delay ") != nil)
    }
}
