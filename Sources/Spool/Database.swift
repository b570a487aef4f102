internal import CSQLite

/// Why the database did not do what it was asked.
public struct StoreFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of trouble.
    public enum Kind: Equatable, Sendable {
        /// No room, no permission, no answer from the disk: it may work later.
        case passing
        /// The file is no database, or one that is damaged, or it is gone.
        case damaged
        /// A later version of this program has made it.
        case newer(version: Int)
        /// It is the database of something else.
        case foreign
    }

    /// Its kind.
    public var kind: Kind
    /// In words ("database or disk is full").
    public var description: String
}

/// A connection to SQLite, and the statements that are kept prepared. Confined to whoever owns it.
final class Database {
    private let handle: OpaquePointer
    private var statements: [StaticStringKey: Statement] = [:]

    private struct StaticStringKey: Hashable {
        let start: UnsafePointer<UInt8>
    }

    /// Opens a file, which is made where it is missing.
    init(path: String, readOnly: Bool = false) throws(StoreFailure) {
        var handle: OpaquePointer?
        let mode = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let code = sqlite3_open_v2(path, &handle, mode | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let handle else { throw StoreFailure(kind: .passing, description: "out of memory") }
        self.handle = handle
        guard code == SQLITE_OK else {
            let failure = Self.failure(code, handle)
            sqlite3_close_v2(handle)
            throw failure
        }
        sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// How long another connection's lock is waited for.
    private static let busyMilliseconds: Int32 = 5_000

    /// Carries out SQL without parameters or results.
    func run(_ sql: String) throws(StoreFailure) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        if code != SQLITE_OK { throw failure(code) }
    }

    /// Whether its file is not at its place any more: what is written would be gone with us.
    var hasMoved: Bool {
        var moved: Int32 = 0
        return sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0
    }

    /// Looks at the whole file.
    func check() throws(StoreFailure) {
        let answer = try Statement(self, "PRAGMA quick_check(1)")
        guard try answer.step(), let words = answer.text(0), words != "ok" else { return }
        throw StoreFailure(kind: .damaged, description: words)
    }

    /// Does something with another patience for the locks of others.
    func patiently(milliseconds: Int32, _ body: () throws(StoreFailure) -> Void) throws(StoreFailure) {
        sqlite3_busy_timeout(handle, milliseconds)
        defer { sqlite3_busy_timeout(handle, Self.busyMilliseconds) }
        try body()
    }

    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }

    /// One number that SQL gives.
    func number(_ sql: String) throws(StoreFailure) -> Int {
        let statement = try Statement(self, sql)
        return try statement.step() ? Int(statement.number(0)) : 0
    }

    /// A statement that is kept; it is reset, and has no values.
    func statement(_ sql: StaticString) throws(StoreFailure) -> Statement {
        let key = StaticStringKey(start: sql.utf8Start)
        if let known = statements[key] {
            known.reset()
            return known
        }
        let statement = try Statement(self, "\(sql)")
        statements[key] = statement
        return statement
    }

    /// All that `body` does is safe when it returns, or none of it was done.
    func transaction(_ body: () throws(StoreFailure) -> Void) throws(StoreFailure) {
        try run("BEGIN IMMEDIATE")
        do throws(StoreFailure) {
            try body()
            // A statement that stands in the middle of its rows would hold the transaction open.
            for statement in statements.values { statement.reset() }
            try run("COMMIT")
        } catch {
            for statement in statements.values { statement.reset() }
            // Some failures have rolled back by themselves.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// All that `body` reads is of one moment.
    func moment<Result>(_ body: () throws(StoreFailure) -> Result) throws(StoreFailure) -> Result {
        try run("BEGIN")
        defer {
            for statement in statements.values { statement.reset() }
            // It changed nothing that lasts.
            sqlite3_exec(handle, "COMMIT", nil, nil, nil)
        }
        return try body()
    }

    fileprivate func prepare(_ sql: String) throws(StoreFailure) -> OpaquePointer {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code) }
        return statement
    }

    fileprivate func failure(_ code: Int32) -> StoreFailure { Self.failure(code, handle) }

    /// What may be otherwise at the next attempt. All else is a file that does not hold what we have put there: a missing
    /// table, or a number that is there twice, as much as a page that cannot be read.
    private static let passing: Set<Int32> = [
        SQLITE_PERM, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_READONLY, SQLITE_INTERRUPT, SQLITE_IOERR,
        SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_PROTOCOL, SQLITE_SCHEMA, SQLITE_NOLFS, SQLITE_AUTH,
    ]

    private static func failure(_ code: Int32, _ handle: OpaquePointer) -> StoreFailure {
        let kind: StoreFailure.Kind = passing.contains(code & 0xFF) ? .passing : .damaged
        return StoreFailure(kind: kind, description: String(cString: sqlite3_errmsg(handle)))
    }
}

/// A prepared statement.
final class Statement {
    private let database: Unmanaged<Database>
    private let handle: OpaquePointer

    init(_ database: Database, _ sql: String) throws(StoreFailure) {
        // The database outlives its statements: it keeps them, or they live within one of its calls.
        self.database = .passUnretained(database)
        handle = try database.prepare(sql)
    }

    deinit { sqlite3_finalize(handle) }

    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    // MARK: - Values; places count from 1

    func bind(_ place: Int32, _ value: Int64) { sqlite3_bind_int64(handle, place, value) }
    func bind(_ place: Int32, _ value: UInt64) { sqlite3_bind_int64(handle, place, Int64(bitPattern: value)) }
    func bind(_ place: Int32, _ value: Int) { sqlite3_bind_int64(handle, place, Int64(value)) }

    func bind(_ place: Int32, _ value: [UInt8]) {
        value.withUnsafeBytes { bytes in
            // An empty blob is no NULL.
            if bytes.isEmpty {
                sqlite3_bind_zeroblob(handle, place, 0)
            } else {
                _ = xb_sqlite3_bind_blob(handle, place, bytes.baseAddress, UInt64(bytes.count))
            }
        }
    }

    func bind(_ place: Int32, _ value: String?) {
        guard var value else {
            sqlite3_bind_null(handle, place)
            return
        }
        value.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                // Without a base an empty text would be NULL.
                if let base = text.baseAddress, !text.isEmpty {
                    _ = xb_sqlite3_bind_text(handle, place, base, UInt64(text.count))
                } else {
                    _ = xb_sqlite3_bind_text(handle, place, "", 0)
                }
            }
        }
    }

    // MARK: - Rows

    /// The next row; false where there is none.
    func step() throws(StoreFailure) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case _: throw database.takeUnretainedValue().failure(code)
        }
    }

    /// Carries out what gives no rows.
    func run() throws(StoreFailure) { while try step() {} }

    /// How many columns a row has.
    var columns: Int32 { sqlite3_column_count(handle) }

    /// Puts another statement's row in, whatever is in it; one that the table cannot take is left out, as what a damaged
    /// page says may be of a kind that no table takes.
    func take(_ row: Statement) throws(StoreFailure) {
        for column in 0..<row.columns {
            sqlite3_bind_value(handle, column + 1, sqlite3_column_value(row.handle, column))
        }
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
        guard code == SQLITE_DONE || code & 0xFF == SQLITE_CONSTRAINT else {
            throw database.takeUnretainedValue().failure(code)
        }
    }

    // Columns count from 0.

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func unsigned(_ column: Int32) -> UInt64 { UInt64(bitPattern: sqlite3_column_int64(handle, column)) }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func text(_ column: Int32) -> String? {
        guard !isNull(column), let start = sqlite3_column_text(handle, column)
        else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
}
