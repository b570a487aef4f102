import Stanza
import Testing

@testable import Session

/// Who is in a room, who goes, and how we are put out of it (XEP-0045 7.14, 8.2, 9.1, 10.9).
@Suite struct RoomOccupantTests {
    static let id = "urn:xmpp:occupant-id:0"

    // MARK: - Others

    @Test func changesAreToldOnce() throws {
        var talk = try Dialogue.inRoom()
        talk.occupant("ann")
        talk.occupant("ann", more: "<show>away</show><status>lunch</status>")
        talk.occupant("ann", more: "<show>away</show><status>lunch</status>")
        talk.occupant("ann", item: "<item affiliation='emperor' role='moderator'><actor nick='bob'/></item>")
        let told = talk.did().occupants
        #expect(told.map(\.action) == [.changed, .changed])
        #expect(told[0].show == "away" && told[0].status == "lunch" && told[0].affiliation == "member")
        #expect(told[1].role == "moderator" && told[1].affiliation == nil && told[1].by == "bob")
    }

    /// Status codes of an unavailable presence, and what they make of it.
    static let departures: [([Int], OccupantUpdate.Action)] = [
        ([], .left), ([307], .kicked), ([301], .banned), ([301, 307], .banned), ([321], .removed), ([322], .removed),
        ([332], .removed), ([307, 333], .left), ([999], .left),
    ]

    @Test(arguments: departures)
    func goes(_ codes: [Int], _ action: OccupantUpdate.Action) throws {
        var talk = try Dialogue.inRoom()
        talk.gone("ann", codes, item: "<item role='none'><actor nick='bob'/><reason>why</reason></item>")
        let told = talk.did()
        #expect(told.occupants.map(\.action) == [action] && told.rooms.isEmpty)
        #expect(told.occupants[0].by == "bob" && told.occupants[0].reason == "why" && !told.occupants[0].isSelf)
        talk.gone("ann", codes)
        #expect(talk.did().events.isEmpty)
    }

    @Test func anotherNick() throws {
        var talk = try Dialogue.inRoom()
        talk.gone("ann", [303], item: "<item nick='Anna' affiliation='member' role='participant'/>")
        talk.occupant("Anna")
        talk.gone("Anna")
        // Without a nick that can be one it is a farewell.
        talk.occupant("bob")
        talk.gone("bob", [303], item: "<item nick=''/>")
        let told = talk.did().occupants
        #expect(told.map(\.action) == [.renamed, .left, .joined, .left])
        #expect(told[0].nick == "ann" && told[0].newNick == "Anna")
    }

    /// XEP-0421 2: anybody may write one where the room does not.
    @Test func occupantIDsCountOnlyWhereTheRoomAnnouncesThem() throws {
        let more = "<occupant-id xmlns='\(Self.id)' id='x1'/>"
        for isAnnounced in [true, false] {
            var talk = try Dialogue.inRoom(features: isAnnounced ? [Self.id] : [])
            talk.occupant("bob", more: more)
            talk.groupchat("bob", "<body>hi</body>" + more)
            let told = talk.did()
            #expect(told.occupants.first?.occupantID == (isAnnounced ? "x1" : nil))
            #expect(told.messages.first?.room?.occupantID == (isAnnounced ? "x1" : nil))
        }
    }

    /// Before we came in there was no room to ask.
    @Test func theRoomIsAskedAgainOnceItIsThere() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice { $0.creates = true })
        talk.server("<iq type='error' from='\(Dialogue.room)' id='\(talk.lastID("info"))'/>")
        talk.occupant("bridge", codes: [110, 201])
        talk.server("<iq type='result' from='\(Dialogue.room)' id='\(talk.lastID("open"))'/>")
        talk.info(Self.id)
        talk.occupant("bob", more: "<occupant-id xmlns='\(Self.id)' id='x1'/>")
        #expect(talk.did().occupants.last?.occupantID == "x1")
        // And once more where its configuration changes (XEP-0045 10.2.1).
        _ = talk.written()
        talk.groupchat(nil, "<x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>")
        #expect(talk.written().contains("disco#info"))
    }

    /// Their server knows a newer Unicode than we do.
    @Test func nicksWeWouldRefuseAreHeard() throws {
        let nick = "\u{200B}\u{1FAE8}"
        var talk = try Dialogue.inRoom(managed: false)
        talk.occupant(nick)
        talk.gone(nick, [303], item: "<item nick='\(nick)2'/>")
        talk.occupant(nick + "2")
        talk.groupchat(nick + "2", "<body>hi</body>")
        let told = talk.did()
        #expect(told.occupants.map(\.nick) == [nick, nick] && told.occupants.last?.newNick == nick + "2")
        #expect(told.messages.first?.room?.nick == nick + "2")
        // And if it is ours, the room can still be asked and left.
        talk.gone("bridge", [110, 303], item: "<item nick='\(nick)3'/>")
        #expect(talk.standing == .joined(nick: nick + "3"))
        talk.pass(.seconds(225))
        #expect(talk.output.contains("/\(nick)3'><ping"))
        talk.session.leave(room: try JID(Dialogue.room), status: nil, at: talk.now)
        talk.flush()
        #expect(talk.output.contains("/\(nick)3' type='unavailable'/>"))
    }

    // MARK: - Ourselves

    /// Status codes of our own end, what is told, and whether we come back.
    static let ends: [([Int], RoomUpdate.Action, Bool)] = [
        ([110], .lost, true), ([110, 332], .lost, true), ([110, 307, 333], .lost, true), ([110, 333], .lost, true),
        ([110, 307], .kicked, false), ([307], .kicked, false), ([110, 301], .banned, false),
        ([110, 301, 307], .banned, false), ([110, 321], .removed, false), ([110, 322], .removed, false),
    ]

    @Test(arguments: ends)
    func isPutOut(_ codes: [Int], _ action: RoomUpdate.Action, _ comesBack: Bool) throws {
        var talk = try Dialogue.inRoom(managed: false)
        talk.gone("bridge", codes, item: "<item role='none'><actor nick='ann'/><reason>noise</reason></item>")
        let did = talk.did()
        let update = try #require(did.rooms.last)
        #expect(did.rooms.count == 1 && update.action == action && (update.retryIn != nil) == comesBack)
        #expect(did.occupants.map(\.isSelf) == [true])
        if comesBack {
            talk.pass(.seconds(1))
            #expect(talk.written().contains("<history"))
        } else {
            #expect(update.by == "ann" && update.reason == "noise")
            guard case .refused(let words) = talk.standing else {
                Issue.record("\(String(describing: talk.standing))")
                return
            }
            #expect(words.hasSuffix("by ann: noise"))
            talk.pass(.seconds(1_000))
            #expect(!talk.written().contains("<history"))
        }
    }

    @Test func aKickedOneComesBackWhereSoChosen() throws {
        var talk = try Dialogue.inRoom(managed: false) { $0.rejoinsAfterKick = true }
        talk.gone("bridge", [110, 307])
        #expect(talk.did().rooms.map(\.retryIn) == [.seconds(30)])
        talk.pass(.seconds(29))
        #expect(!talk.output.contains("<history"))
        talk.pass(.seconds(1))
        #expect(talk.output.contains("<history"))
        talk.occupant("bridge", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.rejoined])
    }

    @Test func aRoomIsDestroyed() throws {
        var talk = try Dialogue.inRoom()
        talk.gone("bridge", [110], item: "<item/><destroy jid='new@rooms.example.org'><reason>moved</reason></destroy>")
        let update = try #require(talk.did().rooms.first)
        #expect(update.action == .destroyed && update.reason == "moved")
        #expect(update.alternative?.text == "new@rooms.example.org")
        #expect(talk.standing == .refused("the room was destroyed"))
    }

    /// A ban that comes while we wait to come back.
    @Test func aBanEndsTheWaiting() throws {
        var talk = try Dialogue.inRoom()
        talk.gone("bridge", [110])
        talk.gone("bridge", [110, 301])
        #expect(talk.did().rooms.map(\.action) == [.lost, .banned])
    }

    // MARK: - Leaving

    @Test func leaves() throws {
        var talk = try Dialogue.inRoom()
        let room = try JID(Dialogue.room)
        talk.session.leave(room: room, status: "so long & bye", at: talk.now)
        talk.flush()
        #expect(
            talk.written().hasPrefix(
                "<presence to='ops@rooms.example.org/bridge' type='unavailable'>"
                    + "<status>so long &amp; bye</status></presence>"))
        #expect(talk.standing == nil)
        talk.groupchat("ann", "<body>bye</body>")
        talk.gone("bridge", [110])
        let did = talk.did()
        #expect(did.messages.count == 1 && did.rooms.map(\.action) == [.left])
        // What was on its way is no forgery; a minute later it is.
        talk.occupant("ann")
        talk.groupchat("ann", "<body>still?</body>")
        #expect(talk.did().events.isEmpty)
        talk.now = talk.now + .seconds(61)
        talk.occupant("ann")
        #expect(talk.did().forgeries == ["room presence from ops@rooms.example.org/ann"])
    }

    @Test func aRoomThatDoesNotAnswerIsLeft() throws {
        var talk = try Dialogue.online(managed: false)
        talk.join(try Dialogue.choice())
        talk.session.leave(room: try JID(Dialogue.room), status: nil, at: talk.now)
        talk.pass(.seconds(30))
        #expect(talk.did().rooms.map(\.action) == [.left])
    }

    @Test func wantedAgainWhileItIsLeft() throws {
        var talk = try Dialogue.inRoom()
        talk.session.leave(room: try JID(Dialogue.room), status: nil, at: talk.now)
        talk.join(try Dialogue.choice("bot"))
        _ = talk.written()
        talk.gone("bridge", [110])
        #expect(talk.written().contains("ops@rooms.example.org/bot'><x"))
        talk.occupant("bot", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.left, .joined])
    }

    @Test func whatIsNotInIsLeftAtOnce() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.notLetIn("service-unavailable")
        _ = talk.did()
        talk.session.leave(room: try JID(Dialogue.room), status: nil, at: talk.now)
        talk.session.leave(room: try JID("other@rooms.example.org"), status: nil, at: talk.now)
        #expect(talk.session.deadline == talk.now)
        talk.passToDeadline()
        #expect(talk.did().rooms.map(\.action) == [.left])
    }

    // MARK: - Large

    @Test func aThousandOccupantsAreOrdinary() throws {
        var talk = try Dialogue.online { $0.limits.inboundUnacknowledgedStanzas = 100_000 }
        talk.join(try Dialogue.choice())
        for number in 0..<1_000 { talk.occupant("nick\(number)") }
        talk.occupant("bridge", codes: [110])
        let did = talk.did()
        #expect(did.occupants.count == 1_001 && did.rooms.first?.occupants == 1_001)
        for number in 0..<1_000 { talk.occupant("nick\(number)", more: "<show>away</show>") }
        for number in 0..<1_000 { talk.gone("nick\(number)") }
        #expect(talk.did().occupants.map(\.action).split(separator: .left).count == 1)
    }

    @Test func aRoomThatFloodsFillsNoMemory() throws {
        var talk = try Dialogue.online { $0.limits.roomOccupantsMax = 3 }
        talk.join(try Dialogue.choice())
        let long = String(repeating: "x", count: 2_000)
        for number in 0..<10 { talk.occupant("n\(number)", more: "<status>\(long)</status>") }
        talk.occupant("bridge", codes: [110])
        let did = talk.did()
        #expect(did.occupants.count == 11 && did.rooms.first?.occupants == 3)
        #expect(did.occupants[0].status == long)
        // Of those that are not known one by one what happens is told.
        talk.gone("n9")
        #expect(talk.did().occupants.map(\.action) == [.left])
    }
}
