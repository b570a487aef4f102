import LoopbackServer
import Stanza
import Testing

@Suite struct QueryTests {
    private func error(_ from: String, _ type: String, _ condition: String) -> String {
        "<iq type='error' id='1' from='\(from)' to='alice@localhost/home'><error type='\(type)'><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    }

    @Test(arguments: [
        ("get", " to='localhost'", "<ping xmlns='urn:xmpp:ping'/>", ""),
        (
            "get", " to='alice@localhost'", "<query xmlns='http://jabber.org/protocol/disco#info'/>",
            "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/><feature var='http://jabber.org/protocol/disco#info'/></query>"
        ),
        (
            "get", " to='localhost'", "<query xmlns='http://jabber.org/protocol/disco#items'/>",
            "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='conference.localhost' name='Rooms'/></query>"
        ),
        (
            "get", " to='localhost'", "<query xmlns='jabber:iq:version'/>",
            "<query xmlns='jabber:iq:version'><name>loopback</name><version>1</version></query>"
        ),
        ("set", "", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>", ""),
        ("get", "", "<ping xmlns='urn:xmpp:ping'/>", ""),
    ])
    func isAnswered(_ type: String, _ to: String, _ payload: String, _ answer: String) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        let from = to.isEmpty ? "" : " from" + to.dropFirst(3)
        #expect(
            dialogue.ask(1, "<iq type='\(type)' id='1'\(to)>\(payload)</iq>")
                == "<iq type='result' id='1'\(from) to='alice@localhost/home'>\(answer)</iq>")
    }

    @Test func theServerSaysWhatItCan() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        let answer = dialogue.ask(
            1, "<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
        #expect(answer.range(of: "<identity category='server' type='im'/>") != nil)
        #expect(answer.range(of: "<feature var='urn:xmpp:ping'/>") != nil)
    }

    @Test(arguments: [
        ("get", "localhost", "<query xmlns='urn:x'/>", "cancel", "service-unavailable"),
        ("set", "localhost", "<ping xmlns='urn:xmpp:ping'/>", "cancel", "service-unavailable"),
        ("get", "alice@localhost", "<query xmlns='urn:x'/>", "cancel", "service-unavailable"),
        ("get", "bob@localhost", "<ping xmlns='urn:xmpp:ping'/>", "cancel", "service-unavailable"),
        ("get", "bob@localhost/gone", "<ping xmlns='urn:xmpp:ping'/>", "cancel", "service-unavailable"),
        ("get", "bob@elsewhere", "<ping xmlns='urn:xmpp:ping'/>", "cancel", "remote-server-not-found"),
        ("get", "localhost", "", "modify", "bad-request"), ("ask", "localhost", "<q/>", "modify", "bad-request"),
        ("get", "localhost", "<q/><q/>", "modify", "bad-request"),
    ])
    func isRefused(_ type: String, _ to: String, _ payload: String, _ errorType: String, _ condition: String) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        #expect(
            dialogue.ask(1, "<iq type='\(type)' id='1' to='\(to)'>\(payload)</iq>") == error(to, errorType, condition))
    }

    @Test(arguments: ["result", "error"]) func answersAreNotAnswered(_ type: String) throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        for to in ["", " to='localhost'", " to='bob@localhost/gone'", " to='bob@elsewhere'"] {
            #expect(dialogue.ask(1, "<iq type='\(type)' id='1'\(to)/>") == "")
        }
    }

    @Test func goesToOtherClientsAndBack() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "phone")
        dialogue.say(1, "<iq type='get' id='1' to='bob@localhost/phone'><query xmlns='jabber:iq:version'/></iq>")
        #expect(
            dialogue.hear(2)
                == "<iq from='alice@localhost/home' type='get' id='1' to='bob@localhost/phone'><query xmlns='jabber:iq:version'/></iq>"
        )
        dialogue.say(2, "<iq type='result' id='1' to='alice@localhost/home'/>")
        #expect(dialogue.hear(1) == "<iq from='bob@localhost/phone' type='result' id='1' to='alice@localhost/home'/>")
    }
}
