/// Rows that were appended together, and lie in the store as one blob.
///
/// Most rows are released within moments. To give each a row of a table, with its places in two trees, and to take it out
/// again costs several times what the bytes cost; so what comes in great numbers is bundled. A bundle whose rows are all
/// released is forgotten as a whole; one of which a row is refused is taken apart, and the oldest of very many.
struct Bundle: Sendable {
    /// Named limits, unit last.
    enum Limits {
        /// Fewer rows are no bundle.
        static let rowsMin = 8
        /// Bytes of payload from which on another bundle begins.
        static let payloadBytesMax = 256 * 1_024
        /// Rows of more lanes are no bundle: each lane would read all of them.
        static let lanesMax = 8
        /// Beyond it the oldest is taken apart.
        static let bundlesMax = 4_096
    }

    /// The number of its first row, which names it; the others follow without a gap.
    let first: UInt64
    let count: Int
    /// Their lanes, each once.
    let lanes: [Lane]
    /// Which of the rows are released, a bit each, the lowest first; empty where none is.
    private(set) var bits: [UInt8]
    /// How many are not.
    private(set) var left: Int
    /// Whether rows were released since that was last kept.
    var hasChanged = false

    init(_ rows: ArraySlice<Row>, bits: [UInt8] = []) {
        first = rows.first?.number ?? 0
        count = rows.count
        lanes = Self.lanes(of: rows)
        let isWhole = bits.count == (rows.count + 7) / 8
        self.bits = isWhole ? bits : []
        left = rows.count - (isWhole ? bits.reduce(0) { $0 + $1.nonzeroBitCount } : 0)
    }

    static func lanes(of rows: ArraySlice<Row>) -> [Lane] {
        var lanes: [Lane] = []
        for row in rows where lanes.last != row.lane && !lanes.contains(row.lane) { lanes.append(row.lane) }
        return lanes
    }

    /// Whether rows above that number are in it.
    func reaches(beyond number: UInt64) -> Bool { first + UInt64(count) - 1 > number }

    /// Whether a row with that number is in it, and not released.
    func holds(_ number: UInt64) -> Bool {
        guard number >= first, number - first < UInt64(count) else { return false }
        return !BundleCoding.isSet(Int(number - first), in: bits)
    }

    /// - Returns: Whether it held that row.
    mutating func release(_ number: UInt64) -> Bool {
        guard holds(number) else { return false }
        if bits.isEmpty { bits = [UInt8](repeating: 0, count: (count + 7) / 8) }
        let place = Int(number - first)
        bits[place / 8] |= 1 << (place % 8)
        left -= 1
        hasChanged = true
        return true
    }
}

/// Rows in a blob: for each its number, its lane, and payload, id and ref with their lengths; all numbers little-endian.
enum BundleCoding {
    /// What stands for the length of a ref that is not there.
    private static let noRef = UInt32.max
    /// A row without its texts.
    private static let headBytes = 24

    static func bytes(of rows: ArraySlice<Row>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.reduce(0) { $0 + $1.bytes })
        for row in rows {
            put(row.number, into: &bytes)
            put(row.lane.rawValue, into: &bytes)
            put(UInt32(row.payload.count), into: &bytes)
            put(UInt32(row.originID.utf8.count), into: &bytes)
            put(row.ref.map { UInt32($0.utf8.count) } ?? noRef, into: &bytes)
            bytes += row.payload
            bytes += row.originID.utf8
            if let ref = row.ref { bytes += ref.utf8 }
        }
        return bytes
    }

    private static func put<Number: FixedWidthInteger>(_ number: Number, into bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Reads them back.
    /// - Returns: What could be read, and whether it was all.
    static func rows(in bytes: [UInt8]) -> (rows: [Row], isWhole: Bool) {
        var rows: [Row] = []
        var place = 0
        func take<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
            defer { place += MemoryLayout<Number>.size }
            return (0..<MemoryLayout<Number>.size).reduce(0) { $0 | Number(bytes[place + $1]) << (8 * $1) }
        }
        while place < bytes.count {
            guard bytes.count - place >= headBytes else { return (rows, false) }
            let number = take(UInt64.self)
            let lane = Lane(rawValue: take(UInt32.self))
            let (payload, id, ref) = (Int(take(UInt32.self)), Int(take(UInt32.self)), take(UInt32.self))
            let refCount = ref == noRef ? 0 : Int(ref)
            guard payload + id + refCount <= bytes.count - place, number > rows.last?.number ?? 0 else {
                return (rows, false)
            }
            func text(_ count: Int) -> String {
                defer { place += count }
                return String(decoding: bytes[place..<place + count], as: UTF8.self)
            }
            let body = Array(bytes[place..<place + payload])
            place += payload
            let draft = RowDraft(
                lane: lane, payload: body, originID: text(id), ref: ref == noRef ? nil : text(refCount))
            rows.append(Row(draft, number: number))
        }
        return (rows, true)
    }

    static func isSet(_ place: Int, in bits: [UInt8]) -> Bool {
        place / 8 < bits.count && bits[place / 8] >> (place % 8) & 1 == 1
    }

    /// Those of the rows whose bit is not set.
    static func left(of rows: [Row], bits: [UInt8]) -> [Row] {
        if bits.isEmpty { return rows }
        return rows.indices.filter { !isSet($0, in: bits) }.map { rows[$0] }
    }
}

extension SQLiteStore {
    /// Gets to know the bundles that another process has left: before their owner works on the store.
    func settleBundles() throws(StoreFailure) {
        guard !hasSettledBundles else { return }
        var found: [Bundle] = []
        try eachBundle { found.append(Bundle($0[...], bits: $1)) }
        bundles = found
        hasSettledBundles = true
    }

    /// - Parameter body: is given the rows of each bundle, and which of them are released as far as that was kept.
    private func eachBundle(_ body: ([Row], [UInt8]) -> Void) throws(StoreFailure) {
        let all = try database.statement(
            "SELECT b.rows, r.bits FROM bundles b LEFT JOIN released r USING (first) ORDER BY b.first")
        while try all.step() {
            let (rows, isWhole) = BundleCoding.rows(in: all.bytes(0))
            guard isWhole, !rows.isEmpty else { throw Self.unreadable }
            body(rows, all.bytes(1))
        }
        all.reset()
    }

    private static var unreadable: StoreFailure {
        StoreFailure(kind: .damaged, description: "a bundle of rows cannot be read")
    }

    /// How many rows of each lane lie in bundles, and their bytes.
    func bundledLanes() throws(StoreFailure) -> [Lane: (rows: Int, bytes: Int)] {
        try settleBundles()
        var lanes: [Lane: (rows: Int, bytes: Int)] = [:]
        var place = 0
        try eachBundle { rows, _ in
            for row in BundleCoding.left(of: rows, bits: bundles[place].bits) {
                lanes[row.lane, default: (0, 0)].rows += 1
                lanes[row.lane, default: (0, 0)].bytes += row.bytes
            }
            place += 1
        }
        return lanes
    }

    /// Every row is in the table of rows.
    func takeAllApart() throws(StoreFailure) {
        try settleBundles()
        if bundles.isEmpty { return }
        try database.transaction { () throws(StoreFailure) in
            for bundle in bundles { try takeApart(bundle) }
        }
        bundles = []
    }

    /// Puts rows in that were appended together.
    func put(_ rows: ArraySlice<Row>, at time: Int64) throws(StoreFailure) {
        var rest = rows
        while !rest.isEmpty {
            var (end, bytes) = (rest.startIndex, 0)
            repeat {
                bytes += rest[end].payload.count
                end += 1
            } while end < rest.endIndex && bytes < Bundle.Limits.payloadBytesMax
                && rest[end].number == rest[end - 1].number + 1
            let part = rest[..<end]
            rest = rest[end...]
            let bundle = Bundle(part)
            guard part.count >= bundleRowsMin, bundle.lanes.count <= Bundle.Limits.lanesMax else {
                for row in part { try append(row, at: time) }
                continue
            }
            let insert = try database.statement("INSERT INTO bundles (first, appended, rows) VALUES (?1, ?2, ?3)")
            insert.bind(1, bundle.first)
            insert.bind(2, time)
            insert.bind(3, BundleCoding.bytes(of: part))
            try insert.run()
            bundles.append(bundle)
        }
    }

    // MARK: - Out

    /// The rows of a lane that are asked for and lie in bundles, at most; as many as asked for, where there are so many.
    func loadBundled(_ request: StoreRequest) throws(StoreFailure) -> [StoredRow] {
        var found: [StoredRow] = []
        for bundle in bundles where bundle.reaches(beyond: request.after) && bundle.lanes.contains(request.lane) {
            for row in BundleCoding.left(of: try rows(of: bundle), bits: bundle.bits)
            where row.lane == request.lane && row.number > request.after {
                found.append(StoredRow(row))
            }
            if found.count >= request.rowsMax { break }
        }
        return found
    }

    /// One that is read piece by piece is decoded once.
    private func rows(of bundle: Bundle) throws(StoreFailure) -> [Row] {
        if let decoded, decoded.name == bundle.first { return decoded.rows }
        let blob = try database.statement("SELECT rows FROM bundles WHERE first = ?1")
        blob.bind(1, bundle.first)
        guard try blob.step() else { throw Self.unreadable }
        let (rows, isWhole) = BundleCoding.rows(in: blob.bytes(0))
        blob.reset()
        guard isWhole, rows.count == bundle.count else { throw Self.unreadable }
        decoded = (bundle.first, rows)
        return rows
    }

    // MARK: - Away

    /// - Returns: Whether that row was in a bundle.
    func releaseBundled(_ number: UInt64) -> Bool {
        for index in bundles.indices where bundles[index].release(number) { return true }
        return false
    }

    /// The bundle with that row is taken apart, so that something can be done with the row itself.
    func free(_ number: UInt64) throws(StoreFailure) {
        guard let index = bundles.firstIndex(where: { $0.holds(number) }) else { return }
        try takeApart(at: index)
    }

    /// Keeps what was released, and forgets what is over.
    func tidyBundles() throws(StoreFailure) {
        for index in bundles.indices.reversed() where bundles[index].hasChanged {
            if bundles[index].left == 0 {
                try forget(bundles.remove(at: index).first)
            } else {
                try keepReleased(of: bundles[index])
                bundles[index].hasChanged = false
            }
        }
        while bundles.count > Bundle.Limits.bundlesMax { try takeApart(at: 0) }
    }

    private func keepReleased(of bundle: Bundle) throws(StoreFailure) {
        let bits = try database.statement("INSERT OR REPLACE INTO released (first, bits) VALUES (?1, ?2)")
        bits.bind(1, bundle.first)
        bits.bind(2, bundle.bits)
        try bits.run()
    }

    private func takeApart(at index: Int) throws(StoreFailure) { try takeApart(bundles.remove(at: index)) }

    private func takeApart(_ bundle: Bundle) throws(StoreFailure) {
        let found = try database.statement("SELECT appended FROM bundles WHERE first = ?1")
        found.bind(1, bundle.first)
        guard try found.step() else { throw Self.unreadable }
        let time = found.number(0)
        found.reset()
        for row in BundleCoding.left(of: try rows(of: bundle), bits: bundle.bits) { try append(row, at: time) }
        try forget(bundle.first)
    }

    /// Takes apart what lies in bundles that come out of a damaged store.
    /// - Returns: Whether all of it could be read.
    func takeApartWhatCanBeRead() throws(StoreFailure) -> Bool {
        var isWhole = true
        try database.transaction { () throws(StoreFailure) in
            let all = try Statement(
                database, "SELECT b.rows, b.appended, r.bits FROM bundles b LEFT JOIN released r USING (first)")
            while try all.step() {
                let (rows, isAll) = BundleCoding.rows(in: all.bytes(0))
                if !isAll { isWhole = false }
                for row in BundleCoding.left(of: rows, bits: all.bytes(2)) {
                    let known = try database.statement("DELETE FROM rows WHERE number = ?1")
                    known.bind(1, row.number)
                    try known.run()
                    try append(row, at: all.number(1))
                }
            }
            try database.run("DELETE FROM bundles; DELETE FROM released")
        }
        return isWhole
    }

    private func forget(_ name: UInt64) throws(StoreFailure) {
        if decoded?.name == name { decoded = nil }
        for sql: StaticString in ["DELETE FROM bundles WHERE first = ?1", "DELETE FROM released WHERE first = ?1"] {
            let row = try database.statement(sql)
            row.bind(1, name)
            try row.run()
        }
    }
}
