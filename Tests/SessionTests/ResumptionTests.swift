import Stanza
import Testing

@testable import Session

/// What a lost stream leaves, and how it comes back (XEP-0198 5).
@Suite struct ResumptionTests {
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
        #expect(talk.written() == StreamManagementTests.request && talk.did() == [])
        talk.ack(3)
        let jid = try JID("bridge@example.org/r")
        #expect(
            talk.did() == [.event(.online(jid: jid, resumed: true, peer: "xmpp.example.org:5222")), .writable])
        let written = talk.written()
        #expect(written.hasPrefix("<message id='4'/>"))
        #expect(!written.contains("<message id='3'/>") && written.hasSuffix(StreamManagementTests.request))
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

    /// A server may be silent about a count that it cannot bear (Prosody 0.12), or end the stream: it is not asked for ever.
    @Test(arguments: [false, true]) func aResumptionThatIsNotAnsweredIsGivenUp(_ isError: Bool) throws {
        var talk = try Self.interrupted()
        var resumptions = 0
        while talk.output.contains("<resume ") {
            resumptions += 1
            try #require(resumptions < 9)
            if isError {
                talk.server(
                    "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
            } else {
                talk.passToDeadline()
            }
            #expect(talk.session.deadline != nil)
            talk.passToDeadline()
            talk.authenticate()
            talk.output = ""
            talk.features(Dialogue.bind, Dialogue.sm)
        }
        #expect(resumptions == (isError ? 1 : 2) && talk.output.contains("<bind"))
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
            talk.written() == "<message id='1'/><message id='2'/><message id='3'/><message id='4'/>"
                + StreamManagementTests.request)
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

    /// What answers a stanza before the resumed stream is seen to be read goes once, and is counted once.
    @Test func anAnswerDuringAResumptionIsWrittenOnce() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.server("<resumed xmlns='urn:xmpp:sm:3' h='0' previd='sm-1'/>")
        _ = talk.written()
        talk.server("<iq type='get' id='q' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>")
        #expect(talk.output == "")
        talk.ack(0)
        #expect(talk.output.split(separator: "type='result'").count == 2)
        let row = try #require(talk.output.firstRange(of: "<message id='1'/>")).lowerBound
        let pong = try #require(talk.output.firstRange(of: "type='result'")).lowerBound
        #expect(row < pong)
        talk.ack(talk.session.queue.sentCount)
        #expect(talk.session.isOnline)
    }
}
