/// What a durable store holds, as a value: the same orders make the same of it as of a ``SQLiteStore``. The simulator's
/// store, and the measure that the real one is held against.
public struct StoreImage: Equatable, Sendable {
    /// The rows, by number.
    public private(set) var rows: [UInt64: StoredRow] = [:]
    /// The dead letters, by number.
    public private(set) var dead: [UInt64: DeadLetter] = [:]
    /// The last refusal for now of rows, by number, in words for a person.
    public private(set) var refusals: [UInt64: String] = [:]
    private var names: [Lane: String] = [:]
    private var held: [UInt64: HeldInput] = [:]
    private var positions: [String: [UInt8]] = [:]
    /// The checkpoints.
    public private(set) var checkpoints: [String: [UInt8]] = [:]
    /// What sinks have not written, by sink and number.
    public private(set) var spilled: [SpilledBytes] = []
    private var lastNumber: UInt64 = 0
    private var lastToken: UInt64 = 0

    /// An empty store.
    public init() {}

    /// What a run must know before it begins.
    public var contents: StoreContents {
        var contents = StoreContents()
        contents.lastNumber = lastNumber
        contents.lastToken = lastToken
        contents.lanes = names.sorted { $0.key.rawValue < $1.key.rawValue }.map { lane, name in
            let own = rows.values.filter { $0.row.lane == lane }
            return StoredLane(lane: lane, name: name, rows: own.count, bytes: own.reduce(0) { $0 + $1.row.bytes })
        }
        contents.held = held.values.sorted { $0.token < $1.token }
        contents.positions = positions
        contents.checkpoints = checkpoints
        contents.spilled = spilled
        contents.deadLetters = dead.count
        return contents
    }

    /// The rows that are asked for, in their order.
    public func load(_ request: StoreRequest) -> [StoredRow] {
        let numbers = rows.keys.filter { $0 > request.after && rows[$0]?.row.lane == request.lane }.sorted()
        var found: [StoredRow] = []
        var bytes = 0
        for row in numbers.prefix(max(request.rowsMax, 1)).compactMap({ rows[$0] }) {
            bytes += row.row.bytes
            if !found.isEmpty, bytes > request.bytesMax { break }
            found.append(row)
        }
        return found
    }

    /// Carries a batch out.
    public mutating func carryOut(_ batch: StoreBatch) { for order in batch.orders { carryOut(order) } }

    private mutating func carryOut(_ order: StoreOrder) {
        switch order {
        case .lane(let lane, let name): if names[lane] == nil { names[lane] = name }
        case .append(let row):
            rows[row.number] = StoredRow(row)
            lastNumber = max(lastNumber, row.number)
        case .release(let number):
            rows[number] = nil
            refusals[number] = nil
        case .bury(let number, let reason):
            guard let gone = rows.removeValue(forKey: number) else { return }
            refusals[number] = nil
            dead[number] = DeadLetter(row: gone.row, lane: names[gone.row.lane] ?? "", reason: reason)
        case .postpone(let number, let attempts, let until, let error):
            guard rows[number] != nil else { return }
            rows[number]?.attempts = attempts
            rows[number]?.until = until
            refusals[number] = error
        case .hold(let input):
            held[input.token] = input
            lastToken = max(lastToken, input.token)
        case .unhold(let tokens): held = held.filter { !tokens.contains($0.key) }
        case .position(let path, let value): positions[path] = value
        case .keep(let name, let value): checkpoints[name] = value
        case .spill(let bytes):
            spilled.removeAll { $0.sink == bytes.sink && $0.number == bytes.number }
            let place = spilled.firstIndex { ($0.sink, $0.number) > (bytes.sink, bytes.number) } ?? spilled.count
            spilled.insert(bytes, at: place)
        case .unspill(let sink, let number): spilled.removeAll { $0.sink == sink && $0.number <= number }
        }
    }
}
