import Endpoints
import Glibc
import Spool
import Stanza
import Testing

@testable import Bridge

private func line(_ number: UInt64, _ lane: UInt32 = 1, _ text: String = "x") -> StoreOrder {
    .append(
        Row(RowDraft(lane: Lane(rawValue: lane), payload: Array(text.utf8), originID: "id-\(text)"), number: number))
}

/// A part as a process that has ended left it: its lock is free, its store is not empty.
private func leave(_ orders: [StoreOrder], in part: String) throws {
    mkdir(part, 0o700)
    close(open("\(part)/lock", O_RDWR | O_CREAT, 0o600))
    let store = try SQLiteStore(path: "\(part)/spool.db")
    try store.carryOut([StoreBatch(number: 1, orders: orders)], at: 1)
}

private func take(_ directory: String, isDaemon: Bool = true) throws -> StatePart {
    try StatePart.take(directory: directory, host: "host", durability: .power, isDaemon: isDaemon)
}

@Suite struct StatePartTests {
    @Test func eachProcessHasItsOwn() throws {
        let scratch = try Scratch()
        // Locks of one process on two descriptors exclude each other as those of two processes do.
        let parts = try (1...3).map { _ in try take("\(scratch.path)/a/b") }
        #expect(parts.map(\.resource) == ["xmpp-bridge.host-1", "xmpp-bridge.host-2", "xmpp-bridge.host-3"])
        var status = stat()
        #expect(stat(parts[0].directory, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(parts.allSatisfy { $0.notes.isEmpty && $0.contents == StoreContents() })
    }

    @Test func theNextAdoptsWhatTheDeadHaveLeft() throws {
        let scratch = try Scratch()
        let lanes: [StoreOrder] = [
            .lane(Lane(rawValue: 1), name: "xmpp:a@b"), .lane(Lane(rawValue: 2), name: "xmpp:c@d"),
        ]
        try leave(
            lanes + [
                line(1, 1, "a1"), line(2, 2, "c1"), line(3, 1, "a2"), .postpone(3, attempts: 2, until: 99),
                line(4, 1, "dead"), .bury(4, .init(condition: "gone", text: "no", time: 5)),
                .hold(HeldInput(token: 8, rule: "r", place: "stdin", isLine: true, bytes: [1])),
                .spill(SpilledBytes(sink: "file:/x", number: 4, time: 1, bytes: [10])),
                .position(path: "/log", [1]), .keep("cursor:a@b", [2]), .keep("stream", [3]),
            ], in: "\(scratch.path)/part-3")
        try leave([.lane(Lane(rawValue: 1), name: "xmpp:c@d"), line(7, 1, "own")], in: "\(scratch.path)/part-2")
        let part = try take(scratch.path, isDaemon: false)
        #expect(part.resource == "xmpp-bridge.host-2")
        #expect(part.notes.count == 1 && part.notes[0].hasPrefix("3 messages that a run before left in "))
        let contents = part.contents
        #expect(contents.lanes.map(\.name) == ["xmpp:c@d", "xmpp:a@b"] && contents.lanes.map(\.rows) == [2, 2])
        #expect(contents.deadLetters == 1 && contents.held.map(\.bytes) == [[1]] && contents.held[0].token == 1)
        #expect(contents.spilled.map(\.number) == [1] && contents.positions == ["/log": [1]])
        // The dead one's session is of another resource.
        #expect(contents.checkpoints == ["cursor:a@b": [2]] && contents.lastNumber == 11)
        let store = try SQLiteStore(path: "\(part.directory)/spool.db")
        let rows = try contents.lanes.flatMap {
            try store.load(StoreRequest(lane: $0.lane, after: 0, rowsMax: 9, bytesMax: 1 << 20))
        }
        #expect(rows.map(\.row.originID) == ["id-own", "id-c1", "id-a1", "id-a2"])
        #expect(rows.map(\.attempts) == [0, 0, 0, 2] && rows[3].until == 99)
        // Nothing is left there.
        let left = try SQLiteStore(path: "\(scratch.path)/part-3/spool.db").contents()
        #expect(left.lanes.allSatisfy { $0.rows == 0 } && left.held.isEmpty && left.spilled.isEmpty)
        #expect(left.deadLetters == 0 && left.positions.isEmpty)
    }

    /// The first part is the daemon's: filters come and go without its files, cursors and held lines.
    @Test func aFilterTakesTheDaemonsMessagesAndLeavesTheRest() throws {
        let scratch = try Scratch()
        try leave(
            [
                .lane(Lane(rawValue: 1), name: "xmpp:a@b"), line(1, 1, "a1"),
                .hold(HeldInput(token: 8, rule: "r", place: "stdin", isLine: true, bytes: [1])),
                .spill(SpilledBytes(sink: "file:/x", number: 4, time: 1, bytes: [10])),
                .position(path: "/log", [1]), .keep("cursor:a@b", [2]),
            ], in: "\(scratch.path)/part-1")
        let filter = try take(scratch.path, isDaemon: false)
        #expect(filter.resource == "xmpp-bridge.host-2" && filter.contents.lanes.map(\.rows) == [1])
        #expect(filter.contents.held.isEmpty && filter.contents.positions.isEmpty && filter.contents.spilled.isEmpty)
        let left = try SQLiteStore(path: "\(scratch.path)/part-1/spool.db").contents()
        #expect(left.held.count == 1 && left.positions.count == 1 && left.spilled.count == 1)
        #expect(left.lanes.map(\.rows) == [0] && left.checkpoints["cursor:a@b"] != nil)
    }

    @Test func positionsOfAnEarlierVersionAreBroughtOver() throws {
        let scratch = try Scratch()
        let old = TailPosition(path: "/log", key: FileKey(device: 1, inode: 2), headBytes: 0, headHash: 0)
        let file = try scratch.write(String(decoding: TailPositions.text([old]), as: UTF8.self), to: "tail-positions")
        let part = try take(scratch.path)
        #expect(part.isFirst && part.contents.positions["/log"].flatMap(TailPositions.read) == [old])
        #expect(access(file, F_OK) != 0)
    }

    @Test func theLivingKeepWhatIsTheirs() throws {
        let scratch = try Scratch()
        try leave([.lane(Lane(rawValue: 1), name: "xmpp:a@b"), line(1)], in: "\(scratch.path)/part-1")
        let living = try take(scratch.path)
        let other = try take(scratch.path)
        #expect(living.contents.lanes.map(\.rows) == [1] && other.contents.lanes.isEmpty)
    }

    @Test func aDamagedStoreIsSetAside() throws {
        let scratch = try Scratch()
        let part = "\(scratch.path)/part-1"
        let many = (1...2_000).map { line(UInt64($0), 1, "line \($0)") }
        try leave([.lane(Lane(rawValue: 1), name: "xmpp:a@b")] + many, in: part)
        // The end of the file is overwritten.
        let file = open("\(part)/spool.db", O_WRONLY)
        var status = stat()
        fstat(file, &status)
        let garbage = [UInt8](repeating: 0x5A, count: Int(status.st_size) / 2)
        #expect(pwrite(file, garbage, garbage.count, status.st_size / 2) == garbage.count)
        close(file)
        let taken = try take(scratch.path)
        #expect(taken.notes.count == 1 && taken.notes[0].contains("is damaged"))
        let rows = taken.contents.lanes.first?.rows ?? 0
        #expect(rows > 100 && rows < 2_000)
    }

    @Test func whatCannotBeUsedIsToldAndNothingIsBegun() throws {
        let scratch = try Scratch()
        try scratch.write("text", to: "file")
        try scratch.write("", to: "s/part-1/lock")
        try scratch.write("SQLite", to: "n/part-1/lock")
        let newer = try SQLiteStore(path: "\(scratch.path)/n/part-1/spool.db")
        try newer.pretendVersion(99)
        for (path, status) in [("file", ExitStatus.cannotCreate), ("file/in", .cannotCreate), ("n", .configuration)] {
            #expect {
                _ = try take("\(scratch.path)/\(path)")
            } throws: {
                ($0 as? StartFailure)?.status == status && ($0 as? StartFailure)?.lines.count == 1
            }
        }
    }
}

@Suite struct StoreKeeperTests {
    @Test func itAnswersInOrder() throws {
        let scratch = try Scratch()
        let keeper = StoreKeeper(try SQLiteStore(path: "\(scratch.path)/spool.db"))
        let replies = Mailbox<StoreReply>()
        for number in 1...100 as ClosedRange<UInt64> {
            let lane: [StoreOrder] = number == 1 ? [.lane(Lane(rawValue: 1), name: "xmpp:a@b")] : []
            keeper.post(StoreBatch(number: number, orders: lane + [line(number)]))
            if number == 50 {
                keeper.load(StoreRequest(lane: Lane(rawValue: 1), after: 0, rowsMax: 1_000, bytesMax: 1 << 20))
            }
        }
        keeper.begin { replies.post($0) }
        keeper.finish(within: .seconds(20))
        let told = replies.take()
        #expect(told.count == 3 && told.first == .committed(batch: 50) && told.last == .committed(batch: 100))
        guard case .loaded(_, let rows) = told[1] else { throw Unexpected() }
        #expect(rows.map(\.row.number) == Array(1...50))
    }

    @Test func aFullDiskIsToldOnceAndOutlived() throws {
        let scratch = try Scratch()
        let store = try SQLiteStore(path: "\(scratch.path)/spool.db")
        try store.limitPages(spare: 0)
        let keeper = StoreKeeper(store)
        let replies = Mailbox<StoreReply>()
        keeper.begin { replies.post($0) }
        keeper.post(StoreBatch(number: 1, orders: [.keep("k", Array(repeating: 1, count: 50_000))]))
        #expect(replies.take() == [.failing("database or disk is full")])
        let other = try SQLiteStore(path: "\(scratch.path)/spool.db")
        #expect(try other.contents().checkpoints.isEmpty)
        // The keeper's own connection has the limit, which only its thread may lift: it sleeps between attempts.
        try store.limitPages(spare: nil)
        keeper.finish(within: .seconds(20))
        #expect(replies.take().last == .recovered)
        #expect(try other.contents().checkpoints["k"]?.count == 50_000)
    }
}

private struct Unexpected: Error {}
