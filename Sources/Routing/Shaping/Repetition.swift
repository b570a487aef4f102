import Stanza

/// Counts identical texts (`repeat`): the first goes on at once; those that follow it within the time are one "repeated
/// 41 times" when the time is over, or something else comes. While they go on, so do the counts, one each time.
struct Repetition {
    private let span: Duration
    private var text: [UInt8] = []
    private var until: Instant?
    private var count: UInt64 = 0
    private var tokens = Tokens()

    init(_ span: Duration) { self.span = span }

    /// Messages that are held: what was counted will be one.
    var heldCount: Int { count > 0 ? 1 : 0 }
    var heldBytes: Int { count > 0 ? text.count : 0 }
    var deadline: Instant? { count > 0 ? until : nil }

    /// Takes a text; returns what goes on.
    mutating func take(_ parcel: Parcel, at now: Instant) -> [Parcel] {
        var ready: [Parcel] = []
        if let one = expire(at: now) { ready.append(one) }
        if let until, now < until, parcel.bytes == text {
            count += 1
            tokens.append(parcel.tokens)
            return ready
        }
        if let one = flush() { ready.append(one) }
        text = parcel.bytes
        until = now + span
        return ready + [parcel]
    }

    /// The count whose time is over. The next begins at once: who repeats without end is told of once in each span.
    mutating func expire(at now: Instant) -> Parcel? {
        guard let until, until <= now, let one = flush() else { return nil }
        self.until = now + span
        return one
    }

    mutating func flush() -> Parcel? {
        guard count > 0 else { return nil }
        defer {
            count = 0
            tokens = Tokens()
        }
        return Parcel(Repetition.words(count, text), tokens)
    }

    /// One more is said as it was; several are counted.
    static func words(_ count: UInt64, _ text: [UInt8]) -> [UInt8] {
        count == 1 ? text : Array("repeated \(count) times: ".utf8) + text
    }
}
