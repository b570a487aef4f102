import Stanza
import Testing

@testable import Session

/// Coming into a room, and not (XEP-0045 7.2).
@Suite struct RoomJoinTests {
    @Test func joins() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice { $0.password = Secret("pa'ss") })
        let written = talk.output
        #expect(
            written.contains(
                "to='ops@rooms.example.org/bridge'><x xmlns='http://jabber.org/protocol/muc'>"
                    + "<history maxstanzas='0'/><password>pa'ss</password></x></presence>"))
        #expect(talk.standing == .joining)
        talk.occupant("ann", item: "<item affiliation='owner' role='moderator' jid='ann@example.org/x'/>")
        talk.occupant("bridge", codes: [100, 110])
        talk.occupant("bob")
        let did = talk.did()
        #expect(did.occupants.map(\.nick) == ["ann", "bridge", "bob"])
        #expect(did.occupants.map(\.initial) == [true, false, false])
        #expect(did.occupants.map(\.isSelf) == [false, true, false])
        #expect(did.occupants[0].jid?.text == "ann@example.org/x" && did.occupants[0].role == "moderator")
        #expect(did.rooms.map(\.action) == [.joined])
        #expect(did.rooms.first?.occupants == 2 && did.rooms.first?.nick == "bridge")
        #expect(talk.standing == .joined(nick: "bridge"))
    }

    /// Services older than status 110 say nothing but our nick.
    @Test func joinedByOurNickAlone() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.occupant("bridge")
        #expect(talk.did().rooms.map(\.action) == [.joined])
    }

    @Test func theServiceGivesAnotherNick() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.occupant("Bridge-7", codes: [110, 210])
        #expect(talk.standing == .joined(nick: "Bridge-7"))
    }

    @Test func aNickThatCannotBeOneIsRefused() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice("a\u{7}b"))
        #expect(talk.written() == "" && talk.session.deadline == talk.now)
        talk.passToDeadline()
        #expect(talk.did().rooms.map(\.condition) == ["jid-malformed"])
    }

    @Test func anAnswerThatDoesNotComeIsTriedAgain() throws {
        var talk = try Dialogue.online(managed: false)
        talk.join(try Dialogue.choice())
        talk.now = talk.now + .seconds(30)
        talk.feed(.timeout)
        let lost = try #require(talk.did().rooms.last)
        #expect(lost.action == .lost && lost.condition == "remote-server-timeout")
        #expect(lost.retryIn == .milliseconds(500) && talk.standing == .lost(retryIn: .milliseconds(500)))
        _ = talk.written()
        talk.pass(.milliseconds(500))
        #expect(talk.written().contains("<history maxstanzas='0'/>"))
        // The first attempt's answer comes after all.
        talk.notLetIn("forbidden", id: "stale")
        #expect(talk.standing == .joining)
        talk.occupant("bridge", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.joined])
    }

    @Test func lateIsInAllTheSame() throws {
        var talk = try Dialogue.online(managed: false)
        talk.join(try Dialogue.choice())
        talk.pass(.seconds(30))
        talk.occupant("bridge", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.lost, .joined])
    }

    /// Condition and type of the error, and whether it is tried again.
    static let refusals: [(String, String, Bool)] = [
        ("not-authorized", "auth", false), ("registration-required", "auth", false), ("forbidden", "auth", false),
        ("not-allowed", "cancel", false), ("item-not-found", "cancel", false), ("jid-malformed", "modify", false),
        ("not-acceptable", "cancel", false), ("gone", "cancel", false), ("redirect", "modify", false),
        ("undefined-condition", "cancel", false), ("service-unavailable", "wait", true),
        ("service-unavailable", "cancel", true), ("remote-server-not-found", "cancel", true),
        ("remote-server-timeout", "wait", true), ("resource-constraint", "wait", true),
        ("internal-server-error", "cancel", true), ("recipient-unavailable", "wait", true),
        ("policy-violation", "wait", true), ("item-not-found", "wait", true),
    ]

    @Test(arguments: refusals)
    func notLetIn(_ condition: String, _ type: String, _ isTemporary: Bool) throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.notLetIn(condition, type: type)
        let update = try #require(talk.did().rooms.first)
        #expect(update.action == (isTemporary ? .lost : .refused) && update.condition == condition)
        #expect(update.reason?.isEmpty == false && (update.retryIn != nil) == isTemporary)
        if case .refused(let words) = talk.standing {
            #expect(!isTemporary && words == update.reason)
        } else {
            #expect(isTemporary && talk.standing == .lost(retryIn: .milliseconds(500)))
        }
        // A refusal is final until it is asked for again.
        _ = talk.written()
        talk.join(try Dialogue.choice { $0.password = Secret("x") })
        #expect(talk.written().contains("protocol/muc'"))
    }

    @Test func theRoomsOwnWordsAreToldOnOneLine() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.server(
            "<presence from='\(Dialogue.room)/bridge' type='error'><error type='auth'>"
                + "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                + "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>spam\nagain</text></error></presence>")
        let reason = try #require(talk.did().rooms.first?.reason)
        #expect(reason.hasSuffix("(spam again)"))
    }

    @Test func aRoomThatMovedNamesItsPlace() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.notLetIn("gone", inner: "xmpp:ops%32@rooms.example.org?join")
        #expect(talk.did().rooms.first?.alternative?.text == "ops2@rooms.example.org")
    }

    @Test func theWaitGrowsAndIsTriedForEver() throws {
        var talk = try Dialogue.online(managed: false) { $0.limits.idleBeforePing = .seconds(1_000_000) }
        talk.join(try Dialogue.choice())
        var waits: [Int64] = []
        for _ in 0..<12 {
            talk.notLetIn("remote-server-not-found")
            let wait = try #require(talk.did().rooms.last?.retryIn)
            waits.append(wait.wholeMilliseconds)
            _ = talk.written()
            talk.pass(wait)
        }
        #expect(waits == [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000, 150_000])
    }

    // MARK: - The nick

    @Test func aNickThatIsTakenIsAltered() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        for nick in ["bridge_", "bridge_2", "bridge_3", "bridge_4", "bridge_5"] {
            talk.notLetIn("conflict")
            #expect(talk.output.contains("to='ops@rooms.example.org/\(nick)'"))
        }
        talk.notLetIn("conflict")
        #expect(talk.did().rooms.map(\.action) == [.refused])
    }

    @Test func aNickThatIsTakenIsRefusedWhereSoChosen() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice { $0.nickConflict = .refuse })
        talk.notLetIn("conflict")
        #expect(talk.did().rooms.map(\.condition) == ["conflict"])
    }

    @Test func theGhostOfOurLastStayIsWaitedFor() throws {
        var talk = try Dialogue.inRoom { $0.nickConflict = .refuse }
        talk.gone("bridge", [110, 332])
        talk.passToDeadline()
        talk.notLetIn("conflict")
        #expect(talk.did().rooms.map(\.action) == [.lost, .lost])
        talk.passToDeadline()
        talk.occupant("bridge", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.rejoined])
    }

    @Test func joiningAgainByAnotherNickRenames() throws {
        var talk = try Dialogue.inRoom()
        talk.join(try Dialogue.choice())
        #expect(talk.written() == "")
        talk.join(try Dialogue.choice("bot"))
        let id = talk.lastID("nick")
        #expect(talk.written().contains("<presence id='\(id)' to='ops@rooms.example.org/bot'/>"))
        talk.gone("bridge", [110, 303], item: "<item nick='bot'/>")
        talk.occupant("bot", codes: [110])
        #expect(talk.standing == .joined(nick: "bot"))
        let told = talk.did()
        #expect(told.occupants.map(\.action) == [.renamed] && told.occupants.first?.newNick == "bot")
        #expect(told.rooms.isEmpty)
    }

    @Test func anotherChoiceOnTheWayInCounts() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        let first = talk.lastID("join")
        _ = talk.written()
        talk.join(try Dialogue.choice { $0.password = Secret("right") })
        #expect(talk.output.contains("<password>right</password>"))
        talk.notLetIn("not-authorized", id: first)
        talk.occupant("bridge", codes: [110])
        #expect(talk.did().rooms.map(\.action) == [.joined])
    }

    @Test func aRenamingThatIsRefusedIsAWarning() throws {
        var talk = try Dialogue.inRoom()
        talk.join(try Dialogue.choice("ann"))
        talk.notLetIn("conflict", id: talk.lastID("nick"))
        #expect(talk.standing == .joined(nick: "bridge"))
        guard case .warning? = talk.did().events.last else {
            Issue.record("no warning")
            return
        }
    }

    // MARK: - Rooms that are not there

    @Test func aRoomIsCreatedWhereAskedFor() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice { $0.creates = true })
        talk.occupant("bridge", codes: [110, 201])
        #expect(talk.standing == .joining)
        #expect(talk.output.contains("<x xmlns='jabber:x:data' type='submit'/>"))
        talk.server("<iq type='result' from='mallory@evil.org' id='\(talk.lastID("open"))'/>")
        #expect(talk.standing == .joining)
        talk.server("<iq type='result' from='\(Dialogue.room)' id='\(talk.lastID("open"))'/>")
        #expect(talk.did().rooms.map(\.action) == [.created])
        #expect(talk.standing == .joined(nick: "bridge"))
    }

    @Test func aRoomThatDoesNotOpenIsRefused() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice { $0.creates = true })
        talk.occupant("bridge", codes: [110, 201])
        talk.server(
            "<iq type='error' from='\(Dialogue.room)' id='\(talk.lastID("open"))'><error type='auth'>"
                + "<not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        #expect(talk.did().rooms.map(\.condition) == ["not-allowed"])
        #expect(talk.output.contains("type='unavailable'"))
    }

    @Test func aRoomIsNotCreatedByTheWay() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.occupant("bridge", codes: [110, 201])
        #expect(talk.output.contains("<destroy/>"))
        #expect(talk.output.contains("<presence to='ops@rooms.example.org/bridge' type='unavailable'/>"))
        let update = try #require(talk.did().rooms.first)
        #expect(update.action == .refused && update.condition == "item-not-found")
        #expect(update.reason == "there is no such room; create: true makes one")
        // What it still says of its end is no wonder.
        talk.gone("bridge", [110], item: "<destroy/>")
        talk.groupchat(nil, "<body>this room is locked</body>")
        #expect(talk.did().events.isEmpty)
        talk.now = talk.now + .seconds(61)
        talk.groupchat(nil, "<body>boo</body>")
        #expect(talk.did().forgeries == ["room message from ops@rooms.example.org"])
    }

    /// Somebody was quicker than our farewell: the room is theirs.
    @Test func aRoomWithOthersInItIsNotDestroyed() throws {
        var talk = try Dialogue.online()
        talk.join(try Dialogue.choice())
        talk.occupant("ann")
        talk.occupant("bridge", codes: [110, 201])
        let written = talk.written()
        #expect(!written.contains("<destroy/>") && written.contains("type='unavailable'"))
        #expect(talk.did().rooms.map(\.action) == [.refused])
    }

    /// A service that restarts forgets rooms that are not persistent; people who were in bring it back.
    @Test func aRoomThatWasThereIsWaitedFor() throws {
        var talk = try Dialogue.inRoom()
        talk.gone("bridge", [110, 332])
        talk.passToDeadline()
        _ = talk.written()
        talk.occupant("bridge", codes: [110, 201])
        let written = talk.written()
        #expect(written.contains("type='unavailable'") && !written.contains("<destroy/>"))
        #expect(talk.did().rooms.map(\.action) == [.lost, .lost])
    }

    // MARK: - Many

    @Test func manyJoinSideBySideButNotAllAtOnce() throws {
        var talk = try Dialogue.online()
        for number in 0..<25 { talk.join(try Dialogue.choice(room: "r\(number)@rooms.example.org")) }
        func joins(_ text: String) -> Int { text.split(separator: "<history").count - 1 }
        #expect(joins(talk.written()) == 10)
        for number in 0..<10 { talk.occupant("bridge", room: "r\(number)@rooms.example.org", codes: [110]) }
        #expect(joins(talk.written()) == 10)
        talk.pass(.seconds(30))
        #expect(joins(talk.written()) == 5)
        #expect(talk.did().rooms.filter { $0.action == .lost }.count == 10)
    }

    @Test func tooManyRoomsAreRefused() throws {
        var talk = try Dialogue.online { $0.limits.roomsMax = 2 }
        for number in 0..<3 { talk.join(try Dialogue.choice(room: "r\(number)@rooms.example.org")) }
        talk.passToDeadline()
        #expect(talk.did().rooms.map(\.action) == [.refused])
        #expect(talk.session.standing(in: try JID("r2@rooms.example.org")) == nil)
    }

    @Test func noDescriptionShowsThePassword() throws {
        let choice = try Dialogue.choice { $0.password = Secret("hunter2") }
        var talk = try Dialogue.online()
        talk.session.join(choice, at: talk.now)
        var update = RoomUpdate(.invited, room: choice.room)
        update.password = choice.password
        let texts = ["\(choice)", "\(update)", "\(Event.room(update))", String(reflecting: talk.session)]
        #expect(!texts.contains { $0.contains("hunter2") })
    }
}
