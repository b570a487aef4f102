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

private let account = "bridge@example.org"

/// A part as a process that has ended left it: its lock is free, its store is not empty.
private func leave(
    _ orders: [StoreOrder], in part: String, role: StateDirectory.Role = .filter, account: String = account
) throws {
    mkdir(part, 0o700)
    let lock = open("\(part)/lock", O_RDWR | O_CREAT, 0o600)
    let text = Array("\(role.rawValue)\n\(account)\n1\n".utf8)
    try #require(write(lock, text, text.count) == text.count)
    close(lock)
    let store = try SQLiteStore(path: "\(part)/spool.db")
    store.bundleRowsMin = .max
    try store.carryOut([StoreBatch(number: 1, orders: orders)], at: 1)
}

private func take(
    _ directory: String, role: StateDirectory.Role = .filter, account: String = account
) throws -> StatePart {
    try StatePart.take(directory: directory, account: account, role: role, host: "host")
}

private let message: [StoreOrder] = [.lane(Lane(rawValue: 1), name: "xmpp:a@b"), line(1)]

@Suite struct StatePartTests {
    private let scratch: Scratch
    private var path: String { scratch.path }

    init() throws { scratch = try Scratch() }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func isFree(_ number: Int) throws -> Bool {
        guard case .taken(let lock) = try StateDirectory(path).lock(number) else { return false }
        lock.release()
        return true
    }

    @Test func eachProcessHasItsOwn() throws {
        // Locks of one process on two descriptors exclude each other as those of two processes do.
        let parts = try (1...3).map { _ in try take("\(path)/a/b") }
        #expect(parts.map(\.resource) == ["xmpp-bridge.host-2", "xmpp-bridge.host-3", "xmpp-bridge.host-4"])
        #expect(mode(parts[0].directory) == 0o700 && mode("\(path)/a/b") == 0o700)
        #expect(mode("\(parts[0].directory)/spool.db") == 0o600 && mode("\(parts[0].directory)/lock") == 0o600)
        #expect(parts.allSatisfy { $0.notes.isEmpty && $0.contents == StoreContents() })
        // The first is the daemon's, whoever came before.
        let daemons = try (1...2).map { _ in try take("\(path)/a/b", role: .daemon) }
        #expect(daemons.map(\.resource) == ["xmpp-bridge.host-1", "xmpp-bridge.host-5"])
        #expect(daemons.map(\.follows) == [true, false] && !parts[0].follows)
    }

    @Test func theNextAdoptsWhatTheDeadHaveLeft() throws {
        let lanes: [StoreOrder] = [
            .lane(Lane(rawValue: 1), name: "xmpp:a@b"), .lane(Lane(rawValue: 2), name: "xmpp:c@d"),
        ]
        try leave(
            lanes + [
                line(1, 1, "a1"), line(2, 2, "c1"), line(3, 1, "a2"), .postpone(3, attempts: 2, until: 99),
                line(4, 1, "dead"), .bury(4, .init(condition: "gone", text: "no", time: 5)),
                .hold(HeldInput(token: 8, rule: "r", place: "stdin", isLine: true, bytes: [1])),
                .spill(SpilledBytes(sink: "file:/x", number: 4, time: 1, bytes: [10])),
                .position(path: "/log", [1]), .keep("cursor:a@b", [2]), .keep("stream", [3]), .keep("unclean", [4]),
            ], in: "\(path)/part-2")
        try leave([.lane(Lane(rawValue: 1), name: "xmpp:c@d"), line(7, 1, "own")], in: "\(path)/part-1")
        let part = try take(path)
        #expect(part.resource == "xmpp-bridge.host-1")
        #expect(part.notes.count == 1 && part.notes[0].hasPrefix("3 messages that a run before left in "))
        let contents = part.contents
        #expect(contents.lanes.map(\.name) == ["xmpp:c@d", "xmpp:a@b"] && contents.lanes.map(\.rows) == [2, 2])
        #expect(contents.deadLetters == 1 && contents.held.map(\.token) == [8])
        #expect(contents.spilled.map(\.bytes) == [[10]] && contents.positions.isEmpty)
        // The dead one's session is of another resource.
        #expect(contents.checkpoints == ["cursor:a@b": [2], "unclean": [4]] && contents.lastNumber == 11)
        let store = try SQLiteStore(path: "\(part.directory)/spool.db")
        let rows = try contents.lanes.flatMap {
            try store.load(StoreRequest(lane: $0.lane, after: 0, rowsMax: 9, bytesMax: 1 << 20))
        }
        #expect(rows.map(\.row.originID) == ["id-own", "id-c1", "id-a1", "id-a2"])
        #expect(rows.map(\.attempts) == [0, 0, 0, 2] && rows[3].until == 99)
        // Nothing to be sent is left there, and its lock is free for the next.
        let left = try SQLiteStore(path: "\(path)/part-2/spool.db").contents()
        #expect(left.lanes.allSatisfy { $0.rows == 0 } && left.held.isEmpty && left.deadLetters == 0)
        #expect(try isFree(2))
        #expect(try take(path).resource == "xmpp-bridge.host-2")
    }

    @Test func theLivingKeepWhatIsTheirs() throws {
        try leave(message, in: "\(path)/part-1")
        let living = try take(path)
        let other = try take(path)
        #expect(living.contents.lanes.map(\.rows) == [1] && other.contents.lanes.isEmpty)
    }

    /// A cron job that comes while the daemon is down sends what is there to be sent, and nothing else of it is gone.
    @Test func anotherKindOfRunLeavesTheDaemonItsPart() throws {
        let held = StoreOrder.hold(HeldInput(token: 1, rule: "r", place: "x", isLine: true, bytes: [1]))
        try leave(
            message + [held, .position(path: "/log", [1]), .keep("cursor:a@b", [2]), .keep("stream", [3])],
            in: "\(path)/part-1", role: .daemon)
        let filter = try take(path)
        #expect(filter.resource == "xmpp-bridge.host-2" && filter.contents.lanes.map(\.rows) == [1])
        #expect(filter.contents.held.isEmpty && filter.contents.checkpoints.isEmpty)
        let daemon = try take(path, role: .daemon)
        #expect(daemon.resource == "xmpp-bridge.host-1" && daemon.contents.lanes.isEmpty)
        #expect(daemon.contents.held.count == 1 && daemon.contents.positions == ["/log": [1]])
        #expect(daemon.contents.checkpoints == ["cursor:a@b": [2], "stream": [3]])
    }

    @Test func positionsComeToWhoFollows() throws {
        try leave([.position(path: "/a", [1])], in: "\(path)/part-2", role: .filter)
        try leave([.position(path: "/b", [2])], in: "\(path)/part-3", role: .daemon)
        let living = try take(path)
        #expect(living.contents.positions == ["/a": [1]] && !living.follows)
        let follower = try take(path, role: .daemon)
        #expect(follower.contents.positions == ["/a": [1], "/b": [2]] && follower.follows)
        #expect(try take(path, role: .daemon).follows == false)
    }

    @Test func positionsOfAnEarlierVersionAreBroughtOver() throws {
        let old = TailPosition(path: "/log", key: FileKey(device: 1, inode: 2), headBytes: 0, headHash: 0)
        let file = try scratch.write(String(decoding: TailPositions.text([old]), as: UTF8.self), to: "tail-positions")
        let part = try take(path, role: .daemon)
        #expect(part.contents.positions["/log"].flatMap(TailPositions.read) == [old])
        #expect(access(file, F_OK) != 0)
    }

    @Test func noAccountSendsWhatIsAnothers() throws {
        try leave(message, in: "\(path)/part-1", account: "other@example.org")
        let part = try take(path)
        #expect(part.resource == "xmpp-bridge.host-2" && part.contents.lanes.isEmpty && part.notes.isEmpty)
        #expect(try take(path, account: "other@example.org").contents.lanes.map(\.rows) == [1])
    }

    @Test func refusedMessagesThatAreToBeTriedAgainComeBack() throws {
        let buried = message + [.bury(1, .init(text: "no", time: 1))]
        for number in 1...2 {
            try leave(buried, in: "\(path)/part-\(number)")
            #expect(try SQLiteStore(path: "\(path)/part-\(number)/spool.db").markForRevival([1]) == 1)
        }
        let contents = try take(path).contents
        #expect(contents.lanes.map(\.rows) == [2] && contents.deadLetters == 0)
    }

    @Test func whatCannotBeUsedIsToldAndNothingIsBegun() throws {
        try scratch.write("text", to: "file")
        for folder in ["n", "f"] { mkdir("\(path)/\(folder)", 0o700) }
        try leave([], in: "\(path)/n/part-1")
        try SQLiteStore(path: "\(path)/n/part-1/spool.db").pretendVersion(99)
        mkdir("\(path)/f/part-1", 0o700)
        try scratch.write("", to: "f/part-1/lock")
        mkdir("\(path)/f/part-1/spool.db", 0o700)
        for (path, status) in [
            ("file", ExitStatus.cannotCreate), ("file/in", .cannotCreate), ("n", .configuration), ("f", .cannotCreate),
        ] {
            #expect {
                _ = try take("\(scratch.path)/\(path)")
            } throws: {
                ($0 as? StartFailure)?.status == status && ($0 as? StartFailure)?.lines.count == 1
            }
        }
        for path in ["/proc/nowhere", ""] { #expect(throws: StartFailure.self) { try take(path) } }
    }

    /// Who begins at the same moment shares nothing, and each message comes to one of them.
    @Test func startsAtOneMomentShareNothing() throws {
        for number in 1...5 { try leave(message, in: "\(path)/part-\(number)") }
        let results = Mailbox<StatePart?>()
        for _ in 0..<6 { startThread(named: "start") { [path] in results.post(try? take(path)) } }
        var parts: [StatePart] = []
        while parts.count < 6 { for part in results.take() { parts.append(try #require(part)) } }
        #expect(Set(parts.map(\.resource)).count == 6)
        #expect(parts.flatMap(\.contents.lanes).reduce(0) { $0 + $1.rows } == 5)
    }
}

@Suite struct DamagedStoreTests {
    private let scratch: Scratch
    private var path: String { scratch.path }
    private var file: String { "\(path)/part-1/spool.db" }

    init() throws {
        scratch = try Scratch()
        let many = (1...10_000).map { line(UInt64($0), 1, "\($0) " + String(repeating: "x", count: 300)) }
        try leave(
            [.lane(Lane(rawValue: 1), name: "xmpp:a@b"), .position(path: "/a", [1])] + many, in: "\(path)/part-1")
        try SQLiteStore(path: file).checkpoint()
    }

    private func damage(from place: off_t, _ count: Int) throws {
        let descriptor = open(file, O_WRONLY)
        let garbage = [UInt8](repeating: 0x5A, count: count)
        #expect(pwrite(descriptor, garbage, count, place) == count)
        close(descriptor)
    }

    @Test func itIsSetAsideAndWhatCanBeReadGoesOn() throws {
        try damage(from: 0, 16)
        let taken = try take(path)
        #expect(taken.notes.count == 1 && taken.notes[0].contains("is damaged"))
        #expect(taken.notes[0].contains("0 messages") && taken.contents == StoreContents())
        let names = try FileNames.of("\(path)/part-1").filter { $0.contains("damaged") }
        #expect(names.count == 1)
    }

    /// What shows itself in the middle of a run is mended by the next.
    @Test func damageThatARunFindsIsMendedByTheNext() throws {
        try damage(from: 4_096 * 100, 4_096)
        let part = try take(path)
        #expect(part.notes.isEmpty && part.contents.lanes.map(\.rows) == [10_000])
        let replies = Mailbox<StoreReply>()
        part.keeper.begin { replies.post($0) }
        for start in stride(from: UInt64(0), to: 10_000, by: 500) {
            part.keeper.load(StoreRequest(lane: Lane(rawValue: 1), after: start, rowsMax: 500, bytesMax: 1 << 20))
        }
        part.keeper.post(StoreBatch(number: 1, orders: [.keep("a", [1])]))
        part.keeper.finish(within: .seconds(20))
        guard case .broken? = replies.take().last else { throw Unexpected() }
        // The process has ended.
        let lock = try #require(Descriptors.of("\(path)/part-1/lock").first)
        flock(lock, LOCK_UN)
        close(lock)
        let next = try take(path)
        #expect(next.notes.count == 1 && next.notes[0].contains("is damaged"))
        let rows = next.contents.lanes.reduce(0) { $0 + $1.rows }
        #expect(rows > 9_800 && rows < 10_000 && next.contents.positions == ["/a": [1]])
    }

    @Test func oneThatIsAdoptedIsMendedToo() throws {
        try damage(from: 4_096 * 100, 4_096)
        let part = try take(path, role: .daemon)
        #expect(part.notes.count == 2)
        let rows = part.contents.lanes.reduce(0) { $0 + $1.rows }
        #expect(rows > 9_800 && rows < 10_000)
    }

    /// A kill after the damaged file was moved away.
    @Test func aMendingThatWasCutShortGoesOn() throws {
        try #require(rename(file, "\(file).rescued") == 0)
        #expect(try take(path).contents.lanes.map(\.rows) == [10_000])
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

private enum FileNames {
    static func of(_ directory: String) throws -> [String] {
        let folder = try #require(opendir(directory))
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }
}

/// Those of this process that are open on a file.
private enum Descriptors {
    static func of(_ path: String) -> [Int32] {
        (0..<1_024).filter { descriptor in
            var target = [CChar](repeating: 0, count: 4_096)
            let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
            return count > 0 && String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) == path
        }
    }
}
