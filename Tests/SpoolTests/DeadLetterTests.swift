import Testing

@testable import Spool

private let no = DeadLetter.Reason(condition: "forbidden", text: "no", time: 7)

@Suite struct DeadLetterTests {
    @Test func theyGoBackBehindWhatWaits() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...6) + [.bury(2, no), .bury(4, no), .bury(6, no)])
        #expect(try store.markForRevival([4, 2, 5, 9]) == 2)
        #expect(try store.markForRevival([4]) == 0)
        // The process that owns it goes on numbering meanwhile.
        try store.carryOut(lines(7...7))
        #expect(try store.deadLetters().map(\.row.number) == [2, 4, 6])
        try store.reviveMarked()
        #expect(try store.deadLetters().map(\.row.number) == [6])
        let request = StoreRequest(lane: Lane(rawValue: 1), after: 0, rowsMax: 100, bytesMax: 1 << 20)
        let rows = try store.load(request)
        #expect(rows.map(\.row.number) == [1, 3, 5, 7, 8, 9])
        #expect(rows.map(\.row.originID) == ["o1", "o3", "o5", "o7", "o2", "o4"])
        let contents = try store.contents()
        #expect(contents.lastNumber == 9 && contents.deadLetters == 1)
        #expect(contents.lanes[0].bytes == rows.reduce(0) { $0 + $1.row.bytes })
        try store.reviveMarked()
        #expect(try store.contents() == contents)
    }

    @Test func theyAreForgotten() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...3) + [.bury(1, no), .bury(2, no)])
        #expect(try store.forgetDeadLetters([1, 3]) == 1)
        #expect(try store.forget([3, 2]) == 1)
        #expect(try store.deadLetters().map(\.row.number) == [2] && store.contents().lanes[0].rows == 0)
    }
}

@Suite struct StoreReaderTests {
    @Test func itSeesWhatIsCommittedAndHoldsNobodyUp() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...5, lane: 1), at: 100)
        let reader = try StoreReader(path: scratch.file)
        try store.carryOut(
            lines(6...6, lane: 2) + [
                .bury(2, no), .bury(6, no), .release(1), .postpone(3, attempts: 2, until: 900, error: "busy"),
                .hold(HeldInput(token: 1, rule: "r", place: "stdin", isLine: true, bytes: [1])),
                .spill(SpilledBytes(sink: "file:/x", number: 1, time: 1, bytes: [1, 2, 3])),
            ], at: 200)
        #expect(try store.markForRevival([6]) == 1)
        var first = StoreReader.LaneState(lane: Lane(rawValue: 1), name: "xmpp:lane1@b", rows: 3, bytes: 3 * 330)
        first.first = .init(number: 3, appended: 100, attempts: 2, until: 900, error: "busy")
        first.deadLetters = 1
        var second = StoreReader.LaneState(lane: Lane(rawValue: 2), name: "xmpp:lane2@b")
        (second.deadLetters, second.revived) = (1, 1)
        #expect(try reader.lanes() == [first, second])
        var numbers: [UInt64] = []
        try reader.messages { numbers.append($0.row.number) }
        #expect(numbers == [2, 3, 4, 5, 6])
        var dead: [String?] = []
        try reader.messages(deadOnly: true) { dead.append($0.reason?.condition) }
        #expect(dead == ["forbidden", "forbidden"])
        let message = try #require(try reader.message(3))
        #expect(message.lane == "xmpp:lane1@b" && message.attempts == 2 && message.error == "busy")
        #expect(try reader.message(2)?.reason == no && reader.message(6)?.isRevived == true)
        #expect(try reader.message(1) == nil && reader.message(0) == nil && reader.message(.max) == nil)
        #expect(try reader.heldCount() == 1 && reader.spilledBytes().map(\.bytes) == [3])
        #expect(try reader.rowNumbers(of: Lane(rawValue: 1)) == [3, 4, 5])
        #expect(try reader.deadNumbers(of: Lane(rawValue: 2)) == [6])
    }

    @Test func aLongListIsReadInPieces() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        try store.carryOut(lines(1...1_000) + (1...500).map { .bury($0 * 2, no) })
        let reader = try StoreReader(path: scratch.file)
        var numbers: [UInt64] = []
        try reader.messages { message throws(StoreFailure) in
            // The log is not held: somebody else may write, and empty it.
            if message.row.number == 300 { try store.checkpoint() }
            numbers.append(message.row.number)
        }
        #expect(numbers == Array(1...1_000))
    }

    @Test func whatIsNotOursIsNotRead() throws {
        let scratch = try Scratch()
        #expect(throws: StoreFailure.self) { _ = try StoreReader(path: scratch.file) }
        do { try Database(path: scratch.file).run("CREATE TABLE a (x)") }
        #expect {
            _ = try StoreReader(path: scratch.file)
        } throws: {
            ($0 as? StoreFailure)?.kind == .foreign
        }
    }
}
