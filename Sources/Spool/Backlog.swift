/// Outgoing rows between their acceptance from a source and their end: accepted by the server, or refused.
///
/// It is a machine beside the store. With a durable one it keeps the rows that are next in memory and knows the others
/// by their count and bytes in each lane; what the store is to do gathers in ``takeOrders()`` and ``takeRequests()``, and
/// its answers are told by ``committed(upTo:)`` and ``loaded(_:_:)``. Without one all rows are in memory.
///
/// A row may go once it is committed: ``next(at:)`` gives out that with the lowest number among the first ones of the
/// lanes that are not held, and numbers what it gives out by *dispatches*, since a row may go more than once. Rows of a
/// lane go in their order; a row that is put back goes before those behind it, as far as they have not gone yet.
///
/// Overflow policy: append never refuses, since what it is given was read already; while ``isFull``, the pump reads no
/// source. So the limits may be passed by the rows of one chunk. Every verb costs O(log lanes) for each row, amortised.
public struct Backlog: Sendable {
    /// How much it may hold.
    public struct Limits: Equatable, Sendable {
        /// Rows in memory.
        public var memoryRowsMax = 2_000
        /// Their bytes (``Row/bytes``).
        public var memoryBytesMax = 1_024 * 1_024
        /// Bytes of all rows, in a durable store.
        public var spoolBytesMax = 1_024 * 1_024 * 1_024
        /// Bytes of rows on their way into a durable store.
        public var uncommittedBytesMax = 4 * 1_024 * 1_024
        /// Rows that are loaded at once.
        public var loadRowsMax = 500
        /// Their bytes.
        public var loadBytesMax = 256 * 1_024

        /// The defaults.
        public init() {}
    }

    /// Whether rows of a lane may go.
    public enum Gate: Sendable {
        /// They may.
        case open
        /// Not just now: soon.
        case busy
        /// They may not, and need no place in memory.
        case held
    }

    /// A row on its way.
    public struct Flight: Equatable, Sendable {
        /// Rising from flight to flight, from 1.
        public let dispatch: UInt64
        /// The row.
        public let row: Row
        /// How often it was postponed.
        public let attempts: Int
        let slot: Int
    }

    /// The limits.
    public let limits: Limits
    /// Whether there is a durable store.
    public let isDurable: Bool
    /// Rows that have not come to their end.
    public internal(set) var count = 0
    /// Their bytes.
    public internal(set) var bytes = 0
    /// The number of the last row; 0 before the first.
    public private(set) var lastNumber: UInt64 = 0
    /// All rows up to this number are committed.
    public private(set) var committedNumber: UInt64 = 0
    /// The dispatch given last.
    public private(set) var lastDispatch: UInt64 = 0
    /// Rows in memory, those on their way too.
    public internal(set) var residentRows = 0
    /// Their bytes.
    public internal(set) var residentBytes = 0
    /// Bytes of rows that are not committed.
    public private(set) var uncommittedBytes = 0

    var slots: [LaneQueue] = []
    private var slotOf: [Lane: Int] = [:]
    private var flights = SparseQueue<Flight>()
    private var orders: [StoreOrder] = []
    /// The last row of each batch that is not committed, and the batch's bytes.
    private var sealed = Queue<(last: UInt64, bytes: Int)>()
    private var unsealedBytes = 0

    /// Lanes by their first row.
    private var heads = LaneHeap()
    /// Postponed lanes by their time.
    private var paused = LaneHeap()
    /// Lanes that want rows loaded, by the first of them.
    var hungry = LaneHeap()
    /// Lanes with many rows in memory, the most first.
    var crowded = LaneHeap()
    /// Lanes that may be held, and have rows in memory.
    var heldSlots: [Int] = []
    /// What loads may bring.
    var reservedRows = 0
    var reservedBytes = 0
    var activeLanes = 0

    /// An empty backlog.
    /// - Parameter contents: what the durable store held; nil where there is none.
    public init(limits: Limits = Limits(), restoring contents: StoreContents? = nil) {
        self.limits = limits
        isDurable = contents != nil
        guard let contents else { return }
        lastNumber = contents.lastNumber
        committedNumber = contents.lastNumber
        for lane in contents.lanes {
            let slot = slot(of: lane.lane)
            slots[slot].count = lane.rows
            slots[slot].storedRows = lane.rows
            slots[slot].storedBytes = lane.bytes
            count += lane.rows
            bytes += lane.bytes
            if lane.rows > 0 { activeLanes += 1 }
            feed(slot)
        }
    }

    /// Whether a limit is reached: the pump reads no source until rows have come to their end, or are committed.
    public var isFull: Bool {
        isDurable
            ? bytes >= limits.spoolBytesMax || uncommittedBytes >= limits.uncommittedBytesMax
            : bytes >= limits.memoryBytesMax || count >= limits.memoryRowsMax
    }

    // MARK: - In

    /// A lane is made known, before its first row.
    public mutating func begin(_ lane: Lane, name: String) {
        _ = slot(of: lane)
        if isDurable { orders.append(.lane(lane, name: name)) }
    }

    func slot(ofKnown lane: Lane) -> Int? { slotOf[lane] }

    private mutating func slot(of lane: Lane) -> Int {
        if let known = slotOf[lane] { return known }
        slots.append(LaneQueue(lane))
        slotOf[lane] = slots.count - 1
        return slots.count - 1
    }

    /// Puts a row in; it is seen once it is committed.
    /// - Returns: Its number.
    @discardableResult
    public mutating func append(_ draft: RowDraft) -> UInt64 {
        lastNumber += 1
        let row = Row(draft, number: lastNumber)
        let size = row.bytes
        let slot = slot(of: row.lane)
        if slots[slot].count == 0 { activeLanes += 1 }
        slots[slot].count += 1
        count += 1
        bytes += size
        if isDurable {
            orders.append(.append(row))
            unsealedBytes += size
            uncommittedBytes += size
            // Behind a row that is in the store only none is in memory: so the order is kept.
            if slots[slot].storedRows > 0 || !hasRoom { return store(row.number, size, slot) }
        }
        slots[slot].edge = row.number
        keep(StoredRow(row), size, slot)
        return row.number
    }

    private mutating func store(_ number: UInt64, _ size: Int, _ slot: Int) -> UInt64 {
        if slots[slot].storedRows == 0, slots[slot].load == nil { slots[slot].edge = number - 1 }
        slots[slot].storedRows += 1
        slots[slot].storedBytes += size
        feed(slot)
        return number
    }

    /// Takes a row into memory, behind those that wait.
    mutating func keep(_ row: StoredRow, _ size: Int, _ slot: Int) {
        residentRows += 1
        residentBytes += size
        slots[slot].waiting.append(row)
        noteWaiting(slot)
    }

    private mutating func noteWaiting(_ slot: Int) {
        if slots[slot].waiting.count == 1 { offer(slot) }
        if isDurable { noteCrowd(slot) }
    }

    /// What the store is to do since the last call, as one batch.
    public mutating func takeOrders() -> [StoreOrder] {
        if unsealedBytes > 0 { sealed.append((lastNumber, unsealedBytes)) }
        unsealedBytes = 0
        var taken: [StoreOrder] = []
        swap(&taken, &orders)
        return taken
    }

    /// All rows up to that number are safe, and may go.
    public mutating func committed(upTo number: UInt64) {
        precondition(number <= lastNumber, "only rows that were appended are committed")
        committedNumber = max(committedNumber, number)
        while let batch = sealed.first, batch.last <= number {
            sealed.popFirst()
            uncommittedBytes -= batch.bytes
        }
    }

    // MARK: - Through

    /// Gives out the next row that may go.
    /// - Parameter now: milliseconds since 1970, for rows that were postponed.
    public mutating func next(at now: Int64) -> Flight? {
        expire(at: now)
        while let top = heads.first {
            guard top.key <= committedNumber else { return nil }
            let slot = top.slot
            guard slots[slot].gate == .open, slots[slot].until == 0, let head = slots[slot].waiting.first,
                head.row.number == top.key
            else {
                heads.popFirst()
                if slots[slot].offered == top.key { slots[slot].offered = 0 }
                continue
            }
            guard head.until <= now else {
                pause(slot, until: head.until)
                continue
            }
            let flight = take(slot, head)
            if let next = slots[slot].waiting.first {
                slots[slot].offered = next.row.number
                heads.replaceFirst(next.row.number)
            } else {
                slots[slot].offered = 0
                heads.popFirst()
            }
            feed(slot)
            return flight
        }
        return nil
    }

    /// Gives out the first row of one lane that is in memory, whatever holds it: for whoever ends them all.
    public mutating func next(in lane: Lane) -> Flight? {
        guard let slot = slotOf[lane], let head = slots[slot].waiting.first else { return nil }
        let flight = take(slot, head)
        offer(slot)
        feed(slot)
        return flight
    }

    private mutating func take(_ slot: Int, _ head: StoredRow) -> Flight {
        slots[slot].waiting.popFirst()
        slots[slot].lastTaken =
            slots[slot].inFlight == 0 ? head.row.number : max(slots[slot].lastTaken, head.row.number)
        slots[slot].inFlight += 1
        lastDispatch += 1
        let flight = Flight(dispatch: lastDispatch, row: head.row, attempts: head.attempts, slot: slot)
        flights.append(flight, number: lastDispatch)
        return flight
    }

    /// Puts a lane among the heads where it belongs there and is not.
    private mutating func offer(_ slot: Int) {
        guard slots[slot].gate == .open, slots[slot].until == 0, let head = slots[slot].waiting.first,
            slots[slot].offered != head.row.number
        else { return }
        slots[slot].offered = head.row.number
        heads.push(head.row.number, slot)
    }

    /// Opens a lane, or closes it.
    public mutating func set(_ gate: Gate, _ lane: Lane) {
        let slot = slot(of: lane)
        guard slots[slot].gate != gate else { return }
        slots[slot].gate = gate
        offer(slot)
        noteHeld(slot)
        feed(slot)
    }

    private mutating func pause(_ slot: Int, until time: Int64) {
        slots[slot].until = max(slots[slot].until, time)
        paused.push(UInt64(max(slots[slot].until, 0)), slot)
        noteHeld(slot)
    }

    /// Lanes whose time has come go on.
    public mutating func expire(at now: Int64) {
        while let top = paused.first, top.key <= UInt64(max(now, 0)) {
            paused.popFirst()
            guard slots[top.slot].until == Int64(top.key) else { continue }
            slots[top.slot].until = 0
            offer(top.slot)
            feed(top.slot)
        }
    }

    /// When to call ``expire(at:)`` at the latest, in milliseconds since 1970.
    public var deadline: Int64? { paused.first.map { Int64($0.key) } }

    /// Rows of lanes whose first row was postponed, but for those on their way.
    public var pausedCount: Int {
        paused.count == 0 ? 0 : slots.reduce(0) { $1.until == 0 ? $0 : $0 + $1.count - $1.inFlight }
    }

    /// Rows of a lane.
    public func count(of lane: Lane) -> Int { slotOf[lane].map { slots[$0].count } ?? 0 }
    /// Lanes that are known.
    public var lanes: [Lane] { slots.map(\.lane) }

    // MARK: - Flights

    /// The first flight behind that one.
    public func flight(after dispatch: UInt64) -> Flight? { flights.first(after: dispatch) }

    /// That flight; nil where it is over.
    public func flight(_ dispatch: UInt64) -> Flight? {
        guard dispatch > 0, let flight = flights.first(after: dispatch - 1), flight.dispatch == dispatch else {
            return nil
        }
        return flight
    }

    /// The flight of the row with that number. Costs a step for each flight.
    public func flight(ofRow number: UInt64) -> Flight? {
        var last: UInt64 = 0
        while let flight = flights.first(after: last) {
            if flight.row.number == number { return flight }
            last = flight.dispatch
        }
        return nil
    }

    /// The row has come to its end.
    @discardableResult
    public mutating func release(_ dispatch: UInt64) -> Row? {
        guard let flight = land(dispatch) else { return nil }
        if isDurable { orders.append(.release(flight.row.number)) }
        forget(flight)
        return flight.row
    }

    /// The row was refused for good.
    @discardableResult
    public mutating func bury(_ dispatch: UInt64, _ reason: DeadLetter.Reason) -> Row? {
        guard let flight = land(dispatch) else { return nil }
        if isDurable { orders.append(.bury(flight.row.number, reason)) }
        forget(flight)
        return flight.row
    }

    /// The row was refused for now: it and those behind it wait until that time, in milliseconds since 1970.
    /// - Parameter error: the refusal, in words for a person who looks into the store.
    public mutating func postpone(_ dispatch: UInt64, until time: Int64, error: String? = nil) {
        guard let flight = land(dispatch) else { return }
        let row = StoredRow(flight.row, attempts: flight.attempts + 1, until: time)
        if isDurable { orders.append(.postpone(row.row.number, attempts: row.attempts, until: time, error: error)) }
        putBack(row, flight.slot)
        pause(flight.slot, until: time)
    }

    /// The row has not gone: it waits again.
    public mutating func putBack(_ dispatch: UInt64) {
        guard let flight = land(dispatch) else { return }
        putBack(StoredRow(flight.row, attempts: flight.attempts), flight.slot)
    }

    private mutating func putBack(_ row: StoredRow, _ slot: Int) {
        slots[slot].putBack(row)
        offer(slot)
        noteHeld(slot)
    }

    private mutating func land(_ dispatch: UInt64) -> Flight? {
        guard let flight = flights.remove(dispatch) else { return nil }
        slots[flight.slot].inFlight -= 1
        return flight
    }

    private mutating func forget(_ flight: Flight) {
        let size = flight.row.bytes
        slots[flight.slot].count -= 1
        if slots[flight.slot].count == 0 { activeLanes -= 1 }
        count -= 1
        bytes -= size
        residentRows -= 1
        residentBytes -= size
    }
}
