import Stanza
import Testing

@testable import Session

/// What was missed comes out of our account's archive (XEP-0313), before what is live.
@Suite struct CatchUpTests {
    private static let account = Dialogue.account
    private static let noArchive = "the server keeps no archive (XEP-0313)"

    // MARK: - Asking

    @Test func theFirstStartBeginsAtTheEnd() throws {
        var talk = try Dialogue.listening()
        // Asked before our presence brings what waits.
        let asked = try #require(
            talk.output.firstRange(of: "<iq type='get' id='\(talk.lastIQ("archive"))' to='\(Self.account)'>"))
        let shown = try #require(talk.output.firstRange(of: "<presence"))
        #expect(asked.lowerBound < shown.lowerBound)
        talk.output = ""
        talk.output = "<iq id='aaaaaa-archive-1'"
        talk.features(of: Self.account, Dialogue.mam)
        let id = talk.lastIQ("archive")
        #expect(
            talk.output.hasSuffix(
                "<iq type='set' id='\(id)'><query xmlns='urn:xmpp:mam:2' queryid='\(talk.lastQuery())'>"
                    + "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set></query></iq>"))
        talk.result("z")
        talk.fin("z", complete: true)
        #expect(talk.told() == ["|z"])
        talk.live("a1")
        #expect(talk.told() == ["a1", "|a1"])
    }

    /// What comes while the end is sought stands behind it.
    @Test func aLiveMessageIsPastTheEnd() throws {
        var talk = try Dialogue.listening()
        talk.features(of: Self.account, Dialogue.mam)
        talk.live("a1")
        talk.result("z")
        talk.fin("z")
        #expect(talk.told() == ["a1", "|a1"])
    }

    /// An archive without a message is told from now on, and one that says nothing as well.
    @Test(arguments: ["fin", "refused", "timeout"]) func withoutAnEndTheTimeCounts(_ how: String) throws {
        var talk = try Dialogue.listening()
        talk.features(of: Self.account, Dialogue.mam)
        switch how {
        case "fin": talk.fin(complete: true)
        case "refused": talk.refusePage("service-unavailable")
        case _: talk.pass(.seconds(31))
        }
        #expect(talk.told() == ["|"])
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        #expect(talk.output.contains("<value>2026-11-22T09:35:00.000Z</value>") && !talk.output.contains("<after>"))
    }

    @Test func whoSendsOnlyAsksNothing() throws {
        var talk = try Dialogue.online { $0.cursors = [$0.account: Dialogue.cursor()] }
        talk.live("a1")
        #expect(talk.told() == ["a1"])
        talk.logInAfresh()
        #expect(!talk.output.contains("archive") && !talk.output.contains("mam"))
        #expect(talk.told() == [])
    }

    // MARK: - Pages

    @Test func whatWasMissedComesInOrderBeforeWhatIsLive() throws {
        var talk = try Dialogue.catchingUp()
        #expect(
            talk.output.hasSuffix(
                "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max><after>c</after></set></query></iq>"))
        talk.live("m5")
        talk.result("m1")
        talk.result("m2")
        #expect(talk.told() == ["~m1", "|m1", "~m2", "|m2"])
        talk.output = "<iq" + talk.output.split(separator: "<iq").last!
        let first = talk.lastQuery()
        talk.fin("m2")
        // The next page waits until this one is handled.
        #expect(talk.lastQuery() == first)
        talk.handleAll()
        #expect(talk.output.hasSuffix("<max>50</max><after>m2</after></set></query></iq>"))
        talk.live("m6")
        talk.result("m3")
        talk.live("m4")
        talk.result("m4")
        talk.result("m5")
        talk.fin("m5", complete: true)
        #expect(talk.told() == ["~m3", "|m3", "~m4", "|m4", "~m5", "|m5", "caught up 5", "m6", "|m6"])
        talk.live("m7")
        // What waited for us offline is known.
        talk.live("m2")
        #expect(talk.told() == ["m7", "|m7"])
    }

    @Test func aMessageTellsWhatItIs() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("m1", at: 7)
        let message = try #require(talk.did().messages.first)
        #expect(message.isReplayed && message.delay == "2026-11-22T09:40:07.000Z" && message.type == "chat")
        #expect(message.archiveID == ArchiveID(by: try JID(Self.account), id: "m1"))
        talk.fin("m1", complete: true)
        talk.live("m2")
        let live = try #require(talk.did().messages.last)
        #expect(!live.isReplayed && live.archiveID?.id == "m2" && live.delay == nil)
    }

    /// Our cursor's time is that of the archive, or our own where the message is live.
    @Test func theCursorHasATime() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("m1", at: 7)
        talk.fin("m1", complete: true)
        talk.session.wall.milliseconds += 60_000
        talk.live("m2")
        let times = talk.did().events.compactMap { event in
            if case .cursor(_, let cursor) = event {
                cursor.map { $0.time.milliseconds - Dialogue.began.milliseconds }
            } else {
                nil
            }
        }
        #expect(times == [7_000, 60_000])
    }

    /// An archive that keeps nothing brings nothing.
    @Test func anArchiveThatKeepsNothing() throws {
        var talk = try Dialogue.catchingUp()
        talk.fin(complete: true)
        talk.live(nil, "m1")
        #expect(talk.told() == ["caught up 0", "m1"])
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        talk.fin(complete: true)
        #expect(talk.told() == ["caught up 0: the archive does not keep what we get"])
        talk.live("m2")
        #expect(talk.told() == ["m2", "|m2"])
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        talk.fin(complete: true)
        #expect(talk.told() == ["caught up 0"])
    }

    /// What the archive does not have passes at once.
    @Test func whatIsInNoArchiveDoesNotWait() throws {
        var talk = try Dialogue.catchingUp()
        talk.live(nil, "no id")
        talk.live("x1", "of another", by: "other@example.org")
        talk.live("b1", "bounce", type: "error")
        #expect(talk.told() == ["no id", "of another", "bounce"])
    }

    /// More than may wait is let go, and fetched behind the last page.
    @Test func whatIsTooMuchIsFetched() throws {
        var talk = try Dialogue.catchingUp { $0.limits.archiveKeptStanzas = 2 }
        for number in 1...4 { talk.live("l\(number)") }
        talk.result("m1")
        talk.fin("m1", complete: true)
        #expect(talk.told() == ["~m1", "|m1"])
        #expect(talk.output.hasSuffix("<after>m1</after></set></query></iq>"))
        for number in 1...4 { talk.result("l\(number)") }
        talk.fin("l4", complete: true)
        #expect(talk.told() == ["~l1", "|l1", "~l2", "|l2", "~l3", "|l3", "~l4", "|l4", "caught up 5"])
    }

    @Test func bytesAreLimitedToo() throws {
        var talk = try Dialogue.catchingUp { $0.limits.archiveKeptBytes = 1_000 }
        for number in 1...8 { talk.live("l\(number)", String(repeating: "x", count: 300)) }
        talk.fin(complete: true)
        #expect(talk.told() == [] && talk.output.hasSuffix("<after>c</after></set></query></iq>"))
    }

    // MARK: - What is no event

    @Test(arguments: [
        (
            "<message xmlns='jabber:client' from='bridge@example.org/r' to='ann@example.org'><body>x</body></message>",
            []
        ),
        (
            "<message xmlns='jabber:client' from='bridge@example.org/old' to='ann@example.org' id='xb-T-4'><body>x</body></message>",
            []
        ),
        (
            "<message xmlns='jabber:client' from='bridge@example.org/old' to='ann@example.org'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='xb-T-4'/></message>",
            []
        ),
        (
            "<message xmlns='jabber:client' from='bridge@example.org/phone' to='ann@example.org'><body>x</body></message>",
            ["~sent x"]
        ),
        (
            "<message xmlns='jabber:client' from='bridge@example.org/phone' to='bridge@example.org'><body>x</body></message>",
            ["~x"]
        ),
        (
            "<message xmlns='jabber:client' from='bridge@example.org/phone' to='r@x/n'><body>x</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>",
            []
        ),
        ("<message xmlns='jabber:client' type='groupchat' from='room@x/n'><body>x</body></message>", []),
        ("<message xmlns='jabber:client' from='no jid @'><body>x</body></message>", []),
        ("<message xmlns='jabber:client' type='error' from='ann@example.org' id='1'><body>x</body></message>", ["~x"]),
        ("<presence xmlns='jabber:client' from='ann@example.org'/>", []),
    ])
    func ourOwnIsNoEvent(_ inner: String, _ expected: [String]) throws {
        var talk = try Dialogue.catchingUp { $0.messageIDPrefix = "xb-T-" }
        talk.result("m1", inner)
        talk.fin("m1", complete: true)
        #expect(talk.told() == expected + ["|m1", "caught up \(expected.count)"])
    }

    @Test func whatIsNoPlainMessageIsToldAsWhatItIs() throws {
        var talk = try Dialogue.catchingUp()
        talk.result(
            "m1",
            "<message xmlns='jabber:client' from='ann@example.org' to='\(Self.account)'><received xmlns='urn:xmpp:receipts' id='7'/></message>"
        )
        talk.result(
            "m2",
            "<message xmlns='jabber:client' from='ops@rooms.example.org' to='\(Self.account)'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='ann@example.org'/></x></message>"
        )
        let events = talk.did().events
        #expect(events.contains(.receipt(id: "7", from: try JID("ann@example.org"))))
        #expect(events.contains { if case .room(let update) = $0 { update.action == .invited } else { false } })
    }

    // MARK: - Gaps

    @Test(arguments: [true, false]) func withoutAnArchiveThereIsAGap(_ hasCursor: Bool) throws {
        var talk = try Dialogue.listening(cursors: hasCursor ? [Self.account: Dialogue.cursor()] : [:])
        talk.features(of: Self.account, "jabber:iq:roster")
        #expect(talk.told() == (hasCursor ? ["caught up 0: \(Self.noArchive)"] : []))
        talk.live("m1")
        #expect(talk.told() == ["m1"])
        talk.logInAfresh()
        talk.features(of: Self.account, "jabber:iq:roster")
        #expect(talk.told() == ["caught up 0: \(Self.noArchive)"])
        #expect(!talk.output.contains("queryid"))
    }

    /// A server that says nothing has its time, then what is live goes on; the cursor stays for the next login.
    @Test func aServerThatSaysNothingOfItself() throws {
        var talk = try Dialogue.listening(cursors: [Self.account: Dialogue.cursor()])
        talk.live("m1")
        #expect(talk.told() == [])
        talk.pass(.seconds(30))
        #expect(talk.told() == ["caught up 0: the server does not say whether it keeps an archive", "m1"])
        talk.live("m2")
        #expect(talk.told() == ["m2"])
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        #expect(talk.output.hasSuffix("<after>c</after></set></query></iq>"))
        talk.result("m1")
        talk.result("m2")
        talk.result("m3")
        talk.fin("m3", complete: true)
        #expect(talk.told() == ["|m1", "|m2", "~m3", "|m3", "caught up 1"])
    }

    @Test func anArchiveThatDoesNotAnswer() throws {
        var talk = try Dialogue.catchingUp()
        talk.live("m2")
        talk.pass(.seconds(30))
        #expect(talk.told() == ["caught up 0: the archive does not answer", "m2"])
        talk.live("m3")
        #expect(talk.told() == ["m3"])
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        #expect(talk.output.hasSuffix("<after>c</after></set></query></iq>"))
        for id in ["m1", "m2", "m3"] { talk.result(id) }
        talk.fin("m3", complete: true)
        #expect(talk.told() == ["~m1", "|m1", "|m2", "|m3", "caught up 1"])
    }

    /// The time is that of one page; what has come of it is not lost.
    @Test func aSlowPageIsAskedForAnew() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("m1")
        talk.pass(.seconds(30))
        #expect(talk.output.hasSuffix("<after>m1</after></set></query></iq>"))
        talk.result("m2")
        talk.fin("m2", complete: true)
        #expect(talk.told() == ["~m1", "|m1", "~m2", "|m2", "caught up 2"])
    }

    @Test(arguments: [
        ("service-unavailable", "cancel", true), ("forbidden", "auth", true), ("resource-constraint", "wait", false),
    ])
    func anArchiveThatRefuses(_ condition: String, _ type: String, _ movesOn: Bool) throws {
        var talk = try Dialogue.catchingUp()
        talk.live("m2")
        talk.refusePage(condition, type: type)
        let gap = "caught up 0: the archive is refused to us: \(StanzaError(type: type, condition: condition))"
        #expect(talk.told() == [gap, "m2"] + (movesOn ? ["|m2"] : []))
    }

    /// Where the archive has lost our message it is searched from the time on, less what clocks may differ by.
    @Test func aCursorThatIsGone() throws {
        var talk = try Dialogue.catchingUp()
        talk.refusePage("item-not-found", type: "modify")
        #expect(
            talk.output.hasSuffix(
                "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>"
                    + "<field var='start'><value>2026-11-22T09:35:00.000Z</value></field></x>"
                    + "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max></set></query></iq>"))
        talk.result("m1")
        talk.fin("m1")
        talk.handleAll()
        #expect(talk.output.hasSuffix("<max>50</max><after>m1</after></set></query></iq>"))
        talk.fin(complete: true)
        let gap = "the archive has forgotten the message that was told last; it was searched by time"
        #expect(talk.told() == ["~m1", "|m1", "caught up 1: \(gap)"])
        // Once is enough.
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        talk.refusePage("item-not-found")
        talk.refusePage("item-not-found")
        #expect(talk.told().last?.hasPrefix("caught up 0: the archive is refused to us") == true)
    }

    // MARK: - Streams

    @Test func aFreshLoginGoesOnFromWhereWeWere() throws {
        var talk = try Dialogue.catchingUp()
        talk.result("m1")
        talk.live("m3")
        talk.logInAfresh()
        #expect(talk.told() == [])
        talk.features(of: Self.account, Dialogue.mam)
        #expect(talk.output.hasSuffix("<after>m1</after></set></query></iq>"))
        talk.result("m2")
        talk.fin("m2", complete: true)
        #expect(talk.told() == ["~m2", "|m2", "caught up 1", "m3", "|m3"])
    }

    @Test func aResumedStreamGoesOnWithItsPage() throws {
        var talk = try Dialogue.catchingUp()
        let query = talk.lastQuery()
        let id = talk.lastIQ("archive")
        talk.result("m1")
        talk.handleAll()
        talk.feed(.disconnected(.closed("reset")))
        while !talk.actions.contains(.connect(.account)) { talk.passToDeadline() }
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.resume(talk.session.queue.sentCount)
        try #require(talk.session.isOnline)
        talk.actions = []
        talk.result("m2", query: query)
        talk.server("<iq type='result' id='\(id)'><fin xmlns='urn:xmpp:mam:2' complete='true'/></iq>")
        #expect(talk.told() == ["~m2", "|m2", "caught up 2"])
    }

    /// What our other clients do is in the archive as well.
    @Test func carbonsWaitToo() throws {
        var talk = try Dialogue.catchingUp()
        func carbon(_ id: String) -> String {
            "<message from='\(Self.account)'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='\(Self.account)/phone' to='ann@example.org' type='chat'><body>\(id)</body><stanza-id xmlns='urn:xmpp:sid:0' by='\(Self.account)' id='\(id)'/></message></forwarded></sent></message>"
        }
        talk.server(carbon("m1"))
        talk.server(carbon("m2"))
        talk.result(
            "m1",
            "<message xmlns='jabber:client' from='\(Self.account)/phone' to='ann@example.org' type='chat'><body>m1</body></message>"
        )
        talk.fin("m1", complete: true)
        #expect(talk.told() == ["~sent m1", "|m1", "caught up 1", "sent m2", "|m2"])
    }
}
