import LoopbackServer
import Stanza
import Testing

/// Discovery (XEP-0045 6) and pings (XEP-0410) of rooms.
@Suite struct RoomQueryTests {
    private func get(_ dialogue: inout Dialogue, _ id: UInt64, _ to: String, _ payload: String) -> String {
        dialogue.ask(id, "<iq type='get' id='1' to='\(to)'>\(payload)</iq>")
    }

    private static let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    private static let items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"

    @Test func theServiceAndItsRoomsAreFound() throws {
        var dialogue = try Dialogue.withRoom {
            $0.settings.title = "The Ops"
            $0.settings.isMembersOnly = true
        }
        dialogue.login(1, "alice", "home")
        let service = get(&dialogue, 1, "conference.localhost", Self.info)
        #expect(service.range(of: "<identity category='conference' type='text' name='Rooms'/>") != nil)
        #expect(service.range(of: "<feature var='http://jabber.org/protocol/muc'/>") != nil)
        #expect(
            get(&dialogue, 1, "conference.localhost", Self.items).range(
                of: "<item jid='\(Dialogue.room)' name='The Ops'/>") != nil)
        let room = get(&dialogue, 1, Dialogue.room, Self.info)
        for feature in [
            "muc_membersonly", "muc_unsecured", "muc_persistent", "muc_semianonymous", "urn:xmpp:occupant-id:0",
            "http://jabber.org/protocol/muc#self-ping-optimization", "http://jabber.org/protocol/muc#stable_id",
        ] {
            #expect(room.range(of: "<feature var='\(feature)'/>") != nil, "\(feature)")
        }
        #expect(get(&dialogue, 1, Dialogue.room, Self.items).range(of: "<item ") == nil)
        dialogue.enter(1, "alice")
        _ = dialogue.hear(1)
        #expect(get(&dialogue, 1, Dialogue.room, Self.items).range(of: "<item jid='\(Dialogue.room)/alice' ") != nil)
    }

    @Test func aServerWithoutRoomsHasNone() throws {
        var dialogue = try Dialogue.withRoom { _ in
        } service: {
            $0.isOffered = false
        }
        dialogue.login(1, "alice", "home")
        #expect(get(&dialogue, 1, "localhost", Self.items).range(of: "<item ") == nil)
        dialogue.enter(1, "alice")
        #expect(dialogue.gist(1) == ["presence remote-server-not-found cancel"])
    }

    @Test(arguments: [
        ("conference.localhost", "<ping xmlns='urn:xmpp:ping'/>", "result"),
        (Dialogue.room, "<ping xmlns='urn:xmpp:ping'/>", "result"),
        ("conference.localhost", "<query xmlns='urn:x'/>", "iq service-unavailable cancel"),
        (Dialogue.room, "<query xmlns='urn:x'/>", "iq service-unavailable cancel"),
        (
            Dialogue.room, "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>", "iq item-not-found cancel"
        ), ("gone@conference.localhost", "<ping xmlns='urn:xmpp:ping'/>", "iq item-not-found cancel"),
    ])
    func isAnswered(_ to: String, _ payload: String, _ expected: String) throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.login(1, "alice", "home")
        dialogue.say(1, "<iq type='get' id='1' to='\(to)'>\(payload)</iq>")
        #expect(dialogue.gist(1) == [expected])
    }

    @Test func aSelfPingTellsWhetherOneIsIn() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.login(1, "alice", "home")
        #expect(dialogue.ping(1, "alice") == ["iq not-acceptable cancel"])
        dialogue.enter(1, "alice")
        _ = dialogue.hear(1)
        #expect(dialogue.ping(1, "alice") == ["result"])
        #expect(dialogue.ping(1, "other") == ["iq item-not-found cancel"])
    }

    @Test func anyOtherQueryGoesToTheOccupant() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.say(1, "<iq type='get' id='1' to='\(Dialogue.room)/bob'><ping xmlns='urn:xmpp:ping'/></iq>")
        #expect(
            dialogue.hear(2)
                == "<iq from='\(Dialogue.room)/alice' type='get' id='1' to='bob@localhost/home'><ping xmlns='urn:xmpp:ping'/></iq>"
        )
        dialogue.say(2, "<iq type='result' id='1' to='\(Dialogue.room)/alice'/>")
        #expect(
            dialogue.hear(1) == "<iq from='\(Dialogue.room)/bob' type='result' id='1' to='alice@localhost/home'/>")
        dialogue.say(2, "<iq type='result' id='1' to='\(Dialogue.room)/gone'/>")
        #expect(dialogue.hear(2) == "")
    }
}
