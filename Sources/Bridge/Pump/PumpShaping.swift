import Endpoints
import Routing
import Stanza

/// What rules hold back: lines that are being joined, texts that are counted, collected or wait for their rate. It is
/// taken in, and counts as that until it is a row.
struct HeldTexts {
    /// By the rule's index; nil where a rule shapes nothing.
    var shapers: [Shaper?]
    /// The rules that take joined lines.
    let joiningRules: [Int]
    /// The lines of each source that such a rule joins.
    var lines: [LineSource: LineGroup] = [:]
    /// The rules that have a shaper.
    let shapingRules: [Int]
    var lastToken: UInt64 = 0
    /// That of the input that is being taken in.
    var freshToken: UInt64 = 0
    /// The id of the message that those after it edit.
    var editedIDs: [Edit: String] = [:]

    // What was dropped and is not told yet, by the rule and the cause.
    private var untold: [Dropped] = []
    private var told: Instant?
    /// Whether the report itself is on its way: one that is dropped makes no other.
    var isTelling = false

    /// Lines of one source, or of one file of a `tail:`, on their way to one rule.
    struct LineSource: Hashable {
        var rule: Int
        /// Among the pump's sources.
        var number: Int
    }

    /// A chain of messages of one rule, of which each edits the first (XEP-0308).
    struct Edit: Hashable, Sendable {
        var rule: Int
        /// The first message's.
        var handle: UInt64
    }

    /// Messages of a rule that its limit has dropped.
    struct Dropped: Equatable, Sendable {
        var rule: Int
        var cause: Shaper.Report.Cause
        var count: UInt64
    }

    /// Numbers rise over a reload.
    mutating func goOn(from old: HeldTexts) {
        lastToken = old.lastToken
        told = old.told
    }

    init(_ router: Router) {
        shapers = router.rules.map { $0.shaping.shapesTexts ? Shaper($0.shaping, to: $0.to) : nil }
        shapingRules = router.rules.indices.filter { router.rules[$0].shaping.shapesTexts }
        joiningRules = router.joiningRules
    }

    /// The number of the next accepted input.
    mutating func nextToken() -> UInt64 {
        lastToken += 1
        freshToken = lastToken
        return lastToken
    }

    /// Messages and lines.
    var count: Int {
        shapingRules.reduce(0) { $0 + (shapers[$1]?.heldCount ?? 0) } + lines.values.reduce(0) { $0 + $1.heldCount }
    }

    /// Their bytes.
    var bytes: Int {
        shapingRules.reduce(0) { $0 + (shapers[$1]?.heldBytes ?? 0) } + lines.values.reduce(0) { $0 + $1.heldBytes }
    }

    var deadline: Instant? {
        var first = untold.isEmpty ? nil : told.map { $0 + .seconds(Pump.Limits.complaintSeconds) }
        func consider(_ other: Instant?) { if let other { first = first.map { min($0, other) } ?? other } }
        for rule in shapingRules { consider(shapers[rule]?.deadline) }
        for group in lines.values { consider(group.deadline) }
        return first
    }

    /// Takes note of what a rule's shaper has dropped.
    mutating func note(_ rule: Int, _ report: Shaper.Report) {
        if let index = untold.firstIndex(where: { $0.rule == rule && $0.cause == report.cause }) {
            untold[index].count += report.count
        } else {
            untold.append(Dropped(rule: rule, cause: report.cause, count: report.count))
        }
    }

    /// What is to be told now: at once, and then once a minute at the most.
    mutating func takeUntold(at now: Instant, evenNow: Bool) -> [Dropped] {
        if untold.isEmpty { return [] }
        if !evenNow, let told, now < told + .seconds(Pump.Limits.complaintSeconds) { return [] }
        told = now
        defer { untold = [] }
        return untold
    }
}

// Between a rule and its destinations: grouping, repetitions, limits, edits.
extension Pump {
    // MARK: - Lines

    /// Gives a line to the rules that join lines.
    mutating func join(_ record: Record, from source: Source, number: Int) {
        guard case .line(let line) = record else { return }
        for rule in held.joiningRules where router.takes(rule, from: source) {
            guard let group = router.rules[rule].shaping.group else { continue }
            let key = HeldTexts.LineSource(rule: rule, number: number)
            var joined: [LineGroup.Joined] = []
            let token = held.nextToken()
            held.lines[key, default: LineGroup(group)].take(line, token: token, at: now, into: &joined)
            hold(line, token, of: rule, from: source, unlessIn: joined)
            for one in joined { routeJoined(one, to: rule) }
            held.freshToken = 0
        }
    }

    /// A source has ended, or without a number all have: the last record will not go on.
    mutating func flushLines(of number: Int? = nil) {
        withEachGroup(of: number) { $0.flush(into: &$1) }
    }

    private mutating func withEachGroup(
        of number: Int? = nil, _ body: (inout LineGroup, inout [LineGroup.Joined]) -> Void
    ) {
        let keys = held.lines.keys.filter { number == nil || $0.number == number }
        // In the order of the rules, so that a run can be told again.
        for key in keys.sorted(by: { ($0.rule, $0.number) < ($1.rule, $1.number) }) {
            guard var group = held.lines.removeValue(forKey: key) else { continue }
            var joined: [LineGroup.Joined] = []
            body(&group, &joined)
            held.lines[key] = group
            for one in joined { routeJoined(one, to: key.rule) }
        }
    }

    mutating func routeJoined(_ joined: LineGroup.Joined, to rule: Int) {
        unhold(joined.tokens)
        var found: [Delivery] = []
        router.route(.line(joined.line), to: rule, at: wall, into: &found)
        for delivery in found { shape(delivery) }
    }

    // MARK: - Texts

    /// Carries a delivery on, through the shaping of its rule where that has one.
    mutating func shape(_ delivery: Delivery) {
        if isOverrun, delivery.isSent { return dropRelayed() }
        guard mayGoOn(delivery) else { return }
        guard case .text(let text) = delivery.content, held.shapers[delivery.rule] != nil,
            // A delivery's destination is one of its rule's.
            let destination = router.rules[delivery.rule].to.firstIndex(of: delivery.destination)
        else { return carry(delivery) }
        var shaped: [Shaper.Shaped] = []
        let token = held.nextToken()
        hops.hold(hops.current, by: delivery.rule)
        held.shapers[delivery.rule]?.take(text, token: token, for: destination, at: now, into: &shaped)
        // Nothing is held back any more once the run is ending.
        if phase != .running { held.shapers[delivery.rule]?.flush(into: &shaped) }
        let reports = held.shapers[delivery.rule]?.takeReports() ?? []
        hold(text, token, of: delivery, unlessIn: shaped, reports)
        carry(shaped, of: delivery.rule, reports)
        held.freshToken = 0
    }

    mutating func carry(_ shaped: [Shaper.Shaped], of rule: Int, _ reports: [Shaper.Report]) {
        let outer = hops.current
        if !shaped.isEmpty { hops.current = hops.release(by: rule, isLast: held.shapers[rule]?.heldCount == 0) }
        defer { hops.current = outer }
        for one in shaped {
            unhold(one.tokens)
            let delivery = router.delivery(of: one.text, by: rule, to: one.destination)
            let edit = HeldTexts.Edit(rule: rule, handle: one.replaces ?? one.handle)
            carry(delivery, router.rules[rule].shaping.updates ? edit : nil)
        }
        for report in reports {
            unhold(report.tokens)
            if held.isTelling { continue }
            held.note(rule, report)
            guard report.cause == .fullQueue else { continue }
            // It was to wait, not to be lost.
            failures.count += Int(clamping: report.count)
            failures.told += Int(clamping: report.count)
        }
    }

    /// Gives out what time has made ready.
    mutating func expireHeld() {
        guard let due = held.deadline, due <= now else { return }
        withEachGroup { [now] in $0.expire(at: now, into: &$1) }
        withEachShaper { [now] in $0.expire(at: now, into: &$1) }
        commit()
        complain()
        digest()
        settleIfDrained()
    }

    /// Gives out all that is held: no more comes.
    mutating func flushHeld() {
        flushLines()
        withEachShaper { $0.flush(into: &$1) }
        commit()
    }

    /// Gives out all that one rule holds back.
    mutating func flushHeld(of rule: Int) {
        for key in held.lines.keys where key.rule == rule {
            guard var group = held.lines.removeValue(forKey: key) else { continue }
            var joined: [LineGroup.Joined] = []
            group.flush(into: &joined)
            for one in joined { routeJoined(one, to: rule) }
        }
        guard var shaper = held.shapers[rule] else { return }
        held.shapers[rule] = nil
        var shaped: [Shaper.Shaped] = []
        shaper.flush(into: &shaped)
        let reports = shaper.takeReports()
        held.shapers[rule] = shaper
        carry(shaped, of: rule, reports)
        commit()
    }

    private mutating func withEachShaper(_ body: (inout Shaper, inout [Shaper.Shaped]) -> Void) {
        for rule in held.shapingRules {
            guard var shaper = held.shapers[rule] else { continue }
            held.shapers[rule] = nil
            var shaped: [Shaper.Shaped] = []
            body(&shaper, &shaped)
            let reports = shaper.takeReports()
            held.shapers[rule] = shaper
            carry(shaped, of: rule, reports)
        }
    }

    // MARK: - Edits

    /// Takes a message of a rule; one that belongs to a chain of edits says which message it takes the place of.
    mutating func append(_ content: MessageStanza.Content, _ edit: HeldTexts.Edit?) {
        guard let edit else {
            append(content, ref: nil)
            return
        }
        var content = content
        // What takes several stanzas is edited by none, and edits none: the next text begins a chain.
        guard parts(of: content).count == 1 else {
            held.editedIDs[edit] = nil
            append(content, ref: nil)
            return
        }
        content.replaces = held.editedIDs[edit]
        guard append(content, ref: nil), content.replaces == nil else { return }
        held.editedIDs[edit] = content.id ?? stanzas.identifier(backlog.lastNumber)
    }

    // MARK: - Reports

    /// Tells what limits have dropped: an event for each rule and a line for all, once a minute at the most.
    mutating func tellLimited(evenNow: Bool = false) {
        guard !held.isTelling else { return }
        let dropped = held.takeUntold(at: now, evenNow: evenNow)
        if dropped.isEmpty { return }
        held.isTelling = true
        let texts = dropped.map(words)
        actions.append(.say(.warning, texts.joined(separator: "; ")))
        for (one, text) in zip(dropped, texts) { emit(.limited(text: text, count: one.count)) }
        held.isTelling = false
        commit()
    }

    private func words(_ dropped: HeldTexts.Dropped) -> String {
        let name = router.rules[dropped.rule].name ?? "number \(dropped.rule + 1)"
        let what = dropped.count == 1 ? "1 message" : "\(dropped.count) messages"
        switch dropped.cause {
        case .rate: return "bridge \(name) has dropped \(what) beyond its limit"
        case .fullQueue: return "bridge \(name) has dropped \(what): its queue is full"
        }
    }
}

extension Delivery {
    /// Whether it becomes a message.
    fileprivate var isSent: Bool {
        switch (destination, content) {
        case (.xmpp, .text), (.room, .text): true
        case (_, _): false
        }
    }
}
