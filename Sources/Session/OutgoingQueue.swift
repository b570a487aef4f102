import Stanza

/// What we sent and the server has not yet acknowledged or accepted, and what still waits for room on the stream.
///
/// Every stanza has an index that rises over the whole life of the session; the counters of XEP-0198 are the distance
/// of an index from `origin`, modulo 2^32. From front to back the queue holds: rows that are acknowledged but not
/// accepted; stanzas that are sent but not acknowledged; rows that wait for room.
struct OutgoingQueue: Sendable {
    private struct Entry: Sendable {
        /// Empty once nobody can need it again.
        var payload: [UInt8]
        let size: Int
        /// The row of the spool; nil for a stanza that may be lost.
        let row: UInt64?
        /// Whether it was sent before, and refused for a time.
        var isRetried = false
    }

    private var entries = FIFO<Entry>()
    /// The index of the front of `entries`.
    private(set) var first: UInt64 = 0
    /// Everything below is acknowledged.
    private(set) var acked: UInt64 = 0
    /// Everything below is written on this stream.
    private(set) var sent: UInt64 = 0
    /// The index at which the counter of this stream management session is zero (wrapping).
    private var origin: UInt64 = 0
    /// Whether the server acknowledges stanzas.
    private(set) var isManaged = false

    /// Rows that the server has not accepted.
    private(set) var unacceptedRows = 0
    /// Their bytes.
    private(set) var unacceptedBytes = 0
    /// Bytes that are written and not acknowledged (without stream management: not accepted).
    private(set) var inFlightBytes = 0
    /// Bytes that were ever written, repetitions too.
    private(set) var writtenBytes = 0
    /// Behind the row written last.
    private(set) var sentRows: UInt64 = 0
    /// Whether rows wait, however much room there is.
    var isHeldBack = false
    /// The row appended last; rows rise.
    private(set) var lastRow: UInt64?

    /// The index of the next stanza.
    var next: UInt64 { first + UInt64(entries.count) }
    /// The rows that are written and not acknowledged, at most two of them: one is told from more.
    var rowsOnTheirWay: [UInt64] {
        var found: [UInt64] = []
        for index in max(acked, first)..<max(sent, acked, first) {
            if let row = entries[Int(index - first)].row { found.append(row) }
            if found.count == 2 { break }
        }
        return found
    }

    /// Whether something waits for room on the stream.
    var hasUnsent: Bool { sent < next }
    /// Stanzas held.
    var count: Int { entries.count }
    /// How many stanzas of this stream management session were sent (XEP-0198 4).
    var sentCount: UInt32 { UInt32(truncatingIfNeeded: sent &- origin) }
    /// How many of them the server has acknowledged.
    var ackedCount: UInt32 { UInt32(truncatingIfNeeded: acked &- origin) }
    /// Rows below this index are accepted once a ping sent from now on is answered.
    var acceptable: UInt64 { isManaged ? acked : sent }
    /// Whether there are such rows.
    var hasAcceptableRows: Bool { first < acceptable && unacceptedRows > 0 }

    // MARK: - Sending

    /// Takes a row, and writes it unless others wait.
    mutating func append(_ payload: [UInt8], row: UInt64, isRetried: Bool = false, into output: inout XMLWriter) {
        let writesNow = !hasUnsent && !isHeldBack
        entries.append(Entry(payload: payload, size: payload.count, row: row, isRetried: isRetried))
        lastRow = row
        unacceptedRows += 1
        unacceptedBytes += payload.count
        if writesNow { writeNext(into: &output) }
    }

    /// Writes a stanza that may be lost, at once: only rows wait for room, so it goes ahead of those that do.
    mutating func write(_ payload: [UInt8], into output: inout XMLWriter) {
        // Without stream management nobody will ask for it again.
        guard isManaged else { return output.bytes.append(contentsOf: payload) }
        entries.insert(Entry(payload: payload, size: payload.count, row: nil), at: Int(sent - first))
        writeNext(into: &output)
    }

    /// Takes a stanza that may be lost, for ``resume(into:)`` to write behind what is sent again.
    mutating func hold(_ payload: [UInt8]) {
        entries.insert(Entry(payload: payload, size: payload.count, row: nil), at: Int(sent - first))
        sent += 1
    }

    /// Writes what waits, as long as fewer than `window` bytes are on their way.
    mutating func transmit(window: Int, into output: inout XMLWriter) {
        while hasUnsent && !isHeldBack && inFlightBytes < window { writeNext(into: &output) }
    }

    private mutating func writeNext(into output: inout XMLWriter) {
        let offset = Int(sent - first)
        output.bytes.append(contentsOf: entries[offset].payload)
        inFlightBytes += entries[offset].size
        writtenBytes += entries[offset].size
        sent += 1
        if entries[offset].row != nil { sentRows = sent }
    }

    /// Nobody can need that row again, which is on its way.
    mutating func forget(row: UInt64) {
        for index in acked..<max(sent, acked) where entries[Int(index - first)].row == row {
            let size = entries[Int(index - first)].size
            entries[Int(index - first)] = Entry(payload: [], size: size, row: nil)
            unacceptedRows -= 1
            unacceptedBytes -= size
        }
    }

    /// That row is known to have arrived: it goes again over a resumed stream, whose counters need it, and not over a
    /// fresh one.
    mutating func settle(row: UInt64) {
        guard let offset = entries.firstOffset(where: { $0.row == row }) else { return }
        let entry = entries[offset]
        unacceptedRows -= 1
        unacceptedBytes -= entry.size
        if first + UInt64(offset) >= sent {
            // An earlier stream had it.
            entries.remove(at: offset)
        } else if isManaged {
            entries[offset] = Entry(payload: entry.payload, size: entry.size, row: nil)
        } else {
            // No ping will be sent for it, so it takes no more of the window.
            entries[offset] = Entry(payload: [], size: 0, row: nil)
            inFlightBytes = max(0, inFlightBytes - entry.size)
        }
        trim()
    }

    /// Rows that were written and are not accepted, in their order.
    var written: [(row: UInt64, payload: [UInt8], isRetried: Bool)] {
        (first..<max(sent, first)).compactMap { index in
            let entry = entries[Int(index - first)]
            return entry.row.map { ($0, entry.payload, entry.isRetried) }
        }
    }

    /// Takes out those of the rows that were not written.
    /// - Returns: Which they are.
    mutating func remove(unwritten rows: Set<UInt64>) -> [UInt64] {
        var kept = FIFO<Entry>()
        var removed: [UInt64] = []
        for offset in 0..<entries.count {
            let entry = entries[offset]
            if offset >= Int(sent - first), let row = entry.row, rows.contains(row) {
                removed.append(row)
                unacceptedRows -= 1
                unacceptedBytes -= entry.size
            } else {
                kept.append(entry)
            }
        }
        entries = kept
        return removed
    }

    // MARK: - Answers

    /// An `h` of the server's: false where it names stanzas that were never sent, or fewer than before.
    mutating func acknowledge(_ h: UInt32) -> Bool {
        let count = UInt64(h &- ackedCount)
        guard isManaged, count <= sent - acked else { return false }
        for index in acked..<acked + count {
            let offset = Int(index - first)
            inFlightBytes -= entries[offset].size
            if entries[offset].row == nil { entries[offset].payload = [] }
        }
        acked += count
        trim()
        return true
    }

    /// A ping sent when ``acceptable`` was `limit` is answered: the last row that is accepted by it.
    mutating func accept(below limit: UInt64) -> UInt64? {
        var accepted: UInt64?
        while first < limit, let entry = entries.popFirst() {
            if !isManaged { inFlightBytes = max(0, inFlightBytes - entry.size) }
            if let row = entry.row {
                accepted = row
                unacceptedRows -= 1
                unacceptedBytes -= entry.size
            }
            first += 1
        }
        acked = max(acked, first)
        trim()
        return accepted
    }

    // MARK: - Streams come and go

    /// `<enable/>` is written: counting begins (XEP-0198 4).
    mutating func beginManaged() {
        isManaged = true
        origin = sent
    }

    /// The stream of another process goes on here. Nobody knows how much that one sent, but what the server has handled.
    mutating func takeOver(h: UInt32) {
        isManaged = true
        origin = sent &- UInt64(h)
    }

    /// The server does not manage the stream after all.
    mutating func endManaged() { isManaged = false }

    /// The stream is resumed and the server's `h` taken: what it does not cover is written again, in order. That is
    /// no more than was on its way at once before.
    mutating func resume(into output: inout XMLWriter) {
        let end = sent
        sent = acked
        inFlightBytes = 0
        while sent < end { writeNext(into: &output) }
    }

    /// A fresh session: rows are sent again, in order; all else belonged to the session that is gone.
    /// - Parameter keepsAcked: the server itself has just said what it handled of the old session, so what it
    ///   acknowledged is not sent again and waits for the next ping's answer only. Otherwise nobody vouches for
    ///   what became of it, and a repetition is better than a loss.
    mutating func begin(keepsAcked: Bool) {
        let end = next
        var kept = FIFO<Entry>()
        var vouched: UInt64 = 0
        while let entry = entries.popFirst() {
            if entry.row != nil {
                kept.append(entry)
                if first < acked { vouched += 1 }
            }
            first += 1
        }
        entries = kept
        first = end  // no index is used twice, so a late answer can mean nothing else
        acked = first + (keepsAcked ? vouched : 0)
        sent = acked
        inFlightBytes = 0
        isManaged = false
    }

    /// For tests near the wrap: the counter reads `count` now.
    mutating func setSentCount(_ count: UInt32) { origin = sent &- UInt64(count) }

    private mutating func trim() {
        while first < acked, let front = entries.first, front.row == nil {
            entries.popFirst()
            first += 1
        }
    }
}

/// How many bytes may be on their way: servers that throttle (10 kB/s is common) would otherwise look dead behind
/// a large window, and the answers to pings come late.
struct ByteWindow: Sendable, Equatable {
    static let firstBytes = 16 * 1_024
    static let minBytes = 8 * 1_024
    static let promptAnswer: Duration = .seconds(1)
    static let lateAnswer: Duration = .seconds(5)
    /// What a server is taken to read at least: shapers of 1,000 bytes a second are in use.
    static let bytesPerSecondMin = 1_000
    /// The longest that bytes on their way excuse silence.
    static let transferMax: Duration = .seconds(120)

    let maxBytes: Int
    private(set) var bytes: Int
    /// What the server was seen to read lately.
    private var bytesPerSecond = bytesPerSecondMin

    init(maxBytes: Int) {
        self.maxBytes = maxBytes
        bytes = min(Self.firstBytes, maxBytes)
    }

    /// An answer came after that long, to a question asked when so many bytes were on their way.
    mutating func answered(after delay: Duration, bytesThen: Int) {
        let milliseconds = max(Int(delay.wholeMilliseconds), 1)
        bytesPerSecond = max((bytesPerSecond + bytesThen * 1_000 / milliseconds) / 2, Self.bytesPerSecondMin)
        if delay > Self.lateAnswer {
            bytes = min(maxBytes, max(Self.minBytes, bytes / 2))
        } else if delay <= Self.promptAnswer && bytesThen * 2 >= bytes {
            // Only a window that was used has proved that it is not too large.
            bytes = min(maxBytes, bytes * 2)
        }
    }

    /// No answer came at all: perhaps the peer is dead, perhaps only slower than it was (a shaper lets a burst pass).
    mutating func unanswered() {
        bytes = min(Self.minBytes, maxBytes)
        bytesPerSecond = Self.bytesPerSecondMin
    }

    /// How long the peer may need to read that many bytes.
    func transferTime(_ count: Int) -> Duration {
        min(.milliseconds(count * 1_000 / bytesPerSecond), Self.transferMax)
    }
}
