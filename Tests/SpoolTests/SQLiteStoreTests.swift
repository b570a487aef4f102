import Glibc
import Testing

@testable import Spool

/// A folder that is gone after the test.
final class Scratch {
    let path: String
    var file: String { path + "/spool.db" }

    init() throws {
        var template = Array("/tmp/xmpp-bridge-spool.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // The store's own names, and no other, lie here.
        for end in ["", "-wal", "-shm", "-journal"] { unlink(file + end) }
        rmdir(path)
    }

    func store() throws -> SQLiteStore { try SQLiteStore(path: file) }

    /// The bytes of the file with that ending; nil where it is not there.
    func read(_ end: String = "") -> [UInt8]? {
        guard let stream = fopen(file + end, "rb") else { return nil }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&piece, 1, piece.count, stream), count > 0 { bytes += piece[..<count] }
        return bytes
    }

    func write(_ bytes: [UInt8], _ end: String = "") throws {
        let stream = try #require(fopen(file + end, "wb"))
        defer { fclose(stream) }
        try #require(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
    }
}

/// Batches by a seed, that a pump could give.
private struct Story {
    var dice: Dice
    var number: UInt64 = 0
    var token: UInt64 = 0
    var batch: UInt64 = 0
    var live: [UInt64] = []
    var held: [UInt64] = []

    init(seed: UInt64) { dice = Dice(state: seed) }

    mutating func next() -> StoreBatch {
        batch += 1
        let orders = (0..<Int.random(in: 1...6, using: &dice)).map { _ in order() }
        let lanes = (0..<4).map { StoreOrder.lane(Lane(rawValue: $0), name: "xmpp:lane\($0)@example.org") }
        return StoreBatch(number: batch, orders: batch == 1 ? lanes + orders : orders)
    }

    private mutating func order() -> StoreOrder {
        switch Int.random(in: 0..<14, using: &dice) {
        case 0..<5:
            number += UInt64.random(in: 1...3, using: &dice)
            live.append(number)
            let size = Int.random(in: 0...300, using: &dice)
            let draft = RowDraft(
                lane: Lane(rawValue: UInt32.random(in: 0..<4, using: &dice)),
                payload: (0..<size).map { _ in UInt8.random(in: 0...255, using: &dice) },
                originID: "o-\(number)-é", ref: Bool.random(using: &dice) ? "r\u{0}\(number)" : nil)
            return .append(Row(draft, number: number))
        case 5, 6: return .release(live.randomElement(using: &dice) ?? 0)
        case 7:
            let reason = DeadLetter.Reason(
                condition: Bool.random(using: &dice) ? "gone" : nil, text: "",
                time: Int64.random(in: 0...9, using: &dice))
            return .bury(live.randomElement(using: &dice) ?? 0, reason)
        case 8:
            return .postpone(
                live.randomElement(using: &dice) ?? 0, attempts: Int.random(in: 1...5, using: &dice),
                until: Int64.random(in: 0...1 << 40, using: &dice))
        case 9:
            token += 1
            held.append(token)
            return .hold(
                HeldInput(
                    token: token, rule: "r", place: "stdin", isLine: Bool.random(using: &dice), bytes: [0, 0xFF, 0x0A]))
        case 10:
            let first = held.randomElement(using: &dice) ?? 0
            return .unhold(first...first + UInt64.random(in: 0...2, using: &dice))
        case 11:
            return .position(path: "/p\(Int.random(in: 0...3, using: &dice))", Bool.random(using: &dice) ? [1] : nil)
        case 12: return .keep("k\(Int.random(in: 0...3, using: &dice))", Bool.random(using: &dice) ? [] : nil)
        case _:
            let sink = "file:/s\(Int.random(in: 0...1, using: &dice))"
            if Bool.random(using: &dice) { return .unspill(sink: sink, upTo: UInt64.random(in: 0...9, using: &dice)) }
            return .spill(
                SpilledBytes(
                    sink: sink, number: UInt64.random(in: 0...9, using: &dice), time: 7, bytes: Array("x\n".utf8)))
        }
    }
}

private func agree(_ store: SQLiteStore, _ image: StoreImage) throws {
    #expect(try store.contents() == image.contents)
    let dead = try store.deadLetters()
    #expect(dead == image.dead.values.sorted { $0.row.number < $1.row.number })
    for lane in 0..<4 {
        for (after, rows, bytes) in [(UInt64(0), 1_000_000, 1 << 30), (5, 3, 1 << 30), (2, 50, 500)] {
            let request = StoreRequest(lane: Lane(rawValue: UInt32(lane)), after: after, rowsMax: rows, bytesMax: bytes)
            #expect(try store.load(request) == image.load(request))
        }
    }
}

@Suite struct SQLiteStoreTests {
    @Test func lanesInWhichNothingLiesAreForgottenAtTheStart() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        var orders: [StoreOrder] = []
        for number in 1...3 as ClosedRange<UInt64> {
            let lane = Lane(rawValue: UInt32(number))
            orders.append(.lane(lane, name: "xmpp:\(number)@b"))
            orders.append(.append(Row(RowDraft(lane: lane, payload: [], originID: ""), number: number)))
        }
        orders += [.release(2), .bury(3, .init(text: "no", time: 1))]
        try store.carryOut([StoreBatch(number: 1, orders: orders)], at: 1)
        try store.forgetEmptyLanes()
        #expect(try store.contents().lanes.map(\.name) == ["xmpp:1@b", "xmpp:3@b"])
        #expect(try store.deadLetters().count == 1)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func itHoldsWhatTheModelHolds(seed: UInt64) throws {
        let scratch = try Scratch()
        var store = try scratch.store()
        var image = StoreImage()
        var story = Story(seed: seed)
        for _ in 0..<30 {
            let batches = (0..<Int.random(in: 1...4, using: &story.dice)).map { _ in story.next() }
            try store.carryOut(batches, at: 1)
            for batch in batches { image.carryOut(batch) }
            if Int.random(in: 0..<4, using: &story.dice) == 0 {
                store = try scratch.store()
                try agree(store, image)
            }
        }
        try agree(store, image)
    }

    @Test func aFullDiskLosesNothingAndBringsNothingTwice() throws {
        let failures = try (1...200).reduce(0) { try $0 + fillDisk(seed: $1) }
        #expect(failures >= 200)
    }

    /// - Returns: How often there was no room.
    private func fillDisk(seed: UInt64) throws -> Int {
        let scratch = try Scratch()
        var store = try scratch.store()
        var image = StoreImage()
        var story = Story(seed: seed)
        var failures = 0
        for _ in 0..<20 {
            let batches = [story.next(), story.next()]
            let room = Int.random(in: 0...1, using: &story.dice)
            try store.limitPages(spare: room)
            do throws(StoreFailure) { try store.carryOut(batches, at: 1) } catch {
                failures += 1
                #expect(error.kind == .passing && error.description == "database or disk is full")
                try agree(store, image)
                // The process may end here.
                if Bool.random(using: &story.dice) { store = try scratch.store() }
                try store.limitPages(spare: nil)
                try store.carryOut(batches, at: 1)
            }
            for batch in batches { image.carryOut(batch) }
        }
        try store.limitPages(spare: nil)
        try agree(store, image)
        return failures
    }

    /// What the files hold at any moment is what a process that is killed then leaves behind.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aKillLeavesWholeBatches(seed: UInt64) throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        var image = StoreImage()
        var story = Story(seed: seed)
        for _ in 0..<12 {
            let batch = story.next()
            try store.carryOut([batch], at: 1)
            image.carryOut(batch)
            let after = try Scratch()
            for end in ["", "-wal"] { if let bytes = scratch.read(end) { try after.write(bytes, end) } }
            // The tail of the log may be torn: then its last transaction is not there, and all before it is.
            try agree(try after.store(), image)
        }
    }

    @Test func numbersAreNotUsedTwice() throws {
        let scratch = try Scratch()
        try scratch.store().carryOut([StoreBatch(number: 1, orders: lines(1...5) + [.release(5)])], at: 1)
        #expect(try scratch.store().contents().lastNumber == 5)
    }

    @Test func theFileIsSmallAgainAfterABacklog() throws {
        let scratch = try Scratch()
        let store = try SQLiteStore(path: scratch.file, durability: .process)
        let size = 30_000
        try store.carryOut([StoreBatch(number: 1, orders: lines(1...UInt64(size)))], at: 1)
        let full = try fileSize(scratch.file) + fileSize(scratch.file + "-wal")
        for start in stride(from: 1, to: size, by: 500) {
            let orders = (start..<start + 500).map { StoreOrder.release(UInt64($0)) }
            try store.carryOut([StoreBatch(number: 2, orders: orders)], at: 1)
        }
        try store.carryOut([StoreBatch(number: 3, orders: [.keep("k", [1])])], at: 1)
        #expect(full > 8_000_000)
        #expect(try fileSize(scratch.file) + fileSize(scratch.file + "-wal") < 20_000_000)
        #expect(try store.contents().lanes.map(\.rows) == [0])
    }

    private func lines(_ numbers: ClosedRange<UInt64>) -> [StoreOrder] {
        [.lane(Lane(rawValue: 1), name: "xmpp:a@b")]
            + numbers.map {
                .append(
                    Row(
                        RowDraft(lane: Lane(rawValue: 1), payload: Array(repeating: 1, count: 200), originID: "o\($0)"),
                        number: $0))
            }
    }

    private func fileSize(_ path: String) throws -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

@Suite struct SchemaTests {
    @Test func aNewerFileIsRefused() throws {
        let scratch = try Scratch()
        do {
            let database = try Database(path: scratch.file)
            try Schema.settle(database, steps: Schema.steps + ["CREATE TABLE later (x INTEGER) STRICT;"])
        }
        #expect {
            _ = try scratch.store()
        } throws: {
            ($0 as? StoreFailure)?.kind == .newer(version: Schema.version + 1)
        }
    }

    @Test func anOlderFileIsBroughtUp() throws {
        let scratch = try Scratch()
        let database = try Database(path: scratch.file)
        try Schema.settle(database, steps: ["CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7);"])
        try Schema.settle(
            database,
            steps: [
                "never looked at", "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;", "CREATE TABLE b (x) ",
            ])
        #expect(try database.number("SELECT y FROM a") == 8)
        #expect(try database.number("PRAGMA user_version") == 3)
    }

    /// A step that fails leaves the version before it, whole.
    @Test func aStepIsWholeOrNothing() throws {
        let scratch = try Scratch()
        let database = try Database(path: scratch.file)
        #expect(throws: StoreFailure.self) {
            try Schema.settle(database, steps: ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE b (x);"])
        }
        #expect(try database.number("PRAGMA user_version") == 1)
        #expect(try database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'b'") == 0)
    }

    @Test func whatIsNotOursIsRefused() throws {
        let scratch = try Scratch()
        do { try Database(path: scratch.file).run("CREATE TABLE a (x)") }
        #expect {
            _ = try scratch.store()
        } throws: {
            ($0 as? StoreFailure)?.kind == .foreign
        }
    }

    @Test(arguments: [0, 100, 5_000])
    func whatIsNoDatabaseIsDamaged(size: Int) throws {
        let scratch = try Scratch()
        try scratch.write(Array(repeating: 0x41, count: size))
        guard size > 0 else {
            _ = try scratch.store()
            return
        }
        #expect {
            _ = try scratch.store()
        } throws: {
            ($0 as? StoreFailure)?.kind == .damaged
        }
    }
}
