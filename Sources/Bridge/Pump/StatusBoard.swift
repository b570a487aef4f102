import Routing
import Session
import Stanza

/// Our presence as a sink: what rules make of it, and what it goes back to (`to: presence`).
///
/// A rule may fire a thousand times a second, and each change reaches every contact: so changes go out once a second at
/// the most, the last one counts, and what is shown already is not shown again.
struct StatusBoard: Sendable {
    /// What is shown where no rule says otherwise; nil: nothing.
    var base: Configuration.Presence?
    private var shown: Configuration.Presence?
    private var wanted: Configuration.Presence?
    private var until: Instant?
    private var next: Instant?

    init(base: Configuration.Presence?) { self.base = base }

    /// A rule wants this.
    /// - Returns: What is to be shown now; nil where it waits, or is shown already.
    mutating func want(_ presence: Configuration.Presence, hold: Duration?, at now: Instant) -> Configuration.Presence?
    {
        until = hold.map { now + $0 }
        if presence == (wanted ?? shown) { return nil }
        wanted = presence
        return due(at: now)
    }

    /// From now on this is shown where no rule says otherwise.
    /// - Returns: What is to be shown now.
    mutating func rebase(_ presence: Configuration.Presence, at now: Instant) -> Configuration.Presence? {
        let isShown = until == nil && (shown == nil || shown == base)
        base = presence
        return isShown ? want(presence, hold: nil, at: now) : nil
    }

    /// When to call ``expire(at:)``.
    var deadline: Instant? {
        let change = wanted == nil ? nil : next
        guard let change, let until else { return change ?? until }
        return min(change, until)
    }

    /// What is to be shown now that time has passed.
    mutating func expire(at now: Instant) -> Configuration.Presence? {
        if let until, until <= now {
            self.until = nil
            wanted = base ?? .init()
        }
        return due(at: now)
    }

    private mutating func due(at now: Instant) -> Configuration.Presence? {
        guard let presence = wanted else { return nil }
        if let next, now < next { return nil }
        wanted = nil
        next = now + .seconds(Pump.Limits.statusSeconds)
        guard presence != shown else { return nil }
        shown = presence
        return presence
    }
}

extension Pump {
    /// A rule shows us otherwise: its text is our status.
    mutating func show(_ text: [UInt8], _ shown: Rule.Shown) {
        var presence = board.base ?? .init()
        presence.show = shown.show?.rawValue
        // A status is one line in a contact list.
        let cut = text.prefix(Limits.statusBytesMax)
        presence.status = String(decoding: cut, as: UTF8.self)
        if let due = board.want(presence, hold: shown.hold, at: now) { session.show(due, at: now) }
    }
}
