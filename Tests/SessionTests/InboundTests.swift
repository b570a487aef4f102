import Stanza
import Testing

@testable import Session

@Suite struct InboundTests {
    static let ask = "<r xmlns='urn:xmpp:sm:3'/>"
    static func answer(_ h: UInt32) -> String { "<a xmlns='urn:xmpp:sm:3' h='\(h)'/>" }

    // MARK: - What is handled

    @Test func hCountsThePrefixThatIsHandled() throws {
        var talk = try Dialogue.online()
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.inboundStanza == 1)
        talk.server("<iq type='get' id='x' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>")
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.inboundStanza == 3)
        _ = talk.written()
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(0))
        talk.feed(.handled(upTo: 1))
        #expect(talk.written() == "")
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(1))  // the ping made no event, and is not told as handled all the same
        talk.feed(.handled(upTo: 2))
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(2))
        talk.feed(.handled(upTo: 3))
        #expect(talk.written() == Self.answer(3))  // what was asked for before is told unasked
        talk.feed(.handled(upTo: 3))
        #expect(talk.written() == "")
    }

    /// Its server knows a newer Unicode than we do.
    @Test func aSenderWhoseAddressWeWouldRefuseIsHeard() throws {
        var talk = try Dialogue.online()
        talk.server("<message from='room@example.org/\u{200B}\u{1FAE8}'><body>hi</body></message>")
        let senders = talk.did().events.compactMap {
            if case .message(let message) = $0 { message.from.text } else { nil }
        }
        #expect(senders == ["room@example.org/\u{200B}\u{1FAE8}"])
    }

    @Test func muchHandledIsToldUnasked() throws {
        var talk = try Dialogue.online { $0.limits.inboundUnacknowledgedStanzas = 1_000 }
        for _ in 0..<101 { talk.server("<message from='a@example.org'/>") }
        talk.feed(.handled(upTo: 100))
        #expect(talk.written() == "")
        talk.feed(.handled(upTo: 101))
        #expect(talk.written() == Self.answer(101))
    }

    @Test func hWraps() throws {
        var talk = try Dialogue.online()
        talk.session.inbound.setCount(UInt32.max)
        talk.server("<presence type='probe' from='a@example.org'/>")
        #expect(talk.session.handledCount(ifHandledUpTo: 0) == UInt32.max)
        #expect(talk.session.handledCount(ifHandledUpTo: 1) == 0)
        talk.feed(.handled(upTo: 1))
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(0))
    }

    @Test func twoHundredUnhandledSpill() throws {
        var talk = try Dialogue.online()
        for _ in 0..<200 { talk.server("<message from='a@example.org'/>") }
        #expect(!talk.did().contains { if case .spill = $0 { true } else { false } })
        talk.server("<message from='a@example.org'/>")
        #expect(talk.did().last == .spill(upTo: 201))
        talk.server("<message from='a@example.org'/>")
        #expect(talk.did().last != .spill(upTo: 202))
        talk.feed(.handled(upTo: 201))
        talk.server(Self.ask)
        #expect(talk.written().hasSuffix(Self.answer(201)))
    }

    @Test func aSecondUnhandledSpills() throws {
        var talk = try Dialogue.online()
        talk.server("<message from='a@example.org'/>")
        talk.now = talk.now + .milliseconds(400)
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.deadline == Instant(nanoseconds: 1_000_000_000))
        _ = talk.did()
        talk.passToDeadline()
        #expect(talk.did() == [.spill(upTo: 2)])
        #expect(talk.session.deadline == Instant(nanoseconds: 60_400_000_000))
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.deadline == talk.now + .seconds(1))
    }

    @Test func aResumptionReplaysWhatWeStillHave() throws {
        var talk = try Dialogue.online()
        for id in 1...3 { talk.server("<message from='a@example.org' id='\(id)'/>") }
        talk.feed(.handled(upTo: 1))
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.written() == "<resume xmlns='urn:xmpp:sm:3' h='1' previd='sm-1'/>")
        talk.feed(.handled(upTo: 2))  // a sink goes on meanwhile
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='0' previd='sm-1'/>")
        _ = talk.did()
        talk.server("<message from='a@example.org' id='2'/>")
        talk.server("<message from='a@example.org' id='3'/>")
        #expect(talk.did().events.isEmpty)
        talk.ack(0)
        _ = talk.did()
        talk.server("<message from='a@example.org' id='4'/>")
        #expect(talk.did().events.count == 1)
        #expect(talk.session.inboundStanza == 4)
        talk.feed(.handled(upTo: 4))
        _ = talk.written()
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(4))
    }

    @Test func aFreshSessionCountsAnewWhileNumbersRise() throws {
        var talk = try Dialogue.online(enabled: "<enabled xmlns='urn:xmpp:sm:3'/>")
        for _ in 1...3 { talk.server("<message from='a@example.org'/>") }
        talk.feed(.handled(upTo: 1))
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.logIn()
        talk.server("<message from='a@example.org'/>")
        #expect(talk.session.inboundStanza == 4)
        _ = talk.written()
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(0))
        talk.feed(.handled(upTo: 4))
        #expect(talk.written() == Self.answer(1))
    }

    // MARK: - Events

    @Test func messages() throws {
        var talk = try Dialogue.online()
        talk.server(
            "<message from='a@example.org/x' type='chat'><body>hi</body>"
                + "<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/></message>")
        talk.server("<message type='strange'/>")
        let messages = talk.did().events.compactMap { if case .message(let message) = $0 { message } else { nil } }
        try #require(messages.count == 2)
        #expect(messages[0].from.text == "a@example.org/x" && messages[0].type == "chat")
        #expect(messages[0].delay == "2026-01-02T03:04:05Z")
        #expect(messages[0].stanza.child("body", NS.client)?.text == "hi")
        #expect(messages[1].from.text == "bridge@example.org" && messages[1].type == "normal")
        #expect(messages[1].delay == nil)
    }

    @Test func presences() throws {
        var talk = try Dialogue.online()
        let from = try JID("a@example.org/x")
        talk.server(
            "<presence from='a@example.org/x'><show>away</show><status>lunch</status><priority>-5</priority></presence>"
        )
        talk.server("<presence from='a@example.org/x'><show>dancing</show><priority>999</priority></presence>")
        talk.server("<presence from='a@example.org/x' type='unavailable'/>")
        talk.server(
            "<presence from='a@example.org/x' type='error'><error type='cancel'>"
                + "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
        talk.server("<presence from='a@example.org/x' type='probe'/>")
        #expect(
            talk.did().events == [
                .presence(.init(from: from, available: true, show: "away", status: "lunch", priority: -5)),
                .presence(.init(from: from, available: true)),
                .presence(.init(from: from, available: false)),
                .presence(
                    .init(from: from, available: false, error: StanzaError(type: "cancel", condition: "forbidden"))),
            ])
    }

    @Test func subscriptions() throws {
        var talk = try Dialogue.online()
        let jid = try JID("a@example.org")
        func say(_ type: String) { talk.server("<presence from='a@example.org/x' type='\(type)'/>") }
        say("subscribe")
        say("subscribe")
        say("subscribed")
        say("unsubscribed")
        say("unsubscribe")
        say("subscribe")
        talk.session.answeredRequest(of: jid)
        say("subscribe")
        let told = talk.did().events.compactMap { event -> Event.SubscriptionAction? in
            if case .subscription(jid, let action, nil) = event { action } else { nil }
        }
        #expect(told == [.request, .approved, .denied, .unsubscribed, .request, .request])
    }

    // MARK: - The roster

    static let push =
        "<query xmlns='jabber:iq:roster' ver='v2'><item jid='bob@example.org' name='Bob' subscription='from'>"
        + "<group>ops</group></item></query>"

    @Test func theRosterIsToldAndKept() throws {
        let version = "<ver xmlns='urn:xmpp:features:rosterver'/>"
        var talk = try Dialogue(presence: .init())
        talk.feed(.start)
        talk.logIn(features: version)
        let id = talk.lastID("roster")
        _ = talk.did()
        talk.server(
            "<iq type='result' id='\(id)' to='bridge@example.org/r'><query xmlns='jabber:iq:roster' ver='-7'>"
                + "<item jid='ann@example.org' subscription='both' ask='subscribe' approved='true'/>"
                + "</query></iq>")
        let ann = RosterItem(jid: try JID("ann@example.org"), subscription: "both", ask: true, approved: true)
        #expect(talk.did() == [.event(.roster(ann, initial: true)), .event(.rosterComplete(version: "-7"))])
        let bob = RosterItem(jid: try JID("bob@example.org"), name: "Bob", subscription: "from", groups: ["ops"])
        _ = talk.written()
        talk.server("<iq type='set' id='p1'>\(Self.push)</iq>")
        #expect(talk.did() == [.event(.roster(bob, initial: false))])
        #expect(talk.written().hasPrefix("<iq type='result' id='p1'/>"))
        // The next fresh login asks with the version, and an empty answer means what is kept.
        talk.server("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, version)
        talk.bound()
        #expect(talk.output.contains("<query xmlns='jabber:iq:roster' ver='v2'/>"))
        _ = talk.did()
        talk.server("<iq type='result' id='\(talk.lastID("roster"))'/>")
        #expect(
            talk.did() == [
                .event(.roster(ann, initial: true)), .event(.roster(bob, initial: true)),
                .event(.rosterComplete(version: "v2")),
            ])
    }

    static let pushers: [(String?, Bool)] = [
        (nil, true), ("bridge@example.org", true), ("bridge@example.org/other", false), ("example.org", false),
        ("mallory@evil.org", false), ("bob@example.org", false),
    ]

    @Test(arguments: pushers)
    func onlyOurAccountPushes(_ from: String?, _ isTaken: Bool) throws {
        var talk = try Dialogue.online(presence: .init())
        talk.server("<iq type='set' id='p'\(from.map { " from='\($0)'" } ?? "")>\(Self.push)</iq>")
        let forged = try from.map { Event.forged(what: "roster push", from: try JID($0)) }
        let told = talk.did().events
        #expect(isTaken ? told.count == 1 && told != [forged] : told == [forged])
        #expect(talk.written().contains("type='result'") == isTaken)
    }

    @Test func aPushOfManyItemsIsRefused() throws {
        var talk = try Dialogue.online(presence: .init())
        talk.server(
            "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='a@b'/><item jid='c@d'/></query></iq>")
        #expect(talk.did().events.isEmpty && talk.written().contains("<bad-request"))
    }

    @Test func aRosterFromAnotherIsIgnored() throws {
        var talk = try Dialogue(presence: .init())
        talk.feed(.start)
        talk.logIn()
        let id = talk.lastID("roster")
        _ = talk.did()
        talk.server("<iq type='result' from='mallory@evil.org/x' id='\(id)'>\(Self.push)</iq>")
        #expect(talk.did().events.isEmpty)
    }

    // MARK: - Answers

    /// What is asked, by whom, and whether it is answered in substance.
    static let questions: [(String, String?, String)] = [
        ("<ping xmlns='urn:xmpp:ping'/>", "example.org", "type='result' id='q' to='example.org'/>"),
        ("<ping xmlns='urn:xmpp:ping'/>", nil, "type='result' id='q'/>"),
        ("<ping xmlns='urn:xmpp:ping'/>", "bridge@example.org/other", "type='result'"),
        ("<ping xmlns='urn:xmpp:ping'/>", "bob@example.org/x", "type='result'"),
        ("<ping xmlns='urn:xmpp:ping'/>", "ann@example.org/x", "service-unavailable"),
        ("<ping xmlns='urn:xmpp:ping'/>", "evil.org", "service-unavailable"),
        (
            "<query xmlns='jabber:iq:version'/>", "example.org",
            "<query xmlns='jabber:iq:version'><name>xmpp-bridge</name><version>0.1</version></query></iq>"
        ),
        ("<query xmlns='http://jabber.org/protocol/disco#items'/>", "example.org", "disco#items'/></iq>"),
        (
            "<query xmlns='http://jabber.org/protocol/disco#info'/>", "bob@example.org/x",
            "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='bot' "
                + "name='xmpp-bridge'/><feature var='http://jabber.org/protocol/disco#info'/>"
        ),
        ("<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>", "example.org", "item-not-found"),
        ("<query xmlns='urn:unknown'/>", "example.org", "<error type='cancel'><service-unavailable"),
    ]

    @Test(arguments: questions)
    func answersQuestions(_ payload: String, _ from: String?, _ answer: String) throws {
        var talk = try Dialogue.online(presence: .init())
        talk.server("<iq type='set' id='p'>\(Self.push)</iq>")  // bob may see us
        talk.server(
            "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='ann@example.org' subscription='to'/>"
                + "</query></iq>")
        _ = talk.did()
        _ = talk.written()
        talk.server("<iq type='get' id='q'\(from.map { " from='\($0)'" } ?? "")>\(payload)</iq>")
        #expect(talk.output.contains(answer), "\(talk.output)")
        #expect(talk.did() == [])
    }

    @Test func theNodeOfOurCapabilitiesIsKnown() throws {
        let capabilities = Capabilities(.init())
        #expect(capabilities.info(node: "\(capabilities.software.node)#\(capabilities.version)") != nil)
        #expect(capabilities.info(node: "\(capabilities.software.node)#old") == nil)
        var writer = XMLWriter()
        capabilities.write(into: &writer)
        #expect(
            writer.string
                == "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='\(capabilities.software.node)' "
                + "ver='\(capabilities.version)'/>")
    }

    /// The example of XEP-0115 5.2.
    @Test func theHashOfCapabilities() {
        let hash = Capabilities.hash(
            identities: [.init(category: "client", type: "pc", name: "Exodus 0.9.1")],
            features: [
                "http://jabber.org/protocol/muc", "http://jabber.org/protocol/disco#info",
                "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/caps",
            ])
        #expect(hash == "QgayPKawpkPSDYmwT/WM94uAlu0=")
    }

    @Test func aStanzaWhoseSenderIsNoJIDIsHandledWithAWarning() throws {
        var talk = try Dialogue.online()
        talk.server("<message from=''/>")
        guard case .warning = talk.did().events.first else {
            Issue.record("no warning")
            return
        }
        talk.feed(.handled(upTo: talk.session.inboundStanza))
        talk.server(Self.ask)
        #expect(talk.written() == Self.answer(1))
    }
}
