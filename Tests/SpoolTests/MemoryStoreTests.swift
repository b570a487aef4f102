import Spool
import Testing

struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) ^ (state << 31)
    }
}

private let a = Lane(rawValue: 1)
private let b = Lane(rawValue: 2)

private func new(_ lane: Lane, _ text: String = "x") -> RowDraft {
    RowDraft(lane: lane, payload: Array(text.utf8), originID: "o", ref: text)
}

extension MemoryStore {
    fileprivate mutating func commitAll() {
        switch commit() {
        case .committed(let number): committed(upTo: number)
        case .nothing: break
        }
    }

    fileprivate var numbers: [UInt64] { rows().map(\.number) }

    fileprivate static func holding(_ lanes: [Lane]) -> MemoryStore {
        var store = MemoryStore()
        store.append(lanes.map { new($0) })
        store.commitAll()
        return store
    }
}

@Suite struct MemoryStoreTests {
    @Test func rowsAreSeenWhenTheyAreCommitted() {
        var store = MemoryStore()
        #expect(store.commit() == .nothing)
        #expect(store.append([new(a, "1"), new(b, "2")]) == 1..<3)
        #expect(store.next(after: 0) == nil && store.numbers.isEmpty)
        #expect(store.commit() == .committed(upTo: 2))
        #expect(store.append([new(a, "3")]) == 3..<4)
        store.committed(upTo: 2)
        #expect(store.numbers == [1, 2])
        #expect(store.commit() == .committed(upTo: 3))
        store.committed(upTo: 3)
        #expect(store.commit() == .nothing)
        #expect(store.numbers == [1, 2, 3] && store.rows(after: 2).map(\.ref) == ["3"])
        // An answer that comes late takes nothing back.
        store.committed(upTo: 1)
        #expect(store.committedNumber == 3)
        #expect(store.append([]).isEmpty && store.lastNumber == 3)
    }

    @Test func aRowKeepsWhatItWasGiven() {
        var store = MemoryStore()
        store.append([RowDraft(lane: b, payload: [1, 2], originID: "id", ref: nil)])
        store.commitAll()
        let row = store.row(1)
        #expect(
            row?.number == 1 && row?.lane == b && row?.payload == [1, 2] && row?.originID == "id" && row?.ref == nil)
        #expect(store.row(0) == nil && store.row(2) == nil)
    }

    @Test func theCursorGoesOverGaps() {
        var store = MemoryStore.holding([a, a, a, a, a])
        store.release(2)
        store.release(3)
        #expect(store.next(after: 0)?.number == 1)
        #expect(store.next(after: 1)?.number == 4)
        #expect(store.next(after: 3)?.number == 4)
        #expect(store.next(after: 5) == nil && store.next(after: .max) == nil)
        // After a bind afresh the cursor goes back to the oldest.
        store.release(1)
        #expect(store.numbers == [4, 5])
    }

    @Test func aHeldLaneStopsNoOther() {
        var store = MemoryStore.holding([a, b, a, b, b])
        var left: [UInt64] = []
        store.release(upTo: 4, lane: b) { left.append($0.number) }
        #expect(left == [2, 4])
        #expect(store.numbers == [1, 3, 5])
        #expect(store.highWater(of: a) == 0 && store.highWater(of: b) == 4)
        store.release(upTo: 5, lane: b)
        #expect(store.highWater(of: b) == 5 && Set(store.activeLanes) == [a])
        store.release(upTo: 3) { left.append($0.number) }
        #expect(left == [2, 4, 1, 3] && store.count == 0 && store.bytes == 0)
        #expect(store.highWater(of: a) == 5 && store.highWater(of: Lane(rawValue: 9)) == 5)
    }

    @Test func whatIsNotThereIsNotReleased() {
        var store = MemoryStore.holding([a, a])
        #expect(store.release(1)?.number == 1)
        #expect(
            store.release(1) == nil && store.release(0) == nil && store.release(3) == nil && store.release(.max) == nil)
        store.release(upTo: 2, lane: b)
        #expect(store.count == 1)
        store.release(upTo: .max)
        store.release(upTo: .max)
        #expect(store.count == 0 && store.bytes == 0)
    }

    @Test func aMarkReleasesNothingUncommitted() {
        var store = MemoryStore.holding([a])
        store.append([new(a)])
        store.release(upTo: 2)
        store.release(upTo: 2, lane: a)
        #expect(store.count == 1 && store.row(2) != nil)
    }

    @Test func limitsSayWhenToStopReading() {
        var store = MemoryStore(limits: .init(spoolBytesMax: 100_000, spoolRowsMax: 3))
        store.append([new(a), new(a)])
        #expect(!store.isFull)
        store.append([new(a), new(a)])
        #expect(store.isFull && store.count == 4)
        store.commitAll()
        store.release(upTo: 2)
        #expect(!store.isFull)
        var small = MemoryStore(limits: .init(spoolBytesMax: 1_000, spoolRowsMax: 100))
        small.append([new(a, String(repeating: "x", count: 900))])
        #expect(small.isFull && small.bytes > 1_000)
        small.release(1)
        #expect(!small.isFull && small.bytes == 0)
        // Rows without a payload have their weight too.
        small.append((0..<10).map { _ in RowDraft(lane: a, payload: [], originID: "") })
        #expect(small.isFull)
    }

    /// The store against a plain list, through any order of verbs.
    @Test(arguments: 0..<8) func behavesAsAPlainList(_ seed: UInt64) {
        var dice = Dice(state: seed)
        var store = MemoryStore()
        var model: [(number: UInt64, lane: Lane, size: Int)] = []
        var last: UInt64 = 0
        for _ in 0..<1_500 {
            let lane = Lane(rawValue: UInt32.random(in: 0..<4, using: &dice))
            let number = UInt64.random(in: 0...last + 2, using: &dice)
            switch Int.random(in: 0..<8, using: &dice) {
            case 0...2:
                let rows = (0..<Int.random(in: 0..<6, using: &dice)).map { _ in
                    new(Lane(rawValue: UInt32.random(in: 0..<4, using: &dice)))
                }
                let range = store.append(rows)
                for (number, row) in zip(range, rows) { model.append((number, row.lane, row.payload.count)) }
                last += UInt64(rows.count)
                store.commitAll()
            case 3, 4:
                let there = model.contains { $0.number == number }
                if (store.release(number) != nil) != there { Issue.record("row \(number)") }
                model.removeAll { $0.number == number }
            case 5:
                store.release(upTo: number, lane: lane)
                model.removeAll { $0.number <= number && $0.lane == lane }
            case 6 where number % 9 == 0:
                store.release(upTo: number)
                model.removeAll { $0.number <= number }
            case _:
                if store.next(after: number)?.number != model.first(where: { $0.number > number })?.number {
                    Issue.record("next after \(number)")
                }
            }
            let mark = model.first { $0.lane == lane }.map { $0.number - 1 } ?? last
            if store.highWater(of: lane) != mark { Issue.record("high water of \(lane)") }
            if store.count != model.count || (store.bytes == 0) != model.isEmpty || store.bytes < 0 {
                Issue.record("count")
            }
        }
        #expect(store.numbers == model.map(\.number))
        #expect(store.lastNumber == last)
    }

    /// A row that never leaves must not hold the places of all that pass it.
    @Test func oneHeldRowAndManyThatPass() {
        var store = MemoryStore.holding([a])
        for round in UInt64(0)..<20_000 {
            store.append([new(b), new(b)])
            store.commitAll()
            #expect(store.next(after: 1)?.number == 2 * round + 2)
            store.release(upTo: store.lastNumber, lane: b)
        }
        #expect(store.numbers == [1] && store.count == 1)
        #expect(store.placesInUse < 300)
    }
}
