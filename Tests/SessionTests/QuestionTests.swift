import Stanza
import Testing

@testable import Session

/// Questions by iq: as written, as answered, and what becomes of those that are not.
@Suite struct QuestionTests {
    static let refusal =
        "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

    struct Case: Sendable, CustomTestStringConvertible {
        var question: Question
        /// The type, the `to` and the payload as written.
        var written: (type: String, to: String?, payload: String)
        /// What the answer holds.
        var inner: String
        var answer: Answer

        init(_ question: Question, _ type: String, _ to: String?, _ payload: String, _ inner: String, _ answer: Answer)
        {
            self.question = question
            written = (type, to, payload)
            self.inner = inner
            self.answer = answer
        }

        var testDescription: String { "\(question)" }
    }

    static func jid(_ text: String) -> JID {
        do { return try JID(text) } catch { preconditionFailure("\(error)") }
    }

    static let bob = jid("bob@example.org")
    static let room = jid("ops@rooms.example.org")
    static let admin = "xmlns='http://jabber.org/protocol/muc#admin'"

    static let cases: [Case] = [
        .init(
            .rosterGet, "get", nil, "<query xmlns='jabber:iq:roster'/>",
            "<query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='to'/></query>",
            .roster([RosterItem(jid: bob, subscription: "to")])),
        .init(
            .rosterSet(jid: bob, name: "B & C", groups: ["ops", "x"]), "set", nil,
            "<query xmlns='jabber:iq:roster'><item jid='bob@example.org' name='B &amp; C'><group>ops</group>"
                + "<group>x</group></item></query>", "", .done),
        .init(
            .rosterSet(jid: bob, name: "", groups: []), "set", nil,
            "<query xmlns='jabber:iq:roster'><item jid='bob@example.org'/></query>", "", .done),
        .init(
            .rosterRemove(bob), "set", nil,
            "<query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='remove'/></query>", "", .done),
        .init(
            .blockList, "get", nil, "<blocklist xmlns='urn:xmpp:blocking'/>",
            "<blocklist xmlns='urn:xmpp:blocking'><item jid='bob@example.org'/><item jid='@'/><item/></blocklist>",
            .blocked([bob])),
        .init(
            .block([bob, jid("evil.org")]), "set", nil,
            "<block xmlns='urn:xmpp:blocking'><item jid='bob@example.org'/><item jid='evil.org'/></block>", "", .done),
        .init(
            .unblock([bob]), "set", nil, "<unblock xmlns='urn:xmpp:blocking'><item jid='bob@example.org'/></unblock>",
            "", .done),
        .init(.unblock([]), "set", nil, "<unblock xmlns='urn:xmpp:blocking'/>", "", .done),
        .init(
            .discoInfo(nil, node: nil), "get", "example.org",
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
            "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='S'/>"
                + "<identity category='pubsub' type='pep'/><feature var='urn:x'/><feature/></query>",
            .info(features: ["urn:x"], identities: ["server/im S", "pubsub/pep"])),
        .init(
            .discoInfo(bob, node: "n"), "get", "bob@example.org",
            "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>", "", .info(features: [], identities: [])),
        .init(
            .discoItems(nil, node: nil), "get", "example.org",
            "<query xmlns='http://jabber.org/protocol/disco#items'/>",
            "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='rooms.example.org'/></query>",
            .items([jid("rooms.example.org")])),
        .init(.ping(nil), "get", "example.org", "<ping xmlns='urn:xmpp:ping'/>", "", .pong(after: .zero)),
        .init(
            .version(bob), "get", "bob@example.org", "<query xmlns='jabber:iq:version'/>",
            "<query xmlns='jabber:iq:version'><name>x</name><version>1</version></query>",
            .version(name: "x", version: "1", os: nil)),
        .init(
            .affiliations(room: room, affiliation: "outcast"), "get", "ops@rooms.example.org",
            "<query \(admin)><item affiliation='outcast'/></query>",
            "<query \(admin)><item affiliation='outcast' jid='bob@example.org'><reason>loud</reason></item>"
                + "<item affiliation='outcast'/></query>",
            .affiliations([.init(jid: bob, affiliation: "outcast", reason: "loud")])),
        .init(
            .setAffiliation(room: room, jid: bob, affiliation: "member", reason: nil), "set", "ops@rooms.example.org",
            "<query \(admin)><item affiliation='member' jid='bob@example.org'/></query>", "", .done),
        .init(
            .setRole(room: room, nick: "bob", role: "none", reason: "loud"), "set", "ops@rooms.example.org",
            "<query \(admin)><item nick='bob' role='none'><reason>loud</reason></item></query>", "", .done),
    ]

    @Test(arguments: cases)
    func isWrittenAndAnswered(_ one: Case) throws {
        var talk = try Dialogue.online()
        try talk.session.ask(one.question, tag: 7, at: talk.now)
        talk.flush()
        let id = talk.lastID("ask")
        let to = one.written.to.map { " to='\($0)'" } ?? ""
        #expect(talk.output.hasPrefix("<iq type='\(one.written.type)' id='\(id)'\(to)>\(one.written.payload)</iq>"))
        let from = one.written.to.map { " from='\($0)'" } ?? ""
        talk.server("<iq type='result' id='\(id)'\(from)>\(one.inner)</iq>")
        #expect(talk.did().events == [.answered(tag: 7, one.answer)])
        talk.server("<iq type='result' id='\(id)'\(from)>\(one.inner)</iq>")
        #expect(talk.did().events == [])
    }

    @Test(arguments: cases)
    func isRefused(_ one: Case) throws {
        var talk = try Dialogue.online()
        try talk.session.ask(one.question, tag: 7, at: talk.now)
        talk.flush()
        let from = one.written.to.map { " from='\($0)'" } ?? ""
        talk.server("<iq type='error' id='\(talk.lastID("ask"))'\(from)>\(Self.refusal)</iq>")
        let events = talk.did().events
        guard case .answered(7, .refused(let error, let iq)) = events.first, events.count == 1 else {
            Issue.record("\(events)")
            return
        }
        #expect(error.condition == "item-not-found" && iq["type"] == "error")
    }

    @Test func aRawIqKeepsItsIDOrGetsOne() throws {
        var talk = try Dialogue.online()
        let given = TestXML.element("<iq type='set' id='mine' to='bob@example.org/x'><q xmlns='u:x'/></iq>")
        try talk.session.ask(.raw(given), tag: 1, at: talk.now)
        try talk.session.ask(.raw(TestXML.element("<iq type='get'><q xmlns='u:x'/></iq>")), tag: 2, at: talk.now)
        talk.flush()
        #expect(talk.output.hasPrefix("<iq type='set' id='mine' to='bob@example.org/x'><q xmlns='u:x'/></iq>"))
        #expect(throws: QuestionProblem.idTaken("mine")) {
            try talk.session.ask(.raw(given), tag: 3, at: talk.now)
        }
        let id = talk.lastID("ask")
        talk.server("<iq type='result' id='\(id)'><a xmlns='u:x'/></iq>")
        talk.server("<iq type='result' id='mine' from='bob@example.org/x'/>")
        let first = TestXML.element("<iq type='result' id='\(id)'><a xmlns='u:x'/></iq>")
        let second = TestXML.element("<iq type='result' id='mine' from='bob@example.org/x'/>")
        #expect(talk.did().events == [.answered(tag: 2, .element(first)), .answered(tag: 1, .element(second))])
        try talk.session.ask(.raw(given), tag: 4, at: talk.now)  // the id is free again
    }

    /// Whom was asked, who answers, and whether that counts.
    static let answerers: [(String?, String?, Bool)] = [
        (nil, nil, true), (nil, "bridge@example.org", true), (nil, "bridge@example.org/r", true),
        (nil, "example.org", true), (nil, "bridge@example.org/other", false), (nil, "eve@evil.org", false),
        ("example.org", "example.org", true), ("example.org", nil, true), ("example.org", "evil.org", false),
        ("bob@example.org/x", "bob@example.org/x", true), ("bob@example.org/x", "bob@example.org", false),
        ("bob@example.org/x", nil, false), ("Bob@EXAMPLE.org/x", "bob@example.org/x", true),
        ("bridge@example.org", nil, true), ("bridge@example.org", "example.org", false),
    ]

    @Test(arguments: answerers)
    func anAnswerCountsFromWhomWasAsked(_ to: String?, _ from: String?, _ counts: Bool) throws {
        var talk = try Dialogue.online()
        let iq = TestXML.element("<iq type='get' id='i'\(to.map { " to='\($0)'" } ?? "")><q xmlns='u:x'/></iq>")
        try talk.session.ask(.raw(iq), tag: 1, at: talk.now)
        talk.server("<iq type='result' id='i'\(from.map { " from='\($0)'" } ?? "")/>")
        #expect(talk.did().events.count == (counts ? 1 : 0))
    }

    // MARK: - No answer

    @Test func anAnswerMayTakeItsTime() throws {
        var talk = try Dialogue.online { $0.limits.idleBeforePing = .seconds(600) }
        try talk.session.ask(.ping(Self.bob), tag: 1, at: talk.now)
        talk.flush()
        talk.ack(talk.session.queue.sentCount)
        talk.now = talk.now + .seconds(1)
        try talk.session.ask(.version(Self.bob), tag: 2, at: talk.now)
        talk.flush()
        talk.ack(talk.session.queue.sentCount)
        #expect(talk.session.deadline == Instant(nanoseconds: 30_000_000_000))
        talk.passToDeadline()
        #expect(talk.did().events == [.answered(tag: 1, .unanswered(.timeout(seconds: 30)))])
        #expect(talk.session.deadline == Instant(nanoseconds: 31_000_000_000))
        talk.now = talk.now + .milliseconds(500)
        talk.server("<iq type='result' id='\(talk.lastID("ask"))' from='bob@example.org'/>")
        #expect(talk.did().events == [.answered(tag: 2, .version(name: nil, version: nil, os: nil))])
        talk.server("<iq type='result' id='aaaaaa-ask-1' from='bob@example.org'/>")
        #expect(talk.did().events == [])
    }

    @Test func thePingTellsHowLong() throws {
        var talk = try Dialogue.online()
        try talk.session.ask(.ping(nil), tag: 1, at: talk.now)
        talk.flush()
        talk.now = talk.now + .milliseconds(250)
        talk.server("<iq type='result' from='example.org' id='\(talk.lastID("ask"))'/>")
        #expect(talk.did().events == [.answered(tag: 1, .pong(after: .milliseconds(250)))])
    }

    @Test func theWaitSurvivesAResumption() throws {
        var talk = try Dialogue.online()
        try talk.session.ask(.ping(Self.bob), tag: 1, at: talk.now)
        talk.flush()
        talk.pass(.seconds(20))
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.resume(0)
        _ = talk.did()
        talk.pass(.seconds(29))
        #expect(!talk.did().events.contains { if case .answered = $0 { true } else { false } })
        talk.server("<iq type='result' from='bob@example.org' id='\(talk.lastID("ask"))'/>")
        let span = talk.now - Instant(nanoseconds: 0)
        #expect(talk.did().events == [.answered(tag: 1, .pong(after: span))])
    }

    @Test func aFreshStreamAnswersNothingOfTheOld() throws {
        var talk = try Dialogue.online()
        try talk.session.ask(.ping(Self.bob), tag: 1, at: talk.now)
        try talk.session.ask(.blockList, tag: 2, at: talk.now)
        talk.flush()
        let id = talk.lastID("ask")
        talk.feed(.disconnected(.closed("reset")))
        #expect(throws: QuestionProblem.offline) { try talk.session.ask(.ping(nil), tag: 3, at: talk.now) }
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        _ = talk.did()
        talk.bound()
        #expect(
            talk.did().events == [
                .answered(tag: 1, .unanswered(.streamLost)), .answered(tag: 2, .unanswered(.streamLost)),
            ])
        talk.server(Dialogue.enabled)
        _ = talk.did()
        talk.server("<iq type='result' id='\(id)'><blocklist xmlns='urn:xmpp:blocking'/></iq>")
        #expect(talk.did().events == [])
    }

    @Test func withoutAStreamTheWaitHasAnEnd() throws {
        var talk = try Dialogue.online()
        try talk.session.ask(.ping(Self.bob), tag: 1, at: talk.now)
        try talk.session.ask(.ping(nil), tag: 2, at: talk.now)
        talk.feed(.disconnected(.closed("reset")))
        _ = talk.did()
        talk.now = talk.now + .seconds(30)
        talk.feed(.timeout)
        #expect(
            Array(talk.did().events.prefix(2)) == [
                .answered(tag: 1, .unanswered(.streamLost)), .answered(tag: 2, .unanswered(.streamLost)),
            ])
    }

    @Test func theEndAnswers() throws {
        var talk = try Dialogue.online()
        try talk.session.ask(.ping(Self.bob), tag: 1, at: talk.now)
        talk.feed(.leave)
        #expect(talk.did().events == [.answered(tag: 1, .unanswered(.ending))])
        var lost = try Dialogue.online { $0.retry = .failFast }
        try lost.session.ask(.ping(Self.bob), tag: 1, at: lost.now)
        lost.feed(.disconnected(.closed("reset")))
        let actions = lost.did()
        #expect(actions.events.last == .answered(tag: 1, .unanswered(.streamLost)))
        guard case .ended = actions.last else {
            Issue.record("\(actions)")
            return
        }
    }

    @Test func soManyAtOnceAndNoMore() throws {
        var talk = try Dialogue.online()
        for tag in 0..<1_000 as Range<UInt64> { try talk.session.ask(.ping(Self.bob), tag: tag, at: talk.now) }
        #expect(throws: QuestionProblem.tooMany(max: 1_000)) {
            try talk.session.ask(.ping(Self.bob), tag: 1_000, at: talk.now)
        }
        for number in (1...999).reversed() {
            talk.server("<iq type='result' id='aaaaaa-ask-\(number)' from='bob@example.org'/>")
        }
        #expect(talk.did().events.count == 999)
        try talk.session.ask(.ping(Self.bob), tag: 1_001, at: talk.now)
        talk.now = talk.now + .seconds(30)
        talk.feed(.timeout)
        let told = talk.did().events.compactMap { if case .answered(let tag, _) = $0 { tag } else { nil } }
        #expect(told == [999, 1_001])
    }

    // MARK: - The roster

    static func roster(_ id: String) -> String {
        "<iq type='result' id='\(id)'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' name='Bob' "
            + "subscription='both'><group>ops</group></item></query></iq>"
    }

    /// What is set of bob, and how it is written.
    static let changes: [(String?, [String]?, String)] = [
        (nil, ["x"], "<item jid='bob@example.org' name='Bob'><group>x</group></item>"),
        ("Robert", nil, "<item jid='bob@example.org' name='Robert'><group>ops</group></item>"),
        ("", nil, "<item jid='bob@example.org'><group>ops</group></item>"),
        (nil, nil, "<item jid='bob@example.org' name='Bob'><group>ops</group></item>"),
        (nil, [], "<item jid='bob@example.org' name='Bob'/>"),
    ]

    @Test(arguments: changes)
    func whatIsNotNamedStaysAsItIs(_ name: String?, _ groups: [String]?, _ written: String) throws {
        // Known by the login, or not known: then it is asked for first.
        for presence in [Configuration.Presence(), nil] {
            var talk = try Dialogue(presence: presence)
            talk.feed(.start)
            talk.logIn()
            if presence != nil { talk.server(Self.roster(talk.lastID("roster"))) }
            _ = talk.did()
            _ = talk.written()
            try talk.session.ask(.rosterSet(jid: Self.bob, name: name, groups: groups), tag: 1, at: talk.now)
            talk.flush()
            if presence == nil {
                #expect(talk.output.contains("<query xmlns='jabber:iq:roster'/>"))
                talk.server(Self.roster(talk.lastID("ask")))
            }
            #expect(talk.output.contains(written), "\(talk.output)")
            #expect(talk.did().events == [])
            talk.server("<iq type='result' id='\(talk.lastID("ask"))'/>")
            #expect(talk.did().events == [.answered(tag: 1, .done)])
        }
    }
}
