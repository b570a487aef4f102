import LoopbackServer
import Stanza
import Testing

/// XEP-0016, on a server that has nothing else.
@Suite struct PrivacyListTests {
    private func dialogue() throws -> Dialogue {
        var dialogue = try Dialogue { $0.blocking = .privacyLists }
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        return dialogue
    }

    private func query(_ type: String, _ payload: String) -> String {
        "<iq type='\(type)' id='p'><query xmlns='jabber:iq:privacy'>\(payload)</query></iq>"
    }

    private func answer(_ payload: String) -> String {
        "<iq type='result' id='p' to='alice@localhost/home'><query xmlns='jabber:iq:privacy'>\(payload)</query></iq>"
    }

    private static let result = "<iq type='result' id='p' to='alice@localhost/home'></iq>"
    private static let bob =
        "<list name='b'><item type='jid' value='bob@localhost' action='deny' order='1'/><item action='allow' order='2'/></list>"

    @Test func listsAreSetNamedReadAndTakenAway() throws {
        var dialogue = try dialogue()
        #expect(dialogue.ask(1, query("get", "")) == answer(""))
        #expect(
            dialogue.ask(1, query("set", Self.bob)) == Self.result
                + "<iq type='set' id='push-1' from='alice@localhost' to='alice@localhost/home'><query xmlns='jabber:iq:privacy'><list name='b'/></query></iq>"
        )
        #expect(dialogue.ask(1, query("get", "<list name='b'/>")) == answer(Self.bob))
        #expect(dialogue.ask(1, query("set", "<default name='b'/>")) == Self.result)
        #expect(dialogue.ask(1, query("set", "<active name='b'/>")) == Self.result)
        #expect(
            dialogue.ask(1, query("get", "")) == answer("<active name='b'/><default name='b'/><list name='b'/>"))
        #expect(dialogue.ask(1, query("set", "<active/>")) == Self.result)
        #expect(dialogue.ask(1, query("get", "")) == answer("<default name='b'/><list name='b'/>"))
        #expect(dialogue.ask(1, query("set", "<list name='b'/>")).hasPrefix(Self.result))
        #expect(dialogue.ask(1, query("get", "")) == answer(""))
    }

    @Test func aListInUseElsewhereStays() throws {
        var dialogue = try dialogue()
        dialogue.login(3, "alice", "desk")
        _ = dialogue.ask(1, query("set", Self.bob))
        _ = dialogue.ask(1, query("set", "<default name='b'/>"))
        for change in ["<list name='b'/>", "<default/>"] {
            #expect(dialogue.ask(1, query("set", change)).range(of: "<conflict ") != nil)
        }
        dialogue.input(.streamClosed(3))
        _ = dialogue.hear(1)
        #expect(dialogue.ask(1, query("set", "<default/>")) == Self.result)
    }

    @Test(arguments: [
        ("get", "<list name='x'/>", "item-not-found"), ("get", "<list name='x'/><list name='y'/>", "bad-request"),
        ("set", "<list name='x'/>", "item-not-found"), ("set", "<active name='x'/>", "item-not-found"),
        ("set", "<default name='x'/>", "item-not-found"), ("set", "<list/>", "bad-request"),
        ("set", "<other/>", "bad-request"), ("set", "", "bad-request"),
        ("set", "<list name='x'><item action='deny'/></list>", "bad-request"),
        ("set", "<list name='x'><item action='hide' order='1'/></list>", "bad-request"),
        ("set", "<list name='x'><item action='deny' order='1'/><item action='deny' order='1'/></list>", "bad-request"),
        ("set", "<list name='x'><item type='jid' value='@' action='deny' order='1'/></list>", "bad-request"),
        ("set", "<list name='x'><item type='subscription' value='x' action='deny' order='1'/></list>", "bad-request"),
    ])
    func isRefused(_ type: String, _ payload: String, _ condition: String) throws {
        var dialogue = try dialogue()
        #expect(dialogue.ask(1, query(type, payload)).range(of: "<\(condition) ") != nil)
    }

    /// What gets through to alice (m, i, p) and from her (o), under one rule that denies.
    @Test(arguments: [
        ("type='jid' value='bob@localhost'", "", ""), ("type='jid' value='carol@localhost'", "", "mipo"),
        ("type='subscription' value='none'", "", ""), ("type='subscription' value='both'", "", "mipo"),
        ("type='group' value='ops'", "", "mipo"), ("", "<message/>", "ipo"), ("", "<iq/>", "mpo"),
        ("", "<presence-in/>", "mio"), ("", "<presence-out/>", "mip"), ("", "<iq/><message/>", "po"), ("", "", ""),
    ])
    func denies(_ whom: String, _ kinds: String, _ expected: String) throws {
        for isActive in [false, true] {
            var dialogue = try dialogue()
            _ = dialogue.ask(
                1, query("set", "<list name='l'><item \(whom) action='deny' order='1'>\(kinds)</item></list>"))
            _ = dialogue.ask(1, query("set", isActive ? "<active name='l'/>" : "<default name='l'/>"))
            var passed = ""
            for (letter, stanza) in [
                ("m", "<message to='alice@localhost'><body>x</body></message>"),
                ("i", "<iq type='get' id='1' to='alice@localhost/home'><q xmlns='urn:x'/></iq>"),
                ("p", "<presence to='alice@localhost/home'/>"),
            ] {
                dialogue.say(2, stanza)
                // What goes to the bare address is for the default list; the active one counts where it arrives.
                if dialogue.hear(1) != "" { passed += letter }
                let error = dialogue.hear(2)
                #expect(error == "" || error.range(of: "<service-unavailable ") != nil || (isActive && error == ""))
            }
            if dialogue.ask(1, "<presence to='bob@localhost/phone'/>") == "" { passed += "o" }
            #expect(passed == expected, "\(whom) \(kinds) \(isActive)")
        }
    }
}
