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
    private var isOnline = false
    /// Whether the server has accepted anything while it was online last.
    private var hasProgressed = false

    init(_ configuration: Configuration) {
        policy = configuration.retry
        first = configuration.limits.backoffFirst
        longest = configuration.limits.backoffMax
    }

    /// The moment the policy runs out while the session is not online; nil for never.
    var end: Instant? {
        switch policy {
        case .failFast, .forever: nil
        case .within(let span): isOnline ? nil : offlineSince.map { $0 + span }
        }
    }

    /// The session begins.
    mutating func begin(at now: Instant) { offlineSince = now }

    /// The session is online.
    mutating func wentOnline() {
        isOnline = true
        hasProgressed = false
    }

    /// The server has accepted something.
    mutating func progressed() { hasProgressed = true }

    /// The session was online since then, and is not any more.
    mutating func wentOffline(onlineSince: Instant, at now: Instant) {
        isOnline = false
        // A session that neither lasts nor gets anything done is none: the policy's time only stood still meanwhile.
        let isSteady = now - onlineSince >= Self.steadyOnline
        if isSteady { failures = 0 }
        offlineSince = isSteady || hasProgressed ? now : offlineSince.map { $0 + (now - onlineSince) }
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
