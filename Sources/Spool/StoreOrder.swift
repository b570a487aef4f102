/// What a durable store is asked to do. Orders are gathered while one input is handled, and carried out together: all of
/// them are safe, or none (one transaction).
public enum StoreOrder: Equatable, Sendable {
    /// From now on rows may name this lane; its name says where it leads (``Lane``). A lane that is known keeps its number.
    case lane(Lane, name: String)
    /// Puts a row in. Its number is above that of every row before.
    case append(Row)
    /// The row has reached its end: it is forgotten.
    case release(UInt64)
    /// The row was refused for good: it leaves its lane and is kept as a dead letter until a person decides.
    case bury(UInt64, DeadLetter.Reason)
    /// The row was refused for now, in these words for a person: so many attempts have failed, and none is made before
    /// that time.
    case postpone(UInt64, attempts: Int, until: Int64, error: String? = nil)
    /// Keeps accepted input that rules hold back (grouping, limits).
    case hold(HeldInput)
    /// What was made of held input with these tokens is in the store, or it was dropped and told. A token that is not held
    /// says nothing.
    case unhold(ClosedRange<UInt64>)
    /// Where the reading of a tailed file stands, in the reader's own form; nil forgets the file.
    case position(path: String, [UInt8]?)
    /// A checkpoint of that name, in its owner's own form; nil forgets it.
    case keep(String, [UInt8]?)
    /// Bytes of inbound events that a slow sink has not written yet.
    case spill(SpilledBytes)
    /// That sink has written its spilled bytes up to this number.
    case unspill(sink: String, upTo: UInt64)
}

/// Orders that are carried out together.
public struct StoreBatch: Equatable, Sendable {
    /// Its number, rising from 1 within a run.
    public var number: UInt64
    /// In their order.
    public var orders: [StoreOrder]

    /// A batch.
    public init(number: UInt64, orders: [StoreOrder]) {
        self.number = number
        self.orders = orders
    }
}

/// Rows that are in the store and not in memory, asked for by the lane that needs them.
public struct StoreRequest: Equatable, Sendable {
    /// The lane.
    public var lane: Lane
    /// Rows above this number.
    public var after: UInt64
    /// So many at the most.
    public var rowsMax: Int
    /// No more once these bytes of payload are reached; one row always comes.
    public var bytesMax: Int

    /// A request.
    public init(lane: Lane, after: UInt64, rowsMax: Int, bytesMax: Int) {
        self.lane = lane
        self.after = after
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
    }
}

/// What a durable store answers. Answers come in the order of what they answer.
public enum StoreReply: Equatable, Sendable {
    /// All batches up to this number are safe.
    case committed(batch: UInt64)
    /// The rows asked for, in their order; empty where there is none.
    case loaded(Lane, [StoredRow])
    /// Nothing can be written for now, in the system's words ("database or disk is full"); the store goes on trying, and
    /// what it was asked is not lost.
    case failing(String)
    /// It writes again.
    case recovered
    /// The store is damaged, or gone: nothing more will ever be safe in it.
    case broken(String)
}

/// A row as it lies in the store.
public struct StoredRow: Equatable, Sendable {
    /// The row.
    public var row: Row
    /// How many attempts were refused for now.
    public var attempts: Int
    /// No attempt is made before this time, in milliseconds since 1970; 0: at once.
    public var until: Int64

    /// A stored row.
    public init(_ row: Row, attempts: Int = 0, until: Int64 = 0) {
        self.row = row
        self.attempts = attempts
        self.until = until
    }
}

/// A row that was refused for good.
public struct DeadLetter: Equatable, Sendable {
    /// The row.
    public var row: Row
    /// Where it was to go: its lane's name.
    public var lane: String
    /// Why it was refused.
    public var reason: Reason

    /// A dead letter.
    public init(row: Row, lane: String, reason: Reason) {
        self.row = row
        self.lane = lane
        self.reason = reason
    }

    /// Why a row was refused.
    public struct Reason: Equatable, Sendable {
        /// The defined condition (RFC 6120 8.3.3), where an error named one.
        public var condition: String?
        /// Words for a person.
        public var text: String
        /// When, in milliseconds since 1970.
        public var time: Int64

        /// A reason.
        public init(condition: String? = nil, text: String, time: Int64) {
            self.condition = condition
            self.text = text
            self.time = time
        }
    }
}

/// Accepted input that rules hold back.
public struct HeldInput: Equatable, Sendable {
    /// Names it; rising, never twice.
    public var token: UInt64
    /// The rule, by its name or by what it is.
    public var rule: String
    /// Where it comes from (a line that is being joined) or goes to (a text that waits), as an endpoint is written.
    public var place: String
    /// Whether it is a line that is being joined, not a text that waits.
    public var isLine: Bool
    /// The line or the text.
    public var bytes: [UInt8]

    /// Held input.
    public init(token: UInt64, rule: String, place: String, isLine: Bool, bytes: [UInt8]) {
        self.token = token
        self.rule = rule
        self.place = place
        self.isLine = isLine
        self.bytes = bytes
    }
}

/// Bytes for a sink, whole lines, that are acknowledged inbound and not written.
public struct SpilledBytes: Equatable, Sendable {
    /// The sink, as its endpoint is written.
    public var sink: String
    /// Rising within the sink.
    public var number: UInt64
    /// When the lines were made, in milliseconds since 1970: a file's name may follow it.
    public var time: Int64
    /// Whole lines.
    public var bytes: [UInt8]

    /// Spilled bytes.
    public init(sink: String, number: UInt64, time: Int64, bytes: [UInt8]) {
        self.sink = sink
        self.number = number
        self.time = time
        self.bytes = bytes
    }
}

/// What a store held when it was opened: all that the run must know before it begins. Rows stay where they are.
public struct StoreContents: Equatable, Sendable {
    /// The number of the last row ever appended.
    public var lastNumber: UInt64 = 0
    /// The number of the last held input ever kept.
    public var lastToken: UInt64 = 0
    /// Every lane that is known, by its number.
    public var lanes: [StoredLane] = []
    /// What rules held back, by its token.
    public var held: [HeldInput] = []
    /// Where tailed files stand.
    public var positions: [String: [UInt8]] = [:]
    /// The checkpoints.
    public var checkpoints: [String: [UInt8]] = [:]
    /// What sinks have not written, by sink and number.
    public var spilled: [SpilledBytes] = []
    /// How many dead letters there are.
    public var deadLetters = 0

    /// Nothing.
    public init() {}
}

/// A lane and what lies in it.
public struct StoredLane: Equatable, Sendable {
    /// The lane.
    public var lane: Lane
    /// Where it leads.
    public var name: String
    /// Rows that are not released or buried.
    public var rows: Int
    /// Their bytes, counted as ``Row/bytes`` does.
    public var bytes: Int

    /// A stored lane.
    public init(lane: Lane, name: String, rows: Int, bytes: Int) {
        self.lane = lane
        self.name = name
        self.rows = rows
        self.bytes = bytes
    }
}
