internal import CSQLite

/// The durable store: one SQLite file in WAL mode. It blocks, so a thread of its own owns it.
///
/// What ``carryOut(_:at:)`` was given is safe when it returns, all of it, or none of it where it throws: then the same
/// batches may be given again.
public final class SQLiteStore {
    /// What is to survive.
    public enum Durability: String, Sendable, CaseIterable {
        /// A power cut: each commit waits for the disk (`synchronous=FULL`).
        case power
        /// The end of the process, however it comes; after a power cut the last commits may be missing
        /// (`synchronous=NORMAL`).
        case process
    }

    /// Named limits, unit last.
    enum Limits {
        /// What the log in front of the file may keep once it is empty.
        static let journalBytesMax = 16 * 1_024 * 1_024
        /// Pages in it, from which on it is brought into the file.
        static let journalPagesMax = 4_000
        /// Pages that are given back to the file system at once.
        static let vacuumPages = 2_000
        /// So many free pages are kept for what comes next.
        static let freePagesMax = 1_000
        /// A file up to this size is looked at whole when it is opened.
        static let checkedPagesMax = 1_000
    }

    let database: Database
    /// Rows that lie in bundles.
    var bundles: [Bundle] = []
    /// Whether ``bundles`` are all that are there.
    var hasSettledBundles = false
    /// The bundle that was read last.
    var decoded: (name: UInt64, rows: [Row])?
    /// For tests: fewer rows are no bundle.
    package var bundleRowsMin = Bundle.Limits.rowsMin

    /// Opens a store, or makes one.
    /// - Parameter isSuspect: whether the file is looked at whole, whatever its size.
    /// - Throws: ``StoreFailure``; a file that is damaged is left as it is.
    public init(path: String, durability: Durability = .power, isSuspect: Bool = false) throws(StoreFailure) {
        database = try Database(path: path)
        // Before the first table, or never.
        try database.run("PRAGMA auto_vacuum = INCREMENTAL")
        try database.run("PRAGMA journal_mode = WAL")
        try database.run("PRAGMA synchronous = \(durability == .power ? "FULL" : "NORMAL")")
        // Debian's SQLite overwrites what is deleted, page by page, unless it is told not to.
        try database.run("PRAGMA secure_delete = OFF")
        try database.run("PRAGMA journal_size_limit = \(Limits.journalBytesMax)")
        try database.run("PRAGMA wal_autocheckpoint = \(Limits.journalPagesMax)")
        try database.run("PRAGMA temp_store = MEMORY")
        try Schema.settle(database)
        let pages = try database.number("PRAGMA page_count")
        if isSuspect || pages <= Limits.checkedPagesMax { try database.check() }
    }

    // MARK: - Out

    /// All that a run must know before it begins.
    public func contents() throws(StoreFailure) -> StoreContents {
        try settleBundles()
        var found = StoreContents()
        let counters = try database.statement("SELECT name, value FROM counters")
        while try counters.step() {
            if counters.text(0) == "number" {
                found.lastNumber = counters.unsigned(1)
            } else {
                found.lastToken = counters.unsigned(1)
            }
        }
        let bundled = try bundledLanes()
        let lanes = try database.statement(
            """
            SELECT l.lane, l.name, count(r.number), coalesce(sum(r.bytes), 0)
            FROM lanes l LEFT JOIN rows r ON r.lane = l.lane GROUP BY l.lane ORDER BY l.lane
            """)
        while try lanes.step() {
            let lane = Lane(rawValue: UInt32(truncatingIfNeeded: lanes.number(0)))
            let more = bundled[lane] ?? (0, 0)
            found.lanes.append(
                StoredLane(
                    lane: lane, name: lanes.text(1) ?? "", rows: Int(lanes.number(2)) + more.rows,
                    bytes: Int(lanes.number(3)) + more.bytes))
        }
        found.held = try held()
        let positions = try database.statement("SELECT path, value FROM positions")
        while try positions.step() { found.positions[positions.text(0) ?? ""] = positions.bytes(1) }
        let checkpoints = try database.statement("SELECT name, value FROM checkpoints")
        while try checkpoints.step() { found.checkpoints[checkpoints.text(0) ?? ""] = checkpoints.bytes(1) }
        found.spilled = try spilled()
        found.deadLetters = try database.number("SELECT count(*) FROM dead")
        return found
    }

    private func held() throws(StoreFailure) -> [HeldInput] {
        var found: [HeldInput] = []
        let rows = try database.statement("SELECT token, rule, place, is_line, bytes FROM held ORDER BY token")
        while try rows.step() {
            found.append(
                HeldInput(
                    token: rows.unsigned(0), rule: rows.text(1) ?? "", place: rows.text(2) ?? "",
                    isLine: rows.number(3) != 0, bytes: rows.bytes(4)))
        }
        return found
    }

    private func spilled() throws(StoreFailure) -> [SpilledBytes] {
        var found: [SpilledBytes] = []
        let rows = try database.statement("SELECT sink, number, time, bytes FROM spilled ORDER BY sink, number")
        while try rows.step() {
            found.append(
                SpilledBytes(
                    sink: rows.text(0) ?? "", number: rows.unsigned(1), time: rows.number(2), bytes: rows.bytes(3)))
        }
        return found
    }

    /// The rows that are asked for, in their order.
    public func load(_ request: StoreRequest) throws(StoreFailure) -> [StoredRow] {
        try settleBundles()
        let bundled = try loadBundled(request)
        let (single, next) = try loadSingle(request)
        if bundled.isEmpty { return single }
        var bytes = 0
        var all = single.isEmpty ? bundled : (bundled + single).sorted { $0.row.number < $1.row.number }
        if let next { all.removeAll { $0.row.number > next } }
        let fits = all.prefix(max(request.rowsMax, 1)).prefix { stored in
            defer { bytes += stored.row.bytes }
            return bytes == 0 || bytes + stored.row.bytes <= request.bytesMax
        }
        return Array(fits)
    }

    /// Those that lie in the table, and the first that is too many bytes.
    private func loadSingle(_ request: StoreRequest) throws(StoreFailure) -> (rows: [StoredRow], next: UInt64?) {
        let rows = try database.statement(
            """
            SELECT number, payload, origin_id, ref, attempts, until FROM rows WHERE lane = ?1 AND number > ?2
            ORDER BY number LIMIT ?3
            """)
        rows.bind(1, Int(request.lane.rawValue))
        rows.bind(2, request.after)
        rows.bind(3, max(request.rowsMax, 1))
        var found: [StoredRow] = []
        var bytes = 0
        while try rows.step() {
            let draft = RowDraft(
                lane: request.lane, payload: rows.bytes(1), originID: rows.text(2) ?? "", ref: rows.text(3))
            let row = Row(draft, number: rows.unsigned(0))
            bytes += row.bytes
            if !found.isEmpty, bytes > request.bytesMax {
                rows.reset()
                return (found, row.number)
            }
            found.append(StoredRow(row, attempts: Int(rows.number(4)), until: rows.number(5)))
        }
        rows.reset()
        return (found, nil)
    }

    // MARK: - In

    /// Carries batches out, all in one transaction.
    /// - Parameter time: in milliseconds since 1970; rows are of that time.
    public func carryOut(_ batches: [StoreBatch], at time: Int64) throws(StoreFailure) {
        guard !database.hasMoved else {
            throw StoreFailure(kind: .damaged, description: "its file was removed, or another put in its place")
        }
        try settleBundles()
        let before = bundles
        do throws(StoreFailure) {
            try database.transaction { () throws(StoreFailure) in try carryOutAll(batches, at: time) }
        } catch {
            bundles = before
            decoded = nil
            throw error
        }
    }

    private func carryOutAll(_ batches: [StoreBatch], at time: Int64) throws(StoreFailure) {
        var last: UInt64 = 0
        var token: UInt64 = 0
        var fresh: [Row] = []
        for batch in batches {
            for order in batch.orders {
                switch order {
                case .append(let row):
                    last = max(last, row.number)
                    fresh.append(row)
                    continue
                case .release(let number), .bury(let number, _), .postpone(let number, _, _, _):
                    if let first = fresh.first, number >= first.number {
                        try put(fresh[...], at: time)
                        fresh = []
                    }
                case .hold(let input): token = max(token, input.token)
                case .lane, .unhold, .position, .keep, .spill, .unspill: break
                }
                try carryOut(order, at: time)
            }
        }
        try put(fresh[...], at: time)
        try tidyBundles()
        if last > 0 { try count("number", last) }
        if token > 0 { try count("token", token) }
    }

    private func count(_ name: String, _ value: UInt64) throws(StoreFailure) {
        let counter = try database.statement("UPDATE counters SET value = max(value, ?2) WHERE name = ?1")
        counter.bind(1, name)
        counter.bind(2, value)
        try counter.run()
    }

    private func carryOut(_ order: StoreOrder, at time: Int64) throws(StoreFailure) {
        switch order {
        case .lane(let lane, let name):
            let row = try database.statement("INSERT OR IGNORE INTO lanes (lane, name) VALUES (?1, ?2)")
            row.bind(1, Int(lane.rawValue))
            row.bind(2, name)
            try row.run()
        case .append(let row): try append(row, at: time)
        case .release(let number):
            if !releaseBundled(number) { try remove("DELETE FROM rows WHERE number = ?1", number) }
        case .bury(let number, let reason):
            try free(number)
            try bury(number, reason)
        case .postpone(let number, let attempts, let until, let error):
            try free(number)
            let row = try database.statement(
                "UPDATE rows SET attempts = ?2, until = ?3, error = ?4 WHERE number = ?1")
            row.bind(1, number)
            row.bind(2, attempts)
            row.bind(3, until)
            row.bind(4, error)
            try row.run()
        case .hold(let input):
            let row = try database.statement("INSERT OR REPLACE INTO held VALUES (?1, ?2, ?3, ?4, ?5)")
            row.bind(1, input.token)
            row.bind(2, input.rule)
            row.bind(3, input.place)
            row.bind(4, input.isLine ? 1 : 0)
            row.bind(5, input.bytes)
            try row.run()
        case .unhold(let tokens):
            let row = try database.statement("DELETE FROM held WHERE token BETWEEN ?1 AND ?2")
            row.bind(1, tokens.lowerBound)
            row.bind(2, tokens.upperBound)
            try row.run()
        case .position(let path, let value):
            try put(
                "INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3)", or: "DELETE FROM positions WHERE path = ?1",
                path, value, at: time)
        case .keep(let name, let value):
            try put(
                "INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2)", or: "DELETE FROM checkpoints WHERE name = ?1",
                name, value)
        case .spill(let spilled):
            let row = try database.statement("INSERT OR REPLACE INTO spilled VALUES (?1, ?2, ?3, ?4)")
            row.bind(1, spilled.sink)
            row.bind(2, spilled.number)
            row.bind(3, spilled.time)
            row.bind(4, spilled.bytes)
            try row.run()
        case .unspill(let sink, let number):
            let row = try database.statement("DELETE FROM spilled WHERE sink = ?1 AND number <= ?2")
            row.bind(1, sink)
            row.bind(2, number)
            try row.run()
        }
    }

    func append(_ row: Row, at time: Int64) throws(StoreFailure) {
        let insert = try database.statement(
            """
            INSERT INTO rows (number, lane, payload, origin_id, ref, bytes, appended)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """)
        insert.bind(1, row.number)
        insert.bind(2, Int(row.lane.rawValue))
        insert.bind(3, row.payload)
        insert.bind(4, row.originID)
        insert.bind(5, row.ref)
        insert.bind(6, row.bytes)
        insert.bind(7, time)
        try insert.run()
    }

    private func remove(_ sql: StaticString, _ number: UInt64) throws(StoreFailure) {
        let row = try database.statement(sql)
        row.bind(1, number)
        try row.run()
    }

    private func bury(_ number: UInt64, _ reason: DeadLetter.Reason) throws(StoreFailure) {
        let insert = try database.statement(
            """
            INSERT OR REPLACE INTO dead (number, lane, payload, origin_id, ref, bytes, condition, text, time, appended)
            SELECT number, lane, payload, origin_id, ref, bytes, ?2, ?3, ?4, appended FROM rows WHERE number = ?1
            """)
        insert.bind(1, number)
        insert.bind(2, reason.condition)
        insert.bind(3, reason.text)
        insert.bind(4, reason.time)
        try insert.run()
        try remove("DELETE FROM rows WHERE number = ?1", number)
    }

    private func put(
        _ insert: StaticString, or delete: StaticString, _ name: String, _ value: [UInt8]?, at time: Int64? = nil
    ) throws(StoreFailure) {
        let row = try database.statement(value == nil ? delete : insert)
        row.bind(1, name)
        if let value {
            row.bind(2, value)
            if let time { row.bind(3, time) }
        }
        try row.run()
    }

    // MARK: - Room

    /// Gives some of the room back to the file system that a backlog has left behind: for idle moments. A little is kept,
    /// which the next lines need.
    /// - Returns: How many pages it gave back: 0 where there is nothing more to give.
    public func giveRoomBack() throws(StoreFailure) -> Int {
        let free = try database.number("PRAGMA freelist_count")
        guard free > Limits.freePagesMax else { return 0 }
        let count = min(free - Limits.freePagesMax, Limits.vacuumPages)
        try database.run("PRAGMA incremental_vacuum(\(count))")
        return count
    }

    /// Brings what is in the log into the file, as far as no other reader stands in the way.
    public func checkpoint() throws(StoreFailure) {
        try database.patiently(milliseconds: 0) { () throws(StoreFailure) in
            try database.run("PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    /// Forgets lanes that hold nothing: their numbers may be given anew. Before a run knows them.
    public func forgetEmptyLanes() throws(StoreFailure) {
        let bundled = try bundledLanes().keys.map { "\($0.rawValue)" }.joined(separator: ", ")
        try database.run(
            """
            DELETE FROM lanes WHERE NOT EXISTS (SELECT 1 FROM rows WHERE rows.lane = lanes.lane)
            AND lane NOT IN (SELECT lane FROM dead) AND lane NOT IN (\(bundled))
            """)
    }
}

extension SQLiteStore {
    /// For tests: the file may grow by so many pages only; nil lifts that.
    package func limitPages(spare: Int?) throws(StoreFailure) {
        let count = try database.number("PRAGMA page_count")
        _ = try database.number("PRAGMA max_page_count = \(spare.map { count + $0 } ?? 1 << 30)")
    }

    /// For tests: the file says that it is of that version.
    package func pretendVersion(_ version: Int) throws(StoreFailure) {
        try database.run("PRAGMA user_version = \(version)")
    }
}
