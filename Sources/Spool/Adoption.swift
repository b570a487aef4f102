/// What another store is to give up.
public struct Adoption: Sendable {
    /// The number of the part that the other store is in, which names it over time.
    public var part: Int
    /// Whether all goes over that a run of the same kind can use: input that rules hold back, bytes that sinks have not
    /// written, and checkpoints. Otherwise only rows and dead letters do.
    public var isWhole: Bool
    /// What the names of these checkpoints begin with: they go over where there are none of ours.
    public var checkpointPrefix: String
    /// This checkpoint is ours too, once it is theirs: rows of a run that has died may have been sent.
    public var mark: String
    /// Of this checkpoint the lower of theirs and ours becomes ours: since when rows may have been sent.
    public var lowest: String

    /// An adoption.
    public init(part: Int, isWhole: Bool, checkpointPrefix: String, mark: String, lowest: String) {
        self.part = part
        self.isWhole = isWhole
        self.checkpointPrefix = checkpointPrefix
        self.mark = mark
        self.lowest = lowest
    }

    /// What has gone over.
    public struct Result: Equatable, Sendable {
        /// Rows.
        public var rows = 0
        /// Dead letters.
        public var deadLetters = 0

        /// Nothing.
        public init() {}
    }

    /// Rows that go over in one transaction, so that the disk need not hold all of them twice.
    static let rowsAtOnce = 1_000
}

extension SQLiteStore {
    /// Brings over what lies in another store that nobody owns: rows keep their bytes, ids and times, and get numbers
    /// behind ours. What is in our store leaves theirs after that, and a kill in between is no harm: the same part adopts
    /// it again under the same numbers.
    /// - Parameter path: a store of this version.
    public func adopt(_ path: String, _ adoption: Adoption) throws(StoreFailure) -> Adoption.Result {
        try SQLiteStore(path: path).takeAllApart()
        let attach = try Statement(database, "ATTACH ?1 AS theirs")
        attach.bind(1, path)
        try attach.run()
        defer { try? database.run("DETACH theirs") }
        guard try holdsAnything(adoption) else { return Adoption.Result() }
        let shifts = try shifts(adoption)
        try mapLanes()
        var result = Adoption.Result()
        result.rows = try moveRows("rows", shifts.rows)
        result.deadLetters = try moveRows("dead", shifts.rows)
        if adoption.isWhole { try moveRest(adoption, tokens: shifts.tokens) }
        try database.run("DROP TABLE temp.lane_map")
        let done = try Statement(database, "DELETE FROM main.adoptions WHERE part = ?1")
        done.bind(1, adoption.part)
        try done.run()
        return result
    }

    /// Whether there is anything to bring over.
    private func holdsAnything(_ adoption: Adoption) throws(StoreFailure) -> Bool {
        let count = try Statement(
            database,
            """
            SELECT EXISTS (SELECT 1 FROM theirs.rows) OR EXISTS (SELECT 1 FROM theirs.dead)
            OR ?1 AND (EXISTS (SELECT 1 FROM theirs.held) OR EXISTS (SELECT 1 FROM theirs.spilled)
            OR EXISTS (SELECT 1 FROM theirs.checkpoints WHERE substr(name, 1, ?2) = ?3
            AND name NOT IN (SELECT name FROM main.checkpoints)))
            """)
        count.bind(1, adoption.isWhole ? 1 : 0)
        count.bind(2, adoption.checkpointPrefix.unicodeScalars.count)
        count.bind(3, adoption.checkpointPrefix)
        return try count.step() && count.number(0) != 0
    }

    /// What is added to their numbers and tokens. It is kept until all has gone over, so that a second attempt comes to
    /// the same, and holds as long as nobody has used their store since.
    private func shifts(_ adoption: Adoption) throws(StoreFailure) -> (rows: Int64, tokens: Int64) {
        let known = try Statement(
            database,
            """
            SELECT shift, tokens FROM main.adoptions WHERE part = ?1
            AND last = (SELECT sum(value) FROM theirs.counters)
            """)
        known.bind(1, adoption.part)
        if try known.step() { return (known.number(0), known.number(1)) }
        known.reset()
        let rows = try database.number("SELECT value FROM main.counters WHERE name = 'number'")
        let tokens = try database.number("SELECT value FROM main.counters WHERE name = 'token'")
        try database.transaction { () throws(StoreFailure) in
            let note = try Statement(
                database,
                "INSERT OR REPLACE INTO main.adoptions SELECT ?1, ?2, ?3, sum(value) FROM theirs.counters")
            note.bind(1, adoption.part)
            note.bind(2, rows)
            note.bind(3, tokens)
            try note.run()
            try database.run(
                """
                UPDATE main.counters SET value = value
                + (SELECT value FROM theirs.counters t WHERE t.name = main.counters.name)
                """)
            let mark = try Statement(
                database, "INSERT OR IGNORE INTO main.checkpoints SELECT * FROM theirs.checkpoints WHERE name = ?1")
            mark.bind(1, adoption.mark)
            try mark.run()
            let lowest = try Statement(
                database,
                """
                INSERT INTO main.checkpoints SELECT * FROM theirs.checkpoints WHERE name = ?1
                ON CONFLICT (name) DO UPDATE SET value = min(value, excluded.value)
                """)
            lowest.bind(1, adoption.lowest)
            try lowest.run()
        }
        return (Int64(rows), Int64(tokens))
    }

    /// A lane of theirs is ours of that name. One that we do not have keeps its number where that is free.
    private func mapLanes() throws(StoreFailure) {
        try database.run(
            "CREATE TEMP TABLE IF NOT EXISTS lane_map (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL) STRICT;"
                + "DELETE FROM temp.lane_map")
        var ours: [String: Int64] = [:]
        var taken: Set<Int64> = []
        let known = try Statement(database, "SELECT lane, name FROM main.lanes ORDER BY lane DESC")
        while try known.step() {
            ours[known.text(1) ?? ""] = known.number(0)
            taken.insert(known.number(0))
        }
        let theirs = try Statement(
            database,
            """
            SELECT u.lane, coalesce(t.name, 'unknown ' || u.lane)
            FROM (SELECT lane FROM theirs.rows UNION SELECT lane FROM theirs.dead) u
            LEFT JOIN theirs.lanes t USING (lane) ORDER BY u.lane
            """)
        var lanes: [(theirs: Int64, name: String)] = []
        while try theirs.step() { lanes.append((theirs.number(0), theirs.text(1) ?? "")) }
        let fresh = try Statement(database, "INSERT INTO main.lanes VALUES (?1, ?2)")
        let pair = try Statement(database, "INSERT INTO temp.lane_map VALUES (?1, ?2)")
        try database.transaction { () throws(StoreFailure) in
            for lane in lanes {
                let number = ours[lane.name] ?? (taken.contains(lane.theirs) ? (taken.max() ?? 0) + 1 : lane.theirs)
                if ours.updateValue(number, forKey: lane.name) == nil {
                    taken.insert(number)
                    fresh.reset()
                    fresh.bind(1, number)
                    fresh.bind(2, lane.name)
                    try fresh.run()
                }
                pair.reset()
                pair.bind(1, lane.theirs)
                pair.bind(2, number)
                try pair.run()
            }
        }
    }

    /// - Returns: How many have left their table.
    private func moveRows(_ table: String, _ shift: Int64) throws(StoreFailure) -> Int {
        let own = try Statement(database, "SELECT name FROM pragma_table_info('\(table)') WHERE cid > 1")
        var columns = ""
        while try own.step() { columns += ", " + (own.text(0) ?? "") }
        let limit = try Statement(
            database,
            "SELECT max(number) FROM (SELECT number FROM theirs.\(table) ORDER BY number LIMIT \(Adoption.rowsAtOnce))")
        let copy = try Statement(
            database,
            """
            INSERT OR IGNORE INTO main.\(table) (number, lane\(columns))
            SELECT r.number + ?1, m.ours\(columns) FROM theirs.\(table) r JOIN temp.lane_map m ON m.theirs = r.lane
            WHERE r.number <= ?2
            """)
        let remove = try Statement(database, "DELETE FROM theirs.\(table) WHERE number <= ?1")
        var count = 0
        while true {
            limit.reset()
            guard try limit.step(), !limit.isNull(0) else { return count }
            let last = limit.number(0)
            limit.reset()
            // Ours is committed first: that is the order of SQLite, for files with logs of their own.
            try database.transaction { () throws(StoreFailure) in
                copy.reset()
                copy.bind(1, shift)
                copy.bind(2, last)
                try copy.run()
                remove.reset()
                remove.bind(1, last)
                try remove.run()
                count += database.changes
            }
        }
    }

    private func moveRest(_ adoption: Adoption, tokens: Int64) throws(StoreFailure) {
        let checkpoints = try Statement(
            database,
            """
            INSERT OR IGNORE INTO main.checkpoints
            SELECT * FROM theirs.checkpoints WHERE substr(name, 1, ?1) = ?2
            """)
        checkpoints.bind(1, adoption.checkpointPrefix.unicodeScalars.count)
        checkpoints.bind(2, adoption.checkpointPrefix)
        let held = try Statement(
            database,
            """
            INSERT OR IGNORE INTO main.held SELECT token + ?1, rule, place, is_line, bytes FROM theirs.held
            """)
        held.bind(1, tokens)
        try database.transaction { () throws(StoreFailure) in
            try checkpoints.run()
            try held.run()
            try database.run(
                """
                DELETE FROM theirs.held;
                INSERT INTO main.spilled SELECT t.sink, t.number + coalesce(o.last, 0), t.time, t.bytes
                FROM theirs.spilled t
                LEFT JOIN (SELECT sink, max(number) AS last FROM main.spilled GROUP BY sink) o USING (sink);
                DELETE FROM theirs.spilled;
                """)
        }
    }

    // MARK: - Positions

    /// Brings over where tailed files stand, from a store that a process may own which follows none: of two positions of
    /// a file that kept last counts.
    public func takePositions(from path: String) throws(StoreFailure) {
        try SQLiteStore(path: path).settleBundles()
        let attach = try Statement(database, "ATTACH ?1 AS theirs")
        attach.bind(1, path)
        try attach.run()
        defer { try? database.run("DETACH theirs") }
        guard try database.number("PRAGMA theirs.user_version") == Schema.version,
            try database.number("SELECT count(*) FROM theirs.positions") > 0
        else { return }
        try database.transaction { () throws(StoreFailure) in
            try database.run(
                """
                INSERT INTO main.positions SELECT * FROM theirs.positions WHERE true
                ON CONFLICT (path) DO UPDATE SET value = excluded.value, updated = excluded.updated
                WHERE excluded.updated > updated;
                DELETE FROM theirs.positions;
                """)
        }
    }
}
