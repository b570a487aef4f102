import Stanza
import Testing

@testable import Session

/// Archives, and those who play one, as they should not be.
@Suite struct ArchiveHostilityTests {
    private static let account = Dialogue.account

    @Test func resultsOfOthersAreForged() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("m1", from: "mallory@example.org/x")
        talk.result("m1", from: "example.org")
        talk.result("m1", from: "\(Self.account)/phone")
        #expect(
            talk.told() == [
                "forged archive result from mallory@example.org/x", "forged archive result from example.org",
                "forged archive result from \(Self.account)/phone",
            ])
    }

    /// What nobody asked for, or not any more, means nothing, though our own account says it.
    @Test func resultsOfNoQueryAreNothing() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("m1", query: "guessed")
        let query = talk.lastQuery()
        talk.fin(complete: true)
        talk.result("m2", query: query)
        #expect(talk.told() == ["caught up 0"])
    }

    /// Only our own account, or our server for it, ends a page.
    @Test func pagesOfOthersDoNotEnd() throws {
        var talk = try Dialogue.catchingUp()
        talk.fin(complete: true, from: "mallory@example.org")
        #expect(talk.told() == [])
        talk.fin(complete: true, from: Self.account)
        #expect(talk.told() == ["caught up 0"])
    }

    /// An id in our archive's name counts once in a message, and only where our server says that it takes others out.
    @Test func idsAreBelievedOfWhoVouchesForThem() throws {
        var talk = try Dialogue.listening()
        talk.live("m0")
        talk.features(of: Self.account, "jabber:iq:roster")
        talk.live("m1")
        #expect(talk.did().messages.map(\.archiveID) == [nil, nil])
        talk = try Dialogue.catchingUp()
        talk.fin(complete: true)
        talk.actions = []
        talk.live("x", by: "mallory@example.org")
        talk.live("", by: Self.account)
        let twice = "<stanza-id xmlns='urn:xmpp:sid:0' by='\(Self.account)' id='y'/>"
        talk.server("<message from='ann@example.org'><body>b</body>\(twice)\(twice)</message>")
        let long = String(repeating: "l", count: 5_000)
        talk.live(long, "long")
        #expect(talk.did().messages.map(\.archiveID) == [nil, nil, nil, nil])
        talk.live("z")
        #expect(talk.did().messages.map(\.archiveID?.id) == ["z"])
    }

    /// A repetition of what somebody else claims is told all the same.
    @Test func nobodyCanSilenceAMessage() throws {
        var talk = try Dialogue.listening(cursors: [Self.account: Dialogue.cursor()])
        talk.live("m1", "first")
        talk.live("m1", "second")
        talk.features(of: Self.account, "jabber:iq:roster")
        #expect(Set(talk.told()).isSuperset(of: ["first", "second"]))
    }

    /// Pages that repeat what was told end some time, and tell it once.
    @Test func anArchiveThatGoesRound() throws {
        var talk = try Dialogue.catchingUp { $0.limits.archiveIDsMax = 20 }
        var pages = 0
        while !talk.actions.contains(where: { if case .event(.caughtUp) = $0 { true } else { false } }), pages < 100 {
            pages += 1
            for number in 1...5 { talk.result("m\(number)") }
            talk.fin("m5")
            talk.handleAll()
        }
        #expect(pages == 6)
        #expect(talk.told().filter { $0.hasPrefix("~") } == ["~m1", "~m2", "~m3", "~m4", "~m5"])
    }

    /// A page that only repeats the message it was to come behind.
    @Test func anArchiveThatStandsStill() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("c")
        talk.fin("c")
        #expect(talk.told() == ["caught up 0: the archive repeats itself and does not end"])
    }

    /// More than was asked for is taken as it comes, and kept nowhere.
    @Test func aHugePage() throws {
        var talk = try Dialogue.catchingUp { $0.limits.archiveIDsMax = 100 }
        for number in 1...3_000 { talk.result("m\(number)") }
        talk.fin("m3000", complete: true)
        let told = talk.told()
        #expect(told.count == 6_001 && told.last == "caught up 3000")
    }

    /// Empty pages that say that more is to come end it as well.
    @Test func anEndThatDoesNotSaySo() throws {
        var talk = try Dialogue.catchingUp()
        talk.fin()
        #expect(talk.told() == ["caught up 0"])
    }

    @Test(arguments: [
        "<iq type='result' id='ID'/>", "<iq type='result' id='ID'><fin xmlns='urn:xmpp:mam:1'/></iq>",
        "<iq type='result' id='ID'><query xmlns='urn:xmpp:mam:2'/></iq>",
    ])
    func anAnswerWithoutSense(_ iq: String) throws {
        var talk = try Dialogue.catchingUp()
        var text = iq
        text.replace("ID", with: talk.lastIQ("archive"))
        talk.server(text)
        #expect(talk.told() == ["caught up 0: the archive answers without sense"])
    }

    @Test(arguments: [
        "<result xmlns='urn:xmpp:mam:2' queryid='Q'/>", "<result xmlns='urn:xmpp:mam:2' queryid='Q' id=''/>",
        "<result xmlns='urn:xmpp:mam:2' queryid='Q' id='m'/>",
        "<result xmlns='urn:xmpp:mam:2' queryid='Q' id='m'><forwarded xmlns='urn:xmpp:forward:0'/></result>",
        "<result xmlns='urn:xmpp:mam:2' queryid='Q' id='m'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='never'/><message xmlns='jabber:client'/></forwarded></result>",
    ])
    func aResultWithoutSense(_ result: String) throws {
        var talk = try Dialogue.catchingUp()
        var text = result
        text.replace("'Q'", with: "'\(talk.lastQuery())'")
        talk.server("<message>\(text)</message>")
        talk.fin(complete: true)
        #expect(talk.told().last?.hasPrefix("caught up") == true)
        #expect(talk.session.isOnline)
    }

    // MARK: - Cursors as bytes

    @Test(
        arguments: [
            ("", 0, [0, 0, 0, 0, 0, 0, 0, 0]), ("a", 1, [0, 0, 0, 0, 0, 0, 0, 1, 0x61]),
            ("é", -1, [255, 255, 255, 255, 255, 255, 255, 255, 0xC3, 0xA9]),
            ("x", 1_795_340_400_123, [0, 0, 1, 0xA2, 0x02, 0xA0, 0x75, 0xFB, 0x78]),
        ] as [(String, Int64, [UInt8])])
    func aCursorIsBytes(_ id: String, _ time: Int64, _ bytes: [UInt8]) {
        let cursor = ArchiveCursor(id: id, time: WallTime(milliseconds: time))
        #expect(cursor.bytes == bytes)
        #expect(ArchiveCursor(bytes: bytes) == cursor)
    }

    @Test(
        arguments: [
            [], [0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0xFF], [UInt8](repeating: 0x61, count: 5_000),
        ] as [[UInt8]])
    func noCursor(_ bytes: [UInt8]) { #expect(ArchiveCursor(bytes: bytes) == nil) }
}
