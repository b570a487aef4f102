import Session
import Stanza
import Testing

@testable import Bridge

/// What goes to one room, without a session: in order, each kept until the room has shown it.
@Suite struct RoomOutboxTests {
    static let start = Instant(nanoseconds: 0)

    static func outbox(_ bodies: String...) throws -> RoomOutbox {
        var outbox = RoomOutbox()
        let room = try JID("ops@conference.example.org")
        for body in bodies { outbox.take(.init(to: room, type: "groupchat", body: Array(body.utf8)), ref: nil) }
        return outbox
    }

    /// Speaks all that may be spoken, as rows from `row` on.
    static func speak(_ outbox: inout RoomOutbox, from row: UInt64, at now: Instant) -> [String] {
        var said: [String] = []
        while let message = outbox.next(at: now) {
            outbox.spoke(message, row: row + UInt64(said.count))
            said.append(String(decoding: message.content.body, as: UTF8.self))
        }
        return said
    }

    @Test func whatIsShownIsOver() throws {
        var outbox = try Self.outbox("a", "b", "c")
        #expect(outbox.count == 3 && outbox.heldCount == 3 && outbox.deadline == nil)
        #expect(Self.speak(&outbox, from: 1, at: Self.start) == ["a", "b", "c"])
        #expect(outbox.count == 3 && outbox.heldCount == 0)
        #expect(outbox.shown(2, at: Self.start)?.content.body == Array("b".utf8))
        #expect(outbox.shown(2, at: Self.start) == nil, "a room shows it once")
        #expect(outbox.count == 2)
    }

    @Test func whatIsTurnedAwayGoesAgainInItsOrder() throws {
        var outbox = try Self.outbox("a", "b", "c", "d")
        _ = Self.speak(&outbox, from: 1, at: Self.start)
        _ = outbox.shown(1, at: Self.start)
        // Answers may come in any order.
        #expect(outbox.turnedAway(3, .absent, at: Self.start) == true)
        #expect(outbox.turnedAway(2, .absent, at: Self.start) == true)
        #expect(outbox.turnedAway(2, .absent, at: Self.start) == nil, "it is not spoken any more")
        #expect(outbox.next(at: Self.start) == nil && outbox.deadline == Self.start + .seconds(1))
        outbox.entered()
        #expect(Self.speak(&outbox, from: 5, at: Self.start) == ["b", "c"])
        #expect(outbox.count == 3)
    }

    @Test func aRoomThatLimitsOurRateGetsOneAfterTheOther() throws {
        var outbox = try Self.outbox("a", "b", "c")
        _ = Self.speak(&outbox, from: 1, at: Self.start)
        _ = outbox.shown(1, at: Self.start)
        _ = outbox.turnedAway(2, .rate, at: Self.start)
        _ = outbox.turnedAway(3, .rate, at: Self.start)
        #expect(outbox.deadline == Self.start + .seconds(2), "each refusal doubles the pause")
        let later = Self.start + .seconds(2)
        #expect(Self.speak(&outbox, from: 4, at: later) == ["b"])
        #expect(outbox.shown(4, at: later) != nil)
        #expect(Self.speak(&outbox, from: 5, at: later) == [], "the room wants its pause")
        #expect(Self.speak(&outbox, from: 5, at: later + .seconds(2)) == ["c"])
    }

    @Test func thePauseEndsWhereTheRoomTakesAll() throws {
        var outbox = try Self.outbox("0")
        _ = Self.speak(&outbox, from: 1, at: Self.start)
        _ = outbox.turnedAway(1, .rate, at: Self.start)
        var now = Self.start
        for row in 2..<UInt64(20) {
            now = now + .seconds(1)
            if outbox.heldCount == 0 {
                outbox.take(.init(to: try JID("a@b"), type: "groupchat", body: []), ref: nil)
            }
            #expect(Self.speak(&outbox, from: row, at: now).count == 1)
            _ = outbox.shown(row, at: now)
        }
        for _ in 0..<5 { outbox.take(.init(to: try JID("a@b"), type: "groupchat", body: []), ref: nil) }
        #expect(Self.speak(&outbox, from: 30, at: now).count == 5)
    }

    @Test func patienceEnds() throws {
        var outbox = try Self.outbox("a")
        _ = Self.speak(&outbox, from: 1, at: Self.start)
        let end = Self.start + .seconds(RoomOutbox.Limits.patienceSeconds)
        #expect(outbox.turnedAway(1, .rate, at: end) == false)
        #expect(outbox.drop(1) != nil && outbox.count == 0)
    }

    @Test func aRoomThatShowsNothingIsOverdue() throws {
        var outbox = try Self.outbox("a", "b", "c")
        _ = Self.speak(&outbox, from: 1, at: Self.start)
        #expect(outbox.deadline == nil, "the server has not accepted them")
        outbox.accepted(upTo: 2, at: Self.start)
        let due = Self.start + .seconds(RoomOutbox.Limits.reflectionSeconds)
        #expect(outbox.deadline == due)
        #expect(outbox.overdue(at: Self.start) == [] && outbox.overdue(at: due) == [1, 2])
    }

    @Test func whatIsAbandonedComesInItsOrder() throws {
        var outbox = try Self.outbox("a", "b", "c")
        let next = outbox.next(at: Self.start)
        let first = try #require(next)
        outbox.spoke(first, row: 7)
        let all = outbox.abandon()
        #expect(all.map { String(decoding: $0.message.content.body, as: UTF8.self) } == ["a", "b", "c"])
        #expect(all.map(\.row) == [7, nil, nil])
        #expect(outbox.count == 0 && outbox.deadline == nil)
    }
}

/// Our presence as a sink.
@Suite struct StatusBoardTests {
    static let start = Instant(nanoseconds: 0)
    static let base = Configuration.Presence(show: nil, status: "up", priority: 3)
    static let red = Configuration.Presence(show: "dnd", status: "disk full", priority: 3)

    @Test func itGoesBackAfterItsTime() {
        var board = StatusBoard(base: Self.base)
        #expect(board.want(Self.red, hold: .seconds(60), at: Self.start) == Self.red)
        #expect(board.deadline == Self.start + .seconds(60))
        #expect(board.expire(at: Self.start + .seconds(59)) == nil)
        #expect(board.expire(at: Self.start + .seconds(60)) == Self.base)
        #expect(board.deadline == nil)
    }

    @Test func theSameAgainOnlyHoldsLonger() {
        var board = StatusBoard(base: Self.base)
        _ = board.want(Self.red, hold: .seconds(60), at: Self.start)
        #expect(board.want(Self.red, hold: .seconds(60), at: Self.start + .seconds(30)) == nil)
        #expect(board.expire(at: Self.start + .seconds(60)) == nil)
        #expect(board.expire(at: Self.start + .seconds(90)) == Self.base)
    }

    @Test func aFloodIsOneChangeASecond() {
        var board = StatusBoard(base: Self.base)
        var shown: [String?] = []
        for number in 0..<1_000 {
            let now = Self.start + .milliseconds(number)
            var one = Self.red
            one.status = String(number)
            if let due = board.want(one, hold: nil, at: now) { shown.append(due.status) }
        }
        #expect(shown == ["0"])
        #expect(board.deadline == Self.start + .seconds(1))
        #expect(board.expire(at: Self.start + .seconds(1))?.status == "999")
    }
}

@Suite struct ReceiptBookTests {
    @Test func aReceiptCountsFromWhomTheMessageWentTo() throws {
        var book = ReceiptBook()
        book.await("1", from: try JID("bob@example.org"), ref: "r")
        #expect(book.arrived("1", from: try JID("bob@example.org/phone")) == .ours(ref: "r"))
        #expect(book.arrived("1", from: try JID("eve@example.org")) == .forged)
        #expect(book.arrived("2", from: try JID("bob@example.org")) == .unknown)
        book.forget("1")
        #expect(book.arrived("1", from: try JID("bob@example.org")) == .unknown)
    }

    @Test func theOldestAreForgotten() throws {
        var book = ReceiptBook()
        let bob = try JID("bob@example.org")
        for number in 0...2 * Pump.Limits.receiptsMax { book.await(String(number), from: bob, ref: nil) }
        #expect(book.arrived("0", from: bob) == .unknown)
        #expect(book.arrived(String(2 * Pump.Limits.receiptsMax), from: bob) == .ours(ref: nil))
    }

    @Test func forgeriesAreToldNowAndThen() {
        var forgeries = Forgeries()
        let start = Instant(nanoseconds: 0)
        #expect(forgeries.count("carbon", at: start) == 1)
        #expect(forgeries.count("carbon", at: start) == nil)
        #expect(forgeries.count("roster push", at: start) == 1)
        #expect(forgeries.count("carbon", at: start + .seconds(60)) == 2)
    }
}
