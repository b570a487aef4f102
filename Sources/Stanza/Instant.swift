/// A moment on the monotonic clock, handed to every machine by its driver; no machine reads a clock itself.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since an arbitrary origin that is the same for the whole process.
    public var nanoseconds: Int64

    /// The moment that many nanoseconds after the origin.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Earlier than.
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The moment that much later; what is finer than a nanosecond is cut off.
    public static func + (a: Instant, b: Duration) -> Instant {
        let (seconds, attoseconds) = b.components
        return Instant(nanoseconds: a.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// The time from `b` to `a`.
    public static func - (a: Instant, b: Instant) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }
}

extension Duration {
    /// Whole milliseconds; what is finer is cut off.
    public var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}

/// A moment of civil time (UTC), for events and delays: milliseconds since 1970-01-01T00:00:00Z.
public struct WallTime: Comparable, Hashable, Sendable {
    /// Milliseconds since the epoch.
    public var milliseconds: Int64

    /// The moment that many milliseconds after the epoch.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Earlier than.
    public static func < (a: WallTime, b: WallTime) -> Bool { a.milliseconds < b.milliseconds }
}
