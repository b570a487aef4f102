/// The tables, and how older ones become them.
enum Schema {
    /// In front of every file of ours ("XBSP").
    static let application = 0x5842_5350
    /// The version that this program writes.
    static let version = 1

    /// From the version before each to it. What is written is never changed again: a new version is a new step.
    static let steps = [
        """
        CREATE TABLE lanes (lane INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
        CREATE TABLE rows (
            number INTEGER PRIMARY KEY, lane INTEGER NOT NULL, payload BLOB NOT NULL, origin_id TEXT NOT NULL,
            ref TEXT, bytes INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, until INTEGER NOT NULL DEFAULT 0,
            error TEXT, appended INTEGER NOT NULL) STRICT;
        CREATE INDEX rows_of_lane ON rows (lane, number, bytes);
        CREATE TABLE bundles (first INTEGER PRIMARY KEY, appended INTEGER NOT NULL, rows BLOB NOT NULL) STRICT;
        CREATE TABLE released (first INTEGER PRIMARY KEY, bits BLOB NOT NULL) STRICT;
        CREATE TABLE dead (
            number INTEGER PRIMARY KEY, lane INTEGER NOT NULL, payload BLOB NOT NULL, origin_id TEXT NOT NULL,
            ref TEXT, bytes INTEGER NOT NULL, condition TEXT, text TEXT NOT NULL, time INTEGER NOT NULL, appended INTEGER NOT NULL,
            revived INTEGER NOT NULL DEFAULT 0) STRICT;
        CREATE TABLE held (
            token INTEGER PRIMARY KEY, rule TEXT NOT NULL, place TEXT NOT NULL, is_line INTEGER NOT NULL,
            bytes BLOB NOT NULL) STRICT;
        CREATE TABLE positions (path TEXT PRIMARY KEY, value BLOB NOT NULL, updated INTEGER NOT NULL) STRICT;
        CREATE TABLE checkpoints (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE spilled (
            sink TEXT NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (sink, number)) STRICT;
        CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        INSERT INTO counters VALUES ('number', 0), ('token', 0);
        CREATE TABLE adoptions (
            part INTEGER PRIMARY KEY, shift INTEGER NOT NULL, tokens INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
        """
    ]

    /// Tables with what was accepted, for who reads them out of a damaged file.
    static let tables = [
        "lanes", "rows", "bundles", "released", "dead", "held", "positions", "checkpoints", "spilled", "counters",
    ]

    /// Makes the tables of a fresh file, or brings those of an older version up to this one, each step whole.
    static func settle(_ database: Database, steps: [String] = steps) throws(StoreFailure) {
        let found = try version(of: database, upTo: steps.count)
        for version in found..<steps.count {
            try database.transaction { () throws(StoreFailure) in
                if version == 0 { try database.run("PRAGMA application_id = \(application)") }
                try database.run(steps[version])
                try database.run("PRAGMA user_version = \(version + 1)")
            }
        }
    }

    /// Accepts a file of this version only, and leaves it as it is.
    static func accept(_ database: Database) throws(StoreFailure) {
        let found = try version(of: database, upTo: version)
        guard found < version else { return }
        throw StoreFailure(
            kind: .foreign,
            description: "it is of version \(found), which the next run brings up to \(version)")
    }

    /// The version of a file; 0 of one that is fresh.
    private static func version(of database: Database, upTo known: Int) throws(StoreFailure) -> Int {
        guard try database.number("SELECT count(*) FROM sqlite_schema") > 0 else { return 0 }
        guard try database.number("PRAGMA application_id") == application else {
            throw StoreFailure(kind: .foreign, description: "it is the database of another program")
        }
        let found = try database.number("PRAGMA user_version")
        guard found <= known else {
            throw StoreFailure(
                kind: .newer(version: found),
                description: "it is of version \(found), and this program knows up to \(known)")
        }
        return found
    }
}
