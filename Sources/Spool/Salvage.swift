/// What can be read out of a damaged store.
public struct Salvage: Equatable, Sendable {
    /// Rows that were brought over.
    public var rows = 0
    /// Dead letters.
    public var deadLetters = 0
    /// Whether every table could be read from its beginning to its end.
    public var isWhole = true

    private static var batchMax: Int { 256 }

    /// Makes a fresh store of what can be read out of a damaged one, which stays as it is.
    /// - Parameter forgetting: checkpoints that are of no use where something may be missing.
    /// - Throws: ``StoreFailure`` of the fresh store; what the damaged one says is its end.
    public static func bring(
        from path: String, into fresh: String, forgetting names: [String] = []
    ) throws(StoreFailure) -> Salvage {
        let store = try SQLiteStore(path: fresh)
        var salvage = Salvage()
        if let damaged = try? Database(path: path, readOnly: true) {
            for table in Schema.tables { try salvage.copy(table, from: damaged, to: store.database) }
        } else {
            salvage.isWhole = false
        }
        try salvage.settle(store)
        if !salvage.isWhole {
            try store.carryOut([StoreBatch(number: 0, orders: names.map { .keep($0, nil) })], at: 0)
        }
        salvage.rows = try store.database.number("SELECT count(*) FROM rows")
        salvage.deadLetters = try store.database.number("SELECT count(*) FROM dead")
        return salvage
    }

    /// From the beginning up to the damage, and from the end back to it. The indexes are not looked at.
    private mutating func copy(_ table: String, from damaged: Database, to store: Database) throws(StoreFailure) {
        if try copy(table, from: damaged, to: store, upwards: true) { return }
        isWhole = false
        _ = try copy(table, from: damaged, to: store, upwards: false)
    }

    /// - Returns: Whether all of it could be read.
    private func copy(
        _ table: String, from damaged: Database, to store: Database, upwards: Bool
    ) throws(StoreFailure) -> Bool {
        let order = upwards ? "" : "DESC"
        guard let rows = try? Statement(damaged, "SELECT * FROM \(table) NOT INDEXED ORDER BY rowid \(order)")
        else { return false }
        let values = (1...rows.columns).map { "?\($0)" }.joined(separator: ", ")
        guard let insert = try? Statement(store, "INSERT OR REPLACE INTO \(table) VALUES (\(values))") else {
            return false
        }
        while true {
            var count = 0
            var isOver = false
            var isReadable = true
            try store.transaction { () throws(StoreFailure) in
                while count < Self.batchMax, !isOver {
                    do throws(StoreFailure) { isOver = try rows.step() == false } catch {
                        (isOver, isReadable) = (true, false)
                        return
                    }
                    guard !isOver else { return }
                    try insert.take(rows)
                    count += 1
                }
            }
            if isOver { return isReadable }
        }
    }

    /// Numbers go on above all that were seen, and every row has a lane. What a row's number, bytes and times say may come
    /// of a damaged page: none of it is to be in the way of what is sent.
    private mutating func settle(_ store: SQLiteStore) throws(StoreFailure) {
        let isReadable = try store.takeApartWhatCanBeRead()
        isWhole = isWhole && isReadable
        try store.database.run(
            """
            DELETE FROM rows WHERE number NOT BETWEEN 1 AND \(Self.numberMax);
            DELETE FROM dead WHERE number NOT BETWEEN 1 AND \(Self.numberMax);
            DELETE FROM held WHERE token NOT BETWEEN 1 AND \(Self.numberMax);
            DELETE FROM spilled WHERE number NOT BETWEEN 0 AND \(Self.numberMax);
            UPDATE rows SET attempts = 0, until = 0, error = NULL, bytes = \(Self.bytesOfRow);
            UPDATE dead SET bytes = \(Self.bytesOfRow);
            INSERT OR IGNORE INTO counters VALUES ('number', 0), ('token', 0);
            UPDATE counters SET value = 0 WHERE value NOT BETWEEN 0 AND \(Self.numberMax);
            UPDATE counters SET value = max(value, coalesce((SELECT max(number) FROM rows), 0),
            coalesce((SELECT max(number) FROM dead), 0)) WHERE name = 'number';
            UPDATE counters SET value = max(value, coalesce((SELECT max(token) FROM held), 0)) WHERE name = 'token';
            INSERT OR IGNORE INTO lanes SELECT lane, 'unknown ' || lane FROM rows;
            INSERT OR IGNORE INTO lanes SELECT lane, 'unknown ' || lane FROM dead;
            """)
    }

    /// No store comes so far by itself.
    private static var numberMax: Int64 { 1 << 53 }
    private static var bytesOfRow: String {
        "length(payload) + length(CAST(origin_id AS BLOB)) + coalesce(length(CAST(ref AS BLOB)), 0) + \(Row.overheadBytes)"
    }
}
