import Stanza

/// When to try again: a jittered exponential backoff within the user's policy (DESIGN 5.1).
struct RetrySchedule: Sendable {
    /// A session that stayed online that long begins again with the first wait.
    static let steadyOnline: Duration = .seconds(30)

    let policy: Configuration.Retry
    let first: Duration
    let longest: Duration
    /// Failures in a row.
    private(set) var failures = 0
    /// Since when the session is not online.
    private var offlineSince: Instant?

    init(_ configuration: Configuration) {
        policy = configuration.retry
        first = configuration.limits.backoffFirst
        longest = configuration.limits.backoffMax
    }

    /// The moment the policy runs out while the session is not online; nil for never.
    var end: Instant? {
        switch policy {
        case .failFast, .forever: nil
        case .within(let span): offlineSince.map { $0 + span }
        }
    }

    /// The session begins.
    mutating func begin(at now: Instant) { offlineSince = now }

    /// The session is online.
    mutating func wentOnline() { offlineSince = nil }

    /// The session was online since then, and is not any more.
    mutating func wentOffline(onlineSince: Instant, at now: Instant) {
        if now - onlineSince >= Self.steadyOnline { failures = 0 }
        offlineSince = now
    }

    /// After a failure: how long to wait, or nil where the policy gives up.
    /// - Parameter chance: random, of the whole range.
    mutating func wait(at now: Instant, chance: UInt16) -> Duration? {
        var wait = Self.wait(failures: failures, first: first, longest: longest, chance: chance)
        failures += 1
        switch policy {
        case .failFast: return nil
        case .forever: return wait
        case .within:
            guard let end, now < end else { return nil }
            wait = min(wait, end - now)
            return wait
        }
    }

    /// Between a half and the whole of `first` doubled for each failure before, up to `longest`.
    static func wait(failures: Int, first: Duration, longest: Duration, chance: UInt16) -> Duration {
        let doubled = first * (1 << min(failures, 20))
        let whole = min(doubled, longest)
        return whole / 2 + whole / 2 * Int(chance) / Int(UInt16.max)
    }
}
