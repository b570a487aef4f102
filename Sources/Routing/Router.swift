public import Stanza

/// The rules at work: from a record to what goes where. Every rule sees every record of its sources.
///
/// It holds matchers, which are written to by each match: a copy shares them, so only one thread may use it.
public struct Router {
    /// The rules, by the index that deliveries and troubles carry.
    public let rules: [Rule]
    private let compiled: [CompiledRule]
    /// The rules that take joined lines: ``route(_:from:at:into:)`` passes them over.
    public let joiningRules: [Int]
    private let stdinRules: [Int]
    private let localRules: [[Int]]
    /// The FIFOs and files that rules read, each once, in their order: ``Source/local(_:)`` counts them.
    public let localSources: [Endpoint]
    private let eventRules: [Int]
    private let host: [UInt8]
    private var troubles: [Trouble] = []
    private var records: Records = .init()

    /// How often each rule's pattern was given up at a limit, or failed, since the start.
    public private(set) var givenUp: [UInt64]

    /// A rule's pattern that could not decide: the record is treated as not matched by that rule.
    public struct Trouble: Equatable, Sendable {
        /// The rule's index.
        public var rule: Int
        /// What PCRE2 says.
        public var what: String

        /// A trouble.
        public init(rule: Int, what: String) {
            self.rule = rule
            self.what = what
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
        let joining = rules.indices.filter { rules[$0].shaping.group?.joinsLines ?? false }
        joiningRules = joining
        stdinRules = readers.filter { !joining.contains($0) }
        var seen: Set<Endpoint> = []
        let locals = rules.flatMap(\.from).filter { $0.isFile && seen.insert($0).inserted }
        localSources = locals
        localRules = locals.map { source in
            rules.indices.filter { rules[$0].from.contains(source) && !joining.contains($0) }
        }
        eventRules = compiled.indices.filter { compiled[$0].takesEvents || compiled[$0].takesMessages }
    }

    /// Appends what the rules make of a record to `deliveries`, in the order of the rules and of their destinations.
    public mutating func route(
        _ record: Record, from source: Source, at time: WallTime, into deliveries: inout [Delivery]
    ) {
        records.begin(record)
        switch source {
        case .stdin:
            for index in stdinRules { apply(index, to: record, at: time, into: &deliveries) }
        case .local(let number):
            for index in localRules[number] { apply(index, to: record, at: time, into: &deliveries) }
        case .session:
            for index in eventRules where takes(index, record) {
                apply(index, to: record, at: time, into: &deliveries)
            }
        }
    }

    /// Appends what one rule makes of a record of its sources: of one that its own ``LineGroup`` has joined.
    public mutating func route(
        _ record: Record, to rule: Int, at time: WallTime, into deliveries: inout [Delivery]
    ) {
        records.begin(record)
        apply(rule, to: record, at: time, into: &deliveries)
    }

    /// The rules whose pattern was given up since the last call, each once in a run: for a person to hear of.
    public mutating func takeTroubles() -> [Trouble] {
        defer { troubles.removeAll(keepingCapacity: true) }
        return troubles
    }

    private func takes(_ index: Int, _ record: Record) -> Bool {
        guard case .event(let event) = record else { return false }
        let rule = compiled[index]
        if rule.takesEvents { return true }
        guard event.kind == .message, let from = event.utf8("from") else { return false }
        // What is said to a whole room is no message to us, and the other way round.
        if let room = event.utf8("room"), event["private"] == nil {
            return !records.isReport && rule.rooms.contains { $0.isSender(room) }
        }
        return rule.peers.contains { $0.isSender(from) }
    }

    private mutating func apply(
        _ index: Int, to record: Record, at time: WallTime, into deliveries: inout [Delivery]
    ) {
        let rule = compiled[index]
        if let matcher = rule.matcher {
            guard let text = records.text else { return }
            switch text.withUnsafeBufferPointer(matcher.match) {
            case .matched: break
            case .missed: return
            case .limited(let what), .failed(let what):
                if givenUp[index] == 0 { troubles.append(Trouble(rule: index, what: what)) }
                givenUp[index] += 1
                return
            }
        }
        let rendered = render(rule, record, at: time)
        for destination in rules[index].to {
            guard let content = content(for: destination, rule, record, rendered) else { continue }
            deliveries.append(Delivery(rule: index, destination: destination, content: content))
        }
    }

    /// The body of the rule, filled; nil where it has none or the record has nothing to say through it.
    private mutating func render(_ rule: CompiledRule, _ record: Record, at time: WallTime) -> [UInt8]? {
        guard let template = rule.body else { return nil }
        var event: EventRecord?
        if case .event(let one) = record {
            event = one
            // A peer's message without a body, and a bounce of ours, are events and no words of theirs.
            if !rule.takesEvents && (records.text == nil || records.isReport) { return nil }
        }
        let rendering = Rendering(
            text: records.text ?? [], event: event, matcher: rule.matcher,
            json: template.needsJSON ? records.parsed() : nil, host: host, time: time)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(template.literalBytes + (records.text?.count ?? 0))
        rendering.append(template, to: &bytes)
        return bytes
    }

    private func content(
        for destination: Endpoint, _ rule: CompiledRule, _ record: Record, _ rendered: [UInt8]?
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
        case .session: eventRules.contains(rule)
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
    public var usesEvents: Bool { !eventRules.isEmpty }
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
