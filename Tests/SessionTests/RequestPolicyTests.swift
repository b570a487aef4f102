import Stanza
import Testing

@testable import Session

/// When the server is asked for acknowledgements (XEP-0198 4): often enough that nobody waits, and not with each stanza.
@Suite struct RequestPolicyTests {
    static let request = StreamManagementTests.request

    /// A line that is typed is asked for at once; what follows within the tenth of a second, together.
    @Test func theFirstAtOnceAndTheNextTogether() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        #expect(talk.written() == "<message id='1'/>" + Self.request)
        talk.ack(1)
        talk.pong()
        _ = talk.written()
        talk.now = talk.now + .milliseconds(40)
        talk.send(rows: 2...2)
        talk.now = talk.now + .milliseconds(40)
        talk.send(rows: 3...3)
        #expect(talk.written() == "<message id='2'/><message id='3'/>")
        #expect(talk.session.deadline == Instant(nanoseconds: 100_000_000))
        talk.passToDeadline()
        #expect(talk.written() == Self.request)
        // After a while the next one is the first again.
        talk.ack(4)
        talk.now = talk.now + .seconds(5)
        talk.pong()
        _ = talk.written()
        talk.send(rows: 4...4)
        #expect(talk.written() == "<message id='4'/>" + Self.request)
    }

    /// An open question will tell; only a window that fills up is asked for beside it, and one that gets no answer is
    /// asked again.
    @Test func whileAQuestionIsOpen() throws {
        var talk = try Dialogue.online { $0.limits.windowStanzas = 10 }
        talk.send(rows: 1...1)
        _ = talk.written()
        talk.now = talk.now + .milliseconds(500)
        talk.send(rows: 2...5)
        #expect(!talk.written().contains("<r "))
        talk.send(rows: 6...6)
        #expect(talk.written() == "<message id='6'/>" + Self.request)
        talk.send(rows: 7...7)
        #expect(!talk.written().contains("<r "))
        talk.now = talk.now + .seconds(1)
        talk.feed(.timeout)
        #expect(talk.written() == Self.request)
        talk.ack(7)
        #expect(!talk.output.contains("<r "))
    }

    @Test func halfTheBytesOfTheWindow() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        _ = talk.written()
        talk.send(2, String(repeating: "x", count: ByteWindow.firstBytes / 2 - 1))
        talk.flush()
        #expect(!talk.written().hasSuffix(Self.request))
        talk.send(rows: 3...3)
        #expect(talk.written().hasSuffix(Self.request))
    }

    /// What fills the window is asked for as soon as no question is open.
    @Test func aFullWindowDoesNotWait() throws {
        var talk = try Dialogue.online { $0.limits.windowStanzas = 3 }
        talk.send(rows: 1...1)
        _ = talk.written()
        talk.ack(1)
        _ = talk.written()
        talk.send(rows: 2...3)
        #expect(!talk.session.canSend && talk.written().hasSuffix(Self.request))
    }

    @Test func theEndOfTheInputDoesNotWait() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        _ = talk.written()
        talk.send(rows: 2...2)
        talk.feed(.drain)
        #expect(talk.written() == "<message id='2'/>")
        talk.ack(1)
        #expect(talk.written().hasSuffix(Self.request))
    }

    /// Nobody waits for the acknowledgement of a presence or an answer; who probes the peer asks for it.
    @Test func stanzasThatAreNoRows() throws {
        var talk = try Dialogue.online { $0.limits.windowStanzas = 100 }
        talk.session.sendUnreliably(Array("<presence/>".utf8), at: talk.now)
        talk.flush()
        #expect(talk.written() == "<presence/>")
        #expect(talk.session.deadline == Instant(nanoseconds: 60_000_000_000))
        talk.passToDeadline()
        #expect(talk.written() == Self.request)
        talk.ack(1)
        #expect(talk.session.queue.count == 0)
        // Many of them are not kept for ever.
        for _ in 0..<50 { talk.session.sendUnreliably(Array("<presence/>".utf8), at: talk.now) }
        talk.flush()
        #expect(talk.written().hasSuffix(Self.request))
    }

    /// Servers may acknowledge unasked.
    @Test func whatIsAcknowledgedIsNotAskedFor() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...1)
        talk.ack(1)
        talk.send(rows: 2...2)
        talk.ack(talk.session.queue.sentCount)
        _ = talk.written()
        talk.pass(.milliseconds(150))
        #expect(!talk.output.contains("<r "))
    }

    /// A thousand lines, one each millisecond: as many questions as tenths of a second, in place of a thousand.
    @Test func linesThatComeOneByOne() throws {
        var talk = try Dialogue.online()
        var questions = 0
        var latest = Duration.zero
        for row in 1...1_000 as ClosedRange<UInt64> {
            talk.send(rows: row...row)
            for _ in 0..<2 {
                let ping = talk.lastID("accept")
                let written = talk.written()
                if written.contains("<r ") {
                    questions += 1
                    talk.ack(talk.session.queue.sentCount)
                }
                if ping != "none" { talk.server("<iq type='result' from='example.org' id='\(ping)'/>") }
                talk.pass(.microseconds(500))
            }
            // Row n was sent n - 1 ms after the start.
            for accepted in talk.did().accepted {
                latest = max(latest, talk.now - Instant(nanoseconds: Int64(accepted - 1) * 1_000_000))
            }
        }
        #expect(questions == 10)
        #expect(latest < .milliseconds(250))
    }
}
