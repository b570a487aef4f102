import Testing

@testable import Spool

private func adoption(whole: Bool = true) -> Adoption {
    Adoption(part: 2, isWhole: whole, checkpointPrefix: "cursor:", mark: "unclean", lowest: "sent")
}

private func rows(_ store: SQLiteStore, lane: UInt32) throws -> [StoredRow] {
    try store.load(StoreRequest(lane: Lane(rawValue: lane), after: 0, rowsMax: 1 << 20, bytesMax: 1 << 30))
}

@Suite struct AdoptionTests {
    private let scratch: Scratch
    private let ours: SQLiteStore
    private var path: String { scratch.path + "/other.db" }

    init() throws {
        scratch = try Scratch()
        ours = try scratch.store()
    }

    /// The other store, as a run that has died left it.
    private func leave(_ orders: [StoreOrder], at time: Int64 = 5) throws {
        try SQLiteStore(path: path).carryOut(orders, at: time)
    }

    @Test func itBringsAllOver() throws {
        try ours.carryOut(
            lines(1...2, lane: 1) + [
                .hold(held(4)), .spill(spilled(9)), .keep("cursor:a", [1]), .keep("sent", [0, 7]),
            ], at: 9)
        try leave(
            lines(1...3, lane: 2) + [
                .lane(Lane(rawValue: 1), name: "xmpp:lane1@b"), .lane(Lane(rawValue: 0), name: "others"),
            ]
                + [
                    .append(row(4, lane: 1)), .append(row(5, lane: 0)),
                    .postpone(2, attempts: 3, until: 8, error: "busy"),
                    .bury(3, .init(condition: "gone", text: "no", time: 6)), .hold(held(2)), .spill(spilled(1)),
                    .spill(spilled(2)), .keep("cursor:a", [2]), .keep("cursor:b", [3]), .keep("token", [4]),
                    .keep("unclean", [5]), .keep("sent", [0, 6]), .position(path: "/log", [6]),
                ])
        let result = try ours.adopt(path, adoption())
        #expect(result.rows == 4 && result.deadLetters == 1)
        let contents = try ours.contents()
        // A lane of the same name is the same; another keeps its number where that is free.
        #expect(contents.lanes.map(\.name) == ["others", "xmpp:lane1@b", "xmpp:lane2@b"])
        #expect(contents.lanes.map(\.lane.rawValue) == [0, 1, 2] && contents.lanes.map(\.rows) == [1, 3, 2])
        #expect(contents.lastNumber == 7 && contents.lastToken == 6)
        #expect(contents.held.map(\.token) == [4, 6] && contents.spilled.map(\.number) == [9, 10, 11])
        #expect(contents.checkpoints == ["cursor:a": [1], "cursor:b": [3], "unclean": [5], "sent": [0, 6]])
        #expect(contents.positions.isEmpty)
        #expect(try rows(ours, lane: 1).map(\.row.originID) == ["o1", "o2", "o4"])
        let moved = try rows(ours, lane: 2)
        #expect(moved.map(\.row.number) == [3, 4] && moved[1].attempts == 3 && moved[1].until == 8)
        #expect(try ours.deadLetters().map(\.row.number) == [5])
        let reader = try StoreReader(path: scratch.file)
        #expect(try reader.message(3)?.appended == 5 && reader.message(4)?.error == "busy")
        let left = try SQLiteStore(path: path).contents()
        #expect(left.lanes.allSatisfy { $0.rows == 0 } && left.held.isEmpty && left.spilled.isEmpty)
        #expect(left.deadLetters == 0 && left.positions == ["/log": [6]])
        #expect(try ours.adopt(path, adoption()) == Adoption.Result())
        #expect(try ours.contents() == contents)
    }

    @Test func anotherKindOfRunTakesOnlyWhatIsToBeSent() throws {
        try leave(
            lines(1...1, lane: 3) + [
                .hold(held(1)), .spill(spilled(1)), .keep("cursor:a", [1]), .position(path: "/l", [2]),
            ])
        #expect(try ours.adopt(path, adoption(whole: false)).rows == 1)
        let contents = try ours.contents()
        #expect(contents.held.isEmpty && contents.spilled.isEmpty && contents.checkpoints.isEmpty)
        let left = try SQLiteStore(path: path).contents()
        #expect(left.held.count == 1 && left.spilled.count == 1 && left.checkpoints.count == 1)
        #expect(left.positions.count == 1)
    }

    /// Whenever the process is killed in between, the next start of the same part comes to the same.
    @Test(arguments: [0, 1, 1_500, 2_500])
    func aKillInBetweenIsNoHarm(copied: Int) throws {
        let count: UInt64 = 2_600
        try leave(lines(1...count))
        try ours.carryOut(lines(1...5))
        // As far as it came: our transaction is there, theirs is not.
        let shift = 5
        try ours.database.run(
            """
            INSERT INTO adoptions VALUES (2, \(shift), 0, \(count));
            UPDATE counters SET value = value + \(count) WHERE name = 'number';
            ATTACH '\(path)' AS theirs;
            INSERT INTO main.rows (number, lane, payload, origin_id, ref, bytes, appended)
            SELECT number + \(shift), lane, payload, origin_id, ref, bytes, appended FROM theirs.rows
            WHERE number <= \(copied);
            DETACH theirs;
            """)
        _ = try ours.adopt(path, adoption())
        let expected = (1...5).map { "o\($0)" } + (1...count).map { "o\($0)" }
        #expect(try rows(ours, lane: 1).map(\.row.originID) == expected)
        #expect(try ours.contents().lastNumber == count + 5)
        #expect(try ours.database.number("SELECT count(*) FROM adoptions") == 0)
    }

    /// Whoever has used the other store since has numbers of its own.
    @Test func anAttemptOfLongAgoCountsForNothing() throws {
        try ours.carryOut(lines(1...5))
        try ours.database.run("INSERT INTO adoptions VALUES (2, 0, 0, 3)")
        try leave(lines(1...4))
        #expect(try ours.adopt(path, adoption()).rows == 4)
        #expect(try rows(ours, lane: 1).map(\.row.number) == Array(1...9))
    }

    @Test func aFullDiskLeavesAllWhereItIs() throws {
        try leave(lines(1...3_000))
        let whole = try SQLiteStore(path: path).contents()
        try ours.limitPages(spare: 100)
        #expect(throws: StoreFailure.self) { try ours.adopt(path, adoption()) }
        let there = try SQLiteStore(path: path).contents().lanes[0].rows
        let here = try rows(ours, lane: 1).count
        #expect(there + here == whole.lanes[0].rows)
        try ours.limitPages(spare: nil)
        _ = try ours.adopt(path, adoption())
        #expect(try rows(ours, lane: 1).map(\.row.originID) == (1...3_000).map { "o\($0)" })
    }

    @Test func positionsGoToWhoFollows() throws {
        try ours.carryOut([.position(path: "/a", [1]), .position(path: "/b", [1])], at: 50)
        try leave([.position(path: "/a", [2]), .position(path: "/c", [2])], at: 40)
        try leave([.position(path: "/b", [2])], at: 60)
        // The other's process may live.
        let theirs = try SQLiteStore(path: path)
        try ours.takePositions(from: path)
        #expect(try ours.contents().positions == ["/a": [1], "/b": [2], "/c": [2]])
        #expect(try theirs.contents().positions.isEmpty)
        try theirs.carryOut(lines(1...1))
    }

    private func held(_ token: UInt64) -> HeldInput {
        HeldInput(token: token, rule: "r", place: "stdin", isLine: true, bytes: [1])
    }

    private func spilled(_ number: UInt64) -> SpilledBytes {
        SpilledBytes(sink: "file:/x", number: number, time: 1, bytes: [UInt8(number)])
    }

    private func row(_ number: UInt64, lane: UInt32) -> Row {
        Row(RowDraft(lane: Lane(rawValue: lane), payload: [1], originID: "o\(number)"), number: number)
    }
}
