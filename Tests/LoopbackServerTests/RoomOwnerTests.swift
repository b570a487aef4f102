import LoopbackServer
import Stanza
import Testing

/// XEP-0045 8 to 10: kicks, affiliations, making rooms and ending them.
@Suite struct RoomOwnerTests {
    private static let new = "new@conference.localhost"

    @Test func aKickIsToldToWhoGoesThenToWhoDidItThenToTheRest() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.administer(1, "<item nick='bob' role='none'><reason>noise</reason></item>")
        #expect(dialogue.gist(2) == ["-bob none/none by alice noise 110 307"])
        #expect(dialogue.gist(1) == ["result", "-bob none/none bob@localhost/home by alice noise 307"])
        #expect(dialogue.gist(3) == ["-bob none/none by alice noise 307"])
        dialogue.speak(2, "x")
        #expect(dialogue.gist(2) == ["message not-acceptable cancel"])
        dialogue.enter(2, "bob")
        #expect(dialogue.gist(2).contains("bob none/participant 110"))
    }

    @Test func aBanHoldsAndCanBeTakenBack() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.administer(1, "<item jid='bob@localhost' affiliation='outcast'><reason>spam</reason></item>")
        #expect(dialogue.gist(2) == ["-bob outcast/none by alice spam 110 301"])
        #expect(dialogue.gist(3) == ["-bob outcast/none by alice spam 301"])
        #expect(dialogue.gist(1).first == "result")
        let list = "<item affiliation='outcast'/>"
        dialogue.say(
            1,
            "<iq type='get' id='l' to='\(Dialogue.room)'><query xmlns='http://jabber.org/protocol/muc#admin'>\(list)</query></iq>"
        )
        #expect(
            dialogue.hear(1).range(
                of: "<item affiliation='outcast' jid='bob@localhost'><reason>spam</reason></item></query>") != nil)
        dialogue.enter(2, "bob")
        #expect(dialogue.gist(2) == ["presence forbidden auth"])
        dialogue.administer(1, "<item jid='bob@localhost' affiliation='none'/>")
        dialogue.enter(2, "bob")
        #expect(dialogue.gist(2).last == "= ")
    }

    @Test func aBannedDomainSparesWhoIsMore() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.administer(1, "<item jid='localhost' affiliation='outcast'/>")
        #expect(dialogue.gist(2).last == "-bob outcast/none by alice 110 301")
        #expect(dialogue.ping(1, "alice").last == "result")
    }

    @Test func affiliationsAreShownWhenTheyChange() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.administer(
            1, "<item nick='bob' affiliation='admin'/><item jid='carol@localhost' affiliation='member'/>")
        #expect(
            dialogue.gist(2) == [
                "bob admin/moderator bob@localhost/home by alice 110",
                "carol member/participant carol@localhost/home by alice",
            ])
        #expect(dialogue.gist(3) == ["bob admin/moderator by alice", "carol member/participant by alice 110"])
        #expect(dialogue.gist(1).first == "result")
    }

    @Test func whoIsNoMemberAnyMoreLeavesAMembersOnlyRoom() throws {
        var dialogue = try Dialogue.withRoom {
            $0.settings.isMembersOnly = true
            $0.affiliations.append((try JID("bob@localhost"), .member))
        }
        dialogue.gather(["alice", "bob"])
        dialogue.administer(1, "<item jid='bob@localhost' affiliation='none'/>")
        #expect(dialogue.gist(2) == ["-bob none/none by alice 110 321"])
    }

    @Test(arguments: [
        (2, "<item nick='carol' role='none'/>", "forbidden auth"),
        (1, "<item nick='gone' role='none'/>", "item-not-found cancel"),
        (1, "<item nick='bob' role='visitor'/>", "feature-not-implemented cancel"), (1, "", "bad-request modify"),
        (1, "<item jid='@' affiliation='member'/>", "jid-malformed modify"),
        (1, "<item jid='bob@localhost' affiliation='king'/>", "bad-request modify"),
        (1, "<item jid='alice@localhost' affiliation='outcast'/>", "conflict cancel"),
        (1, "<item jid='alice@localhost' affiliation='none'/>", "conflict cancel"),
        (3, "<item jid='alice@localhost' affiliation='outcast'/>", "not-allowed cancel"),
        (3, "<item nick='alice' role='none'/>", "not-allowed cancel"),
        (3, "<item jid='bob@localhost' affiliation='admin'/>", "not-allowed cancel"),
        (3, "<item jid='bob@localhost' affiliation='outcast'/><item nick='alice' role='none'/>", "not-allowed cancel"),
    ])
    func aChangeIsRefusedWhole(_ who: Int, _ items: String, _ error: String) throws {
        var dialogue = try Dialogue.withRoom { $0.affiliations.append((try JID("carol@localhost"), .admin)) }
        dialogue.gather()
        dialogue.administer(UInt64(who), items)
        #expect(dialogue.gist(UInt64(who)) == ["iq " + error])
        dialogue.speak(2, "here")
        #expect(dialogue.gist(2) == ["bob: here"])
    }

    @Test(arguments: [
        ("<item affiliation='owner'/>", "affiliation='owner' jid='alice@localhost'", "forbidden"),
        ("<item affiliation='member'/>", "affiliation='member' jid='carol@localhost'", "forbidden"),
        ("<item role='moderator'/>", "jid='alice@localhost/home' nick='alice' role='moderator'", "forbidden"),
    ])
    func listsAreForAdmins(_ item: String, _ expected: String, _ error: String) throws {
        var dialogue = try Dialogue.withRoom { $0.affiliations.append((try JID("carol@localhost"), .member)) }
        dialogue.gather()
        let query =
            "<iq type='get' id='l' to='\(Dialogue.room)'><query xmlns='http://jabber.org/protocol/muc#admin'>\(item)</query></iq>"
        #expect(dialogue.ask(1, query).range(of: expected) != nil)
        #expect(dialogue.ask(2, query).range(of: "<\(error) ") != nil)
    }

    @Test func membersOfAMembersOnlyRoomMayKnowEachOther() throws {
        var dialogue = try Dialogue.withRoom {
            $0.settings.isMembersOnly = true
            $0.affiliations.append((try JID("bob@localhost"), .member))
        }
        dialogue.gather(["alice", "bob"])
        func list(_ affiliation: String) -> String {
            "<iq type='get' id='l' to='\(Dialogue.room)'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='\(affiliation)'/></query></iq>"
        }
        #expect(dialogue.ask(2, list("member")).range(of: "jid='bob@localhost'") != nil)
        #expect(dialogue.ask(2, list("owner")).range(of: "<forbidden ") != nil)
        #expect(dialogue.ask(2, list("king")).range(of: "<bad-request ") != nil)
    }

    @Test func aNewRoomIsLockedUntilItsOwnerConfiguresIt() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "home")
        dialogue.enter(1, "alice", room: Self.new)
        #expect(dialogue.gist(1) == ["alice owner/moderator alice@localhost/home 110 201", "= "])
        dialogue.enter(2, "bob", room: Self.new)
        #expect(dialogue.gist(2) == ["presence item-not-found cancel"])
        dialogue.own(2, "<x xmlns='jabber:x:data' type='submit'/>", room: Self.new)
        #expect(dialogue.gist(2) == ["iq forbidden auth"])
        dialogue.own(1, "<x xmlns='jabber:x:data' type='submit'/>", room: Self.new)
        #expect(dialogue.gist(1) == ["result"])
        dialogue.enter(2, "bob", room: Self.new)
        #expect(dialogue.gist(2).contains("bob none/participant 110"))
        // It ends with its last occupant, and is made anew.
        dialogue.say(1, "<presence type='unavailable' to='\(Self.new)/alice'/>")
        dialogue.say(2, "<presence type='unavailable' to='\(Self.new)/bob'/>")
        _ = dialogue.hear(2)
        dialogue.enter(2, "bob", room: Self.new)
        #expect(dialogue.gist(2).first == "bob owner/moderator bob@localhost/home 110 201")
    }

    @Test func makingRoomsCanBeForbiddenOrGivenUp() throws {
        var dialogue = try Dialogue { $0.roomService.allowsCreation = false }
        dialogue.login(1, "alice", "home")
        dialogue.enter(1, "alice", room: Self.new)
        #expect(dialogue.gist(1) == ["presence item-not-found cancel"])
        dialogue = try Dialogue {
            $0.limits.roomsMax = 1
            $0.roomService.locksNewRooms = false
        }
        dialogue.login(1, "alice", "home")
        dialogue.login(2, "bob", "home")
        dialogue.enter(1, "alice", room: Self.new)
        dialogue.enter(2, "bob", room: Self.new)
        #expect(dialogue.gist(2).last == "= ")
        dialogue.enter(2, "bob", room: "more@conference.localhost")
        #expect(dialogue.gist(2) == ["presence resource-constraint wait"])
        dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.enter(1, "alice", room: Self.new)
        dialogue.own(1, "<x xmlns='jabber:x:data' type='cancel'/>", room: Self.new)
        _ = dialogue.hear(1)
        dialogue.own(1, "", type: "get", room: Self.new)
        #expect(dialogue.gist(1) == ["iq item-not-found cancel"])
    }

    @Test func theFormIsShownAndTaken() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.own(1, "", type: "get")
        let form = dialogue.hear(1)
        #expect(
            form.range(of: "<field var='muc#roomconfig_membersonly' type='boolean'><value>0</value></field>") != nil)
        func field(_ name: String, _ value: String) -> String {
            "<field var='muc#roomconfig_\(name)'><value>\(value)</value></field>"
        }
        dialogue.own(
            1,
            "<x xmlns='jabber:x:data' type='submit'>\(field("membersonly", "1"))\(field("whois", "anyone"))\(field("passwordprotectedroom", "1"))\(field("roomsecret", "s"))</x>"
        )
        let heard = dialogue.hear(1)
        #expect(heard.range(of: "<status code='104'/><status code='172'/>") != nil)
        #expect(dialogue.gist(2).last == "-bob none/none bob@localhost/home 110 322")
        dialogue.enter(2, "bob")
        #expect(dialogue.gist(2) == ["presence registration-required auth"])
        for wrong in [field("maxusers", "few"), field("roomsecret", "")] {
            dialogue.own(1, "<x xmlns='jabber:x:data' type='submit'>\(wrong)</x>")
            #expect(dialogue.gist(1).last == "iq not-acceptable modify")
        }
        dialogue.own(1, "<other/>")
        #expect(dialogue.gist(1) == ["iq bad-request modify"])
    }

    @Test func anEndNamesAnotherPlace() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.own(2, "<destroy/>")
        #expect(dialogue.gist(2) == ["iq forbidden auth"])
        let end = "<destroy jid='\(Self.new)'><reason>moved</reason><password>p</password></destroy>"
        dialogue.own(1, end)
        let heard = dialogue.hear(2)
        #expect(
            heard.range(of: "<item affiliation='none' role='none'/><status code='110'/>\(end)</x>") != nil)
        #expect(heard.hasPrefix("<presence from='\(Dialogue.room)/bob' to='bob@localhost/home' type='unavailable'>"))
        #expect(dialogue.gist(1).last == "result")
        #expect(dialogue.gist(3).count == 1)
        dialogue.speak(2, "x")
        #expect(dialogue.gist(2) == ["message item-not-found cancel"])
    }
}
