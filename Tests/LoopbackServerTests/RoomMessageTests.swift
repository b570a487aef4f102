import LoopbackServer
import Stanza
import Testing

/// XEP-0045 7.4, 7.5 and 7.8: what is said in a room.
@Suite struct RoomMessageTests {
    @Test func comesToAllWithItsIDAndTheRoomsOwn() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.say(
            2,
            "<message type='groupchat' id='m1' xml:lang='en' to='\(Dialogue.room)'><body>a &amp; b</body><stanza-id xmlns='urn:xmpp:sid:0' by='\(Dialogue.room)' id='forged'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/><delay xmlns='urn:xmpp:delay' from='\(Dialogue.room)' stamp='x'/><origin-id xmlns='urn:xmpp:sid:0' id='o1'/></message>"
        )
        let heard = dialogue.hear(2)
        let occupantID = try #require(attribute("id", of: String(heard.split(separator: "<occupant-id").last ?? "")))
        #expect(
            heard
                == "<message from='\(Dialogue.room)/bob' to='bob@localhost/home' type='groupchat' id='m1' xml:lang='en'><body>a &amp; b</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='\(occupantID)'/><stanza-id xmlns='urn:xmpp:sid:0' by='\(Dialogue.room)' id='1'/></message>"
        )
        #expect(dialogue.hear(1) == heard.replacing("to='bob@localhost/home'", with: "to='alice@localhost/home'"))
        #expect(dialogue.gist(3) == ["bob: a & b"])
        #expect(
            dialogue.observed() == [
                .message(
                    .init(
                        from: try JID("bob@localhost/home"), to: Dialogue.room, type: "groupchat", id: "m1",
                        body: "a & b", outcome: .delivered(sessions: 3)))
            ])
    }

    @Test(arguments: [
        ("type='groupchat' to='ops@conference.localhost'", "not-acceptable cancel", "bad-request modify"),
        ("type='chat' to='ops@conference.localhost/alice'", "not-acceptable cancel", "item-not-found cancel"),
        ("type='groupchat' to='ops@conference.localhost/alice'", "not-acceptable cancel", "bad-request modify"),
        ("type='chat' to='ops@conference.localhost'", "not-acceptable cancel", "bad-request modify"),
        ("type='groupchat' to='gone@conference.localhost'", "item-not-found cancel", "item-not-found cancel"),
        ("type='groupchat' to='conference.localhost'", "item-not-found cancel", "item-not-found cancel"),
    ])
    func isRefused(_ address: String, _ toStranger: String, _ toOccupant: String) throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.login(2, "bob", "home")
        dialogue.say(2, "<message id='m' \(address)><body>x</body></message>")
        #expect(dialogue.gist(2) == ["message " + toStranger])
        dialogue.enter(2, "bob")
        _ = dialogue.hear(2)
        dialogue.say(2, "<message id='m' \(address)><body>x</body></message>")
        let isSaid = address == "type='groupchat' to='ops@conference.localhost'"
        #expect(dialogue.gist(2) == (isSaid ? ["bob: x"] : ["message " + toOccupant]))
        dialogue.say(2, "<message type='error' to='ops@conference.localhost'/>")
        dialogue.say(2, "<message type='error' to='gone@conference.localhost'/>")
        #expect(dialogue.hear(2) == "")
    }

    @Test func privatelyGoesToOneAndSaysSo() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.say(2, "<message type='chat' id='m' to='\(Dialogue.room)/carol'><body>psst</body></message>")
        let heard = dialogue.hear(3)
        #expect(
            heard.hasPrefix(
                "<message from='\(Dialogue.room)/bob' to='carol@localhost/home' type='chat' id='m'><body>psst</body><occupant-id "
            ))
        #expect(heard.hasSuffix("<x xmlns='http://jabber.org/protocol/muc#user'/></message>"))
        #expect(dialogue.hear(1) + dialogue.hear(2) == "")
    }

    @Test func theSubjectIsForModeratorsUnlessTheRoomSaysOtherwise() throws {
        for isFree in [false, true] {
            var dialogue = try Dialogue.withRoom { $0.settings.occupantsSetSubject = isFree }
            dialogue.gather()
            let change = "<message type='groupchat' to='\(Dialogue.room)'><subject>new</subject></message>"
            dialogue.say(2, change)
            #expect(dialogue.gist(2) == (isFree ? ["bob= new"] : ["message forbidden auth"]))
            dialogue.say(1, change)
            _ = dialogue.hear(1)
            dialogue.enter(1, "alice")
            #expect(dialogue.gist(1).last == "alice= new (late)")
            dialogue.say(1, change.replacing(">new<", with: "><"))
            #expect(dialogue.gist(3).last == "alice= ")
        }
    }

    @Test func anIntervalIsKept() throws {
        var dialogue = try Dialogue.withRoom { $0.settings.messageInterval = .seconds(2) }
        dialogue.gather()
        dialogue.speak(2, "1")
        dialogue.speak(2, "2")
        dialogue.pass(.seconds(2))
        dialogue.speak(2, "3")
        #expect(dialogue.gist(2) == ["bob: 1", "message policy-violation wait", "bob: 3"])
        #expect(dialogue.gist(1) == ["bob: 1", "bob: 3"])
    }

    private func request(_ payload: String) -> String {
        "<message id='i' to='\(Dialogue.room)'><x xmlns='http://jabber.org/protocol/muc#user'>\(payload)</x></message>"
    }

    @Test func invitationsAndDeclinesGoThroughTheRoom() throws {
        var dialogue = try Dialogue.withRoom { $0.settings.password = "p" }
        dialogue.login(1, "alice", "home")
        dialogue.enter(1, "alice", "<password>p</password>")
        dialogue.login(2, "bob", "home")
        _ = dialogue.hear(1)
        dialogue.say(1, request("<invite to='bob@localhost'><reason>come</reason></invite>"))
        #expect(
            dialogue.hear(2)
                == "<message from='\(Dialogue.room)' to='bob@localhost' id='i'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='alice@localhost/home'><reason>come</reason></invite><password>p</password></x></message>"
        )
        dialogue.say(2, request("<decline to='alice@localhost/home'><reason>no</reason></decline>"))
        #expect(
            dialogue.hear(1)
                == "<message from='\(Dialogue.room)' to='alice@localhost/home' id='i'><x xmlns='http://jabber.org/protocol/muc#user'><decline from='bob@localhost'><reason>no</reason></decline></x></message>"
        )
    }

    @Test(arguments: [
        (1, "<invite to='nobody@localhost'/>", "item-not-found cancel"), (1, "<invite/>", "jid-malformed modify"),
        (2, "<invite to='dave@localhost'/>", "not-acceptable cancel"), (1, "<other/>", "bad-request modify"),
        (2, "<decline to='nobody@localhost'/>", "item-not-found cancel"), (2, "<decline/>", "jid-malformed modify"),
    ])
    func anInvitationIsRefused(_ who: Int, _ payload: String, _ error: String) throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather(["alice"])
        dialogue.login(2, "bob", "home")
        dialogue.say(UInt64(who), request(payload))
        #expect(dialogue.gist(UInt64(who)) == ["message " + error])
    }

    @Test func whoIsInvitedToAMembersOnlyRoomIsAMember() throws {
        var dialogue = try Dialogue.withRoom {
            $0.settings.isMembersOnly = true
            $0.affiliations.append((try JID("bob@localhost"), .member))
        }
        dialogue.gather(["alice", "bob"])
        dialogue.login(3, "carol", "home")
        dialogue.say(2, request("<invite to='carol@localhost'/>"))
        #expect(dialogue.gist(2) == ["message forbidden auth"])
        dialogue.say(1, request("<invite to='carol@localhost'/>"))
        _ = dialogue.hear(3)
        dialogue.enter(3, "carol")
        #expect(dialogue.gist(3).contains("carol member/participant 110"))
    }
}
