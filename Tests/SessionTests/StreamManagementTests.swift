import Stanza
import Testing

@testable import Session

@Suite struct StreamManagementTests {
    static let request = "<r xmlns='urn:xmpp:sm:3'/>"

    // MARK: - Outbound

    @Test func oneRequestForABatch() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...3)
        #expect(talk.written() == "<message id='1'/><message id='2'/><message id='3'/>" + Self.request)
        talk.flush()
        #expect(talk.written() == "")
    }

    @Test func acceptanceIsAckThenPingThenItsAnswer() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...3)
        _ = talk.written()
        talk.ack(2)
        let ping = "<iq type='get' id='\(talk.lastID("accept"))' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>"
        #expect(talk.output == ping + Self.request)
        #expect(talk.did() == [])
        // Row 3 is acknowledged only now: this ping says nothing of it.
        let id = talk.lastID("accept")
        _ = talk.written()
        talk.ack(4)
        #expect(talk.did() == [] && talk.written() == "")
        talk.server("<iq type='result' from='example.org' id='\(id)'/>")
        #expect(talk.did() == [.accepted(upTo: 2)])
        #expect(talk.session.unacceptedRows == 1)
        #expect(talk.written() == "")  // the next ping waits its interval
        talk.passToDeadline()
        #expect(talk.now == Instant(nanoseconds: 200_000_000))
        talk.pong()
        #expect(talk.did() == [.accepted(upTo: 3)])
        #expect(talk.session.unacceptedRows == 0)
    }

    @Test func aBounceComesBeforeTheAcceptance() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.server(
            "<message type='error' from='nobody@example.org' id='1'><error type='cancel'>"
                + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        talk.pong()
        let actions = talk.did()
        #expect(actions.count == 2)
        guard case .event(.message(let message)) = actions[0] else {
            Issue.record("no message first")
            return
        }
        #expect(message.type == "error" && StanzaError(of: message.stanza).condition == "service-unavailable")
        #expect(actions[1] == .accepted(upTo: 1))
    }

    @Test func anErrorAnswersThePingToo() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.server("<iq type='error' from='example.org' id='\(talk.lastID("accept"))'/>")
        #expect(talk.did() == [.accepted(upTo: 1)])
    }

    @Test(arguments: ["mallory@example.org", "evil.org", "bridge@example.org/other"])
    func onlyTheServerAnswersThePing(_ from: String) throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.server("<iq type='result' from='\(from)' id='\(talk.lastID("accept"))'/>")
        #expect(talk.did() == [])
    }

    @Test func withoutStreamManagementThePingIsTheProof() throws {
        var talk = try Dialogue.online(managed: false)
        talk.send(1)
        talk.send(2)
        talk.flush()
        let id = talk.lastID("accept")
        #expect(talk.written().hasPrefix("<message id='1'/><message id='2'/><iq type='get'"))
        talk.send(3)
        talk.flush()
        #expect(talk.written() == "<message id='3'/>")
        talk.server("<iq type='result' from='example.org' id='\(id)'/>")
        #expect(talk.did() == [.accepted(upTo: 2)])
        talk.passToDeadline()
        talk.pong()
        #expect(talk.did() == [.accepted(upTo: 3)])
    }

    @Test func drainHurriesThePingAndEndsWithDrained() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.pong()
        _ = talk.did()
        _ = talk.written()
        talk.send(rows: 2...2)
        talk.ack(3)  // the first ping counts as well
        #expect(talk.written() == "<message id='2'/>" + Self.request)
        talk.feed(.drain)
        #expect(talk.output.contains("urn:xmpp:ping") && talk.did() == [])
        talk.pong()
        #expect(talk.did() == [.accepted(upTo: 2), .drained])
        talk.feed(.drain)
        #expect(talk.did() == [])
    }

    @Test func drainWithNothingOutstandingIsDrained() throws {
        var talk = try Dialogue.online()
        talk.feed(.drain)
        #expect(talk.did() == [.drained])
    }

    @Test func theCounterWrapsAt32Bits() throws {
        var talk = try Dialogue.online()
        talk.session.queue.setSentCount(UInt32.max - 1)
        talk.send(rows: 1...4)
        talk.ack(UInt32.max)
        #expect(talk.session.queue.ackedCount == UInt32.max)
        talk.ack(0)
        talk.ack(2)
        #expect(talk.session.isOnline)
        #expect(talk.did() == [])
        #expect(talk.session.queue.ackedCount == 2)
    }

    @Test(arguments: [5, 2, UInt32.max])
    func aCountThatCannotBeEndsTheStream(_ h: UInt32) throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...4)
        talk.ack(3)
        talk.session.pending.forget()  // the ping that the ack draws counts too; leave 5 above what was sent
        _ = talk.written()
        let sent = talk.session.queue.sentCount
        talk.ack(h == 5 ? sent + 1 : h)
        #expect(talk.output.contains("<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"))
        #expect(talk.output.contains("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='"))
        #expect(talk.output.contains("send-count='\(sent)'/></stream:error></stream:stream>"))
        #expect(talk.actions.contains(.closeConnection))
        #expect(!talk.session.isOnline)
        // Not resumed, but bound afresh; all that is not accepted is sent again.
        talk.passToDeadline()
        _ = talk.written()
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.output.contains("<bind"))
    }

    // MARK: - Losses

    /// Online, rows 1...4 sent, 1 and 2 acknowledged, then the connection is lost and comes back to the features.
    static func interrupted(presence: Configuration.Presence? = nil) throws -> Dialogue {
        var talk = try Dialogue.online(presence: presence)
        let sentBefore = talk.session.queue.sentCount
        talk.send(rows: 1...4)
        talk.session.sendUnreliably(Array("<presence/>".utf8), at: talk.now)
        talk.ack(sentBefore + 2)
        talk.feed(.disconnected(.closed("reset by peer")))
        #expect(!talk.session.isOnline && !talk.session.canSend)
        talk.passToDeadline()
        talk.authenticate()
        _ = talk.written()
        _ = talk.did()
        talk.features(Dialogue.bind, Dialogue.sm)
        return talk
    }

    @Test func resumptionSendsAgainWhatIsNotAcknowledged() throws {
        var talk = try Self.interrupted()
        #expect(talk.written() == "<resume xmlns='urn:xmpp:sm:3' h='0' previd='sm-1'/>")
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='3' previd='sm-1'/>")
        // Nothing is sent again before the server is seen to read the stream.
        #expect(talk.written() == Self.request && talk.did() == [])
        talk.ack(3)
        let jid = try JID("bridge@example.org/r")
        #expect(
            talk.did() == [.event(.online(jid: jid, resumed: true, peer: "xmpp.example.org:5222")), .writable])
        let written = talk.written()
        #expect(written.hasPrefix("<message id='4'/>"))
        #expect(!written.contains("<message id='3'/>") && written.hasSuffix(Self.request))
        // The ping of before and the presence go again too; nothing is asked twice.
        #expect(written.split(separator: "urn:xmpp:ping").count == 2 && written.contains("<presence/>"))
        #expect(!written.contains("roster"))
    }

    /// Prosody 0.12 parses on where the lost connection stopped: behind half a stanza it hears nothing.
    @Test(arguments: [true, false])
    func aResumedStreamThatIsNotReadIsBoundAfresh(_ isSilent: Bool) throws {
        var talk = try Self.interrupted()
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='3' previd='sm-1'/>")
        if isSilent {
            #expect(talk.session.deadline == talk.now + .seconds(5))
            talk.passToDeadline()
            #expect(talk.actions.offline?.reason.hasSuffix("a sign that the resumed stream is read") == true)
        } else {
            talk.server("<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        }
        talk.passToDeadline()
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(!talk.output.contains("<resume ") && talk.output.contains("<bind"))
        talk.bound()
        _ = talk.written()
        talk.server(Dialogue.enabled)
        // What the server said it has handled is not sent again.
        #expect(talk.output.hasPrefix("<message id='4'/>"))
    }

    @Test func resumptionWithACountTooHighStartsAfresh() throws {
        var talk = try Self.interrupted()
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='99' previd='sm-1'/>")
        #expect(talk.written().contains("handled-count-too-high"))
        #expect(talk.actions.offline != nil)
        talk.passToDeadline()
        talk.logIn()
        #expect(talk.session.isOnline && !talk.output.contains("<resume "))
    }

    @Test func aResumptionOfAnotherSessionIsRefused() throws {
        var talk = try Self.interrupted()
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='3' previd='other'/>")
        #expect(!talk.session.isOnline)
    }

    @Test func afterAFailedResumptionAllUnacceptedRowsGoAgainInOrder() throws {
        var talk = try Self.interrupted()
        talk.server("<failed xmlns='urn:xmpp:sm:3'><item-not-found/></failed>")
        #expect(talk.output.contains("<bind"))
        talk.bound()
        _ = talk.written()
        talk.server("<enabled xmlns='urn:xmpp:sm:3' id='sm-2' resume='true'/>")
        #expect(
            talk.written() == "<message id='1'/><message id='2'/><message id='3'/><message id='4'/>" + Self.request)
        talk.ack(4)
        talk.pong()
        #expect(talk.did().accepted == [4])
    }

    @Test func aFailedResumptionThatCountsSparesWhatWasHandled() throws {
        var talk = try Self.interrupted()
        talk.server("<failed xmlns='urn:xmpp:sm:3' h='3'><item-not-found/></failed>")
        talk.bound()
        _ = talk.written()
        talk.server("<enabled xmlns='urn:xmpp:sm:3' id='sm-2' resume='true'/>")
        #expect(talk.output.hasPrefix("<message id='4'/>"))
        // Rows 1...3 wait for a ping's answer on this stream.
        talk.pong()
        #expect(talk.did().accepted == [3])
        talk.ack(2)
        talk.passToDeadline()
        talk.pong()
        #expect(talk.did().accepted == [4])
    }

    @Test func theRosterAndPresenceComeAheadOfRowsThatWait() throws {
        var talk = try Self.interrupted(presence: .init())
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.bound()
        _ = talk.written()
        talk.server("<enabled xmlns='urn:xmpp:sm:3' id='sm-2' resume='true'/>")
        let written = talk.written()
        let roster = try #require(written.firstRange(of: "jabber:iq:roster")).lowerBound
        let row = try #require(written.firstRange(of: "<message id='1'/>")).lowerBound
        #expect(roster < row)
        talk.ack(6)
        #expect(talk.session.isOnline)
    }

    @Test func anExpiredSessionIsNotAskedFor() throws {
        var talk = try Dialogue.online()
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.feed(.disconnected(.unreachable("no route")))
        talk.now = talk.now + .seconds(301)
        talk.feed(.timeout)
        talk.logIn()
        #expect(!talk.output.contains("<resume ") && talk.session.isOnline)
    }

    @Test func noResumptionWhereTheServerGrantedNone() throws {
        var talk = try Dialogue.online(enabled: "<enabled xmlns='urn:xmpp:sm:3'/>")
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.logIn()
        #expect(!talk.output.contains("<resume ") && talk.session.isOnline)
    }

    @Test func aLocationIsTriedOnceAndThenTheUsualWay() throws {
        var talk = try Dialogue.online(
            enabled: "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='1' location='[::1]:9222'/>")
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        #expect(talk.did().last == .connect(.location(host: "::1", port: 9222)))
        talk.feed(.disconnected(.unreachable("no route")))
        #expect(talk.did() == [.event(.connecting), .connect(.account)])
        talk.authenticate()
        _ = talk.written()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.written() == "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>")
    }

    static let locations: [(String, String?, Int?)] = [
        ("localhost", "localhost", nil), ("a.example:99", "a.example", 99), ("[2001:db8::1]:9222", "2001:db8::1", 9222),
        ("[::1]", "::1", nil), ("::1", "::1", nil), ("127.0.0.1:5222", "127.0.0.1", 5222),
        ("127.0.0.1", "127.0.0.1", nil),
        ("", nil, nil), ("[]:1", nil, nil), ("a:0", nil, nil), ("a:99999", nil, nil), (":5222", nil, nil),
        ("[::1]x", nil, nil), ("[::1", nil, nil), ("a b", nil, nil), ("a/b", nil, nil), ("a:+5", nil, nil),
    ]

    @Test(arguments: locations)
    func readsLocations(_ text: String, _ host: String?, _ port: Int?) {
        let location = ServerLocation(text)
        #expect(location?.host == host && location?.port == port)
    }

    // MARK: - How often

    @Test func aPingServesManyRows() throws {
        var talk = try Dialogue.online()
        var pings = 0
        var handled: UInt32 = 0
        for row in 1...400 as ClosedRange<UInt64> {
            talk.send(rows: row...row)
            handled += 1
            talk.now = talk.now + .milliseconds(1)
            talk.ack(handled)
            if talk.output.contains("urn:xmpp:ping") {
                pings += 1
                handled += 1
                talk.pong()
            }
            _ = talk.written()
        }
        #expect(pings == 2)  // at 1 ms and at 201 ms
        #expect(talk.did().accepted == [1, 201])
    }

    @Test func halfAWindowHurriesThePing() throws {
        var talk = try Dialogue.online { $0.limits.windowStanzas = 10 }
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.pong()
        talk.send(rows: 2...5)
        _ = talk.written()
        talk.ack(6)
        #expect(talk.written() == "")
        talk.send(rows: 6...6)
        talk.ack(7)
        #expect(talk.written().contains("urn:xmpp:ping"))
    }

    // MARK: - Windows

    @Test func theWindowCountsStanzas() throws {
        var talk = try Dialogue.online { $0.limits.windowStanzas = 4 }
        for row in 1...3 as ClosedRange<UInt64> {
            talk.send(row)
            #expect(talk.session.canSend)
        }
        talk.send(4)
        talk.flush()
        #expect(!talk.session.canSend)
        talk.ack(4)
        #expect(talk.did() == [])
        talk.pong()
        #expect(talk.did() == [.accepted(upTo: 4), .writable])
        #expect(talk.session.canSend)
    }

    @Test func theWindowCountsBytes() throws {
        var talk = try Dialogue.online { $0.limits.windowBytes = 100 }
        talk.send(1, String(repeating: "x", count: 99))
        #expect(talk.session.canSend)
        talk.send(2, "x")
        #expect(!talk.session.canSend)
    }

    @Test func theByteWindowFollowsTheAnswers() {
        var window = ByteWindow(maxBytes: 512 * 1_024)
        #expect(window.bytes == 65_536)
        window.answered(after: .milliseconds(900), bytesThen: 32_767)
        #expect(window.bytes == 65_536)  // not used, not proved
        window.answered(after: .milliseconds(900), bytesThen: 32_768)
        #expect(window.bytes == 131_072)
        for _ in 0..<9 { window.answered(after: .zero, bytesThen: 1_000_000) }
        #expect(window.bytes == 512 * 1_024)
        window.answered(after: .seconds(3), bytesThen: 1_000_000)
        #expect(window.bytes == 512 * 1_024)
        for _ in 0..<9 { window.answered(after: .milliseconds(5_001), bytesThen: 0) }
        #expect(window.bytes == 8 * 1_024)
    }

    @Test func aFullByteWindowOpensWithTheAck() throws {
        var talk = try Dialogue.online()
        talk.send(1, String(repeating: "x", count: 65_536))
        talk.flush()
        #expect(!talk.session.canSend && talk.session.unacceptedRows == 1)
        talk.ack(1)
        #expect(talk.did() == [.writable])
    }

    @Test func rowsSentAgainKeepToTheWindow() throws {
        var talk = try Dialogue.online { $0.limits.windowBytes = 1_000_000 }
        let text = String(repeating: "x", count: 40_000)
        var h: UInt32 = 0
        talk.send(1, text)
        talk.send(2, text)
        talk.flush()
        h += 2
        talk.ack(h)
        talk.send(3, text)
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.logIn(enabled: "<enabled xmlns='urn:xmpp:sm:3'/>")
        // The resumption is refused by the missing answer of logIn: bound anew only after <failed/>.
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        talk.bound()
        _ = talk.written()
        talk.server(Dialogue.enabled)
        #expect(talk.session.queue.hasUnsent == (talk.session.queue.inFlightBytes >= talk.session.window.bytes))
        #expect(!talk.session.canSend)
        talk.ack(2)
        #expect(!talk.session.queue.hasUnsent)
    }
}
