import Stanza
import Testing

@testable import Session

/// Presence at the login, capabilities, and who sees us no longer.
@Suite struct PresenceTests {
    static let ann = "<presence from='ann@example.org/x'/>"

    static func initials(_ actions: [Action]) -> [Bool] {
        actions.events.compactMap { if case .presence(let update) = $0 { update.initial } else { nil } }
    }

    /// Up to the answers to two pings behind our presence, whatever they say, or to their deadline.
    @Test(arguments: ["result", "error", "late"])
    func whatWasSoAtTheLogin(_ answer: String) throws {
        var talk = try Dialogue(presence: .init()) { $0.limits.idleBeforePing = .seconds(600) }
        talk.feed(.start)
        talk.logIn()
        let written = talk.output
        let presence = try #require(written.firstRange(of: "<presence>")).lowerBound
        let ping = try #require(written.firstRange(of: "<ping xmlns")).lowerBound
        #expect(presence < ping)
        talk.server(Self.ann)
        if answer == "late" {
            talk.ack(talk.session.queue.sentCount)
            talk.pass(.seconds(30))
        } else {
            talk.server("<iq type='\(answer)' from='example.org' id='\(talk.lastID("shown"))'/>")
            talk.server(Self.ann)
            #expect(Self.initials(talk.did()) == [true, true])
            talk.server(Self.ann)
            talk.server("<iq type='\(answer)' from='example.org' id='\(talk.lastID("shown"))'/>")
        }
        talk.server(Self.ann)
        #expect(Self.initials(talk.did()) == [true, false])
        #expect(talk.session.isOnline)
    }

    @Test func aResumptionIsNoLogin() throws {
        var talk = try Dialogue(presence: .init())
        talk.feed(.start)
        talk.logIn()
        let id = talk.lastID("shown")
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.resume(talk.session.queue.sentCount)
        talk.server(Self.ann)
        talk.server("<iq type='result' from='example.org' id='\(id)'/>")
        talk.server("<iq type='result' from='example.org' id='\(talk.lastID("shown"))'/>")
        talk.server(Self.ann)
        talk.feed(.handled(upTo: talk.session.inboundStanza))
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.resume(talk.session.queue.sentCount)
        talk.server(Self.ann)
        #expect(Self.initials(talk.did()) == [true, false, false])
        // A fresh stream is one.
        talk.server("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.bound()
        talk.server(Dialogue.enabled)
        _ = talk.did()
        talk.server(Self.ann)
        #expect(Self.initials(talk.did()) == [true])
    }

    @Test func whoDoesNotShowHasNoLogin() throws {
        var talk = try Dialogue.online()
        talk.server(Self.ann)
        talk.session.show(.init(), at: talk.now)
        talk.flush()
        talk.server(Self.ann)
        for _ in 1...2 { talk.server("<iq type='result' from='example.org' id='\(talk.lastID("shown"))'/>") }
        _ = talk.written()
        talk.session.show(.init(show: "away"), at: talk.now)
        talk.flush()
        #expect(!talk.output.contains("<ping"))
        talk.server(Self.ann)
        #expect(Self.initials(talk.did()) == [false, true, false])
    }

    static let caps: [(String, String?)] = [
        ("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://c' ver='x='/>", "https://c#x="),
        ("<c xmlns='http://jabber.org/protocol/caps' node='https://c'/>", nil),
        ("<c xmlns='http://jabber.org/protocol/caps' node='' ver='x='/>", nil),
        ("<c xmlns='other' node='n' ver='v'/>", nil),
    ]

    @Test(arguments: caps)
    func capabilitiesAreTold(_ inner: String, _ told: String?) throws {
        var talk = try Dialogue.online()
        talk.server("<presence from='ann@example.org/x'>\(inner)</presence>")
        #expect(
            talk.did().events == [.presence(.init(from: try JID("ann@example.org/x"), available: true, caps: told))])
    }

    /// The subscription before a push and in it, and whether it cancels what was.
    static let changes: [(String?, String, Bool)] = [
        ("both", "to", true), ("from", "none", true), ("both", "remove", true), ("from", "remove", true),
        ("both", "from", false), ("from", "both", false), ("to", "none", false), ("none", "remove", false),
        (nil, "none", false), (nil, "both", false),
    ]

    @Test(arguments: changes)
    func whoSeesUsNoLonger(_ before: String?, _ after: String, _ isCancelled: Bool) throws {
        var talk = try Dialogue.online(presence: .init())
        func push(_ subscription: String) {
            talk.server(
                "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' "
                    + "subscription='\(subscription)'/></query></iq>")
        }
        if let before { push(before) }
        _ = talk.did()
        push(after)
        let bob = try JID("bob@example.org")
        let item = Event.roster(RosterItem(jid: bob, subscription: after), initial: false)
        let cancelled = Event.subscription(jid: bob, action: .cancelled, status: nil)
        #expect(talk.did().events == (isCancelled ? [item, cancelled] : [item]))
    }
}
