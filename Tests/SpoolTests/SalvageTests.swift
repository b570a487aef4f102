import Testing

@testable import Spool

@Suite struct SalvageTests {
    private let scratch: Scratch
    private var fresh: String { scratch.path + "/fresh.db" }

    init() throws { scratch = try Scratch() }

    /// A store with something in every table, in one file without a log.
    private func fill(_ count: UInt64) throws {
        let store = try scratch.store(bundleRowsMin: .max)
        try store.carryOut(lines(1...count))
        try store.carryOut([
            .bury(1, .init(text: "no", time: 1)), .position(path: "/log", [1]), .keep("cursor:a", [2]),
            .keep("token", [3]), .hold(HeldInput(token: 7, rule: "r", place: "stdin", isLine: true, bytes: [4])),
            .spill(SpilledBytes(sink: "file:/x", number: 1, time: 1, bytes: [5])),
        ])
        try store.checkpoint()
    }

    /// Writes over pages, which count from 0.
    private func damage(_ pages: Range<Int>) throws {
        var bytes = try #require(scratch.read())
        for place in pages.lowerBound * 4_096..<min(pages.upperBound * 4_096, bytes.count) { bytes[place] = 0x5A }
        try scratch.write(bytes)
    }

    /// The page with that row in it.
    private func page(of row: Int, in scratch: Scratch) throws -> Int {
        let mark = [1, 1, 1, 1] + Array("o\(row)".utf8)
        let bytes = try #require(scratch.read())
        let place = bytes.withUnsafeBufferPointer { whole in
            (0..<whole.count - mark.count).first { place in
                whole[place + 4] == mark[4] && whole[place..<place + mark.count].elementsEqual(mark)
            }
        }
        return try #require(place) / 4_096
    }

    @Test func allOfAWholeFileComesOver() throws {
        try fill(500)
        let salvage = try Salvage.bring(from: scratch.file, into: fresh, forgetting: ["token"])
        #expect(salvage == Salvage(rows: 499, deadLetters: 1, isWhole: true))
        #expect(try SQLiteStore(path: fresh).contents() == scratch.store().contents())
    }

    @Test func whatLiesBeforeAndBehindTheDamageComesOver() throws {
        try fill(5_000)
        let page = try page(of: 2_500, in: scratch)
        try damage(page..<page + 1)
        let salvage = try Salvage.bring(from: scratch.file, into: fresh, forgetting: ["token"])
        #expect(salvage.rows > 4_900 && salvage.rows < 4_999 && !salvage.isWhole && salvage.deadLetters == 1)
        let contents = try SQLiteStore(path: fresh).contents()
        #expect(contents.positions == ["/log": [1]] && contents.checkpoints == ["cursor:a": [2]])
        #expect(contents.held.map(\.token) == [7] && contents.spilled.count == 1 && contents.lastToken == 7)
        #expect(contents.lastNumber == 5_000 && contents.lanes.map(\.rows) == [salvage.rows])
    }

    /// Whatever is damaged: no crash, no hang, and a store that can be used.
    @Test func anyDamageLeavesAStore() throws {
        var dice = Dice(state: 5)
        try fill(300)
        let whole = try #require(scratch.read())
        for round in 0..<150 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                let start = Int.random(in: 0..<bytes.count, using: &dice)
                let end = min(bytes.count, start + Int.random(in: 1...6_000, using: &dice))
                for place in start..<end { bytes[place] = UInt8.random(in: 0...255, using: &dice) }
            }
            if round % 3 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &dice)) }
            let other = try Scratch()
            try other.write(bytes)
            let salvage = try Salvage.bring(from: other.file, into: other.path + "/fresh.db")
            let store = try SQLiteStore(path: other.path + "/fresh.db")
            let last = try store.contents().lastNumber
            // A number out of a damaged page may be any.
            if last < 1 << 40 { try store.carryOut(lines(last + 1...last + 2, lane: 9)) }
            #expect(try store.contents().lanes.reduce(0) { $0 + $1.rows } >= salvage.rows)
        }
    }

    @Test func rowsWhoseLaneIsNotKnownKeepIt() throws {
        let store = try scratch.store()
        try store.carryOut(lines(1...2, lane: 4))
        try store.database.run("DELETE FROM lanes")
        _ = try Salvage.bring(from: scratch.file, into: fresh)
        let lanes = try SQLiteStore(path: fresh).contents().lanes
        #expect(lanes.map(\.name) == ["unknown 4"] && lanes.map(\.rows) == [2])
    }

    /// A small file is looked at whole when it is opened; a large one where there is reason to.
    @Test func damageIsFound() throws {
        try fill(500)
        let page = try page(of: 250, in: scratch)
        try damage(page..<page + 1)
        #expect {
            _ = try scratch.store()
        } throws: {
            ($0 as? StoreFailure)?.kind == .damaged
        }
        let other = try Scratch()
        try other.store().carryOut(lines(1...20_000))
        var bytes = try #require(other.read())
        let start = try self.page(of: 10_000, in: other) * 4_096
        for place in start..<start + 4_096 { bytes[place] = 0x5A }
        try other.write(bytes)
        _ = try other.store()
        #expect {
            _ = try SQLiteStore(path: other.file, isSuspect: true)
        } throws: {
            ($0 as? StoreFailure)?.kind == .damaged
        }
    }
}
