import Glibc
import Testing

@testable import Spool

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
        #expect(failures >= 100)
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
                // The process may end here.
                if Bool.random(using: &story.dice) { store = try scratch.store() }
                try store.limitPages(spare: nil)
                try agree(store, image)
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
        let size: UInt64 = 200_000
        for start in stride(from: 1, to: size, by: 1_000) { try store.carryOut(lines(start...start + 999)) }
        #expect(fileSize(scratch.file) > 20_000_000)
        for start in stride(from: 1, to: size, by: 1_000) {
            try store.carryOut((start..<start + 1_000).map { .release($0) })
        }
        while try store.giveRoomBack() > 0 {}
        try store.checkpoint()
        #expect(fileSize(scratch.file) < 5_000_000 && fileSize(scratch.file + "-wal") < 5_000_000)
        #expect(try store.contents().lanes.map(\.rows) == [0])
    }

    /// What is left free is used again, so a file that lives long does not grow.
    @Test func roomIsUsedAgain() throws {
        let scratch = try Scratch()
        let store = try SQLiteStore(path: scratch.file, durability: .process)
        for start in stride(from: UInt64(1), to: 50_000, by: 500) {
            try store.carryOut(lines(start...start + 499))
            try store.carryOut((start..<start + 500).map { .release($0) })
        }
        #expect(fileSize(scratch.file) < 2_000_000)
    }

    @Test func aFileThatIsGoneIsNoStore() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...1))
        unlink(scratch.file)
        #expect {
            try store.carryOut(lines(2...2))
        } throws: {
            ($0 as? StoreFailure)?.kind == .damaged
        }
    }

    /// What cannot come of a pump that keeps the rules is not tried for ever.
    @Test func aNumberThatIsThereTwiceIsNoPassingTrouble() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...1))
        #expect {
            try store.carryOut(lines(1...1))
        } throws: {
            ($0 as? StoreFailure)?.kind == .damaged
        }
    }

    @Test func emptyLanesAreForgotten() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...2, lane: 1) + lines(3...3, lane: 2) + lines(4...4, lane: 3))
        try store.carryOut([.release(1), .release(3), .bury(4, .init(text: "no", time: 1))])
        try store.forgetEmptyLanes()
        #expect(try store.contents().lanes.map(\.lane.rawValue) == [1, 3])
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
