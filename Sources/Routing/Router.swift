public import Stanza

/// The rules at work: from a record to what goes where.
///
/// A rule takes a record that comes from one of its sources, and of which its pattern and its conditions hold. Every rule
/// sees every record of its sources, but for those that an earlier rule took and stops (``Selection/stops``); a default
/// rule (``Selection/isDefault``) takes what none of the others did. A rule that joins lines sees all of its sources'
/// lines, and its records are its own.
///
/// It holds matchers, which are written to by each match: a copy shares them, so only one thread may use it.
public struct Router {
    /// The rules, by the index that deliveries and troubles carry.
    public let rules: [Rule]
    let compiled: [CompiledRule]
    /// The rules that take joined lines: ``route(_:from:at:into:)`` passes them over.
    public let joiningRules: [Int]
    private let stdinRules: RuleSet
    private let localRules: [RuleSet]
    /// The FIFOs and files that rules read, each once, in their order: ``Source/local(_:)`` counts them.
    public let localSources: [Endpoint]
    private let eventRules: RuleSet
    private let host: [UInt8]
    private var troubles: [Trouble] = []
    private var candidates: [UInt64] = []

    /// How often each rule's pattern was given up at a limit, or failed, since the start.
    public private(set) var givenUp: [UInt64]

    /// A rule's pattern that could not decide: what happens to the record says ``Selection/onError``.
    public struct Trouble: Equatable, Sendable {
        /// The rule's index.
        public var rule: Int
        /// What PCRE2 says.
        public var what: String
        /// The number of the line; nil for a message.
        public var line: UInt64?

        /// A trouble.
        public init(rule: Int, what: String, line: UInt64? = nil) {
            self.rule = rule
            self.what = what
            self.line = line
        }
    }

    /// The rules of a run.
    /// - Parameter host: what `{host}` stands for.
    public init(rules: [Rule], host: String) {
        self.rules = rules
        self.host = Array(host.utf8)
        let compiled = rules.map(CompiledRule.init)
        self.compiled = compiled
        givenUp = Array(repeating: 0, count: rules.count)
        let readers = rules.indices.filter { rules[$0].from.contains(.stdin) }
        let joining = rules.indices.filter { compiled[$0].joinsLines }
        joiningRules = joining
        stdinRules = RuleSet(rules, readers.filter { !joining.contains($0) })
        var seen: Set<Endpoint> = []
        let locals = rules.flatMap(\.from).filter { $0.isFile && seen.insert($0).inserted }
        localSources = locals
        localRules = locals.map { source in
            RuleSet(rules, rules.indices.filter { rules[$0].from.contains(source) && !joining.contains($0) })
        }
        eventRules = RuleSet(
            rules, compiled.indices.filter { compiled[$0].takesEvents || compiled[$0].takesMessages })
    }

    /// Other rules in the place of these.
    public func replacing(rules: [Rule]) -> Router { Router(rules: rules, host: String(decoding: host, as: UTF8.self)) }

    /// Appends what the rules make of a record to `deliveries`, in the order of the rules and of their destinations.
    public mutating func route(
        _ record: Record, from source: Source, at time: WallTime, into deliveries: inout [Delivery]
    ) {
        var records = Records(record)
        switch source {
        case .stdin: run(stdinRules, record, &records, source, time, &deliveries)
        case .local(let number): run(localRules[number], record, &records, source, time, &deliveries)
        case .session: run(eventRules, record, &records, source, time, &deliveries)
        }
    }

    /// Appends what one rule makes of a record of its sources: of one that its own ``LineGroup`` has joined.
    public mutating func route(
        _ record: Record, to rule: Int, at time: WallTime, into deliveries: inout [Delivery]
    ) {
        var records = Records(record)
        _ = apply(rule, record, &records, time, &deliveries)
    }

    /// The rules whose pattern was given up since the last call, each once in a run: for a person to hear of.
    public mutating func takeTroubles() -> [Trouble] {
        defer { troubles.removeAll(keepingCapacity: true) }
        return troubles
    }

    private mutating func run(
        _ set: RuleSet, _ record: Record, _ records: inout Records, _ source: Source, _ time: WallTime,
        _ deliveries: inout [Delivery]
    ) {
        if runOrdinary(set, record, &records, source, time, &deliveries) { return }
        for index in set.defaults where hears(index, record, records, source) {
            if apply(index, record, &records, time, &deliveries), compiled[index].stops { return }
        }
    }

    /// The rules that are no default; whether one of them took the record.
    private mutating func runOrdinary(
        _ set: RuleSet, _ record: Record, _ records: inout Records, _ source: Source, _ time: WallTime,
        _ deliveries: inout [Delivery]
    ) -> Bool {
        var isTaken = false
        guard let sieve = set.sieve, let text = records.text else {
            for index in set.ordinary where hears(index, record, records, source) {
                guard apply(index, record, &records, time, &deliveries) else { continue }
                isTaken = true
                if compiled[index].stops { return true }
            }
            return isTaken
        }
        text.withUnsafeBufferPointer { sieve.sift($0, into: &candidates) }
        for word in candidates.indices {
            var bits = candidates[word]
            while bits != 0 {
                let index = set.ordinary[word * 64 + bits.trailingZeroBitCount]
                bits &= bits - 1
                guard hears(index, record, records, source), apply(index, record, &records, time, &deliveries)
                else { continue }
                isTaken = true
                if compiled[index].stops { return true }
            }
        }
        return isTaken
    }

    /// One rule that hears the record; whether it took it.
    private mutating func apply(
        _ index: Int, _ record: Record, _ records: inout Records, _ time: WallTime, _ deliveries: inout [Delivery]
    ) -> Bool {
        let judgement = judge(index, record, &records, time)
        if let what = judgement.trouble {
            if givenUp[index] == 0 {
                let line: UInt64? = if case .line(let line) = record { line.number } else { nil }
                troubles.append(Trouble(rule: index, what: what, line: line))
            }
            givenUp[index] += 1
        }
        guard case .took = judgement.verdict else { return false }
        deliver(index, record, &records, time, into: &deliveries)
        return true
    }
}

/// The rules of one source, in their order.
private struct RuleSet {
    /// Those that are no default.
    let ordinary: [Int]
    let defaults: [Int]
    /// Over ``ordinary``.
    let sieve: Sieve?

    init(_ rules: [Rule], _ indices: [Int]) {
        ordinary = indices.filter { !rules[$0].selection.isDefault }
        defaults = indices.filter { rules[$0].selection.isDefault }
        sieve = Sieve(ordinary.map { rules[$0].match?.required.bytes ?? [] })
    }
}

// MARK: - One rule and one record

extension Router {
    /// What came of a rule's look at a record.
    struct Judgement {
        var verdict: Verdict
        /// What PCRE2 said, where the pattern was given up.
        var trouble: String?
    }

    /// Whether a rule that hears the record takes it, where no other rule has a say in that.
    func judge(_ index: Int, _ record: Record, _ records: inout Records, _ time: WallTime) -> Judgement {
        let rule = compiled[index]
        if !rule.early.isEmpty {
            let rendering = rendering(rule, record, records, json: nil, time)
            if let failed = rule.early.first(where: { !$0.holds(in: rendering) }) {
                return Judgement(verdict: .condition(failed.field))
            }
        }
        var trouble: String?
        if let matcher = rule.matcher {
            guard let text = records.text else { return Judgement(verdict: .noText) }
            switch text.withUnsafeBufferPointer(matcher.match) {
            case .matched: break
            case .missed: return Judgement(verdict: .notMatched)
            case .limited(let what), .failed(let what):
                if rule.onError == .drop { return Judgement(verdict: .gaveUp, trouble: what) }
                trouble = what
            }
        }
        if !rule.late.isEmpty {
            let json = rule.lateNeedsJSON ? records.parsed() : nil
            let rendering = rendering(rule, record, records, json: json, time)
            if let failed = rule.late.first(where: { !$0.holds(in: rendering) }) {
                return Judgement(verdict: .condition(failed.field), trouble: trouble)
            }
        }
        return Judgement(verdict: .took, trouble: trouble)
    }

    /// Whether a record of that source, whose rules the rule is one of, comes from one of the rule's own.
    func hears(_ index: Int, _ record: Record, _ records: Records, _ source: Source) -> Bool {
        switch source {
        case .stdin, .local: return true
        case .session: break
        }
        let rule = compiled[index]
        guard case .event(let event) = record else { return false }
        if rule.takesEvents { return true }
        guard event.kind == .message, let from = event.utf8("from") else { return false }
        // What is said to a whole room is no message to us, and the other way round.
        if let room = event.utf8("room"), event["private"] == nil {
            return !records.isReport && rule.rooms.contains { $0.isSender(room) }
        }
        return rule.peers.contains { $0.isSender(from) }
    }

    /// Appends what a rule that takes the record makes of it, right after ``judge(_:_:_:_:)``: the matcher still knows
    /// its groups.
    func deliver(
        _ index: Int, _ record: Record, _ records: inout Records, _ time: WallTime,
        into deliveries: inout [Delivery]
    ) {
        let rule = compiled[index]
        let needsJSON = rule.body?.needsJSON == true || rule.heading.needsJSON
        let rendering = rendering(rule, record, records, json: needsJSON ? records.parsed() : nil, time)
        let rendered = body(rule, record, records, rendering)
        for destination in rules[index].to {
            guard let content = content(for: destination, rule, record, records, rendered) else { continue }
            var delivery = Delivery(rule: index, destination: destination, content: content)
            switch destination {
            case .xmpp, .room: rendering.append(rule.heading, to: &delivery)
            case _: break
            }
            deliveries.append(delivery)
        }
    }

    /// The delivery of a text that the rule's shaping gives out, to the destination of that index: with what its messages
    /// carry, which does not follow a record there.
    public func delivery(of text: [UInt8], by index: Int, to destination: Int) -> Delivery {
        var delivery = Delivery(rule: index, destination: rules[index].to[destination], content: .text(text))
        switch delivery.destination {
        case .xmpp, .room:
            let rendering = Rendering(
                text: [], event: nil, matcher: nil, json: nil, host: host, time: WallTime(milliseconds: 0))
            rendering.append(compiled[index].heading, to: &delivery)
        case _: break
        }
        return delivery
    }

    private func rendering(
        _ rule: CompiledRule, _ record: Record, _ records: Records, json: JSON?, _ time: WallTime
    ) -> Rendering {
        var event: EventRecord?
        var source: String?
        switch record {
        case .event(let one): event = one
        case .line(let line): source = line.source
        }
        return Rendering(
            text: records.text ?? [], event: event, matcher: rule.matcher, json: json, host: host, time: time,
            source: source)
    }

    /// The body of the rule, filled; nil where it has none or the record has nothing to say through it.
    private func body(
        _ rule: CompiledRule, _ record: Record, _ records: Records, _ rendering: Rendering
    ) -> [UInt8]? {
        guard let template = rule.body else { return nil }
        // A peer's message without a body, and a bounce of ours, are events and no words of theirs.
        if case .event = record, !rule.takesEvents && (records.text == nil || records.isReport) { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(template.literalBytes + rendering.text.count)
        rendering.append(template, to: &bytes)
        return bytes
    }

    private func content(
        for destination: Endpoint, _ rule: CompiledRule, _ record: Record, _ records: Records, _ rendered: [UInt8]?
    ) -> Delivery.Content? {
        switch destination {
        case .xmpp, .room, .presence:
            // A report on what we sent would make another message, and that another report: it never goes out as one.
            if records.isReport { return nil }
            guard let text = rule.body == nil ? records.text : rendered, !text.isEmpty else { return nil }
            return .text(text)
        case .stdout, .file, .fifo:
            if rule.body != nil { return rendered.map { .text($0) } }
            switch record {
            case .line(let line): return .text(line.bytes)
            case .event(let event): return .event(event)
            }
        case .commands:
            guard case .line(let line) = record, !line.bytes.isEmpty else { return nil }
            return .command(line.bytes, number: line.number)
        case .stdin, .events, .tail: return nil
        }
    }
}

// MARK: - What the run must open

extension Router {
    /// Whether any rule reads standard input.
    public var usesStdin: Bool { rules.contains { $0.from.contains(.stdin) } }
    /// Whether any rule writes to standard output.
    public var usesStdout: Bool { rules.contains { $0.to.contains(.stdout) } }
    /// Whether a rule takes records of that source.
    public func takes(_ rule: Int, from source: Source) -> Bool {
        switch source {
        case .stdin: rules[rule].from.contains(.stdin)
        case .local(let number): rules[rule].from.contains(localSources[number])
        case .session: compiled[rule].takesEvents || compiled[rule].takesMessages
        }
    }
    /// The files and FIFOs that rules write to, each once, in their order.
    public var localSinks: [Endpoint] {
        var seen: Set<Endpoint> = []
        return rules.flatMap(\.to).filter { $0.isFile && seen.insert($0).inserted }
    }
    /// Whether any rule takes commands.
    public var usesCommands: Bool { rules.contains { $0.to.contains(.commands) } }
    /// Whether any rule listens to the session: to its events or to somebody's messages.
    public var usesEvents: Bool { compiled.contains { $0.takesEvents || $0.takesMessages } }
    /// Whether any rule sends messages.
    public var sendsMessages: Bool { !recipients.isEmpty || !roomsSentTo.isEmpty }
    /// The people that rules send to, each once, in their order.
    public var recipients: [JID] { addresses(rules.flatMap(\.to)) { if case .xmpp(let jid) = $0 { jid } else { nil } } }
    /// The people whose messages rules take, each once, in their order.
    public var senders: [JID] { addresses(rules.flatMap(\.from)) { if case .xmpp(let jid) = $0 { jid } else { nil } } }
    /// The rooms that rules send to, each once, in their order.
    public var roomsSentTo: [JID] {
        addresses(rules.flatMap(\.to)) { if case .room(let jid) = $0 { jid } else { nil } }
    }
    /// The rooms that rules send to or hear, each once, in their order.
    public var rooms: [JID] {
        addresses(rules.flatMap { $0.from + $0.to }) { if case .room(let jid) = $0 { jid } else { nil } }
    }
    /// Whether any rule changes our presence.
    public var showsPresence: Bool { rules.contains { $0.to.contains(.presence) } }

    private func addresses(_ endpoints: [Endpoint], _ address: (Endpoint) -> JID?) -> [JID] {
        var seen: Set<JID> = []
        return endpoints.compactMap { address($0).flatMap { seen.insert($0).inserted ? $0 : nil } }
    }
}
