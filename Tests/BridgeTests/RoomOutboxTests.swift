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

    /// Speaks what may be spoken now.
    static func speak(_ outbox: inout RoomOutbox, row: UInt64, at now: Instant = start) -> String? {
        guard let message = outbox.next(at: now) else { return nil }
        outbox.spoke(message, row: row)
        return String(decoding: message.content.body, as: UTF8.self)
    }

    @Test func oneAfterTheOther() throws {
        var outbox = try Self.outbox("a", "b")
        #expect(outbox.waitingCount == 2 && outbox.deadline == nil)
        #expect(Self.speak(&outbox, row: 1) == "a")
        #expect(Self.speak(&outbox, row: 2) == nil, "the room has not shown the first")
        #expect(outbox.shown(7, at: Self.start) == nil)
        #expect(outbox.shown(1, at: Self.start)?.content.body == Array("a".utf8))
        #expect(outbox.shown(1, at: Self.start) == nil, "a room shows it once")
        #expect(Self.speak(&outbox, row: 2) == "b" && outbox.waitingCount == 0)
    }

    @Test func whatIsTurnedAwayGoesAgainFirst() throws {
        var outbox = try Self.outbox("a", "b")
        _ = Self.speak(&outbox, row: 1)
        #expect(outbox.turnedAway(1, .absent, at: Self.start) == true)
        #expect(outbox.turnedAway(1, .absent, at: Self.start) == nil, "it is not spoken any more")
        #expect(outbox.waitingCount == 2)
        #expect(Self.speak(&outbox, row: 2) == nil && outbox.deadline == Self.start + .seconds(1))
        outbox.entered()
        #expect(Self.speak(&outbox, row: 2) == "a")
        _ = outbox.shown(2, at: Self.start)
        #expect(Self.speak(&outbox, row: 3) == "b")
    }

    @Test func aRoomThatLimitsOurRateGetsItsPauses() throws {
        var outbox = try Self.outbox("a", "b")
        var now = Self.start
        _ = Self.speak(&outbox, row: 1)
        for (row, pause) in [(UInt64(1), 500), (2, 1_000), (3, 2_000)] {
            _ = outbox.turnedAway(row, .rate, at: now)
            #expect(outbox.deadline == now + .milliseconds(pause), "each refusal doubles the pause")
            now = now + .milliseconds(pause)
            #expect(Self.speak(&outbox, row: row + 1, at: now) == "a")
        }
        _ = outbox.shown(4, at: now)
        #expect(Self.speak(&outbox, row: 5, at: now) == nil && outbox.deadline == now + .seconds(2))
        #expect(Self.speak(&outbox, row: 5, at: now + .seconds(2)) == "b")
    }

    @Test func thePauseEndsWhereTheRoomTakesAll() throws {
        var outbox = try Self.outbox("a")
        let room = try JID("a@b")
        _ = Self.speak(&outbox, row: 1)
        _ = outbox.turnedAway(1, .rate, at: Self.start)
        var now = Self.start
        for row in 2...UInt64(6) {
            now = now + .milliseconds(500)
            #expect(Self.speak(&outbox, row: row, at: now) != nil)
            _ = outbox.shown(row, at: now)
            outbox.take(.init(to: room, type: "groupchat", body: []), ref: nil)
        }
        #expect(Self.speak(&outbox, row: 7, at: now) != nil, "five were taken: no pause any more")
    }

    @Test func patienceEnds() throws {
        var outbox = try Self.outbox("a")
        _ = Self.speak(&outbox, row: 1)
        let end = Self.start + .seconds(RoomOutbox.Limits.patienceSeconds)
        #expect(outbox.turnedAway(1, .rate, at: end) == false)
        #expect(outbox.drop(1) != nil)
    }

    @Test func aRoomThatShowsNothingIsOverdue() throws {
        var outbox = try Self.outbox("a")
        _ = Self.speak(&outbox, row: 2)
        outbox.accepted(upTo: 1, at: Self.start)
        #expect(outbox.deadline == nil, "the server has not accepted it")
        outbox.accepted(upTo: 2, at: Self.start)
        let due = Self.start + .seconds(RoomOutbox.Limits.reflectionSeconds)
        #expect(outbox.deadline == due)
        #expect(outbox.overdue(at: Self.start) == nil && outbox.overdue(at: due) == 2)
    }

    /// A room that is lost makes nobody look all the time.
    @Test func aPauseThatIsOverIsNoReasonToLook() throws {
        var outbox = try Self.outbox("a")
        _ = Self.speak(&outbox, row: 1)
        _ = outbox.turnedAway(1, .absent, at: Self.start)
        outbox.expire(at: Self.start + .seconds(1))
        #expect(outbox.deadline == nil)
    }

    @Test func whatIsAbandonedComesInItsOrder() throws {
        var outbox = try Self.outbox("a", "b", "c")
        _ = Self.speak(&outbox, row: 7)
        let all = outbox.abandon()
        #expect(all.map { String(decoding: $0.message.content.body, as: UTF8.self) } == ["a", "b", "c"])
        #expect(all.map(\.row) == [7, nil, nil])
        #expect(outbox.waitingCount == 0 && outbox.deadline == nil)
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
