import LoopbackServer
import Stanza
import Testing

/// XEP-0045 7: entering, speaking, leaving.
@Suite struct RoomTests {
    @Test func enteringBringsTheOthersOneselfTheHistoryAndTheSubject() throws {
        var dialogue = try Dialogue.withRoom { $0.settings.subject = "calm" }
        dialogue.gather(["alice"])
        dialogue.speak(1, "one")
        _ = dialogue.hear(1)
        dialogue.login(2, "bob", "phone")
        dialogue.enter(2, "bob")
        #expect(
            dialogue.gist(2) == [
                "alice owner/moderator", "bob none/participant 110", "alice: one (late)", "= calm",
            ])
        #expect(dialogue.gist(1) == ["bob none/participant bob@localhost/phone"])
    }

    @Test func aPresenceIsWrittenLikeThis() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.login(2, "bob", "phone")
        dialogue.say(
            2,
            "<presence id='1' to='ops@conference.localhost/b'><show>away</show><x xmlns='http://jabber.org/protocol/muc'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/></presence>"
        )
        let heard = dialogue.hear(2)
        let occupantID = try #require(heard.range(of: "occupant-id:0' id='")).upperBound
        let id = heard[occupantID...].prefix { $0 != "'" }
        #expect(id.count == 32)
        #expect(
            heard
                == "<presence from='ops@conference.localhost/b' to='bob@localhost/phone'><show>away</show><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/><status code='110'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='\(id)'/></presence>"
                + "<message from='ops@conference.localhost' to='bob@localhost/phone' type='groupchat'><subject></subject></message>"
        )
        // The same for the same account, whatever the session.
        dialogue.login(3, "bob", "desk")
        dialogue.enter(3, "b2")
        #expect(dialogue.hear(3).split(separator: "id='\(id)'").count == 3)
    }

    @Test func statusesTellWhatTheRoomIs() throws {
        var dialogue = try Dialogue.withRoom {
            $0.settings.isNonAnonymous = true
            $0.settings.isLogged = true
            $0.settings.lowercasesNicks = true
        }
        dialogue.gather(["alice"])
        dialogue.login(2, "bob", "phone")
        dialogue.enter(2, "BoB")
        #expect(
            dialogue.gist(2) == [
                "alice owner/moderator alice@localhost/home",
                "bob none/participant bob@localhost/phone 100 110 170 210", "= ",
            ])
    }

    static let refusals: [(String, String, @Sendable (inout Server.Configuration.Room) -> Void)] = [
        ("", "not-authorized auth", { $0.settings.password = "x" }),
        ("<password>y</password>", "not-authorized auth", { $0.settings.password = "x" }),
        ("", "registration-required auth", { $0.settings.isMembersOnly = true }),
        ("", "forbidden auth", { $0.affiliations.append((Self.jid("bob@localhost"), .outcast)) }),
        ("", "forbidden auth", { $0.affiliations.append((Self.jid("localhost"), .outcast)) }),
        ("", "service-unavailable wait", { $0.settings.occupantsMax = 1 }),
    ]

    private static func jid(_ text: String) -> JID {
        guard let jid = try? JID(text) else { preconditionFailure("no address: \(text)") }
        return jid
    }

    @Test(arguments: refusals.indices) func isRefused(_ index: Int) throws {
        let (wish, error, change) = Self.refusals[index]
        var dialogue = try Dialogue.withRoom(change)
        dialogue.login(1, "alice", "home")
        dialogue.enter(1, "alice", "<password>x</password>")
        dialogue.login(2, "bob", "phone")
        dialogue.enter(2, "bob", wish)
        let heard = dialogue.hear(2)
        #expect(attribute("by", of: heard) == Dialogue.room)
        #expect(attribute("id", of: heard) == "j")
        dialogue.enter(2, "bob", wish)
        #expect(dialogue.gist(2) == ["presence " + error])
        #expect(dialogue.gist(1).count == 2)
    }

    @Test func nicksAreOnesOwn() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather(["alice"])
        dialogue.login(2, "bob", "phone")
        dialogue.enter(2, "alice")
        #expect(dialogue.gist(2) == ["presence conflict cancel"])
        dialogue.say(2, "<presence to='\(Dialogue.room)'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        #expect(dialogue.gist(2) == ["presence jid-malformed modify"])
        dialogue.enter(2, "bob")
        _ = dialogue.hear(2)
        _ = dialogue.hear(1)
        dialogue.enter(2, "alice")
        #expect(dialogue.gist(2) == ["presence conflict cancel"])
        dialogue.say(2, "<presence to='\(Dialogue.room)/rob'><show>dnd</show></presence>")
        #expect(dialogue.gist(2) == ["-bob none/participant >rob 110 303", "rob none/participant 110"])
        #expect(
            dialogue.gist(1) == [
                "-bob none/participant bob@localhost/phone >rob 303", "rob none/participant bob@localhost/phone",
            ])
    }

    @Test func noDescriptionShowsThePassword() throws {
        var room = try Server.Configuration.Room("ops")
        room.settings.password = "sesame"
        var text = ""
        dump(room, to: &text)
        #expect(!(text + "\(room)" + String(reflecting: room)).contains("sesame"))
        #expect(throws: Server.Configuration.Failure.room("a@b")) { try Server.Configuration.Room("a@b") }
        #expect(Server.Configuration.Failure.room("x y").description.contains("'x y' is no room name"))
    }

    @Test func presenceIsPassedOn() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        dialogue.say(2, "<presence to='\(Dialogue.room)/bob'><show>away</show></presence>")
        for id: UInt64 in 1...3 { #expect(dialogue.hear(id).range(of: "<show>away</show>") != nil) }
        // A join again brings everything, and tells nobody.
        dialogue.enter(2, "bob")
        #expect(
            dialogue.gist(2) == ["alice owner/moderator", "carol none/participant", "bob none/participant 110", "= "])
        #expect(dialogue.hear(1) == "")
    }

    @Test func presenceOfAStrangerIsAnsweredByAKick() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.login(2, "bob", "phone")
        dialogue.say(2, "<presence to='\(Dialogue.room)/bob'/>")
        #expect(dialogue.gist(2) == ["-bob none/none You are not in the room. 110 307 333"])
        dialogue.say(2, "<presence type='unavailable' to='\(Dialogue.room)/bob'/>")
        #expect(dialogue.hear(2) == "")
    }

    @Test(arguments: ["unavailable", "offline", "closed", "lost"]) func leaving(_ how: String) throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        switch how {
        case "unavailable":
            dialogue.say(2, "<presence type='unavailable' to='\(Dialogue.room)/bob'><status>bye</status></presence>")
            #expect(dialogue.gist(2) == ["-bob none/none 110"])
        case "offline": dialogue.say(2, "<presence type='unavailable'><status>bye</status></presence>")
        case "closed": dialogue.input(.streamClosed(2))
        default: dialogue.input(.disconnected(2))
        }
        let heard = dialogue.hear(1)
        #expect((heard.range(of: "<status>bye</status>") != nil) == (how == "unavailable" || how == "offline"))
        #expect(dialogue.gist(3) == ["-bob none/none"])
        dialogue.speak(1, "gone")
        #expect(dialogue.gist(3) == ["alice: gone"])
    }

    @Test func aSessionKeptForResumptionStays() throws {
        var dialogue = try Dialogue.withRoom()
        dialogue.gather()
        let id = dialogue.enable(2)
        dialogue.input(.disconnected(2))
        dialogue.speak(1, "still?")
        #expect(dialogue.gist(1) == ["alice: still?"])
        dialogue.authenticate(9, "bob")
        _ = dialogue.hear(9)
        #expect(dialogue.resume(9, id, h: 0).range(of: "<body>still?</body>") != nil)
        #expect(dialogue.ping(9, "bob") == ["result"])
        dialogue.input(.disconnected(9))
        dialogue.pass(.seconds(61))
        #expect(dialogue.gist(1) == ["-bob none/none bob@localhost/home"])
    }

    @Test(arguments: [
        ("<history maxstanzas='1'/>", ["3"]), ("<history maxstanzas='0'/>", []), ("<history maxchars='0'/>", []),
        ("<history seconds='60'/>", ["2", "3"]), ("<history since='2026-11-22T09:41:00Z'/>", ["2", "3"]),
        ("<history seconds='60' maxstanzas='1'/>", ["3"]), ("", ["1", "2", "3"]),
        ("<history maxchars='430'/>", ["3"]), ("<history maxchars='99999'/>", ["1", "2", "3"]),
    ])
    func history(_ wish: String, _ expected: [String]) throws {
        var dialogue = try Dialogue.withRoom { $0.settings.historyMessagesMax = 3 }
        dialogue.gather(["alice"])
        for body in ["0", "1"] { dialogue.speak(1, body) }
        dialogue.wall.milliseconds += 90_000
        for body in ["2", "3"] { dialogue.speak(1, body) }
        dialogue.login(2, "bob", "phone")
        dialogue.enter(2, "bob", wish)
        #expect(dialogue.gist(2).dropFirst(2).dropLast() == expected.map { "alice: \($0) (late)" }[...])
    }
}
