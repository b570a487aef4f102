import Routing
import Spool
import Stanza

// What rules hold back is in memory, and in the store too, so that it outlives the process.
extension Pump {
    /// Keeps a line that is being joined, unless it has gone on already.
    mutating func hold(
        _ line: Record.Line, _ token: UInt64, of rule: Int, from source: Source, unlessIn joined: [LineGroup.Joined]
    ) {
        guard journal.isDurable, !joined.contains(where: { $0.tokens.endWith(token) }) else { return }
        let place = endpoint(of: source).description
        journal.hold(HeldInput(token: token, rule: ruleName(rule), place: place, isLine: true, bytes: line.bytes))
    }

    /// Keeps a text that waits, unless it has gone on already, or was dropped.
    mutating func hold(
        _ text: [UInt8], _ token: UInt64, of delivery: Delivery, unlessIn shaped: [Shaper.Shaped],
        _ reports: [Shaper.Report]
    ) {
        guard journal.isDurable, !shaped.contains(where: { $0.tokens.endWith(token) }),
            !reports.contains(where: { $0.tokens.endWith(token) })
        else { return }
        let place = delivery.destination.description
        journal.hold(
            HeldInput(token: token, rule: ruleName(delivery.rule), place: place, isLine: false, bytes: text))
    }

    /// What was made of that input is in the store by now, or it was dropped and told.
    mutating func unhold(_ tokens: Tokens) {
        guard journal.isDurable else { return }
        for range in tokens.ranges {
            // What goes on at once was never kept.
            if range.count == 1, range.upperBound == held.freshToken { continue }
            journal.unhold(range)
        }
    }

    /// What a rule is called in the store and on stderr.
    func ruleName(_ rule: Int) -> String { router.rules[rule].name ?? "number \(rule + 1)" }

    private func endpoint(of source: Source) -> Endpoint {
        switch source {
        case .stdin: .stdin
        case .local(let number): router.localSources[number]
        case .session: .events
        }
    }

    // MARK: - At the start

    /// Takes in again what rules held back when the last run ended, as if it came now.
    mutating func restore(_ all: [HeldInput]) {
        held.lastToken = options.spool?.lastToken ?? 0
        var lost = 0
        for input in all.sorted(by: { $0.token < $1.token }) {
            let isTaken = input.isLine ? restoreLine(input) : restoreText(input)
            if isTaken { continue }
            journal.unhold(input.token...input.token)
            if !sendAsItIs(input) { lost += 1 }
        }
        guard lost > 0 else { return }
        let what = lost == 1 ? "1 line is" : "\(lost) lines are"
        failures.count += lost
        failures.told += lost
        actions.append(.say(.error, "\(what) dropped that bridges held back which are not there any more"))
    }

    private func rule(named name: String) -> Int? { router.rules.indices.first { self.ruleName($0) == name } }

    private mutating func restoreLine(_ input: HeldInput) -> Bool {
        guard let rule = rule(named: input.rule), let group = router.rules[rule].shaping.group, group.joinsLines,
            let source = source(named: input.place), router.takes(rule, from: source)
        else { return false }
        guard let number = sources.firstIndex(where: { $0.route == source }) else { return false }
        let key = HeldTexts.LineSource(rule: rule, number: number)
        let line = Record.Line(bytes: input.bytes, number: 0, source: sources[number].origin)
        var joined: [LineGroup.Joined] = []
        held.lines[key, default: LineGroup(group)].take(line, token: input.token, at: now, into: &joined)
        for one in joined { routeJoined(one, to: rule) }
        return true
    }

    private mutating func restoreText(_ input: HeldInput) -> Bool {
        guard let rule = rule(named: input.rule), held.shapers[rule] != nil,
            let destination = router.rules[rule].to.firstIndex(where: { $0.description == input.place })
        else { return false }
        var shaped: [Shaper.Shaped] = []
        held.shapers[rule]?.take(input.bytes, token: input.token, for: destination, at: now, into: &shaped)
        let reports = held.shapers[rule]?.takeReports() ?? []
        carry(shaped, of: rule, reports)
        return true
    }

    private func source(named place: String) -> Source? {
        if place == Endpoint.stdin.description { return .stdin }
        if place == Endpoint.events.description { return .session }
        return router.localSources.firstIndex { $0.description == place }.map { .local($0) }
    }

    /// The rule has gone that held a text back: it goes where it was to go.
    private mutating func sendAsItIs(_ input: HeldInput) -> Bool {
        guard !input.isLine, let destination = try? Endpoint(parsing: input.place) else { return false }
        switch destination {
        case .xmpp(let jid):
            append(MessageStanza.Content(to: jid, type: "chat", body: input.bytes), ref: nil)
            return true
        case .room(let room):
            append(MessageStanza.Content(to: room, type: "groupchat", body: input.bytes), ref: nil)
            return true
        case .stdout, .file, .fifo:
            guard let sink = sinkNumbers[destination], sink > 0 || options.prints else { return false }
            printText(input.bytes, to: sink)
            return true
        case .stdin, .tail, .events, .presence, .commands: return false
        }
    }
}

extension Tokens {
    /// Whether that token, which none is above, is one of them.
    fileprivate func endWith(_ token: UInt64) -> Bool { ranges.contains { $0.upperBound == token } }
}
