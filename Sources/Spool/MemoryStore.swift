/// Outgoing rows between their acceptance from a source and their acceptance by the server, in memory.
///
/// Its verbs are those of any store: ``append(_:)`` puts rows in, ``commit()`` asks for their safety, and the answer,
/// which comes back as an input (here at once, from a durable store by another thread), goes into
/// ``committed(upTo:)``. Only then are the rows seen by ``next(after:)`` and may their source forget them.
/// ``release(upTo:lane:_:)`` and ``release(_:)`` take rows out, by high-water mark or one by one.
///
/// Overflow policy: append never refuses, since what it is given was read already; while ``isFull``, the pump reads no
/// source. So the limits may be passed by the rows of one chunk.
///
/// Every verb costs O(1) for each row, amortised, but for a binary search where a row is named; the memory is at most
/// twice what the rows in it need.
public struct MemoryStore: Sendable {
    /// How much the store may hold.
    public struct Limits: Equatable, Sendable {
        /// Bytes of payloads, ids and refs, and 128 for each row.
        public var spoolBytesMax = 16 * 1_024 * 1_024
        /// Rows.
        public var spoolRowsMax = 100_000

        /// The defaults.
        public init() {}

        /// Limits.
        public init(spoolBytesMax: Int, spoolRowsMax: Int) {
            self.spoolBytesMax = spoolBytesMax
            self.spoolRowsMax = spoolRowsMax
        }
    }

    /// How the store answers ``MemoryStore/commit()``.
    public enum Commit: Equatable, Sendable {
        /// All rows up to this number are safe.
        case committed(upTo: UInt64)
        /// There was nothing to commit.
        case nothing
    }

    /// The limits.
    public let limits: Limits
    /// Rows that are not released.
    public private(set) var count = 0
    /// What they count towards ``Limits/spoolBytesMax``.
    public private(set) var bytes = 0
    /// The number of the last row appended; 0 before the first.
    public private(set) var lastNumber: UInt64 = 0
    /// All rows up to this number are committed.
    public private(set) var committedNumber: UInt64 = 0

    private var rows = SparseQueue<Row>()
    /// The numbers of each lane that has rows.
    private var lanes: [Lane: SparseQueue<Void>] = [:]

    /// An empty store.
    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Whether a limit is reached: the pump reads no source until rows are released.
    public var isFull: Bool { bytes >= limits.spoolBytesMax || count >= limits.spoolRowsMax }

    // MARK: In

    /// Puts rows in, in this order.
    /// - Returns: Their numbers; empty for no rows.
    @discardableResult
    public mutating func append(_ drafts: some Sequence<RowDraft>) -> Range<UInt64> {
        let first = lastNumber + 1
        for item in drafts {
            lastNumber += 1
            let row = Row(item, number: lastNumber)
            count += 1
            bytes += row.bytes
            lanes[row.lane, default: SparseQueue()].append((), number: row.number)
            rows.append(row, number: row.number)
        }
        return first..<lastNumber + 1
    }

    /// Asks for the safety of everything appended so far. The answer is to be given to ``committed(upTo:)``.
    public func commit() -> Commit {
        lastNumber == committedNumber ? .nothing : .committed(upTo: lastNumber)
    }

    /// Everything up to that number is safe and may be sent.
    /// - Precondition: The number was appended; it never falls.
    public mutating func committed(upTo number: UInt64) {
        precondition(number <= lastNumber, "only rows that were appended are committed")
        committedNumber = max(committedNumber, number)
    }

    // MARK: Through

    /// The first committed row behind that number, or nil: 0 begins at the oldest.
    public func next(after number: UInt64) -> Row? {
        guard let row = rows.first(after: number), row.number <= committedNumber else { return nil }
        return row
    }

    /// All committed rows behind that number, oldest first. Loops that release rows use ``next(after:)``.
    public func rows(after number: UInt64 = 0) -> some Sequence<Row> {
        sequence(state: number) { [self] last in
            let row = next(after: last)
            if let row { last = row.number }
            return row
        }
    }

    /// The row with that number, or nil where it was released.
    public func row(_ number: UInt64) -> Row? {
        guard number > 0, let row = rows.first(after: number - 1), row.number == number else { return nil }
        return row
    }

    /// All rows of the lane up to this number are released.
    public func highWater(of lane: Lane) -> UInt64 { lanes[lane]?.first.map { $0.number - 1 } ?? lastNumber }

    /// The lanes that hold rows, in no order.
    public var activeLanes: some Collection<Lane> { lanes.keys }

    /// Places taken by rows, empty ones included: shows that memory follows ``count``.
    public var placesInUse: Int { rows.placeCount + lanes.values.reduce(0) { $0 + $1.placeCount } }

    // MARK: Out

    /// Takes one row out.
    /// - Returns: The row, or nil where it was not there.
    @discardableResult
    public mutating func release(_ number: UInt64) -> Row? {
        guard let row = rows.remove(number) else { return nil }
        count -= 1
        bytes -= row.bytes
        _ = lanes[row.lane]?.remove(number)
        if lanes[row.lane]?.isEmpty == true { lanes[row.lane] = nil }
        return row
    }

    /// Takes out all committed rows up to that number, of one lane or of all, oldest first.
    /// - Parameter each: Is told every row that leaves.
    public mutating func release(upTo number: UInt64, lane: Lane? = nil, _ each: (Row) -> Void = { _ in }) {
        let last = min(number, committedNumber)
        if let lane {
            while let first = lanes[lane]?.first, first.number <= last, let row = release(first.number) { each(row) }
        } else {
            while let first = rows.first, first.number <= last, let row = release(first.number) { each(row) }
        }
    }
}
