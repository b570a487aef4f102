import Stanza

/// Numbers inbound stanzas and knows which of them are handled (DESIGN 6.2).
///
/// Numbers rise over the whole life of the session. `h` of XEP-0198 counts what the bridge has said to be handled, and
/// nothing else: not even a stanza that made no event, since the count may have to be safe before it is said.
struct InboundLedger: Sendable {
    private struct Waiting: Sendable {
        let number: UInt64
        let since: Instant
    }

    /// Beyond so many newly handled stanzas the server is told without being asked.
    static let unaskedAcknowledgementStanzas: UInt64 = 100

    /// The number of the newest stanza.
    private(set) var last: UInt64 = 0
    /// The number of the stanza that came last: below `last` only while a resumption replays.
    private(set) var current: UInt64 = 0
    /// Stanzas that made events, and are not handled.
    private var waiting = FIFO<Waiting>()
    /// Everything up to this number is handled, as the bridge says.
    private var told: UInt64 = 0
    /// How many of `waiting`, at its end, nobody was asked to spill yet.
    private var unspilled = 0
    /// The number at which `h` was zero.
    private var origin: UInt64 = 0
    private var offset: UInt32 = 0
    private var resumePoint: UInt64 = 0
    private var acknowledged: UInt64 = 0
    /// The server asked when this number was the newest, and got a smaller one.
    private var askedUpTo: UInt64?

    /// Everything up to this number is handled, and was seen on this connection.
    var handledPrefix: UInt64 { min(current, told) }
    private var countedPrefix: UInt64 { max(handledPrefix, origin) }
    private func count(_ number: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: number &- origin) &+ offset }

    /// Numbers the stanza that has come. False where it is a replay of one we have: the server repeats after a
    /// resumption what `h` did not cover, with the numbers it had, and its first copy is still with the bridge.
    mutating func receive() -> Bool {
        current += 1
        guard current > last else { return false }
        last = current
        return true
    }

    /// The stanza that came last made an event: it is handled when the bridge says so.
    mutating func await(since now: Instant) {
        if waiting.last?.number == current { return }
        waiting.append(Waiting(number: current, since: now))
        unspilled += 1
    }

    /// The bridge has handled everything up to that number.
    mutating func handled(upTo number: UInt64) {
        told = max(told, min(number, last))
        while let oldest = waiting.first, oldest.number <= number {
            if waiting.count == unspilled { unspilled -= 1 }
            waiting.popFirst()
        }
    }

    // MARK: - Acknowledging

    /// What the count is once everything up to that number is handled. A replay does not lower it: what the server repeats
    /// it has sent before.
    func count(ifHandledUpTo number: UInt64) -> UInt32 { count(max(told, min(number, last), origin)) }

    /// The `h` for an `<a/>` that the server asked for.
    mutating func answer() -> UInt32 {
        acknowledged = countedPrefix
        askedUpTo = handledPrefix < current ? current : nil
        return count(acknowledged)
    }

    /// The `h` for an `<a/>` nobody asked for just now: an earlier question is answered in full, or much was handled.
    mutating func unaskedAnswer() -> UInt32? {
        let prefix = countedPrefix
        let isOwed = askedUpTo.map { prefix >= $0 } ?? false
        guard isOwed || prefix > acknowledged + Self.unaskedAcknowledgementStanzas else { return nil }
        if isOwed { askedUpTo = nil }
        acknowledged = prefix
        return count(prefix)
    }

    /// The `h` to resume with; what comes then is counted from it.
    mutating func resumptionCount() -> UInt32 {
        resumePoint = max(told, origin)
        return count(resumePoint)
    }

    // MARK: - Spilling

    /// When the oldest stanza that nobody was asked to spill becomes too old.
    func spillDeadline(_ limits: Configuration.Limits) -> Instant? {
        guard unspilled > 0 else { return nil }
        return waiting[waiting.count - unspilled].since + limits.inboundUnacknowledgedAge
    }

    /// The number to spill up to, once for each crossing of a limit.
    mutating func spill(_ limits: Configuration.Limits, at now: Instant) -> UInt64? {
        guard let due = spillDeadline(limits), due <= now || unspilled > limits.inboundUnacknowledgedStanzas else {
            return nil
        }
        unspilled = 0
        return waiting.last?.number
    }

    // MARK: - Streams come and go

    /// A fresh stream: no replays can come.
    mutating func begin() {
        current = last
        origin = last
        askedUpTo = nil
    }

    /// `<enabled/>` has come: counting begins (XEP-0198 4).
    mutating func beginManaged() {
        origin = last
        offset = 0
        acknowledged = last
        askedUpTo = nil
    }

    /// The stream is resumed from the count that ``resumptionCount()`` gave.
    mutating func resume() {
        current = resumePoint
        acknowledged = resumePoint
        askedUpTo = nil
    }

    /// Another process had received so many on the stream, and handled them.
    mutating func restore(count: UInt32) { offset = count }

    /// For tests near the wrap: `h` reads `count` now.
    mutating func setCount(_ count: UInt32) { offset = count &- UInt32(truncatingIfNeeded: countedPrefix &- origin) }
}
