/// The tables, and how older ones become them.
enum Schema {
    /// In front of every file of ours ("XBSP").
    static let application = 0x5842_5350
    /// The version that this program writes.
    static let version = 1

    /// From the version before each to it. What is written is never changed again: a new version is a new step.
    static let steps = [
        """
        CREATE TABLE lanes (lane INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE rows (
            number INTEGER PRIMARY KEY, lane INTEGER NOT NULL, payload BLOB NOT NULL, origin_id TEXT NOT NULL,
            ref TEXT, attempts INTEGER NOT NULL DEFAULT 0, until INTEGER NOT NULL DEFAULT 0,
            appended INTEGER NOT NULL) STRICT;
        CREATE INDEX rows_of_lane ON rows (lane, number);
        CREATE TABLE dead (
            number INTEGER PRIMARY KEY, lane INTEGER NOT NULL, payload BLOB NOT NULL, origin_id TEXT NOT NULL,
            ref TEXT, condition TEXT, text TEXT NOT NULL, time INTEGER NOT NULL, appended INTEGER NOT NULL) STRICT;
        CREATE TABLE held (
            token INTEGER PRIMARY KEY, rule TEXT NOT NULL, place TEXT NOT NULL, is_line INTEGER NOT NULL,
            bytes BLOB NOT NULL) STRICT;
        CREATE TABLE positions (path TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE checkpoints (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE spilled (
            sink TEXT NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (sink, number)) STRICT;
        CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        INSERT INTO counters VALUES ('number', 0), ('token', 0);
        """
    ]

    /// Makes the tables of a fresh file, or brings those of an older version up to this one, each step whole.
    static func settle(_ database: Database, steps: [String] = steps) throws(StoreFailure) {
        let found = try database.number("PRAGMA user_version")
        let application = try database.number("PRAGMA application_id")
        let isFresh = try database.number("SELECT count(*) FROM sqlite_schema") == 0
        if !isFresh, application != Self.application {
            throw StoreFailure(kind: .foreign, description: "it is the database of another program")
        }
        if found > steps.count {
            throw StoreFailure(
                kind: .newer(version: found),
                description: "it is of version \(found), and this program knows up to \(steps.count)")
        }
        if isFresh { try database.run("PRAGMA application_id = \(Self.application)") }
        for version in found..<steps.count {
            try database.transaction { () throws(StoreFailure) in
                try database.run(steps[version])
                try database.run("PRAGMA user_version = \(version + 1)")
            }
        }
    }
}
