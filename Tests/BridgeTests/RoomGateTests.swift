import Session
import Spool
import Stanza
import Testing

@testable import Bridge

/// The gate of a room's lane.
@Suite struct RoomGateTests {
    static let start = Instant(nanoseconds: 0)
    private static let lane = Lane(rawValue: 1)

    private static func speaking(_ row: UInt64, dispatch: UInt64 = 1, at now: Instant = start) -> RoomGate {
        var gate = RoomGate(lane: lane)
        gate.spoke(row, dispatch: dispatch, at: now)
        return gate
    }

    @Test func oneGoesAfterTheOther() {
        var gate = RoomGate(lane: Self.lane)
        #expect(gate.state(isJoined: false, at: Self.start) == .held)
        #expect(gate.state(isJoined: true, at: Self.start) == .open)
        gate.spoke(7, dispatch: 1, at: Self.start)
        #expect(
            gate.state(isJoined: true, at: Self.start) == .busy && gate.state(isJoined: false, at: Self.start) == .held)
        let shown = [8, 7, 7].map { gate.shown($0, at: Self.start) }
        #expect(shown == [false, true, false], "another row, this one, and this one once more")
        #expect(gate.state(isJoined: true, at: Self.start) == .open && gate.deadline(true) == nil)
    }

    @Test func whatIsTurnedAwayWaitsForThePause() {
        var gate = Self.speaking(1)
        let away1 = gate.turnedAway(2, .absent, at: Self.start)
        #expect(away1 == nil)
        let away2 = gate.turnedAway(1, .absent, at: Self.start)
        #expect(away2 == true)
        let away3 = gate.turnedAway(1, .absent, at: Self.start)
        #expect(away3 == nil, "it is not spoken any more")
        #expect(gate.state(isJoined: true, at: Self.start) == .held)
        #expect(gate.deadline(true) == Self.start + .seconds(1) && gate.deadline(false) == nil)
        gate.entered()
        #expect(gate.state(isJoined: true, at: Self.start) == .open)
    }

    @Test func aRoomThatLimitsOurRateGetsItsPauses() {
        var gate = Self.speaking(1)
        var now = Self.start
        for pause in [500, 1_000, 2_000] {
            let away4 = gate.turnedAway(1, .rate, at: now)
            #expect(away4 == true)
            #expect(gate.deadline(true) == now + .milliseconds(pause), "each refusal doubles the pause")
            now = now + .milliseconds(pause)
            #expect(gate.state(isJoined: true, at: now) == .open)
            gate.spoke(1, dispatch: 2, at: now)
        }
        _ = gate.shown(1, at: now)
        #expect(gate.state(isJoined: true, at: now) == .held && gate.deadline(true) == now + .seconds(2))
        #expect(gate.state(isJoined: true, at: now + .seconds(2)) == .open)
    }

    @Test func thePauseEndsWhereTheRoomTakesAll() {
        var gate = Self.speaking(1)
        _ = gate.turnedAway(1, .rate, at: Self.start)
        var now = Self.start
        for row in 2...UInt64(6) {
            now = now + .milliseconds(500)
            #expect(gate.state(isJoined: true, at: now) == .open)
            gate.spoke(row, dispatch: row, at: now)
            _ = gate.shown(row, at: now)
        }
        #expect(gate.state(isJoined: true, at: now) == .open, "five were taken: no pause any more")
    }

    @Test func patienceEndsForTheMessageThatWasTriedFirst() {
        var gate = Self.speaking(1)
        let end = Self.start + .seconds(RoomGate.Limits.patienceSeconds)
        let away5 = gate.turnedAway(1, .rate, at: end)
        #expect(away5 == false)
        let dropped = [gate.drop(1), gate.drop(1)]
        #expect(dropped == [true, false])
        gate.spoke(2, dispatch: 2, at: end)
        let away6 = gate.turnedAway(2, .rate, at: end)
        #expect(away6 == true, "the next one has its own time")
    }

    @Test func aRoomThatShowsNothingIsOverdue() {
        var gate = Self.speaking(5, dispatch: 2)
        gate.accepted(1, at: Self.start)
        #expect(gate.deadline(true) == nil, "the server has not accepted it")
        gate.accepted(2, at: Self.start)
        let due = Self.start + .seconds(RoomGate.Limits.reflectionSeconds)
        #expect(gate.deadline(false) == due)
        #expect(gate.overdue(at: Self.start) == nil && gate.overdue(at: due) == 5)
    }

    /// A room that is lost makes nobody look all the time.
    @Test func aPauseThatIsOverIsNoReasonToLook() {
        var gate = Self.speaking(1)
        _ = gate.turnedAway(1, .absent, at: Self.start)
        gate.expire(at: Self.start + .seconds(1))
        #expect(gate.deadline(true) == nil)
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
