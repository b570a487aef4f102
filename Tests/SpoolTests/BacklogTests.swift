import Testing

@testable import Spool

private let a = Lane(rawValue: 1)
private let b = Lane(rawValue: 2)

private func draft(_ lane: Lane, _ text: String = "x") -> RowDraft {
    RowDraft(lane: lane, payload: Array(text.utf8), originID: "o", ref: text)
}

private let refused = DeadLetter.Reason(condition: "forbidden", text: "no", time: 7)

extension Backlog {
    /// Rows of these lanes, committed.
    fileprivate static func holding(_ lanes: [Lane], durable: Bool = false) -> Backlog {
        var backlog = Backlog(restoring: durable ? StoreContents() : nil)
        for lane in lanes { backlog.append(draft(lane)) }
        _ = backlog.takeOrders()
        backlog.committed(upTo: backlog.lastNumber)
        return backlog
    }

    /// The numbers of all that may go now, in their order.
    fileprivate mutating func goAll(at now: Int64 = 0) -> [UInt64] {
        var numbers: [UInt64] = []
        while let flight = next(at: now) { numbers.append(flight.row.number) }
        return numbers
    }
}

@Suite struct BacklogTests {
    @Test(arguments: [false, true]) func rowsGoOnceTheyAreCommitted(_ durable: Bool) {
        var backlog = Backlog(restoring: durable ? StoreContents() : nil)
        #expect(backlog.append(draft(a, "1")) == 1 && backlog.append(draft(b, "2")) == 2)
        #expect(backlog.next(at: 0) == nil)
        _ = backlog.takeOrders()
        backlog.append(draft(a, "3"))
        backlog.committed(upTo: 2)
        #expect(backlog.goAll() == [1, 2])
        backlog.committed(upTo: 3)
        // An answer that comes late takes nothing back.
        backlog.committed(upTo: 1)
        let flight = backlog.next(at: 0)
        #expect(flight?.dispatch == 3 && flight?.row.ref == "3" && flight?.row.lane == a)
        #expect(backlog.count == 3 && backlog.next(at: 0) == nil)
    }

    @Test func whatHappensIsOrdered() {
        var backlog = Backlog(restoring: StoreContents())
        backlog.begin(a, name: "xmpp:a@example.org")
        for _ in 0..<3 { backlog.append(draft(a)) }
        let rows = (1...3).map { Row(draft(a), number: $0) }
        #expect(backlog.takeOrders() == [.lane(a, name: "xmpp:a@example.org")] + rows.map { .append($0) })
        #expect(backlog.takeOrders() == [])
        backlog.committed(upTo: 3)
        #expect(backlog.goAll() == [1, 2, 3])
        #expect(backlog.release(1)?.number == 1 && backlog.release(1) == nil && backlog.release(9) == nil)
        backlog.postpone(2, until: 500, error: "busy")
        #expect(backlog.bury(3, refused)?.number == 3)
        #expect(
            backlog.takeOrders() == [
                .release(1), .postpone(2, attempts: 1, until: 500, error: "busy"), .bury(3, refused),
            ])
        #expect(backlog.count == 1 && backlog.bytes == rows[1].bytes)
        #expect(Backlog.holding([a]).isDurable == false)
    }

    @Test func aPostponedRowHoldsItsLaneAndNoOther() {
        var backlog = Backlog.holding([a, b, a, b])
        #expect(backlog.next(at: 0)?.row.number == 1)
        backlog.postpone(1, until: 1_000)
        #expect(backlog.deadline == 1_000 && backlog.pausedCount == 2)
        #expect(backlog.goAll(at: 999) == [2, 4])
        let flight = backlog.next(at: 1_000)
        #expect(flight?.row.number == 1 && flight?.attempts == 1 && flight?.dispatch == 4)
        #expect(backlog.goAll(at: 1_000) == [3] && backlog.deadline == nil && backlog.pausedCount == 0)
    }

    @Test func aClosedLaneStopsNoOther() {
        var backlog = Backlog.holding([a, b, a, b])
        backlog.set(.held, a)
        #expect(backlog.goAll() == [2, 4])
        backlog.set(.open, a)
        #expect(backlog.next(at: 0)?.row.number == 1)
        backlog.set(.busy, a)
        #expect(backlog.next(at: 0) == nil)
        // It did not go: it goes before those behind it.
        backlog.putBack(3)
        backlog.set(.open, a)
        #expect(backlog.goAll() == [1, 3])
    }

    @Test func flightsAreFoundByTheirRow() {
        var backlog = Backlog.holding([a, b, a])
        _ = backlog.goAll()
        #expect(backlog.flight(ofRow: 2)?.dispatch == 2 && backlog.flight(ofRow: 4) == nil)
        backlog.putBack(2)
        #expect(backlog.flight(ofRow: 2) == nil && backlog.goAll() == [2])
        #expect(backlog.flight(ofRow: 2)?.dispatch == 4)
        #expect(backlog.flight(2) == nil && backlog.flight(4)?.row.number == 2 && backlog.flight(0) == nil)
        #expect(backlog.flight(after: 1)?.dispatch == 3 && backlog.flight(after: 4) == nil)
    }

    @Test func allOfALaneIsGivenOutToWhoeverEndsIt() {
        var backlog = Backlog.holding([a, b, a])
        backlog.set(.held, a)
        #expect(backlog.next(in: a)?.row.number == 1 && backlog.next(in: a)?.row.number == 3)
        #expect(backlog.next(in: a) == nil && backlog.next(in: Lane(rawValue: 9)) == nil)
        #expect(backlog.count(of: a) == 2 && backlog.count(of: b) == 1)
    }

    @Test func inMemoryTheLimitsSayWhenToStopReading() {
        var limits = Backlog.Limits()
        limits.memoryRowsMax = 3
        var backlog = Backlog(limits: limits)
        backlog.append(draft(a))
        backlog.append(draft(a))
        #expect(!backlog.isFull)
        backlog.append(draft(a))
        backlog.append(draft(a))
        #expect(backlog.isFull && backlog.count == 4)
        backlog.committed(upTo: 4)
        _ = backlog.goAll()
        #expect(backlog.isFull, "gone is not accepted")
        backlog.release(1)
        backlog.release(2)
        #expect(!backlog.isFull)
        limits.memoryRowsMax = 100
        limits.memoryBytesMax = 1_000
        var small = Backlog(limits: limits)
        // Rows without a payload have their weight too.
        for _ in 0..<10 { small.append(RowDraft(lane: a, payload: [], originID: "")) }
        #expect(small.isFull)
    }

    @Test func aDurableOneIsFullAtTheSpoolsLimitAndBehindASlowStore() {
        var limits = Backlog.Limits()
        limits.spoolBytesMax = 10_000
        limits.uncommittedBytesMax = 1_000
        var backlog = Backlog(limits: limits, restoring: StoreContents())
        for _ in 0..<8 { backlog.append(draft(a)) }
        _ = backlog.takeOrders()
        #expect(backlog.isFull && backlog.uncommittedBytes > 1_000)
        backlog.committed(upTo: 8)
        #expect(!backlog.isFull && backlog.uncommittedBytes == 0)
        while backlog.bytes < 10_000 {
            backlog.append(draft(a))
            _ = backlog.takeOrders()
            backlog.committed(upTo: backlog.lastNumber)
        }
        #expect(backlog.isFull)
    }

    @Test func whatADeadRunLeftIsLoadedAndGoesFirst() {
        var contents = StoreContents()
        contents.lastNumber = 40
        contents.lanes = [
            StoredLane(lane: a, name: "xmpp:a@b", rows: 2, bytes: 262),
            StoredLane(lane: b, name: "xmpp:b@b", rows: 0, bytes: 0),
        ]
        var backlog = Backlog(restoring: contents)
        #expect(backlog.count == 2 && backlog.bytes == 262)
        #expect(backlog.append(draft(a)) == 41)
        #expect(backlog.takeRequests() == [StoreRequest(lane: a, after: 0, rowsMax: 3, bytesMax: 393)])
        #expect(backlog.takeRequests() == [])
        _ = backlog.takeOrders()
        backlog.committed(upTo: 41)
        let rows: [StoredRow] = [
            StoredRow(Row(draft(a), number: 7), attempts: 3, until: 100), StoredRow(Row(draft(a), number: 9)),
        ]
        backlog.loaded(a, rows)
        #expect(backlog.next(at: 99) == nil && backlog.deadline == 100)
        #expect(backlog.next(at: 100)?.attempts == 3)
        // What has come since is behind them.
        #expect(backlog.takeRequests() == [StoreRequest(lane: a, after: 9, rowsMax: 1, bytesMax: 131)])
        backlog.loaded(a, [StoredRow(Row(draft(a), number: 41))])
        #expect(backlog.goAll(at: 100) == [9, 41])
    }

    /// Those behind the number do not count, on their way or not.
    @Test func olderRowsAreKnownToBeLeft() {
        var backlog = Backlog.holding([a, b, a, b])
        #expect(!backlog.holdsRows(upTo: 0) && backlog.holdsRows(upTo: 1))
        #expect(backlog.goAll() == [1, 2, 3, 4])
        #expect(!backlog.holdsRows(upTo: 0) && backlog.holdsRows(upTo: 2))
        for dispatch in 1...2 as ClosedRange<UInt64> { backlog.release(dispatch) }
        #expect(!backlog.holdsRows(upTo: 2) && backlog.holdsRows(upTo: 3))
    }

    @Test func rowsThatAreNotThereAreNotWaitedFor() {
        var contents = StoreContents()
        contents.lastNumber = 5
        contents.lanes = [StoredLane(lane: a, name: "a", rows: 2, bytes: 260)]
        var backlog = Backlog(restoring: contents)
        #expect(backlog.takeRequests().count == 1)
        backlog.loaded(a, [])
        #expect(backlog.count == 0 && backlog.bytes == 0 && backlog.takeRequests() == [])
    }
}
