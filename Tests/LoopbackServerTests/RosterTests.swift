import LoopbackServer
import Stanza
import Testing

@Suite struct RosterTests {
    private static let fetch = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"

    private func set(_ item: String) -> String {
        "<iq type='set' id='s'><query xmlns='jabber:iq:roster'>\(item)</query></iq>"
    }

    /// The items that a text shows, results and pushes alike.
    private func items(_ text: String) -> [String] {
        text.split(separator: "<item ").dropFirst().map { piece in
            String(piece.prefix { $0 != ">" }.replacing("/", with: ""))
        }
    }

    /// Alice on 1 and bob on 2, both interested in their rosters.
    private func prepared(_ change: (inout Server.Configuration) -> Void = { _ in }) throws -> Dialogue {
        var dialogue = try Dialogue(change: change)
        for (id, name): (UInt64, String) in [(1, "alice"), (2, "bob")] {
            dialogue.bind(id, name, "home")
            dialogue.say(id, Self.fetch)
            dialogue.say(id, "<presence/>")
            _ = dialogue.hear(id)
        }
        return dialogue
    }

    @Test func isFetchedSetAndPushed() throws {
        var dialogue = try prepared()
        #expect(
            dialogue.ask(1, Self.fetch)
                == "<iq type='result' id='r' to='alice@localhost/home'><query xmlns='jabber:iq:roster'></query></iq>")
        #expect(
            dialogue.ask(1, set("<item jid='bob@localhost' name='Bob'><group>ops</group><group>a&amp;b</group></item>"))
                == "<iq type='result' id='s' to='alice@localhost/home'></iq>"
                + "<iq type='set' id='push-1' from='alice@localhost' to='alice@localhost/home'><query xmlns='jabber:iq:roster' ver='2'><item jid='bob@localhost' name='Bob' subscription='none'><group>ops</group><group>a&amp;b</group></item></query></iq>"
        )
        #expect(
            dialogue.ask(1, Self.fetch)
                == "<iq type='result' id='r' to='alice@localhost/home'><query xmlns='jabber:iq:roster'><item jid='bob@localhost' name='Bob' subscription='none'><group>ops</group><group>a&amp;b</group></item></query></iq>"
        )
        let removed = dialogue.ask(1, set("<item jid='bob@localhost' subscription='remove'/>"))
        #expect(items(removed) == ["jid='bob@localhost' subscription='remove'"])
        #expect(items(dialogue.ask(1, Self.fetch)) == [])
    }

    @Test func pushesReachOnlyWhoAsked() throws {
        var dialogue = try prepared()
        dialogue.login(3, "alice", "desk")
        _ = dialogue.ask(1, set("<item jid='bob@localhost'/>"))
        #expect(items(dialogue.hear(3)) == [])
        dialogue.say(3, Self.fetch)
        _ = dialogue.hear(3)
        _ = dialogue.ask(1, set("<item jid='bob@localhost' name='B'/>"))
        #expect(items(dialogue.hear(3)) == ["jid='bob@localhost' name='B' subscription='none'"])
    }

    @Test func hasVersions() throws {
        var dialogue = try prepared()
        func fetch(_ version: String) -> String {
            "<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='\(version)'/></iq>"
        }
        let all = dialogue.ask(1, fetch(""))
        #expect(all.range(of: "<query xmlns='jabber:iq:roster' ver='1'></query>") != nil)
        #expect(dialogue.ask(1, fetch("1")) == "<iq type='result' id='r' to='alice@localhost/home'></iq>")
        _ = dialogue.ask(1, set("<item jid='bob@localhost'/>"))
        #expect(items(dialogue.ask(1, fetch("1"))).count == 1)
        #expect(dialogue.ask(1, fetch("2")) == "<iq type='result' id='r' to='alice@localhost/home'></iq>")
    }

    @Test(arguments: [
        ("", "bad-request"), ("<item/>", "bad-request"), ("<item jid='@'/>", "bad-request"),
        ("<item jid='a@b'/><item jid='c@d'/>", "bad-request"), ("<thing jid='a@b'/>", "bad-request"),
        ("<item jid='a@b'><group>x</group><group>x</group></item>", "bad-request"),
        ("<item jid='a@b' subscription='remove'/>", "item-not-found"), ("<item jid='e@f'/>", "resource-constraint"),
    ])
    func isRefused(_ content: String, _ condition: String) throws {
        var dialogue = try prepared { $0.limits.rosterItemsMax = 1 }
        _ = dialogue.ask(1, set("<item jid='bob@localhost'/>"))
        #expect(dialogue.ask(1, set(content)).range(of: "<\(condition) ") != nil)
    }

    /// RFC 6121 3: the whole dance, with what each side hears at each step.
    @Test func subscriptionsAreAskedGrantedAndTakenBack() throws {
        var dialogue = try prepared()
        dialogue.say(1, "<presence type='subscribe' to='bob@localhost' id='q'><status>please</status></presence>")
        #expect(items(dialogue.hear(1)) == ["jid='bob@localhost' subscription='none' ask='subscribe'"])
        #expect(
            dialogue.hear(2)
                == "<presence from='alice@localhost' type='subscribe' to='bob@localhost' id='q'><status>please</status></presence>"
        )
        #expect(items(dialogue.ask(2, Self.fetch)) == [])
        dialogue.say(2, "<presence type='subscribed' to='alice@localhost'/>")
        #expect(items(dialogue.hear(2)) == ["jid='alice@localhost' subscription='from'"])
        let granted = dialogue.hear(1)
        #expect(granted.hasPrefix("<presence from='bob@localhost' type='subscribed' to='alice@localhost'/><iq "))
        #expect(items(granted) == ["jid='bob@localhost' subscription='to'"])
        #expect(granted.hasSuffix("<presence from='bob@localhost/home'/>"))
        dialogue.say(2, "<presence type='subscribe' to='alice@localhost'/>")
        dialogue.say(1, "<presence type='subscribed' to='bob@localhost'/>")
        #expect(items(dialogue.hear(2)).last == "jid='alice@localhost' subscription='both'")
        #expect(items(dialogue.hear(1)).last == "jid='bob@localhost' subscription='both'")
        dialogue.say(2, "<presence type='unsubscribed' to='alice@localhost'/>")
        #expect(items(dialogue.hear(2)) == ["jid='alice@localhost' subscription='to'"])
        let denied = dialogue.hear(1)
        #expect(
            denied.hasPrefix(
                "<presence from='bob@localhost/home' type='unavailable'/><presence from='bob@localhost' type='unsubscribed' to='alice@localhost'/>"
            ))
        #expect(items(denied) == ["jid='bob@localhost' subscription='from'"])
        dialogue.say(2, "<presence type='unsubscribe' to='alice@localhost'/>")
        #expect(items(dialogue.hear(1)) == ["jid='bob@localhost' subscription='none'"])
        let left = dialogue.hear(2)
        #expect(items(left) == ["jid='alice@localhost' subscription='none'"])
        #expect(left.hasSuffix("<presence from='alice@localhost/home' type='unavailable'/>"))
    }

    @Test func aRequestWaitsForTheNextLogin() throws {
        var dialogue = try prepared()
        dialogue.say(1, "<presence type='subscribe' to='carol@localhost'/>")
        for id: UInt64 in 3...4 {
            dialogue.bind(id, "carol", "c\(id)")
            let heard = dialogue.ask(id, "<presence/>")
            #expect(heard.range(of: "<presence from='alice@localhost' type='subscribe' to='carol@localhost'/>") != nil)
        }
        dialogue.say(4, "<presence type='unsubscribed' to='alice@localhost'/>")
        #expect(items(dialogue.hear(1)).last == "jid='carol@localhost' subscription='none'")
        dialogue.bind(5, "carol", "c5")
        #expect(dialogue.ask(5, "<presence/>").range(of: "subscribe") == nil)
    }

    @Test func approvalInAdvanceAnswersByItself() throws {
        var dialogue = try prepared()
        dialogue.say(2, "<presence type='subscribed' to='alice@localhost'/>")
        #expect(items(dialogue.hear(2)) == ["jid='alice@localhost' subscription='none' approved='true'"])
        #expect(dialogue.hear(1) == "")
        dialogue.say(1, "<presence type='subscribe' to='bob@localhost'/>")
        #expect(items(dialogue.hear(1)).last == "jid='bob@localhost' subscription='to'")
        let heard = dialogue.hear(2)
        #expect(items(heard) == ["jid='alice@localhost' subscription='from' approved='true'"])
        #expect(heard.range(of: "type='subscribe'") == nil)
    }

    @Test func removingAContactEndsBothDirections() throws {
        var dialogue = try prepared()
        dialogue.befriend(1, "alice", 2, "bob")
        #expect(
            items(dialogue.ask(1, set("<item jid='bob@localhost' subscription='remove'/>"))) == [
                "jid='bob@localhost' subscription='remove'"
            ])
        let heard = dialogue.hear(2)
        #expect(
            items(heard) == ["jid='alice@localhost' subscription='to'", "jid='alice@localhost' subscription='none'"])
        #expect(heard.range(of: "type='unsubscribe'") != nil)
        #expect(heard.range(of: "type='unsubscribed'") != nil)
        #expect(heard.range(of: "<presence from='alice@localhost/home' type='unavailable'/>") != nil)
    }

    @Test func aRequestToNobodyWaitsForEver() throws {
        var dialogue = try prepared()
        dialogue.say(1, "<presence type='subscribe' to='dave@localhost'/>")
        #expect(items(dialogue.hear(1)) == ["jid='dave@localhost' subscription='none' ask='subscribe'"])
    }
}
