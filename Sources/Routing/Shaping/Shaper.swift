public import Stanza

/// The shaping of one rule's texts, for each of its destinations by itself: repetitions are counted first, what is left
/// is collected into windows, those are limited, and what goes out edits what went before.
///
/// It keeps the order at each destination. Every token comes out exactly once, in ``Shaped/tokens`` or in
/// ``Report/tokens``, so what it holds is accepted input until then. Its times never run backwards.
public struct Shaper {
    private let edits: [Bool]
    private let sharesLimit: Bool
    private var lanes: [Lane]
    private var limiters: [Limiter]
    private var nextHandle: UInt64 = 1
    private var reports: [Report] = []

    /// What one destination has of its own.
    private struct Lane {
        var repetition: Repetition?
        var window: Window?
        /// The first message, which the later ones edit.
        var edited: UInt64?
    }

    /// A message that goes out.
    public struct Shaped: Sendable, Equatable {
        /// The index of the rule's destination.
        public var destination: Int
        /// What goes there.
        public var text: [UInt8]
        /// The input that it was made of.
        public var tokens: Tokens
        /// Its own number among the rule's messages, from 1.
        public var handle: UInt64
        /// The message that it edits: the first one there, however often that was edited since (XEP-0308 4).
        public var replaces: UInt64?

        /// A message.
        public init(destination: Int, text: [UInt8], tokens: Tokens, handle: UInt64, replaces: UInt64? = nil) {
            self.destination = destination
            self.text = text
            self.tokens = tokens
            self.handle = handle
            self.replaces = replaces
        }
    }

    /// Messages that do not go out.
    public struct Report: Sendable, Equatable {
        /// Why.
        public enum Cause: Sendable, Equatable {
            /// The rate, and the rule says to drop what is beyond it.
            case rate
            /// As many as may wait do.
            case fullQueue
        }

        /// Why.
        public var cause: Cause
        /// The index of the rule's destination.
        public var destination: Int
        /// How many.
        public var count: UInt64
        /// The input that they were made of.
        public var tokens: Tokens

        /// A report.
        public init(cause: Cause, destination: Int, count: UInt64, tokens: Tokens) {
            self.cause = cause
            self.destination = destination
            self.count = count
            self.tokens = tokens
        }
    }

    /// A machine that holds nothing.
    /// - Parameter destinations: the rule's, in its order.
    public init(_ shaping: Shaping, to destinations: [Endpoint]) {
        edits = destinations.map { shaping.updates && $0.takesEdits }
        sharesLimit = shaping.limit?.per == .rule
        let window = shaping.group.flatMap { $0.joinsLines ? nil : Window($0) }
        let lane = Lane(repetition: shaping.repetition.map(Repetition.init), window: window)
        lanes = destinations.map { _ in lane }
        let limiterCount = shaping.limit == nil ? 0 : sharesLimit ? 1 : destinations.count
        limiters = (0..<limiterCount).compactMap { _ in shaping.limit.map(Limiter.init) }
    }

    /// Messages that it holds, as many as would go out if no more came: what is counted is one.
    public var heldCount: Int {
        lanes.reduce(0) { $0 + ($1.repetition?.heldCount ?? 0) + ($1.window?.heldCount ?? 0) }
            + limiters.reduce(0) { $0 + $1.heldCount }
    }

    /// Their bytes.
    public var heldBytes: Int {
        lanes.reduce(0) { $0 + ($1.repetition?.heldBytes ?? 0) + ($1.window?.heldBytes ?? 0) }
            + limiters.reduce(0) { $0 + $1.heldBytes }
    }

    /// When to call ``expire(at:into:)``; nil where nothing is held.
    public var deadline: Instant? {
        var first: Instant?
        func consider(_ other: Instant?) { if let other { first = first.map { min($0, other) } ?? other } }
        for lane in lanes {
            consider(lane.repetition?.deadline)
            consider(lane.window?.deadline)
        }
        for limiter in limiters { consider(limiter.deadline) }
        return first
    }

    /// What becomes of a text.
    public enum Fate: Sendable, Equatable {
        /// It goes out at once, the last of what does.
        case goesOut
        /// It is counted with those like it, until then at the latest.
        case counted(until: Instant)
        /// It is collected with others, until then at the latest.
        case collected(until: Instant)
        /// It waits for its turn, which comes then.
        case waits(until: Instant)
        /// A digest tells of it then.
        case summedUp(until: Instant)
        /// It does not go out.
        case dropped(Report.Cause)
    }

    /// Takes a text that was made of one input: as ``take(_:tokens:for:at:into:)``.
    @discardableResult
    public mutating func take(
        _ text: [UInt8], token: UInt64, for destination: Int, at now: Instant, into shaped: inout [Shaped]
    ) -> Fate {
        take(text, tokens: Tokens(token), for: destination, at: now, into: &shaped)
    }

    /// Takes a text for one of the destinations, and gives out what is ready, the due of before it first.
    /// - Parameter tokens: the input that it was made of.
    /// - Returns: where the text is now.
    @discardableResult
    public mutating func take(
        _ text: [UInt8], tokens: Tokens, for destination: Int, at now: Instant, into shaped: inout [Shaped]
    ) -> Fate {
        expire(at: now, into: &shaped)
        let parcel = Parcel(text, tokens)
        let ready = lanes[destination].repetition?.take(parcel, at: now) ?? [parcel]
        var fate = Fate.goesOut
        for one in ready { fate = collect(one, destination, at: now, into: &shaped) }
        // A text that is not counted ends a count, so one that goes on leaves none.
        if let until = lanes[destination].repetition?.deadline { fate = .counted(until: until) }
        return fate
    }

    /// Gives out what time has made ready.
    public mutating func expire(at now: Instant, into shaped: inout [Shaped]) {
        // What waits for the rate is older than what is still being counted and collected.
        for index in limiters.indices { for one in limiters[index].expire(at: now) { send(one, into: &shaped) } }
        for destination in lanes.indices {
            if let one = lanes[destination].window?.expire(at: now) {
                _ = limit(one, destination, at: now, into: &shaped)
            }
            if let one = lanes[destination].repetition?.expire(at: now) {
                _ = collect(one, destination, at: now, into: &shaped)
            }
        }
    }

    /// Gives out all that is held, whatever the rate: at the end of the input, and at a stop.
    public mutating func flush(into shaped: inout [Shaped]) {
        for index in limiters.indices { for one in limiters[index].flush() { send(one, into: &shaped) } }
        for destination in lanes.indices {
            var rest: [Parcel] = []
            if let one = lanes[destination].repetition?.flush() {
                if lanes[destination].window == nil {
                    rest.append(one)
                } else {
                    // Only the caps are looked at: the window is emptied below.
                    rest += lanes[destination].window?.take(one, at: Instant(nanoseconds: 0)) ?? []
                }
            }
            if let one = lanes[destination].window?.flush() { rest.append(one) }
            for one in rest { send(Limiter.Waiting(destination: destination, parcel: one), into: &shaped) }
        }
    }

    /// What was dropped since the last call, together for each cause and destination.
    public mutating func takeReports() -> [Report] {
        defer { reports.removeAll() }
        return reports
    }

    /// Whether there is something for ``takeReports()``.
    public var hasReports: Bool { !reports.isEmpty }

    private mutating func collect(
        _ parcel: Parcel, _ destination: Int, at now: Instant, into shaped: inout [Shaped]
    ) -> Fate {
        let ready = lanes[destination].window?.take(parcel, at: now) ?? [parcel]
        var fate = Fate.goesOut
        for one in ready { fate = limit(one, destination, at: now, into: &shaped) }
        // A window that holds anything holds the newest.
        if let until = lanes[destination].window?.deadline { fate = .collected(until: until) }
        return fate
    }

    private mutating func limit(
        _ parcel: Parcel, _ destination: Int, at now: Instant, into shaped: inout [Shaped]
    ) -> Fate {
        let message = Limiter.Waiting(destination: destination, parcel: parcel)
        let verdict =
            limiters.isEmpty
            ? .passes : limiters[sharesLimit ? 0 : destination].take(message, edits: edits[destination], at: now)
        switch verdict {
        case .passes:
            send(message, into: &shaped)
            return .goesOut
        case .waits(let until): return .waits(until: until)
        case .counted(let until): return .summedUp(until: until)
        case .dropped(let cause):
            drop(message, cause)
            return .dropped(cause)
        }
    }

    private mutating func drop(_ message: Limiter.Waiting, _ cause: Report.Cause) {
        let index = reports.firstIndex { $0.cause == cause && $0.destination == message.destination }
        if let index {
            reports[index].count += 1
            reports[index].tokens.append(message.parcel.tokens)
        } else {
            reports.append(
                Report(cause: cause, destination: message.destination, count: 1, tokens: message.parcel.tokens))
        }
    }

    private mutating func send(_ message: Limiter.Waiting, into shaped: inout [Shaped]) {
        let handle = nextHandle
        nextHandle += 1
        let destination = message.destination
        shaped.append(
            Shaped(
                destination: destination, text: message.parcel.bytes, tokens: message.parcel.tokens, handle: handle,
                replaces: lanes[destination].edited))
        if edits[destination], lanes[destination].edited == nil { lanes[destination].edited = handle }
    }
}

extension Endpoint {
    /// Whether what went there can be edited in place (XEP-0308).
    var takesEdits: Bool {
        switch self {
        case .xmpp, .room: true
        case .stdin, .stdout, .file, .fifo, .tail, .events, .presence, .commands: false
        }
    }
}
