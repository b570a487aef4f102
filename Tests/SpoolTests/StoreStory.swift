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
        // Stores, and what SQLite puts beside them, lie here.
        for name in ["spool.db", "other.db", "fresh.db"] {
            for end in ["", "-wal", "-shm", "-journal"] { unlink("\(path)/\(name)\(end)") }
        }
        rmdir(path)
    }

    /// - Parameter bundleRowsMin: stories append few rows at once.
    func store(bundleRowsMin: Int = 2) throws -> SQLiteStore {
        let store = try SQLiteStore(path: file)
        store.bundleRowsMin = bundleRowsMin
        return store
    }

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
struct Story {
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
                until: Int64.random(in: 0...1 << 40, using: &dice),
                error: Bool.random(using: &dice) ? "busy" : nil)
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

/// Whether the store holds what the model holds.
func same(_ store: SQLiteStore, _ image: StoreImage) throws -> Bool {
    guard try store.contents() == image.contents else { return false }
    let dead = try store.deadLetters()
    guard dead == image.dead.values.sorted(by: { $0.row.number < $1.row.number }) else { return false }
    for lane in 0..<4 {
        for (after, rows, bytes) in [(UInt64(0), 1_000_000, 1 << 30), (5, 3, 1 << 30), (2, 50, 500)] {
            let request = StoreRequest(lane: Lane(rawValue: UInt32(lane)), after: after, rowsMax: rows, bytesMax: bytes)
            guard try store.load(request) == image.load(request) else { return false }
        }
    }
    return true
}

func agree(_ store: SQLiteStore, _ image: StoreImage, _ location: SourceLocation = #_sourceLocation) throws {
    #expect(try same(store, image), sourceLocation: location)
}

/// Rows of one lane, 200 bytes each.
func lines(_ numbers: ClosedRange<UInt64>, lane: UInt32 = 1) -> [StoreOrder] {
    [.lane(Lane(rawValue: lane), name: "xmpp:lane\(lane)@b")]
        + numbers.map { number in
            let draft = RowDraft(
                lane: Lane(rawValue: lane), payload: Array(repeating: 1, count: 200), originID: "o\(number)")
            return .append(Row(draft, number: number))
        }
}

extension SQLiteStore {
    func carryOut(_ orders: [StoreOrder], at time: Int64 = 1) throws {
        try carryOut([StoreBatch(number: 1, orders: orders)], at: time)
    }
}

func fileSize(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
}
