import LoopbackServer
import Stanza
import Testing

@Suite struct PresenceTests {
    /// Alice on 1 and bob on 2, who see each other.
    private func friends() throws -> Dialogue {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        dialogue.befriend(1, "alice", 2, "bob")
        return dialogue
    }

    @Test func isSeenByItselfAndByWhoMaySeeIt() throws {
        var dialogue = try friends()
        dialogue.login(3, "carol", "home")
        dialogue.say(1, "<presence><show>away</show><status>lunch</status></presence>")
        let seen = "<presence from='alice@localhost/home'><show>away</show><status>lunch</status></presence>"
        #expect(dialogue.hear(1) == seen)
        #expect(dialogue.hear(2) == seen)
        #expect(dialogue.hear(3) == "")
    }

    @Test func comesAtLoginFromContactsAndOwnSessions() throws {
        var dialogue = try friends()
        dialogue.bind(3, "alice", "desk")
        let heard = dialogue.ask(3, "<presence/>")
        #expect(
            heard
                == "<presence from='alice@localhost/desk'/><presence from='alice@localhost/home'><priority>0</priority></presence><presence from='bob@localhost/phone'><priority>0</priority></presence>"
        )
        #expect(dialogue.hear(1) == "<presence from='alice@localhost/desk'/>")
        #expect(dialogue.hear(2) == "<presence from='alice@localhost/desk'/>")
    }

    @Test func goesWhenTheSessionGoes() throws {
        for how in ["unavailable", "closed", "lost"] {
            var dialogue = try friends()
            switch how {
            case "unavailable": dialogue.say(1, "<presence type='unavailable'><status>bye</status></presence>")
            case "closed": dialogue.input(.streamClosed(1))
            default: dialogue.input(.disconnected(1))
            }
            let status = how == "unavailable" ? "><status>bye</status></presence>" : "/>"
            #expect(dialogue.hear(2) == "<presence from='alice@localhost/home' type='unavailable'" + status)
            if how == "unavailable" { dialogue.input(.disconnected(1)) }
            #expect(dialogue.hear(2) == "")
        }
    }

    @Test func staysWhileTheSessionCanBeResumed() throws {
        var dialogue = try friends()
        _ = dialogue.enable(1)
        dialogue.input(.disconnected(1))
        #expect(dialogue.hear(2) == "")
        dialogue.pass(.seconds(60))
        #expect(dialogue.hear(2) == "<presence from='alice@localhost/home' type='unavailable'/>")
    }

    @Test func directedPresenceIsTakenBackAtTheEnd() throws {
        var dialogue = try Dialogue()
        dialogue.bind(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        dialogue.login(3, "carol", "phone")
        dialogue.say(1, "<presence to='bob@localhost/phone'/>")
        dialogue.say(1, "<presence to='carol@localhost'/>")
        #expect(dialogue.hear(2) == "<presence from='alice@localhost/home' to='bob@localhost/phone'/>")
        #expect(dialogue.hear(3) == "<presence from='alice@localhost/home' to='carol@localhost'/>")
        dialogue.say(1, "<presence type='unavailable' to='carol@localhost'/>")
        _ = dialogue.hear(3)
        dialogue.input(.disconnected(1))
        #expect(dialogue.hear(2) == "<presence from='alice@localhost/home' type='unavailable'/>")
        #expect(dialogue.hear(3) == "")
    }

    @Test func probesTellOnlyWhoMayKnow() throws {
        var dialogue = try friends()
        dialogue.login(3, "carol", "home")
        let probe = "<presence type='probe' to='alice@localhost'/>"
        #expect(dialogue.ask(2, probe) == "<presence from='alice@localhost/home'><priority>0</priority></presence>")
        #expect(dialogue.ask(3, probe) == "")
    }

    @Test(arguments: [
        ("<presence type='odd'/>", "bad-request"), ("<presence><priority>200</priority></presence>", "bad-request"),
        ("<presence type='subscribe'/>", "bad-request"), ("<presence to='bob@elsewhere'/>", "remote-server-not-found"),
        ("<presence type='subscribe' to='bob@elsewhere'/>", "remote-server-not-found"),
        ("<presence type='subscribe' to='alice@localhost'/>", "not-allowed"),
    ])
    func isRefused(_ stanza: String, _ condition: String) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        let answer = dialogue.ask(1, stanza)
        #expect(answer.hasPrefix("<presence type='error' "))
        #expect(answer.range(of: "<\(condition) ") != nil)
    }
}
