import Stanza
import Testing

@testable import Session

/// What was said in a room while we were out: from its archive, or from the history that it sends.
@Suite struct RoomArchiveTests {
    private static let room = Dialogue.room
    private static let lost = "the room keeps no archive, and its history does not reach back to what was told last"

    /// A room that we were in before, as far as that cursor; it is asked what it can do before we come in.
    private func returning(
        _ cursor: ArchiveCursor? = Dialogue.cursor(), _ adjust: (inout RoomChoice) -> Void = { _ in }
    ) throws -> Dialogue {
        var cursors: [String: ArchiveCursor] = [:]
        cursors[Self.room] = cursor
        var talk = try Dialogue.listening(cursors: cursors)
        talk.output = "<iq id='\(talk.lastIQ("archive"))'"
        talk.features(of: Dialogue.account, "jabber:iq:roster")
        talk.actions = []
        talk.output = ""
        talk.join(try Dialogue.choice("bridge", adjust))
        return talk
    }

    private func enter(_ talk: inout Dialogue) {
        talk.occupant("ann")
        talk.occupant("bridge", codes: [110])
    }

    private func history(_ nick: String, _ body: String, at seconds: Int64, id: String = "", mark: String? = nil)
        -> String
    {
        let stamp = WallTime(milliseconds: Dialogue.began.milliseconds + seconds * 1_000).stamp
        let stanzaID = mark.map { "<stanza-id xmlns='urn:xmpp:sid:0' by='\(Self.room)' id='\($0)'/>" } ?? ""
        return
            "<message type='groupchat' from='\(Self.room)/\(nick)' id='\(id)'><body>\(body)</body>\(stanzaID)<delay xmlns='urn:xmpp:delay' from='\(Self.room)' stamp='\(stamp)'/></message>"
    }

    private func said(_ nick: String, _ body: String, id: String = "", mark: String? = nil) -> String {
        let stanzaID = mark.map { "<stanza-id xmlns='urn:xmpp:sid:0' by='\(Self.room)' id='\($0)'/>" } ?? ""
        return
            "<message type='groupchat' from='\(Self.room)/\(nick)' id='\(id)'><body>\(body)</body>\(stanzaID)</message>"
    }

    private static let subject = "<message type='groupchat' from='ops@rooms.example.org'><subject/></message>"

    private func archived(_ nick: String, _ body: String) -> String {
        "<message xmlns='jabber:client' type='groupchat' from='\(Self.room)/\(nick)'><body>\(body)</body></message>"
    }

    // MARK: - With an archive

    @Test func whatWasMissedComesOutOfTheArchive() throws {
        var talk = try returning { $0.history = 20 }
        #expect(!talk.output.contains("<presence"))
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        #expect(talk.output.contains("<history maxstanzas='0'/>"))
        enter(&talk)
        talk.server(Self.subject)
        #expect(
            talk.output.hasSuffix(
                "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max><after>c</after></set></query></iq>"))
        #expect(talk.session.isCatchingUp(in: try JID(Self.room)))
        talk.server(said("ann", "m2", mark: "m2"))
        talk.server(said("ann", "m3", mark: "m3"))
        talk.result("m1", archived("ann", "m1"), from: Self.room)
        talk.result("m2", archived("ann", "m2"), from: Self.room)
        talk.fin("m2", complete: true, from: Self.room)
        #expect(talk.told() == ["~m1", "|ops m1", "~m2", "|ops m2", "caught up ops 2", "m3", "|ops m3"])
        #expect(!talk.session.isCatchingUp(in: try JID(Self.room)))
    }

    @Test func aReplayedMessageSaysWhoSaidIt() throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, "urn:xmpp:occupant-id:0", kind: "info")
        let ours = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='O'/>"
        talk.occupant("bridge", codes: [110], more: ours)
        talk.result("m1", archived("ann", "m1"), from: Self.room)
        let id = { (id: String) in "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='\(id)'/>" }
        for (number, one) in ["O", "else"].enumerated() {
            talk.result(
                "s\(number)",
                "<message xmlns='jabber:client' type='groupchat' from='\(Self.room)/bridge'><body>x</body>\(id(one))</message>",
                from: Self.room)
        }
        let origins = talk.did().messages.compactMap(\.room)
        #expect(origins.map(\.nick) == ["ann", "bridge", "bridge"])
        #expect(origins.map(\.isReflection) == [false, true, false])
        #expect(origins.allSatisfy { $0.isHistory && !$0.isPrivate })
    }

    /// What others may not put into an archive, and what is told otherwise.
    @Test(arguments: [
        "<message xmlns='jabber:client' type='groupchat' from='other@rooms.example.org/ann'><body>x</body></message>",
        "<message xmlns='jabber:client' type='chat' from='ops@rooms.example.org/ann'><body>x</body></message>",
        "<message xmlns='jabber:client' type='groupchat' from='ops@rooms.example.org/ann'><subject>x</subject></message>",
        "<message xmlns='jabber:client' type='groupchat'><body>x</body></message>",
    ])
    func noMessageOfTheRoom(_ inner: String) throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.result("m1", inner, from: Self.room)
        #expect(talk.told() == ["|ops m1"])
    }

    /// Our own message, shown by the room, proves that it is said: it does not wait.
    @Test func aProofDoesNotWait() throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.server(said("bridge", "ours", mark: "m2"))
        talk.server(said("ann", "theirs", mark: "m3"))
        #expect(talk.told() == ["ours"])
        talk.result("m1", archived("ann", "m1"), from: Self.room)
        talk.result("m2", archived("bridge", "ours"), from: Self.room)
        talk.fin("m2", complete: true, from: Self.room)
        #expect(talk.told() == ["~m1", "|ops m1", "|ops m2", "caught up ops 1", "theirs", "|ops m3"])
    }

    @Test func theFirstTimeTheEndIsSought() throws {
        var talk = try returning(nil) { $0.history = 2 }
        #expect(talk.output.contains("<history maxstanzas='2'/>"))
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.server(history("ann", "h1", at: -9, mark: "h1"))
        talk.server(Self.subject)
        #expect(talk.told() == ["h1"])
        #expect(talk.output.hasSuffix("<max>1</max><before/></set></query></iq>"))
        talk.result("h1", archived("ann", "h1"), from: Self.room)
        talk.fin("h1", from: Self.room)
        #expect(talk.told() == ["|ops h1"])
    }

    /// A room that we have just made says afterwards what it can do.
    @Test func aNewRoomIsAskedAgain() throws {
        var talk = try returning(nil) { $0.creates = true }
        talk.server(
            "<iq type='error' from='\(Self.room)' id='\(talk.lastID("info"))'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        talk.occupant("bridge", codes: [110, 201])
        talk.server("<iq type='result' from='\(Self.room)' id='\(talk.lastID("open"))'/>")
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        talk.fin(complete: true, from: Self.room)
        #expect(talk.told() == ["|ops "])
        talk.server(said("ann", "m1", mark: "m1"))
        #expect(talk.told() == ["m1", "|ops m1"])
    }

    /// A lost stream: we come back, and go on from the last message.
    @Test func comingBackGoesOn() throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.fin(complete: true, from: Self.room)
        talk.server(said("ann", "m1", mark: "m1"))
        #expect(talk.told() == ["caught up ops 0", "m1", "|ops m1"])
        talk.logInAfresh()
        // What it can do is known from the last time.
        #expect(talk.output.contains("<history maxstanzas='0'/>"))
        enter(&talk)
        #expect(talk.output.hasSuffix("<after>m1</after></set></query></iq>"))
        talk.refusePage("service-unavailable", from: Self.room)
        #expect(talk.told().last?.hasPrefix("caught up ops 0: the archive is refused to us") == true)
    }

    // MARK: - Without an archive

    @Test func historyReachesBackToWhatWasTold() throws {
        var talk = try returning(nil)
        talk.features(of: Self.room, "muc_open", kind: "info")
        enter(&talk)
        talk.server(Self.subject)
        #expect(talk.told() == ["|ops "])
        talk.server(said("ann", "old", id: "1"))
        #expect(talk.told().first == "old")
        talk.session.wall.milliseconds += 60_000
        talk.logInAfresh()
        #expect(talk.output.contains("<history maxstanzas='500' since='2026-11-22T09:35:00.000Z'/>"))
        enter(&talk)
        // Its clock is behind ours.
        talk.server(history("ann", "older", at: -90, id: "0"))
        talk.server(history("ann", "old", at: -60, id: "1"))
        talk.server(history("ann", "m1", at: -50, id: "2"))
        talk.server(history("bridge", "m2", at: -40, id: "3"))
        #expect(talk.told() == [])
        talk.server(Self.subject)
        let told = talk.told()
        #expect(told.filter { $0.hasPrefix("~") } == ["~m1", "~m2"] && told.last == "caught up ops 2")
    }

    /// A room whose ids are believed: what comes before a message that we know is no news, though our clock is behind.
    @Test func historyOfBeforeWeCameIsNoNews() throws {
        var talk = try returning(nil)
        talk.features(of: Self.room, "urn:xmpp:sid:0", kind: "info")
        enter(&talk)
        talk.server(Self.subject)
        talk.server(said("ann", "old", mark: "h1"))
        #expect(talk.told().contains("old"))
        talk.logInAfresh()
        enter(&talk)
        talk.server(history("ann", "before we came", at: 400, mark: "h0"))
        talk.server(history("ann", "old", at: 500, mark: "h1"))
        talk.server(history("ann", "m1", at: 510, mark: "h2"))
        talk.server(Self.subject)
        let told = talk.told().filter { !$0.hasPrefix("|") && $0.contains("ops") || $0.hasPrefix("~") }
        #expect(told == ["~m1", "caught up ops 1"])
    }

    @Test func historyThatIsTooShort() throws {
        var talk = try returning()
        talk.features(of: Self.room, kind: "info")
        enter(&talk)
        talk.server(history("ann", "told", at: -1))
        talk.server(history("ann", "m1", at: 1))
        talk.server(Self.subject)
        let told = talk.told()
        #expect(told.first == "~m1" && told.last == "caught up ops 1: \(Self.lost)")
    }

    /// A live message, or time, ends a history that no subject ends.
    @Test(arguments: [true, false]) func historyThatDoesNotEnd(_ byTime: Bool) throws {
        var talk = try returning(ArchiveCursor(id: "", time: Dialogue.began))
        talk.features(of: Self.room, kind: "info")
        enter(&talk)
        talk.server(history("ann", "m1", at: 1))
        if byTime { talk.pass(.seconds(30)) } else { talk.server(said("ann", "m2")) }
        let told = talk.told().filter { !$0.hasPrefix("|") }
        #expect(told == ["~m1", "caught up ops 1"] + (byTime ? [] : ["m2"]))
    }

    /// A room that says nothing of itself is entered all the same.
    @Test func aRoomThatIsSilentAboutItself() throws {
        var talk = try returning()
        talk.pass(.seconds(30))
        #expect(talk.output.contains("<history maxstanzas='500' since='2026-11-22T09:35:00.000Z'/>"))
        enter(&talk)
        talk.server(Self.subject)
        #expect(talk.told() == ["caught up ops 0: \(Self.lost)"])
    }

    /// Who says the same again says it again.
    @Test func wordsMayBeRepeated() throws {
        var talk = try returning(nil)
        talk.features(of: Self.room, kind: "info")
        enter(&talk)
        talk.server(Self.subject)
        for _ in 1...2 { talk.server(said("ann", "ok")) }
        #expect(talk.did().messages.count == 2)
    }

    // MARK: - The end

    @Test func leavingForgets() throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.fin(complete: true, from: Self.room)
        talk.actions = []
        talk.session.leave(room: try JID(Self.room), status: nil, at: talk.now)
        talk.gone("bridge", [110])
        #expect(talk.told() == ["|ops nil"])
        talk.output = ""
        talk.join(try Dialogue.choice())
        #expect(talk.output.contains("<history maxstanzas='0'/>"))
    }

    /// The end of the session is no leave: who comes after us goes on.
    @Test func theEndKeepsTheCursor() throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.fin(complete: true, from: Self.room)
        talk.actions = []
        talk.feed(.leave)
        #expect(talk.told() == [])
    }

    /// What was kept back is told where no catch-up will follow.
    @Test func beingShutOutTellsWhatWaits() throws {
        var talk = try returning()
        talk.features(of: Self.room, Dialogue.mam, kind: "info")
        enter(&talk)
        talk.server(said("ann", "m2", mark: "m2"))
        talk.gone("bridge", [110, 301])
        #expect(talk.told() == ["m2"])
    }

    /// A private message comes out of our account's archive, and says where it is from.
    @Test func privateMessagesAreOfOurAccount() throws {
        var talk = try Dialogue.listening(cursors: [Dialogue.account: Dialogue.cursor()])
        talk.session.join(try Dialogue.choice(), at: talk.now)
        talk.features(of: Dialogue.account, Dialogue.mam)
        talk.result(
            "m1",
            "<message xmlns='jabber:client' type='chat' from='\(Self.room)/ann' to='\(Dialogue.account)'><body>x</body></message>"
        )
        let message = try #require(talk.did().messages.first)
        #expect(message.room == RoomOrigin(room: try JID(Self.room), nick: "ann", isPrivate: true))
    }
}
