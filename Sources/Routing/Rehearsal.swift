public import Stanza

/// The rules over simulated time (`explain`): what a run would do with the records of one source, and why.
///
/// Records go through the machines of a run, in a run's order: the ``Router``, then each rule's ``Shaper``; the lines that
/// a rule joins go through its ``LineGroup`` before. Nothing of what it says is kept: memory is bounded by what the rules
/// hold back.
public struct Rehearsal {
    /// The rules.
    public let router: Router
    /// Where the records come from.
    public let source: Source
    /// When the simulated time is.
    public private(set) var now = Instant(nanoseconds: 0)
    /// What came of the records so far.
    public private(set) var counts: Counts
    /// What `{time}` is at its beginning.
    public var start: WallTime
    private var shapers: [Shaper?]
    private var groups: [LineGroup?]
    private let shapingRules: [Int]
    private let joiningRules: [Int]
    /// Records that no rule took so far, and how many rules still join them: as many as those hold.
    private var undecided: [UInt64: Int] = [:]

    /// The longest time that is simulated: what waits for longer goes out then.
    public static let spanMax: Duration = .seconds(10 * 365 * 86_400)

    /// A rehearsal at its beginning.
    /// - Parameters:
    ///   - host: what `{host}` stands for.
    ///   - start: what `{time}` is at its beginning.
    public init(rules: [Rule], host: String, source: Endpoint, start: WallTime) {
        router = Router(rules: rules, host: host)
        let number = router.localSources.firstIndex(of: source)
        let isLocal = source == .stdin || number != nil
        self.source = source == .stdin ? .stdin : number.map { .local($0) } ?? .session
        self.start = start
        counts = Counts(rules: rules.map { _ in Counts.OfRule() })
        shapers = rules.map { $0.shaping.shapesTexts ? Shaper($0.shaping, to: $0.to) : nil }
        shapingRules = rules.indices.filter { rules[$0].shaping.shapesTexts }
        joiningRules = router.joiningRules.filter { isLocal && rules[$0].from.contains(source) }
        groups = Array(repeating: nil, count: rules.count)
        for rule in joiningRules { groups[rule] = rules[rule].shaping.group.map(LineGroup.init) }
    }

    /// Takes the next record of the source, and appends what happens until then, and with it.
    /// - Parameters:
    ///   - number: its number, from 1; it grows.
    ///   - time: when it comes; not before the one before it.
    public mutating func take(_ record: Record, number: UInt64, at time: Instant, into steps: inout [Step]) {
        advance(to: time, into: &steps)
        var telling = Telling(at: now, record: record, numbers: Tokens(number))
        telling.rules = router.explain(record, from: source, at: wall)
        counts.records += 1
        if !telling.rules.contains(where: { $0.verdict == .took }) {
            let joining = telling.rules.count { $0.verdict == .joinsLines }
            if joining == 0 { counts.untaken += 1 } else { undecided[number] = joining }
        }
        shape(&telling)
        steps.append(.told(telling))
        if case .line(let line) = record { join(line, number, into: &steps) }
    }

    /// The source has ended: appends what still happens.
    /// - Parameter drains: whether all that is held goes out at once, as at the end of a run; without it each goes out in
    ///   its time, as where a source is silent from here on.
    public mutating func finish(drains: Bool, into steps: inout [Step]) {
        if !drains { advance(to: Instant(nanoseconds: 0) + Self.spanMax, stays: true, into: &steps) }
        withEachGroup(into: &steps) { $0.flush(into: &$1) }
        withEachShaper(into: &steps) { $0.flush(into: &$1) }
    }

    /// When the wall clock is.
    private var wall: WallTime {
        WallTime(milliseconds: start.milliseconds + (now - Instant(nanoseconds: 0)).wholeMilliseconds)
    }

    private var deadline: Instant? {
        var first: Instant?
        func consider(_ other: Instant?) { if let other { first = first.map { min($0, other) } ?? other } }
        for rule in joiningRules { consider(groups[rule]?.deadline) }
        for rule in shapingRules { consider(shapers[rule]?.deadline) }
        return first
    }

    /// Lets time go on, and gives out what is due on the way, each in its time.
    /// - Parameter stays: whether time stops with the last that is due.
    private mutating func advance(to time: Instant, stays: Bool = false, into steps: inout [Step]) {
        let end = min(time, Instant(nanoseconds: 0) + Self.spanMax)
        while let due = deadline, due <= end {
            now = max(now, due)
            let now = now
            withEachGroup(into: &steps) { $0.expire(at: now, into: &$1) }
            withEachShaper(into: &steps) { $0.expire(at: now, into: &$1) }
        }
        if !stays { now = max(now, end) }
    }

    // MARK: - Lines that are joined

    private mutating func join(_ line: Record.Line, _ number: UInt64, into steps: inout [Step]) {
        for rule in joiningRules {
            var joined: [LineGroup.Joined] = []
            groups[rule]?.take(line, token: number, at: now, into: &joined)
            for one in joined { take(one, by: rule, into: &steps) }
        }
    }

    private mutating func withEachGroup(
        into steps: inout [Step], _ body: (inout LineGroup, inout [LineGroup.Joined]) -> Void
    ) {
        for rule in joiningRules {
            guard var group = groups[rule] else { continue }
            groups[rule] = nil
            var joined: [LineGroup.Joined] = []
            body(&group, &joined)
            groups[rule] = group
            for one in joined { take(one, by: rule, into: &steps) }
        }
    }

    private mutating func take(_ joined: LineGroup.Joined, by rule: Int, into steps: inout [Step]) {
        var telling = Telling(at: now, record: .line(joined.line), numbers: joined.tokens, isJoined: true)
        telling.rules = [router.explain(telling.record, to: rule, at: wall)]
        decide(joined.tokens, isTaken: telling.rules[0].verdict == .took)
        shape(&telling)
        steps.append(.told(telling))
    }

    /// Takes note of what became of joined records that no other rule has taken.
    private mutating func decide(_ numbers: Tokens, isTaken: Bool) {
        if undecided.isEmpty { return }
        for number in numbers.ranges.joined() {
            guard let left = undecided[number] else { continue }
            undecided[number] = isTaken || left == 1 ? nil : left - 1
            if !isTaken, left == 1 { counts.untaken += 1 }
        }
    }

    // MARK: - Texts

    private mutating func shape(_ telling: inout Telling) {
        for index in telling.rules.indices where telling.rules[index].verdict == .took {
            let explanation = telling.rules[index]
            counts.rules[explanation.rule].took += 1
            let outcomes = explanation.deliveries.map { outcome(of: $0, &telling) }
            telling.outcomes.append(outcomes)
        }
    }

    private mutating func outcome(of delivery: Delivery, _ telling: inout Telling) -> Outcome {
        let rule = delivery.rule
        guard case .text(let text) = delivery.content, shapers[rule] != nil,
            // A delivery's destination is one of its rule's.
            let destination = router.rules[rule].to.firstIndex(of: delivery.destination)
        else {
            counts.rules[rule].sent += 1
            telling.sendings.append(Sending(at: now, delivery: delivery, numbers: telling.numbers))
            return Outcome(fate: .goesOut, sending: telling.sendings.count - 1)
        }
        var shaped: [Shaper.Shaped] = []
        let fate = shapers[rule]?.take(text, tokens: telling.numbers, for: destination, at: now, into: &shaped)
        telling.sendings += shaped.map { sending($0, of: rule) }
        telling.droppings += droppings(of: rule)
        let isOut = fate == .goesOut
        return Outcome(fate: fate ?? .goesOut, sending: isOut ? telling.sendings.count - 1 : nil)
    }

    private mutating func withEachShaper(
        into steps: inout [Step], _ body: (inout Shaper, inout [Shaper.Shaped]) -> Void
    ) {
        for rule in shapingRules {
            guard var shaper = shapers[rule] else { continue }
            shapers[rule] = nil
            var shaped: [Shaper.Shaped] = []
            body(&shaper, &shaped)
            shapers[rule] = shaper
            for one in shaped { steps.append(.sent(sending(one, of: rule))) }
            for one in droppings(of: rule) { steps.append(.dropped(one)) }
        }
    }

    private mutating func sending(_ shaped: Shaper.Shaped, of rule: Int) -> Sending {
        counts.rules[rule].sent += 1
        var sending = Sending(
            at: now, delivery: router.delivery(of: shaped.text, by: rule, to: shaped.destination),
            numbers: shaped.tokens)
        if router.rules[rule].shaping.updates { sending.edit = .init(handle: shaped.handle, replaces: shaped.replaces) }
        return sending
    }

    private mutating func droppings(of rule: Int) -> [Dropping] {
        guard shapers[rule]?.hasReports == true else { return [] }
        return (shapers[rule]?.takeReports() ?? []).map { report in
            counts.rules[rule].dropped += report.count
            return Dropping(
                at: now, rule: rule, destination: router.rules[rule].to[report.destination], cause: report.cause,
                count: report.count, numbers: report.tokens)
        }
    }
}

// MARK: - What it tells

extension Rehearsal {
    /// One thing that happens.
    public enum Step: Equatable, Sendable {
        /// A record came, or one that a rule has joined is whole.
        case told(Telling)
        /// Something goes out that was held back.
        case sent(Sending)
        /// Something that was held back does not go out.
        case dropped(Dropping)
    }

    /// A record, and what each rule makes of it.
    public struct Telling: Equatable, Sendable {
        /// When.
        public var at: Instant
        /// The record.
        public var record: Record
        /// The numbers of the source's records in it.
        public var numbers: Tokens
        /// Whether a rule has joined it of several lines, or of one: then only that rule has a say.
        public var isJoined = false
        /// What each rule says of it.
        public var rules: [Explanation] = []
        /// For each rule that took it, in their order, what became of its deliveries.
        public var outcomes: [[Outcome]] = []
        /// What goes out because of it, in its order: what it was made into, and what it put an end to.
        public var sendings: [Sending] = []
        /// What does not go out because of it.
        public var droppings: [Dropping] = []
    }

    /// What became of a delivery.
    public struct Outcome: Equatable, Sendable {
        /// Where it is now.
        public var fate: Shaper.Fate
        /// Which of ``Telling/sendings`` it is; nil where it does not go out now.
        public var sending: Int?
    }

    /// Something that goes out.
    public struct Sending: Equatable, Sendable {
        /// When.
        public var at: Instant
        /// What, and where.
        public var delivery: Delivery
        /// The numbers of the source's records that it was made of.
        public var numbers: Tokens
        /// Of a rule that edits its messages.
        public var edit: Edit?

        /// A message among those of its rule.
        public struct Edit: Equatable, Sendable {
            /// Its own number, from 1.
            public var handle: UInt64
            /// That of the message that it edits.
            public var replaces: UInt64?
        }
    }

    /// Something that does not go out.
    public struct Dropping: Equatable, Sendable {
        /// When.
        public var at: Instant
        /// The rule's index.
        public var rule: Int
        /// Where it would have gone.
        public var destination: Endpoint
        /// Why.
        public var cause: Shaper.Report.Cause
        /// How many messages.
        public var count: UInt64
        /// The numbers of the source's records that they were made of.
        public var numbers: Tokens
    }

    /// What came of the records.
    public struct Counts: Equatable, Sendable {
        /// How many came.
        public var records: UInt64 = 0
        /// Those of them that no rule took, neither by themselves nor joined to others.
        public var untaken: UInt64 = 0
        /// By the rule's index.
        public var rules: [OfRule]

        /// What came of them by one rule.
        public struct OfRule: Equatable, Sendable {
            /// Records that it took: of lines that it joins, what they were joined to.
            public var took: UInt64 = 0
            /// What went out.
            public var sent: UInt64 = 0
            /// What did not.
            public var dropped: UInt64 = 0

            /// Nothing yet.
            public init() {}
        }
    }
}
