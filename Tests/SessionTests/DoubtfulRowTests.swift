import Stanza
import Testing

@testable import Session

/// Rows that may have arrived: our archive is asked before they are sent again.
@Suite struct DoubtfulRowTests {
    private static let account = Dialogue.account

    private func payload(_ row: UInt64) -> String {
        "<message to='ann@example.org' id='xb-\(row)'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='xb-\(row)'/></message>"
    }

    /// Online, with rows written and not accepted, and then the stream is lost for good.
    private func interrupted(_ rows: ClosedRange<UInt64>, managed: Bool = true) throws -> Dialogue {
        var talk = try Dialogue.online(managed: managed) { $0.limits.idleBeforePing = .seconds(1_000_000) }
        talk.session.wall = Dialogue.began
        for row in rows { talk.send(row, payload(row)) }
        talk.flush()
        talk.session.wall.milliseconds += 3_600_000
        talk.logInAfresh(managed: managed)
        return talk
    }

    private func archived(_ row: UInt64, by resource: String = "r") -> String {
        "<message xmlns='jabber:client' from='\(Self.account)/\(resource)' to='ann@example.org' id='xb-\(row)'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='xb-\(row)'/></message>"
    }

    @Test(arguments: [true, false]) func onlyWhatHasNotArrivedGoesAgain(_ managed: Bool) throws {
        var talk = try interrupted(1...4, managed: managed)
        #expect(!talk.output.contains("<message"))
        talk.features(of: Self.account, Dialogue.mam)
        #expect(
            talk.output.contains(
                "<field var='start'><value>2026-11-22T09:35:00.000Z</value></field></x>"
                    + "<set xmlns='http://jabber.org/protocol/rsm'><max>100</max></set></query></iq>"))
        talk.result("a", archived(1))
        talk.result(
            "b", "<message xmlns='jabber:client' from='ann@example.org' id='xb-2'><body>not ours</body></message>")
        talk.result("c", archived(3))
        talk.fin("c", complete: true)
        #expect(talk.told() == ["found 1", "found 3"])
        #expect(talk.output.contains(payload(2) + payload(4)))
        #expect(!talk.output.contains(payload(1)) && !talk.output.contains(payload(3)))
        #expect(talk.session.unacceptedRows == 2)
        // What follows goes behind.
        talk.send(5, payload(5))
        talk.flush()
        #expect(talk.output.hasSuffix(payload(5)) || talk.output.contains(payload(5) + "<r"))
    }

    @Test func pagesFollowUntilAllAreFound() throws {
        var talk = try interrupted(1...3)
        talk.features(of: Self.account, Dialogue.mam)
        talk.result("a", archived(1))
        talk.fin("a")
        #expect(talk.output.contains("<max>100</max><after>a</after></set></query></iq>"))
        talk.result("b", archived(2))
        talk.result("c", archived(3))
        // All are there, so nobody needs the rest.
        let queries = talk.output.split(separator: "queryid").count
        talk.fin("c")
        #expect(talk.told() == ["found 1", "found 2", "found 3"])
        #expect(talk.output.split(separator: "queryid").count == queries && talk.session.unacceptedRows == 0)
    }

    @Test(arguments: ["no archive", "silent", "refused", "page silent", "page refused", "still", "nonsense"])
    func withoutAnAnswerAllGoAgain(_ how: String) throws {
        var talk = try interrupted(1...2)
        switch how {
        case "no archive": talk.features(of: Self.account, "jabber:iq:roster")
        case "silent": talk.pass(.seconds(30))
        case "refused": talk.refusePage("service-unavailable")
        case _:
            talk.features(of: Self.account, Dialogue.mam)
            #expect(!talk.output.contains("<message"))
            switch how {
            case "page silent": talk.pass(.seconds(30))
            case "page refused": talk.refusePage("forbidden")
            case "still": talk.fin()
            case _: talk.server("<iq type='result' id='\(talk.lastIQ("archive"))'/>")
            }
        }
        #expect(talk.told() == [])
        #expect(talk.output.contains(payload(1) + payload(2)))
    }

    /// Pages have an end, whatever the archive says.
    @Test func pagesEnd() throws {
        var talk = try Dialogue.online { $0.limits.archiveDoubtPagesMax = 3 }
        talk.send(1, payload(1))
        talk.flush()
        talk.logInAfresh()
        talk.features(of: Self.account, Dialogue.mam)
        for number in 1...3 {
            #expect(!talk.output.contains("<message"))
            talk.result("x\(number)")
            talk.fin("x\(number)")
        }
        #expect(talk.output.contains(payload(1)))
    }

    /// Where the server itself says what it handled of the lost stream, nothing is in doubt.
    @Test func aWordOfTheServerIsEnough() throws {
        var talk = try Dialogue.online()
        talk.send(1, payload(1))
        talk.send(2, payload(2))
        talk.flush()
        talk.feed(.disconnected(.closed("reset")))
        while !talk.actions.contains(.connect(.account)) { talk.passToDeadline() }
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<failed xmlns='urn:xmpp:sm:3' h='1'/>")
        talk.output = talk.output.split(separator: "<iq").last.map { "<iq" + $0 } ?? ""
        talk.bound()
        talk.server(Dialogue.enabled)
        #expect(talk.output.contains(payload(2)) && !talk.output.contains("disco#info"))
    }

    /// What has no id that an archive would show goes at once.
    @Test func withoutAnIDThereIsNothingToAskFor() throws {
        var talk = try Dialogue.online()
        talk.send(1)
        talk.flush()
        talk.logInAfresh()
        #expect(talk.output.contains("<message id='1'/>") && !talk.output.contains("disco#info"))
    }

    /// What is said in a room is no longer sent: whether it was taken is seen there.
    @Test func whatIsSaidInRoomsIsGivenBack() throws {
        var talk = try Dialogue.online()
        let text = "<message to='ops@rooms.example.org' type='groupchat' id='1'><body>x</body></message>"
        talk.send(1, text)
        talk.send(2)
        talk.flush()
        let login = talk.logInAfresh()
        #expect(login.contains(.returned(row: 1)) && !login.contains(.returned(row: 2)))
        #expect(!talk.output.contains("groupchat") && talk.output.contains("<message id='2'/>"))
        #expect(talk.session.unacceptedRows == 1)
    }

    /// Rows of a process before us: all that are given at once are asked about together.
    @Test func rowsOfTheDeadAreAskedAboutTogether() throws {
        var talk = try Dialogue.online()
        for row: UInt64 in 1...3 {
            #expect(talk.session.canSend)
            let doubt = Doubt(originID: "xb-\(row)", since: Dialogue.began)
            talk.session.send(Array(payload(row).utf8), row: row, doubt: doubt, at: talk.now)
        }
        talk.send(4, payload(4))
        talk.flush()
        #expect(!talk.output.contains("<message"))
        talk.features(of: Self.account, Dialogue.mam)
        #expect(!talk.session.canSend)
        talk.result("b", archived(2, by: "dead"))
        talk.fin("b", complete: true)
        #expect(talk.told() == ["found 2"])
        #expect(talk.output.contains(payload(1) + payload(3) + payload(4)))
        #expect(talk.session.canSend)
    }

    /// Where it is known that there is no archive, the doubt costs nothing.
    @Test func aDoubtWithoutAnArchive() throws {
        var talk = try interrupted(1...1)
        talk.features(of: Self.account, "jabber:iq:roster")
        talk.output = ""
        talk.session.send(
            Array(payload(2).utf8), row: 2, doubt: Doubt(originID: "xb-2", since: Dialogue.began), at: talk.now)
        talk.flush()
        #expect(talk.output.hasPrefix(payload(2)))
    }

    /// The stream is lost before the archive has answered: it is asked again on the next.
    @Test func aLostStreamAsksAgain() throws {
        var talk = try interrupted(1...2)
        talk.features(of: Self.account, Dialogue.mam)
        talk.result("a", archived(1))
        talk.logInAfresh()
        #expect(!talk.output.contains("<message"))
        talk.features(of: Self.account, Dialogue.mam)
        talk.result("a", archived(1))
        talk.fin("a", complete: true)
        #expect(talk.told() == ["found 1"] && talk.output.contains(payload(2)))
    }

    /// Everything is accepted once what was in doubt is found.
    @Test func foundRowsCountForTheDrain() throws {
        var talk = try interrupted(1...1)
        talk.feed(.drain)
        #expect(!talk.actions.contains(.drained))
        talk.features(of: Self.account, Dialogue.mam)
        talk.result("a", archived(1))
        talk.fin("a", complete: true)
        #expect(talk.actions.contains(.drained))
    }

    @Test(
        arguments: [
            ("<message/>", nil), ("<message><origin-id xmlns='urn:xmpp:sid:0' id='a'/></message>", "a"),
            ("<message><body>&lt;origin-id xmlns='urn:xmpp:sid:0' id='x'/&gt;</body></message>", nil),
            ("<message><origin-id xmlns='urn:xmpp:sid:0' id='a&amp;lt;&apos;&#10;'/></message>", "a&lt;'\n"),
            ("<origin-id xmlns='urn:xmpp:sid:0' id='", nil),
        ] as [(String, String?)])
    func originIDs(_ payload: String, _ id: String?) {
        #expect(OriginID.find(in: Array(payload.utf8)) == id)
    }

    @Test func timesOfRowsAreKnownToSomeSeconds() {
        var times = SendTimes()
        #expect(times.time(of: 1) == nil)
        for row: UInt64 in 0..<100 { times.note(row, at: WallTime(milliseconds: Int64(row) * 3_000)) }
        #expect(times.time(of: 0)?.milliseconds == 0 && times.time(of: 3)?.milliseconds == 0)
        #expect(times.time(of: 5)?.milliseconds == 12_000)
        times.forget(before: 50)
        #expect(times.time(of: 50)?.milliseconds == 144_000)
    }
}
