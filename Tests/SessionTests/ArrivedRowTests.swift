import Stanza
import Testing

@testable import Session

/// Rows of which it is known by other ways than an acknowledgement that they have arrived: a room has shown them, or they
/// came back.
@Suite struct ArrivedRowTests {
    @Test(arguments: [true, false]) func aFreshStreamDoesNotRepeatThem(managed: Bool) throws {
        var talk = try Dialogue.online(managed: managed)
        talk.send(rows: 1...3)
        talk.session.arrived(row: 2, at: talk.now)
        talk.feed(.disconnected(.closed("reset by peer")))
        talk.passToDeadline()
        _ = talk.written()
        talk.authenticate()
        talk.features(Dialogue.bind, managed ? Dialogue.sm : "")
        if managed { talk.server("<failed xmlns='urn:xmpp:sm:3'/>") }
        talk.bound()
        if managed { talk.server(Dialogue.enabled) }
        let written = talk.written()
        #expect(written.contains("<message id='1'/>") && written.contains("<message id='3'/>"))
        #expect(!written.contains("<message id='2'/>"))
    }

    @Test func theyTakeNothingOfTheWindow() throws {
        var talk = try Dialogue.online(managed: false)
        let text = "<message>" + String(repeating: "x", count: 20_000) + "</message>"
        for row in 1...20 as ClosedRange<UInt64> {
            talk.send(row, text)
            talk.flush()
            #expect(talk.written().contains("xxx"), "row \(row)")
            talk.session.arrived(row: row, at: talk.now)
        }
        #expect(talk.session.queue.inFlightBytes == 0)
    }

    /// What waits for room on a fresh stream was on an earlier one: an answer to that may come late.
    @Test func oneThatWaitsIsNotSentAndNotCounted() {
        var queue = OutgoingQueue()
        var before = XMLWriter()
        for row in 1...3 as ClosedRange<UInt64> { queue.append(Array("<\(row)/>".utf8), row: row, into: &before) }
        queue.begin(keepsAcked: false)
        queue.beginManaged()
        queue.settle(row: 2)
        var after = XMLWriter()
        queue.transmit(window: 1_000, into: &after)
        #expect(String(decoding: after.bytes, as: UTF8.self) == "<1/><3/>")
        #expect(queue.sentCount == 2 && queue.unacceptedRows == 2 && queue.unacceptedBytes == 8)
    }
}
