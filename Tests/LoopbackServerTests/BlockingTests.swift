import LoopbackServer
import Stanza
import Testing

/// XEP-0191.
@Suite struct BlockingTests {
    private static let list = "<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>"
    private static let result = "<iq type='result' id='s' to='alice@localhost/home'></iq>"

    private func set(_ command: String, _ addresses: String...) -> String {
        let items = addresses.map { "<item jid='\($0)'/>" }.joined()
        return "<iq type='set' id='s'><\(command) xmlns='urn:xmpp:blocking'>\(items)</\(command)></iq>"
    }

    private func push(_ number: Int, _ command: String, _ to: String = "home") -> String {
        "<iq type='set' id='push-\(number)' from='alice@localhost' to='alice@localhost/\(to)'>\(command)</iq>"
    }

    /// Alice on 1 and bob on 2, who see each other.
    private func friends() throws -> Dialogue {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        dialogue.befriend(1, "alice", 2, "bob")
        return dialogue
    }

    @Test func theListIsFetchedChangedAndPushedToWhoHasFetchedIt() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "alice", "desk")
        dialogue.login(3, "alice", "phone")
        for id: UInt64 in 1...3 { _ = dialogue.hear(id) }
        #expect(
            dialogue.ask(1, Self.list)
                == "<iq type='result' id='l' to='alice@localhost/home'><blocklist xmlns='urn:xmpp:blocking'/></iq>")
        _ = dialogue.ask(2, Self.list)
        let block = "<block xmlns='urn:xmpp:blocking'><item jid='bob@localhost'/><item jid='spam.example'/></block>"
        #expect(dialogue.ask(1, set("block", "bob@localhost", "spam.example")) == Self.result + push(1, block))
        #expect(dialogue.hear(2) == push(2, block, "desk"))
        #expect(dialogue.hear(3) == "")
        #expect(
            dialogue.ask(1, Self.list).range(of: "<item jid='bob@localhost'/><item jid='spam.example'/></blocklist>")
                != nil)
        let unblock = "<unblock xmlns='urn:xmpp:blocking'><item jid='bob@localhost'/></unblock>"
        #expect(dialogue.ask(1, set("unblock", "bob@localhost")) == Self.result + push(3, unblock))
        #expect(dialogue.ask(1, set("unblock")) == Self.result + push(5, "<unblock xmlns='urn:xmpp:blocking'/>"))
        #expect(dialogue.ask(1, Self.list).range(of: "<item ") == nil)
    }

    @Test func nothingPassesEitherWay() throws {
        var dialogue = try friends()
        _ = dialogue.ask(1, set("block", "bob@localhost"))
        #expect(dialogue.hear(2) == "<presence from='alice@localhost/home' type='unavailable'/>")
        func error(_ name: String, _ content: String) -> String {
            "<\(name) type='error' id='1' from='bob@localhost/phone' to='alice@localhost/home'><error type='cancel'>\(content)</error></\(name)>"
        }
        let refused =
            "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/>"
        #expect(
            dialogue.ask(1, "<message id='1' to='bob@localhost/phone'><body>x</body></message>")
                == error("message", refused))
        #expect(
            dialogue.ask(1, "<iq type='get' id='1' to='bob@localhost/phone'><q xmlns='urn:x'/></iq>")
                == error("iq", refused))
        #expect(dialogue.ask(1, "<presence id='1' to='bob@localhost/phone'/>") == error("presence", refused))
        let gone = "<service-unavailable "
        #expect(dialogue.ask(2, "<message to='alice@localhost'><body>x</body></message>").range(of: gone) != nil)
        #expect(dialogue.ask(2, "<message to='alice@localhost/home'><body>x</body></message>").range(of: gone) != nil)
        #expect(
            dialogue.ask(2, "<iq type='get' id='1' to='alice@localhost/home'><q xmlns='urn:x'/></iq>").range(of: gone)
                != nil)
        for stanza in [
            "<presence type='probe' to='alice@localhost'/>", "<presence to='alice@localhost/home'/>",
            "<iq type='result' id='1' to='alice@localhost/home'/>", "<presence type='unavailable'/>",
        ] {
            #expect(dialogue.ask(2, stanza).range(of: "alice@localhost/home") == nil, "\(stanza)")
        }
        dialogue.say(1, "<presence><show>away</show></presence>")
        #expect(dialogue.hear(2) == "")
        #expect(dialogue.hear(1) == "<presence from='alice@localhost/home'><show>away</show></presence>")
        // Once free, bob sees how things are.
        dialogue.say(2, "<presence/>")
        _ = dialogue.hear(2)
        _ = dialogue.ask(1, set("unblock"))
        #expect(dialogue.hear(2) == "<presence from='alice@localhost/home'><show>away</show></presence>")
    }

    @Test func requestsOfTheBlockedVanish() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        _ = dialogue.ask(1, set("block", "bob@localhost"))
        dialogue.say(2, "<presence type='subscribe' to='alice@localhost'/>")
        #expect(dialogue.hear(1) + dialogue.hear(2) == "")
    }

    @Test(arguments: [
        ("bob@localhost/phone", "bob@localhost/phone", true), ("bob@localhost/phone", "bob@localhost/desk", false),
        ("bob@localhost", "bob@localhost/desk", true), ("bob@localhost", "carol@localhost/home", false),
        ("localhost", "bob@localhost/phone", true), ("localhost/phone", "bob@localhost/phone", false),
        ("ops@conference.localhost/bob", "bob@localhost/phone", false), ("elsewhere", "bob@localhost/phone", false),
    ])
    func matches(_ blocked: String, _ sender: String, _ isBlocked: Bool) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        let jid = try JID(sender)
        dialogue.login(2, jid.local ?? "", jid.resource ?? "")
        _ = dialogue.ask(1, set("block", blocked))
        dialogue.say(2, "<message to='alice@localhost'><body>x</body></message>")
        #expect((dialogue.hear(1) == "") == isBlocked)
    }

    @Test func anOccupantIsBlockedByItsAddressInTheRoom() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        _ = dialogue.ask(1, set("block", "\(Dialogue.room)/bob"))
        dialogue.speak(2, "x")
        dialogue.say(2, "<presence to='\(Dialogue.room)/bob'><show>away</show></presence>")
        dialogue.speak(3, "y")
        #expect(dialogue.gist(1) == ["carol: y"])
    }

    @Test func oneselfIsNeverBlocked() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        _ = dialogue.ask(1, set("block", "alice@localhost"))
        #expect(dialogue.ask(1, "<message><body>x</body></message>").hasPrefix("<message from='alice@localhost/home'>"))
    }

    @Test(arguments: [
        ("<block xmlns='urn:xmpp:blocking'/>", "bad-request"),
        ("<blocklist xmlns='urn:xmpp:blocking'/>", "bad-request"),
        ("<block xmlns='urn:xmpp:blocking'><item jid='@'/></block>", "jid-malformed"),
        ("<block xmlns='urn:xmpp:blocking'><item/></block>", "jid-malformed"),
        (
            "<block xmlns='urn:xmpp:blocking'><item jid='a'/><item jid='b'/><item jid='c'/></block>",
            "resource-constraint"
        ),
    ])
    func isRefused(_ command: String, _ condition: String) throws {
        var dialogue = try Dialogue { $0.limits.blockedAddressesMax = 2 }
        dialogue.login(1, "alice", "home")
        #expect(dialogue.ask(1, "<iq type='set' id='s'>\(command)</iq>").range(of: "<\(condition) ") != nil)
        #expect(dialogue.ask(1, Self.list).range(of: "<item ") == nil)
    }

    @Test(arguments: [Server.Configuration.Blocking.privacyLists, .none])
    func aServerWithoutItSaysSo(_ blocking: Server.Configuration.Blocking) throws {
        var dialogue = try Dialogue { $0.blocking = blocking }
        dialogue.login(1, "alice", "home")
        #expect(dialogue.ask(1, Self.list).range(of: "<service-unavailable ") != nil)
        let info = dialogue.ask(
            1, "<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
        #expect(info.range(of: "urn:xmpp:blocking") == nil)
        #expect((info.range(of: "jabber:iq:privacy") != nil) == (blocking == .privacyLists))
    }
}
