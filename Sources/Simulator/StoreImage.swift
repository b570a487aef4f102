import Spool

/// A durable store as a value: what it holds once batches are carried out. It stands for SQLite in a simulated world, and
/// the SQLite store is tried against it.
///
/// A value is a moment: whoever keeps the one from before a transaction has what a crash leaves.
public struct StoreImage: Equatable, Sendable {
    private var lastNumber: UInt64 = 0
    private var lastToken: UInt64 = 0
    private var laneNames: [Lane: String] = [:]
    private var rows: [UInt64: StoredRow] = [:]
    /// The numbers of each lane's rows, rising.
    private var numbers: [Lane: [UInt64]] = [:]
    private var held: [UInt64: HeldInput] = [:]
    private var positions: [String: [UInt8]] = [:]
    private var checkpoints: [String: [UInt8]] = [:]
    private var spilled: [String: [SpilledBytes]] = [:]
    /// Rows that were refused for good, in the order in which they were.
    public private(set) var deadLetters: [DeadLetter] = []

    /// An empty store.
    public init() {}

    /// How many rows lie in lanes.
    public var rowCount: Int { rows.count }

    /// Carries out batches, all of them or none: the caller keeps the value from before until they are safe.
    public mutating func carryOut(_ batches: some Sequence<StoreBatch>) {
        for batch in batches { for order in batch.orders { carryOut(order) } }
    }

    private mutating func carryOut(_ order: StoreOrder) {
        switch order {
        case .lane(let lane, let name): if laneNames[lane] == nil { laneNames[lane] = name }
        case .append(let row):
            lastNumber = max(lastNumber, row.number)
            rows[row.number] = StoredRow(row)
            numbers[row.lane, default: []].append(row.number)
        case .release(let number): _ = remove(number)
        case .bury(let number, let reason):
            guard let stored = remove(number) else { return }
            let lane = laneNames[stored.row.lane] ?? ""
            deadLetters.append(DeadLetter(row: stored.row, lane: lane, reason: reason))
        case .postpone(let number, let attempts, let until):
            rows[number]?.attempts = attempts
            rows[number]?.until = until
        case .hold(let input):
            lastToken = max(lastToken, input.token)
            held[input.token] = input
        case .unhold(let token): held[token] = nil
        case .position(let path, let bytes): positions[path] = bytes
        case .keep(let name, let bytes): checkpoints[name] = bytes
        case .spill(let bytes): spilled[bytes.sink, default: []].append(bytes)
        case .unspill(let sink, let number):
            spilled[sink]?.removeAll { $0.number <= number }
            if spilled[sink]?.isEmpty == true { spilled[sink] = nil }
        }
    }

    private mutating func remove(_ number: UInt64) -> StoredRow? {
        guard let stored = rows.removeValue(forKey: number) else { return nil }
        numbers[stored.row.lane]?.removeAll { $0 == number }
        if numbers[stored.row.lane]?.isEmpty == true { numbers[stored.row.lane] = nil }
        return stored
    }

    /// What an opening finds.
    public var contents: StoreContents {
        var contents = StoreContents()
        contents.lastNumber = lastNumber
        contents.lastToken = lastToken
        contents.lanes = laneNames.keys.sorted { $0.rawValue < $1.rawValue }.map { lane in
            let all = (numbers[lane] ?? []).compactMap { rows[$0]?.row }
            return StoredLane(
                lane: lane, name: laneNames[lane] ?? "", rows: all.count, bytes: all.reduce(0) { $0 + $1.bytes })
        }
        contents.held = held.values.sorted { $0.token < $1.token }
        contents.positions = positions
        contents.checkpoints = checkpoints
        contents.spilled = spilled.keys.sorted().flatMap { spilled[$0] ?? [] }
        contents.deadLetters = deadLetters.count
        return contents
    }

    /// The rows that a request asks for.
    public func load(_ request: StoreRequest) -> [StoredRow] {
        var found: [StoredRow] = []
        var bytes = 0
        for number in numbers[request.lane] ?? [] where number > request.after {
            guard found.count < request.rowsMax, let stored = rows[number] else { break }
            if bytes >= request.bytesMax, !found.isEmpty { break }
            found.append(stored)
            bytes += stored.row.payload.count
        }
        return found
    }

    /// The payloads of all rows in lanes.
    var payloads: some Sequence<[UInt8]> { rows.values.lazy.map(\.row.payload) }
}
