import Testing

@testable import Spool

@Suite struct BundleTests {
    private func rows(_ numbers: [UInt64]) -> [Row] {
        numbers.map { number in
            let draft = RowDraft(
                lane: Lane(rawValue: UInt32(number % 3)), payload: Array(repeating: 7, count: Int(number % 5)),
                originID: number % 2 == 0 ? "" : "ö-\(number)", ref: number % 4 == 0 ? nil : "r\(number)")
            return Row(draft, number: number)
        }
    }

    private func request(after: UInt64 = 0, rows: Int = 1_000, bytes: Int = 1 << 20) -> StoreRequest {
        StoreRequest(lane: Lane(rawValue: 1), after: after, rowsMax: rows, bytesMax: bytes)
    }

    private func kept(_ store: SQLiteStore, _ table: String = "bundles") throws -> Int {
        try store.database.number("SELECT count(*) FROM \(table)")
    }

    @Test func rowsComeBackAsTheyWere() {
        let rows = rows([1, 2, 3, 9, 200, 1 << 40])
        let bytes = BundleCoding.bytes(of: rows[...])
        let back = BundleCoding.rows(in: bytes)
        #expect(back.rows == rows && back.isWhole)
        for count in 1..<bytes.count {
            let part = BundleCoding.rows(in: Array(bytes[..<count]))
            #expect(rows.starts(with: part.rows))
            #expect(!part.isWhole || part.rows.count < rows.count)
        }
    }

    @Test func whatIsReleasedIsKnown() {
        let rows = rows(Array(3...12))
        var bundle = Bundle(rows[...])
        #expect(bundle.first == 3 && bundle.left == 10 && bundle.bits.isEmpty && bundle.lanes.count == 3)
        for (number, isHeld) in [(4, true), (11, true), (12, true), (4, false), (2, false), (13, false)] {
            let wasHeld = bundle.release(UInt64(number))
            #expect(wasHeld == isHeld && !bundle.holds(UInt64(number)))
        }
        #expect(bundle.left == 7 && bundle.holds(10) && bundle.reaches(beyond: 11) && !bundle.reaches(beyond: 12))
        #expect(BundleCoding.left(of: rows, bits: bundle.bits).map(\.number) == [3, 5, 6, 7, 8, 9, 10])
        #expect(BundleCoding.left(of: rows, bits: []) == rows)
        let same = Bundle(rows[...], bits: bundle.bits)
        #expect(same.left == 7 && same.bits == bundle.bits)
    }

    @Test func whatComesAndGoesLeavesNothing() throws {
        let scratch = try Scratch()
        let store = try scratch.store(bundleRowsMin: 8)
        try store.carryOut(lines(1...800))
        #expect(try kept(store) > 0 && kept(store, "rows") == 0)
        try store.carryOut((1...300).map { .release($0) })
        #expect(try kept(store, "released") > 0)
        try store.carryOut((301...800).map { .release($0) })
        #expect(try kept(store) == 0 && kept(store, "released") == 0 && kept(store, "rows") == 0)
    }

    @Test func tooManyAreTakenApart() throws {
        let scratch = try Scratch()
        let store = try scratch.store(bundleRowsMin: 2)
        let count = Bundle.Limits.bundlesMax + 3
        // A gap begins another bundle.
        let orders = (0..<UInt64(count)).flatMap { lines($0 * 3 + 1...$0 * 3 + 2) }
        try store.carryOut(orders)
        #expect(try kept(store) == Bundle.Limits.bundlesMax && kept(store, "rows") == 6)
        #expect(try store.contents().lanes.map(\.rows) == [count * 2])
        let first = try store.load(request(after: 4, rows: 3))
        #expect(first.map(\.row.number) == [5, 7, 8])
        #expect(try store.load(request(after: 11, rows: 2)).map(\.row.number) == [13, 14])
    }

    @Test func rowsOfManyLanesAreNone() throws {
        let scratch = try Scratch()
        let store = try scratch.store(bundleRowsMin: 8)
        let lanes = UInt32(Bundle.Limits.lanesMax)
        func orders(_ from: UInt64, _ lanes: UInt32) -> [StoreOrder] {
            (0..<40).map { place in
                let lane = Lane(rawValue: UInt32(place) % lanes)
                return .append(Row(RowDraft(lane: lane, payload: [1], originID: "o"), number: from + UInt64(place)))
            }
        }
        try store.carryOut(orders(1, lanes + 1))
        #expect(try kept(store) == 0 && kept(store, "rows") == 40)
        try store.carryOut(orders(41, lanes))
        #expect(try kept(store) == 1 && kept(store, "rows") == 40)
        try store.forgetEmptyLanes()
        #expect(try store.load(request(after: 30)).map(\.row.number) == [38, 42, 50, 58, 66, 74])
    }

    /// Whoever looks from beside it sees the same, and changes nothing.
    @Test func aReaderSeesThem() throws {
        let scratch = try Scratch()
        let store = try scratch.store(bundleRowsMin: 8)
        try store.carryOut(lines(1...20) + [.release(3)], at: 44)
        let reader = try StoreReader(path: scratch.file)
        let lane = try #require(try reader.lanes().first)
        #expect(lane.rows == 19 && lane.first?.number == 1 && lane.first?.appended == 44)
        #expect(try reader.message(2)?.row.originID == "o2" && reader.message(3) == nil)
        #expect(try reader.rowNumbers(of: Lane(rawValue: 1)) == [1, 2] + Array(4...20))
        var count = 0
        try reader.messages { _ in count += 1 }
        #expect(count == 19)
        #expect(try kept(store) == 1)
    }

    @Test func theyAreReadAsTheyLie() throws {
        let scratch = try Scratch()
        var store = try scratch.store(bundleRowsMin: 8)
        try store.carryOut(lines(1...4))
        try store.carryOut(lines(5...1_000) + [.release(6)])
        for _ in 0..<2 {
            #expect(try store.load(request(after: 2, rows: 4)).map(\.row.number) == [3, 4, 5, 7])
            #expect(try store.load(request(bytes: 700)).map(\.row.number) == [1, 2])
            #expect(try store.contents().lanes.map(\.rows) == [999])
            #expect(try kept(store) == 1)
            // The next process.
            store = try scratch.store(bundleRowsMin: 8)
        }
    }

    @Test func oneWithARefusedRowIsTakenApart() throws {
        let scratch = try Scratch()
        try scratch.store(bundleRowsMin: 8).carryOut(lines(1...20) + [.release(3)])
        let store = try scratch.store(bundleRowsMin: 8)
        try store.carryOut([.release(4), .bury(5, .init(text: "no", time: 1))])
        #expect(try kept(store) == 0 && kept(store, "rows") == 17)
        #expect(try store.deadLetters().map(\.row.number) == [5])
    }

    @Test func theyComeOutOfADamagedStore() throws {
        let scratch = try Scratch()
        try scratch.store(bundleRowsMin: 8).carryOut(lines(1...20) + [.release(3)])
        let salvage = try Salvage.bring(from: scratch.file, into: scratch.path + "/fresh.db")
        #expect(salvage == Salvage(rows: 19, deadLetters: 0, isWhole: true))
    }
}
