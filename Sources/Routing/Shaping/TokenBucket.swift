import Stanza

/// How often something may happen: so many in a time, and a burst of some at once after a silence.
///
/// It keeps one moment instead of a count (the generic cell rate algorithm, ITU-T I.371): in any stretch of time there
/// are at most ``Shaping/Limit/burst`` and one more for each whole ``interval``.
struct TokenBucket: Sendable {
    /// Between two, in nanoseconds; rounded up, so that the rate is never exceeded.
    let interval: Int64
    /// How far ahead of time a burst may be, in nanoseconds.
    private let tolerance: Int64
    /// When the next would come if all came evenly; nil before the first.
    private var due: Instant?

    init(_ limit: Shaping.Limit) {
        let span = min(max(limit.rate.period, .milliseconds(1)), Shaping.Limit.Rate.periodMax)
        let period = (Instant(nanoseconds: 0) + span).nanoseconds
        let count = Int64(max(1, limit.rate.count))
        interval = max(1, (period + count - 1) / count)
        // The limits of Shaping.Limit keep the product within 64 bits.
        tolerance = interval * Int64(max(1, limit.burst) - 1)
    }

    /// When one may happen, at the earliest; nil: at any time.
    var next: Instant? { due.map { Instant(nanoseconds: $0.nanoseconds - tolerance) } }

    /// When the one may happen that has so many before it; nil: at any time.
    func turn(_ place: Int) -> Instant? {
        guard let next else { return nil }
        let (wait, isTooLong) = interval.multipliedReportingOverflow(by: Int64(place))
        let (turn, isTooLate) = next.nanoseconds.addingReportingOverflow(wait)
        return Instant(nanoseconds: isTooLong || isTooLate ? .max : turn)
    }

    /// Whether one may happen now; if so, it does.
    mutating func take(at now: Instant) -> Bool {
        if let next, now < next { return false }
        let from = due.map { max($0, now) } ?? now
        due = Instant(nanoseconds: from.nanoseconds + interval)
        return true
    }
}
