import Stanza

/// Lets messages through as a rate allows (`limit`); what is beyond it waits, is dropped, or is counted.
///
/// It stands for one destination, or for all of a rule that are counted together.
struct Limiter {
    private let overflow: Shaping.Limit.Overflow
    private let queueMax: Int
    private var bucket: TokenBucket

    // What waits, in its order.
    private var queue: [Waiting] = []
    private var queueFrom = 0
    /// How many have left the queue, so that a place in it has a name that stays.
    private var queueLeft = 0
    private var queuedBytes = 0
    /// The place of an edit that waits, by its destination.
    private var edits: [Int: Int] = [:]

    // What is counted: those that wait longest first.
    private var tallies: [(destination: Int, tally: Tally)] = []

    /// A message and where it goes.
    struct Waiting: Sendable, Equatable {
        var destination: Int
        var parcel: Parcel
    }

    /// What becomes of a message.
    enum Verdict: Equatable {
        /// It goes on now.
        case passes
        /// Its turn comes then.
        case waits(until: Instant)
        /// A digest tells of it then.
        case counted(until: Instant)
        /// It is over with.
        case dropped(Shaper.Report.Cause)
    }

    init(_ limit: Shaping.Limit) {
        overflow = limit.overflow
        queueMax = limit.queueMax
        bucket = TokenBucket(limit)
    }

    var isEmpty: Bool { queuedCount == 0 && tallies.isEmpty }
    /// Messages that are held: a digest is one.
    var heldCount: Int { queuedCount + tallies.count }
    var heldBytes: Int { queuedBytes + tallies.reduce(0) { $0 + $1.tally.heldBytes } }
    var deadline: Instant? { isEmpty ? nil : bucket.next }
    private var queuedCount: Int { queue.count - queueFrom }

    /// Takes a message, after ``expire(at:)``.
    /// - Parameter edits: whether it takes the place of the one before it at its destination: then it need not wait
    ///   behind that, and stands for both.
    mutating func take(_ message: Waiting, edits isEdit: Bool, at now: Instant) -> Verdict {
        if isEmpty, bucket.take(at: now) { return .passes }
        switch overflow {
        case .drop: return .dropped(.rate)
        case .digest:
            let index = tallies.firstIndex { $0.destination == message.destination } ?? tallies.count
            if index == tallies.count { tallies.append((message.destination, Tally())) }
            tallies[index].tally.take(message.parcel)
            return .counted(until: bucket.turn(index) ?? now)
        case .queue: return enqueue(message, isEdit, now)
        }
    }

    private mutating func enqueue(_ message: Waiting, _ isEdit: Bool, _ now: Instant) -> Verdict {
        if isEdit, let place = edits[message.destination] {
            let index = queueFrom + place - queueLeft
            queuedBytes += message.parcel.bytes.count - queue[index].parcel.bytes.count
            queue[index].parcel.bytes = message.parcel.bytes
            queue[index].parcel.tokens.append(message.parcel.tokens)
            return .waits(until: bucket.turn(index - queueFrom) ?? now)
        }
        if queuedCount >= queueMax { return .dropped(.fullQueue) }
        if isEdit { edits[message.destination] = queueLeft + queuedCount }
        queue.append(message)
        queuedBytes += message.parcel.bytes.count
        return .waits(until: bucket.turn(queuedCount - 1) ?? now)
    }

    /// What the rate allows by now of what waits.
    mutating func expire(at now: Instant) -> [Waiting] {
        var ready: [Waiting] = []
        while !isEmpty, bucket.take(at: now), let one = popFirst() { ready.append(one) }
        return ready
    }

    /// All that waits, whatever the rate.
    mutating func flush() -> [Waiting] {
        var all: [Waiting] = []
        while let one = popFirst() { all.append(one) }
        return all
    }

    private mutating func popFirst() -> Waiting? {
        if queueFrom < queue.count {
            let one = queue[queueFrom]
            queueFrom += 1
            if edits[one.destination] == queueLeft { edits[one.destination] = nil }
            queueLeft += 1
            queuedBytes -= one.parcel.bytes.count
            if queueFrom == queue.count || queueFrom > 1_024 && queueFrom > queue.count / 2 {
                queue.removeFirst(queueFrom)
                queueFrom = 0
            }
            return one
        }
        if tallies.isEmpty { return nil }
        var (destination, tally) = tallies.removeFirst()
        return tally.flush().map { Waiting(destination: destination, parcel: $0) }
    }
}
