import Stanza
import Testing

@testable import Session

/// Blocking by XEP-0191, its pushes, and the way through privacy lists (XEP-0016) where the server knows no other.
@Suite struct BlockingTests {
    static let unknown =
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    static let bob = QuestionTests.jid("bob@example.org")
    static let eve = QuestionTests.jid("eve@evil.org")
    static let evil = QuestionTests.jid("evil.org")

    static func blocked(_ jid: JID?, initial: Bool = false) -> Event {
        .block(jid: jid, isBlocked: true, initial: initial)
    }

    static func freed(_ jid: JID?) -> Event { .block(jid: jid, isBlocked: false, initial: false) }

    // MARK: - XEP-0191

    @Test func theLoginAsksWhoIsBlocked() throws {
        var talk = try Dialogue(presence: .init())
        talk.feed(.start)
        talk.logIn()
        #expect(talk.output.contains("<blocklist xmlns='urn:xmpp:blocking'/>"))
        _ = talk.did()
        talk.server(
            "<iq type='result' id='\(talk.lastID("blocks"))'><blocklist xmlns='urn:xmpp:blocking'>"
                + "<item jid='bob@example.org'/><item jid='evil.org'/></blocklist></iq>")
        #expect(
            talk.did().events == [Self.blocked(Self.bob, initial: true), Self.blocked(Self.evil, initial: true)])
        let silent = try Dialogue.online()
        #expect(silent.session.questions.deadline == nil)
    }

    @Test(arguments: ["forbidden", "not-allowed", "internal-server-error", "service-unavailable"])
    func aLoginWithoutAListIsSilent(_ condition: String) throws {
        var talk = try Dialogue.online(presence: .init())
        let error = "<error type='cancel'><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        talk.server("<iq type='error' id='aaaaaa-blocks-3'>\(error)</iq>")
        talk.server("<iq type='error' id='\(talk.lastID("blocks"))'>\(error)</iq>")
        talk.passToDeadline()
        #expect(talk.did().events == [])
        #expect(talk.session.isOnline)
    }

    struct Push: Sendable {
        var from: String?
        var payload: String
        var events: [Event]
        var answer: String
    }

    static let two = "<item jid='bob@example.org'/><item jid='eve@evil.org'/>"
    static let pushes: [Push] = [
        .init(
            payload: "<block xmlns='urn:xmpp:blocking'>\(two)</block>", events: [blocked(bob), blocked(eve)],
            answer: "<iq type='result' id='p'/>"),
        .init(
            from: "bridge@example.org", payload: "<unblock xmlns='urn:xmpp:blocking'>\(two)</unblock>",
            events: [freed(bob), freed(eve)], answer: "<iq type='result' id='p' to='bridge@example.org'/>"),
        .init(
            payload: "<unblock xmlns='urn:xmpp:blocking'/>", events: [freed(nil)], answer: "<iq type='result' id='p'/>"),
        .init(payload: "<block xmlns='urn:xmpp:blocking'/>", events: [], answer: "<bad-request"),
        // Not everybody is meant by an address that cannot be read.
        .init(
            payload: "<unblock xmlns='urn:xmpp:blocking'><item jid='@'/></unblock>", events: [], answer: "<bad-request"),
        .init(
            from: "eve@evil.org", payload: "<unblock xmlns='urn:xmpp:blocking'/>",
            events: [.forged(what: "block push", from: eve)], answer: "<service-unavailable"),
        .init(
            from: "evil.org", payload: "<query xmlns='jabber:iq:privacy'><list name='xmpp-bridge'/></query>",
            events: [.forged(what: "block push", from: evil)], answer: "<service-unavailable"),
    ]

    @Test(arguments: pushes)
    func onlyOurAccountPushes(_ push: Push) throws {
        var talk = try Dialogue.online(presence: .init())
        talk.server("<iq type='set' id='p'\(push.from.map { " from='\($0)'" } ?? "")>\(push.payload)</iq>")
        #expect(talk.did().events == push.events)
        #expect(talk.output.contains(push.answer), "\(talk.output)")
    }

    // MARK: - XEP-0016

    static let space = "<query xmlns='jabber:iq:privacy'>"
    static let names = "get' id='ID'>\(space)</query></iq>"
    static func list(_ name: String) -> String { "get' id='ID'>\(space)<list name='\(name)'/></query></iq>" }
    static func use(_ word: String) -> String { "set' id='ID'>\(space)<\(word) name='xmpp-bridge'/></query></iq>" }
    static func edit(_ rules: String) -> String {
        "set' id='ID'>\(space)<list name='xmpp-bridge'>\(rules)</list></query></iq>"
    }
    static func deny(_ jid: String, _ order: Int) -> String {
        "<item type='jid' value='\(jid)' action='deny' order='\(order)'/>"
    }

    /// What the session writes (behind `<iq type='`), and what the server answers.
    typealias Turn = (written: String, inner: String)

    /// A session whose server knows only privacy lists.
    static func online(_ turns: [Turn] = []) throws -> Dialogue {
        var talk = try Dialogue(presence: .init())
        talk.feed(.start)
        talk.logIn()
        talk.server("<iq type='error' id='\(talk.lastID("blocks"))'>\(unknown)</iq>")
        try follow(turns.isEmpty ? [(names, "\(space)</query>")] : turns, &talk, "blocks")
        talk.output = ""
        return talk
    }

    static func follow(_ turns: [Turn], _ talk: inout Dialogue, _ kind: String) throws {
        for (written, inner) in turns {
            let id = talk.lastID(kind)
            let wanted = "<iq type='" + written.replacing("ID", with: id)
            try #require(talk.output.contains(wanted), "\(wanted) in \(talk.output)")
            talk.output = ""
            let type = inner.hasPrefix("<error") ? "error" : "result"
            talk.server("<iq type='\(type)' id='\(id)'>\(inner)</iq>")
        }
    }

    static func ask(_ question: Question, _ talk: inout Dialogue) throws {
        talk.actions = []
        try talk.session.ask(question, tag: 1, at: talk.now)
        talk.flush()
    }

    @Test func theFirstBlockMakesOurList() throws {
        var talk = try Self.online()
        try Self.ask(.block([Self.bob, Self.eve]), &talk)
        try Self.follow(
            [
                (Self.names, "\(Self.space)<list name='other'/></query>"),
                (Self.edit(Self.deny("bob@example.org", 1) + Self.deny("eve@evil.org", 2)), ""),
            ], &talk, "ask")
        #expect(talk.did().events == [Self.blocked(Self.bob), Self.blocked(Self.eve)])
        try Self.follow([(Self.use("active"), ""), (Self.use("default"), "")], &talk, "ask")
        #expect(talk.did().events == [.answered(tag: 1, .done)])
        // The push of our own change changes nothing more.
        talk.server("<iq type='set' id='p'>\(Self.space)<list name='xmpp-bridge'/></query></iq>")
        #expect(talk.output.contains("<iq type='result' id='p'/>"))
        let ours =
            "\(Self.space)<active name='xmpp-bridge'/><default name='xmpp-bridge'/><list name='xmpp-bridge'/></query>"
        let rules = Self.deny("eve@evil.org", 4) + Self.deny("bob@example.org", 3)
        let whole = "\(Self.space)<list name='xmpp-bridge'>\(rules)</list></query>"
        try Self.follow([(Self.names, ours), (Self.list("xmpp-bridge"), whole)], &talk, "blocks")
        #expect(talk.did().events == [])
        // Another client's push does.
        talk.server("<iq type='set' id='p'>\(Self.space)<list name='xmpp-bridge'/></query></iq>")
        let changed = "\(Self.space)<list name='xmpp-bridge'>\(Self.deny("evil.org", 1))</list></query>"
        try Self.follow([(Self.names, ours), (Self.list("xmpp-bridge"), changed)], &talk, "blocks")
        #expect(talk.did().events == [Self.blocked(Self.evil), Self.freed(Self.bob), Self.freed(Self.eve)])
        talk.output = ""
        talk.server("<iq type='set' id='p'>\(Self.space)<list name='other'/></query></iq>")
        #expect(!talk.output.contains("<iq type='get'"))
    }

    static let applied =
        "\(space)<active name='xmpp-bridge'/><default name='xmpp-bridge'/><list name='xmpp-bridge'/></query>"
    static let filled =
        "\(space)<list name='xmpp-bridge'>\(deny("bob@example.org", 7))"
        + "<item type='group' value='Foes' action='deny' order='3'/><item action='allow' order='9'/></list></query>"

    @Test func unblockingKeepsAllOtherRules() throws {
        var talk = try Self.online([(Self.names, Self.applied), (Self.list("xmpp-bridge"), Self.filled)])
        #expect(talk.did().events.last == Self.blocked(Self.bob, initial: true))
        try Self.ask(.unblock([Self.bob]), &talk)
        let rest = "<item type='group' value='Foes' action='deny' order='1'/><item action='allow' order='2'/>"
        try Self.follow(
            [(Self.names, Self.applied), (Self.list("xmpp-bridge"), Self.filled), (Self.edit(rest), "")], &talk, "ask")
        #expect(talk.did().events == [Self.freed(Self.bob), .answered(tag: 1, .done)])
    }

    @Test func anEmptyListWouldBeRemoved() throws {
        let whole = "\(Self.space)<list name='xmpp-bridge'>\(Self.deny("bob@example.org", 7))</list></query>"
        var talk = try Self.online([(Self.names, Self.applied), (Self.list("xmpp-bridge"), whole)])
        try Self.ask(.unblock([]), &talk)
        try Self.follow(
            [
                (Self.names, Self.applied), (Self.list("xmpp-bridge"), whole),
                (Self.edit("<item action='allow' order='1'/>"), ""),
            ], &talk, "ask")
        #expect(talk.did().events == [Self.freed(Self.bob), .answered(tag: 1, .done)])
    }

    /// What another client made the default is not undone by ours: its rules go on in it.
    @Test func theDefaultListOfAnotherClientGoesOnInOurs() throws {
        let names = "\(Self.space)<default name='old'/><list name='old'/></query>"
        let old =
            "\(Self.space)<list name='old'><item type='subscription' value='none' action='deny' order='1'><message/>"
            + "</item>\(Self.deny("bob@example.org", 5))</list></query>"
        var talk = try Self.online([(Self.names, names), (Self.list("old"), old)])
        #expect(talk.did().events.last == Self.blocked(Self.bob, initial: true))
        try Self.ask(.block([Self.eve, Self.bob]), &talk)
        let rules =
            Self.deny("bob@example.org", 1) + Self.deny("eve@evil.org", 2)
            + "<item type='subscription' value='none' action='deny' order='3'><message/></item>"
        let conflict = "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        try Self.follow(
            [
                (Self.names, names), (Self.list("old"), old), (Self.edit(rules), ""), (Self.use("active"), ""),
                (Self.use("default"), conflict),
            ], &talk, "ask")
        let events = talk.did().events
        #expect(events.first == Self.blocked(Self.eve))
        guard case .answered(1, .refused(let error, _)) = events.last, events.count == 2 else {
            Issue.record("\(events)")
            return
        }
        #expect(error.condition == "conflict")
    }

    /// Where ours could not be made the default, a login makes it active again.
    @Test func aLoginMakesOurListActive() throws {
        let names = "\(Self.space)<default name='old'/><list name='old'/><list name='xmpp-bridge'/></query>"
        var talk = try Dialogue(presence: .init())
        talk.feed(.start)
        talk.logIn()
        talk.server("<iq type='error' id='\(talk.lastID("blocks"))'>\(Self.unknown)</iq>")
        try Self.follow([(Self.names, names), (Self.list("xmpp-bridge"), Self.filled)], &talk, "blocks")
        #expect(talk.output.contains("<active name='xmpp-bridge'/>"))
        #expect(talk.did().events.last == Self.blocked(Self.bob, initial: true))
        talk.server("<iq type='error' id='\(talk.lastID("active"))'>\(Self.unknown)</iq>")
        #expect(talk.did().events == [])
    }

    /// Nothing to do, and nothing done.
    @Test func whoIsBlockedStaysSo() throws {
        var talk = try Self.online()
        try Self.ask(.unblock([Self.bob]), &talk)
        try Self.follow([(Self.names, "\(Self.space)</query>")], &talk, "ask")
        #expect(talk.did().events == [.answered(tag: 1, .done)])
        try Self.ask(.block([Self.bob]), &talk)
        try Self.follow([(Self.names, Self.applied), (Self.list("xmpp-bridge"), Self.filled)], &talk, "ask")
        #expect(talk.did().events == [Self.blocked(Self.bob), .answered(tag: 1, .done)])
        try Self.ask(.blockList, &talk)
        try Self.follow([(Self.names, Self.applied), (Self.list("xmpp-bridge"), Self.filled)], &talk, "ask")
        #expect(talk.did().events == [.answered(tag: 1, .blocked([Self.bob]))])
    }

    /// A list is read, changed and written as a whole.
    @Test func oneQuestionAtATime() throws {
        var talk = try Self.online()
        try Self.ask(.block([Self.bob]), &talk)
        try talk.session.ask(.block([Self.eve]), tag: 2, at: talk.now)
        try talk.session.ask(.blockList, tag: 3, at: talk.now + .seconds(1))
        talk.flush()
        #expect(talk.output.split(separator: "jabber:iq:privacy").count == 2)
        // Nobody answers the first two; the third has its turn then.
        talk.ack(talk.session.queue.sentCount)
        talk.output = ""
        talk.now = talk.now + .seconds(30)
        talk.feed(.timeout)
        let timeout = Answer.unanswered(.timeout(seconds: 30))
        #expect(talk.did().events == [.answered(tag: 1, timeout), .answered(tag: 2, timeout)])
        try Self.follow([(Self.names, Self.applied), (Self.list("xmpp-bridge"), Self.filled)], &talk, "ask")
        #expect(talk.did().events == [Self.blocked(Self.bob), .answered(tag: 3, .blocked([Self.bob]))])
    }

    /// A session without presence finds out when it is asked.
    @Test func theWayIsFoundByTheFirstQuestion() throws {
        var talk = try Dialogue.online()
        try Self.ask(.block([Self.bob]), &talk)
        #expect(talk.output.contains("<block xmlns='urn:xmpp:blocking'>"))
        talk.server("<iq type='error' id='\(talk.lastID("ask"))'>\(Self.unknown)</iq>")
        try Self.follow([(Self.names, Self.unknown)], &talk, "ask")
        guard case .answered(1, .refused(let error, _)) = talk.did().events.last else {
            Issue.record("no refusal")
            return
        }
        #expect(error.condition == "service-unavailable")
        try Self.ask(.blockList, &talk)
        #expect(!talk.output.contains("urn:xmpp:blocking'"))
    }

    /// While the stream is down nobody's turn comes; resumed, it goes on.
    @Test func turnsWaitForTheStream() throws {
        var talk = try Self.online()
        try Self.ask(.block([Self.bob]), &talk)
        talk.now = talk.now + .seconds(20)
        try talk.session.ask(.blockList, tag: 2, at: talk.now)
        talk.feed(.handled(upTo: talk.session.inboundStanza))
        talk.feed(.disconnected(.closed("reset")))
        talk.now = talk.now + .seconds(10)
        talk.output = ""
        talk.feed(.timeout)
        #expect(talk.did().events.contains(.answered(tag: 1, .unanswered(.streamLost))))
        #expect(!talk.output.contains("jabber:iq:privacy"))
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.output = ""
        talk.resume(talk.session.queue.sentCount)
        _ = talk.did()
        try Self.follow([(Self.names, "\(Self.space)</query>")], &talk, "ask")
        #expect(talk.did().events == [.answered(tag: 2, .blocked([]))])
    }

    // MARK: - The list

    /// A rule, and whether it blocks.
    static let rules: [(String, Bool)] = [
        ("<item type='jid' value='a@b' action='deny' order='1'/>", true),
        (
            "<item type='jid' value='a@b' action='deny' order='1'><message/><iq/><presence-in/><presence-out/></item>",
            true
        ),
        ("<item type='jid' value='a@b' action='deny' order='1'><message/></item>", false),
        ("<item type='jid' value='a@b' action='allow' order='1'/>", false),
        ("<item type='jid' value='@' action='deny' order='1'/>", false),
        ("<item type='group' value='a@b' action='deny' order='1'/>", false),
        ("<item action='deny' order='1'/>", false),
    ]

    @Test(arguments: rules)
    func rulesThatBlock(_ rule: String, _ blocks: Bool) throws {
        let query = TestXML.element("\(Self.space)<list name='x'>\(rule)</list></query>")
        let list = PrivacyList(query)
        #expect(list.blocked == (blocks ? [QuestionTests.jid("a@b")] : []))
        var writer = XMLWriter()
        list.write(into: &writer)
        if !blocks { #expect(writer.string == "<list name='xmpp-bridge'>\(rule)</list>") }
    }
}
