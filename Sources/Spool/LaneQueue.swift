/// What one lane holds: rows on their way, rows that wait in memory, and behind them rows that are in the store only.
struct LaneQueue: Sendable {
    let lane: Lane
    /// All its rows.
    var count = 0
    /// In memory and not on their way, by their number.
    var waiting = Queue<StoredRow>()
    /// How many are on their way.
    var inFlight = 0
    /// None of those has a higher number.
    var lastTaken: UInt64 = 0
    /// Up to this number no row is in the store only; above it, every row is.
    var edge: UInt64 = 0
    var storedRows = 0
    var storedBytes = 0
    var gate = Backlog.Gate.open
    /// No attempt before this time; 0 where none waits for one.
    var until: Int64 = 0
    /// What a load may bring, while it is awaited.
    var load: Load?
    /// The number under which it is among the heads.
    var offered: UInt64 = 0
    var isHungry = false
    var isListedAsHeld = false

    /// A load that was asked for.
    struct Load: Sendable {
        var rows: Int
        var bytes: Int
        /// Rows up to this one were committed then.
        var committed: UInt64
    }

    init(_ lane: Lane) { self.lane = lane }

    /// Whether nothing of it goes out before something happens.
    var isHeld: Bool { gate == .held || until != 0 }
    /// Rows that may leave memory have a higher number: those on their way must not be loaded again.
    var evictableAfter: UInt64 { inFlight > 0 ? lastTaken : 0 }

    /// Whether the row of that number may be among those that wait.
    func mayWait(_ number: UInt64) -> Bool {
        if storedRows > 0, number > edge { return true }
        return (0..<waiting.count).contains { waiting[$0]?.row.number == number }
    }

    /// Puts a row that was on its way back into its place.
    mutating func putBack(_ row: StoredRow) {
        var offset = 0
        while offset < waiting.count, let other = waiting[offset], other.row.number < row.row.number { offset += 1 }
        waiting.insert(row, at: offset)
    }
}
