/// A look at a store from beside it, whoever owns it and whether its process lives. It changes nothing, and holds nobody
/// up: SQLite's readers see what was committed last.
public final class StoreReader {
    private let database: Database

    /// Messages that are read at once, so that a long list keeps no transaction open.
    private static let messagesAtOnce = 200

    /// Opens a store that is there.
    /// - Throws: ``StoreFailure``: one of another version, or of another program, is not read.
    public init(path: String) throws(StoreFailure) {
        database = try Database(path: path, readOnly: true)
        try Schema.accept(database)
        // Rows in bundles are shown as if they were in the table already.
        try database.run(
            """
            PRAGMA temp_store = MEMORY;
            CREATE TEMP TABLE fresh (
                number INTEGER PRIMARY KEY, lane INTEGER, payload BLOB, origin_id TEXT, ref TEXT, bytes INTEGER,
                appended INTEGER);
            CREATE TEMP VIEW rows AS
            SELECT number, lane, payload, origin_id, ref, bytes, attempts, until, error, appended FROM main.rows
            UNION ALL SELECT number, lane, payload, origin_id, ref, bytes, 0, 0, NULL, appended FROM temp.fresh;
            """)
    }

    /// What `body` reads is of one moment, rows in bundles too.
    private func look<Result>(_ body: () throws(StoreFailure) -> Result) throws(StoreFailure) -> Result {
        try database.moment { () throws(StoreFailure) in
            try database.run("DELETE FROM temp.fresh")
            let bundles = try database.statement(
                "SELECT b.rows, b.appended, r.bits FROM bundles b LEFT JOIN released r USING (first)")
            while try bundles.step() {
                for row in BundleCoding.left(of: BundleCoding.rows(in: bundles.bytes(0)).rows, bits: bundles.bytes(2)) {
                    let fresh = try database.statement(
                        "INSERT OR REPLACE INTO temp.fresh VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
                    fresh.bind(1, row.number)
                    fresh.bind(2, Int(row.lane.rawValue))
                    fresh.bind(3, row.payload)
                    fresh.bind(4, row.originID)
                    fresh.bind(5, row.ref)
                    fresh.bind(6, row.bytes)
                    fresh.bind(7, bundles.number(1))
                    try fresh.run()
                }
            }
            return try body()
        }
    }

    /// What waits in one lane.
    public struct LaneState: Equatable, Sendable {
        /// The lane.
        public var lane: Lane
        /// Where it leads; empty where that is not known any more.
        public var name: String
        /// Rows.
        public var rows = 0
        /// Their bytes, counted as ``Row/bytes`` does.
        public var bytes = 0
        /// The row that goes first, without its payload.
        public var first: First?
        /// Dead letters.
        public var deadLetters = 0
        /// Those of them that go back into the lane when the process that owns the store begins anew.
        public var revived = 0
    }

    /// The row that goes first.
    public struct First: Equatable, Sendable {
        /// Its number.
        public var number: UInt64
        /// When it was accepted, in milliseconds since 1970.
        public var appended: Int64
        /// How often it was refused for now.
        public var attempts: Int
        /// No attempt before that time, in milliseconds since 1970.
        public var until: Int64
        /// The last refusal, in words for a person.
        public var error: String?
    }

    /// A row or a dead letter.
    public struct Message: Equatable, Sendable {
        /// The row.
        public var row: Row
        /// Where it leads.
        public var lane: String
        /// When it was accepted, in milliseconds since 1970.
        public var appended: Int64
        /// How often it was refused for now.
        public var attempts = 0
        /// No attempt before that time, in milliseconds since 1970.
        public var until: Int64 = 0
        /// The last refusal for now, in words for a person.
        public var error: String?
        /// Why it was refused for good: it is a dead letter.
        public var reason: DeadLetter.Reason?
        /// Whether it is a dead letter that goes back into its lane.
        public var isRevived = false
    }

    /// The lanes that hold something, by their number.
    public func lanes() throws(StoreFailure) -> [LaneState] {
        try look { () throws(StoreFailure) in try lanesNow() }
    }

    private func lanesNow() throws(StoreFailure) -> [LaneState] {
        var found: [Int64: LaneState] = [:]
        let rows = try database.statement(
            """
            SELECT g.lane, (SELECT name FROM lanes WHERE lane = g.lane), g.count, g.bytes, r.number, r.appended,
            r.attempts, r.until, r.error
            FROM (SELECT lane, count(*) AS count, sum(bytes) AS bytes, min(number) AS first FROM rows GROUP BY lane) g
            JOIN rows r ON r.number = g.first
            """)
        while try rows.step() {
            let first = First(
                number: rows.unsigned(4), appended: rows.number(5), attempts: Int(rows.number(6)),
                until: rows.number(7), error: rows.text(8))
            found[rows.number(0)] = LaneState(
                lane: Self.lane(rows.number(0)), name: rows.text(1) ?? "", rows: Int(rows.number(2)),
                bytes: Int(rows.number(3)), first: first)
        }
        let dead = try database.statement(
            """
            SELECT lane, (SELECT name FROM lanes WHERE lane = dead.lane), count(*), sum(revived) FROM dead GROUP BY lane
            """)
        while try dead.step() {
            let unknown = LaneState(lane: Self.lane(dead.number(0)), name: dead.text(1) ?? "")
            found[dead.number(0), default: unknown].deadLetters = Int(dead.number(2))
            found[dead.number(0), default: unknown].revived = Int(dead.number(3))
        }
        return found.values.sorted { $0.lane.rawValue < $1.lane.rawValue }
    }

    /// Every row and dead letter, by its number.
    /// - Parameter deadOnly: whether only dead letters are given.
    public func messages(
        deadOnly: Bool = false, _ each: (Message) throws(StoreFailure) -> Void
    ) throws(StoreFailure) {
        var after: UInt64 = 0
        while true {
            let found = try look { () throws(StoreFailure) in
                try messages(after: after, before: .max, deadOnly: deadOnly)
            }
            for message in found { try each(message) }
            guard let last = found.last else { return }
            after = last.row.number
        }
    }

    /// The row or dead letter with that number.
    public func message(_ number: UInt64) throws(StoreFailure) -> Message? {
        guard number > 0, number < UInt64(Int64.max) else { return nil }
        return try look { () throws(StoreFailure) in
            try messages(after: number - 1, before: number + 1, deadOnly: false).first
        }
    }

    /// The numbers of a lane's rows.
    public func rowNumbers(of lane: Lane) throws(StoreFailure) -> [UInt64] {
        try look { () throws(StoreFailure) in
            try numbers("SELECT number FROM rows WHERE lane = ?1 ORDER BY number", lane)
        }
    }

    /// The numbers of a lane's dead letters.
    public func deadNumbers(of lane: Lane) throws(StoreFailure) -> [UInt64] {
        try numbers("SELECT number FROM dead WHERE lane = ?1 ORDER BY number", lane)
    }

    private func numbers(_ sql: StaticString, _ lane: Lane) throws(StoreFailure) -> [UInt64] {
        let rows = try database.statement(sql)
        rows.bind(1, Int(lane.rawValue))
        var found: [UInt64] = []
        while try rows.step() { found.append(rows.unsigned(0)) }
        return found
    }

    /// How many inputs rules hold back.
    public func heldCount() throws(StoreFailure) -> Int { try database.number("SELECT count(*) FROM held") }

    /// Bytes that sinks have not written.
    public func spilledBytes() throws(StoreFailure) -> [(sink: String, bytes: Int)] {
        let rows = try database.statement("SELECT sink, sum(length(bytes)) FROM spilled GROUP BY sink ORDER BY sink")
        var found: [(sink: String, bytes: Int)] = []
        while try rows.step() { found.append((rows.text(0) ?? "", Int(rows.number(1)))) }
        return found
    }

    /// Numbers between these, a few at once.
    private func messages(after: UInt64, before: UInt64, deadOnly: Bool) throws(StoreFailure) -> [Message] {
        let rows = try database.statement(
            """
            SELECT number, lane, payload, origin_id, ref, appended, attempts, until, error, 0, 0, NULL, NULL, 0,
            (SELECT name FROM lanes WHERE lane = rows.lane) FROM rows WHERE number > ?1 AND number < ?2 AND NOT ?3
            UNION ALL
            SELECT number, lane, payload, origin_id, ref, appended, 0, 0, NULL, 1, time, condition, text, revived,
            (SELECT name FROM lanes WHERE lane = dead.lane) FROM dead WHERE number > ?1 AND number < ?2
            ORDER BY number LIMIT ?4
            """)
        rows.bind(1, Int64(clamping: after))
        rows.bind(2, Int64(clamping: before))
        rows.bind(3, deadOnly ? 1 : 0)
        rows.bind(4, Self.messagesAtOnce)
        var found: [Message] = []
        while try rows.step() {
            let draft = RowDraft(
                lane: Self.lane(rows.number(1)), payload: rows.bytes(2), originID: rows.text(3) ?? "",
                ref: rows.text(4))
            var message = Message(
                row: Row(draft, number: rows.unsigned(0)), lane: rows.text(14) ?? "", appended: rows.number(5),
                attempts: Int(rows.number(6)), until: rows.number(7), error: rows.text(8))
            if rows.number(9) == 1 {
                message.reason = .init(condition: rows.text(11), text: rows.text(12) ?? "", time: rows.number(10))
                message.isRevived = rows.number(13) == 1
            }
            found.append(message)
        }
        return found
    }

    private static func lane(_ number: Int64) -> Lane { Lane(rawValue: UInt32(truncatingIfNeeded: number)) }
}
