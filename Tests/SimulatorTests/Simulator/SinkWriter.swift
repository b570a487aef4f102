import Stanza

/// What writes to a sink on a thread of its own in the driver: one write after the other, each with its time.
struct SinkWriter {
    /// What its thread does.
    enum State: Equatable {
        /// Nothing waits.
        case idle
        /// A write is on its way.
        case writing
        /// A write has failed; the next attempt comes.
        case pausing
    }

    /// The first pause after a failure, doubled by each, in milliseconds, as the driver's `FileWriter` does.
    static let pauseFirst = 500
    static let pauseMax = 30_000

    let target: LocalSink
    var state = State.idle
    /// When the write or the attempt that is on its way is over, and of how many bytes it is.
    var due: (at: Instant, count: Int)?
    private(set) var waiting: [UInt8] = []
    /// Bytes that are written in all.
    private(set) var total: UInt64 = 0
    /// When the last word about it arrives.
    var lastTold = Instant(nanoseconds: 0)
    private var pause: Int?

    init(_ target: LocalSink) { self.target = target }

    mutating func add(_ bytes: [UInt8]) { waiting += bytes }

    /// So many of the waiting bytes are written.
    mutating func wrote(_ count: Int) -> [UInt8] {
        let written = Array(waiting.prefix(count))
        waiting.removeFirst(count)
        total += UInt64(count)
        return written
    }

    /// A write has failed: how long until the next attempt, and whether it was the first in a row.
    mutating func failed() -> (pause: Int, isFirst: Bool) {
        let isFirst = pause == nil
        let length = pause.map { min($0 * 2, Self.pauseMax) } ?? Self.pauseFirst
        pause = length
        return (length, isFirst)
    }

    /// A write has succeeded: whether one had failed before.
    mutating func succeeded() -> Bool {
        defer { pause = nil }
        return pause != nil
    }
}
