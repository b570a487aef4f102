import Stanza

// What rules do to each other: legal, and likely not meant.
extension Rule {
    /// Warnings about the rules of one file, each with the index of its rule.
    public static func suspicions(in rules: [Rule]) -> [(rule: Int, problem: Problem)] {
        rules.indices.flatMap { index in
            let own = rules[index].contradictions() + [shadow(of: index, in: rules)].compactMap { $0 }
            return own.map { (index, $0) }
        } + cycles(in: rules) + modeConflicts(in: rules)
    }

    /// How other rules call it.
    private static func name(_ index: Int, in rules: [Rule]) -> String {
        rules[index].name.map { "bridge \($0)" } ?? "bridge number \(index + 1)"
    }

    // MARK: - Shadows

    /// A rule before it that stops all that it could take; for a default rule any that takes all of that.
    private static func shadow(of index: Int, in rules: [Rule]) -> Problem? {
        let rule = rules[index]
        // Lines that are joined are seen by all.
        if rule.joinsLines { return nil }
        let others = rules.indices.filter { other in
            other != index && !rules[other].joinsLines
                && (rule.selection.isDefault
                    ? !rules[other].selection.isDefault
                    : other < index && rules[other].selection.stops && !rules[other].selection.isDefault)
        }
        guard let other = others.first(where: { rules[$0].covers(rule) }) else { return nil }
        let name = name(other, in: rules)
        let what =
            rule.selection.isDefault
            ? "this default takes nothing: \(name) takes all of it" : "this takes nothing: \(name) stops all of it"
        return Problem(
            part: .whole, what: what,
            hint: rule.selection.isDefault
                ? "give that one a match, or leave default out" : "put this before it, or leave its stop out",
            isWarning: true)
    }

    private var joinsLines: Bool { shaping.group?.joinsLines ?? false }

    /// Whether it takes all that the other could.
    private func covers(_ other: Rule) -> Bool {
        let isHeard = other.from.allSatisfy { source in from.contains { $0.covers(source) } }
        let matches = match == nil || match == other.match && selection.onError == other.selection.onError
        return isHeard && matches && selection.conditions.allSatisfy(other.selection.conditions.contains)
    }

    // MARK: - Contradictions

    private func contradictions() -> [Problem] {
        var problems: [Problem] = []
        if let match, let why = match.neverMatches {
            problems.append(
                Problem(
                    part: .match, what: "no text can match: \(why)", hint: "the bridge takes nothing", isWarning: true))
        } else if let match, match.required.asksForBreak, !joinsLines, from.allSatisfy(\.givesLines) {
            problems.append(
                Problem(
                    part: .match, what: "no line can match: it asks for a line break, and a line has none",
                    hint: "behind match: | the break at the end is part of it; write |- or quotes", isWarning: true))
        }
        for condition in selection.conditions {
            guard let (what, hint) = contradiction(of: condition) else { continue }
            problems.append(
                Problem(part: .place(condition.place, offset: 0), what: what, hint: hint, isWarning: true))
        }
        return problems
    }

    /// Why no record of the rule's sources can be so.
    private func contradiction(of condition: Condition) -> (what: String, hint: String)? {
        guard case .field(let name) = condition.piece else { return nil }
        let nothing = "the bridge takes nothing"
        for case .isOneOf(let operands) in condition.tests {
            if Condition.addressFields.contains(name), name != "to" {
                let possible = from.contains { source in operands.contains { source.canBe(name, $0) } }
                if !possible { return ("no record from \(sources) has such a \(condition.field)", nothing) }
            }
            if name == "event" {
                let kinds = EventRecord.Kind.allCases.map { Array($0.rawValue.utf8) }
                if operands.contains(where: { if case .text(let kind) = $0 { kinds.contains(kind) } else { false } }) {
                    continue
                }
                let names = EventRecord.Kind.allCases.map(\.rawValue)
                let word: String =
                    if case .text(let kind)? = operands.first { String(decoding: kind, as: UTF8.self) } else { "" }
                let near = Wording.nearest(to: word, among: names)
                return (
                    "no event is called \(Wording.quote(word))",
                    near.map { "did you mean \($0)?" } ?? "expected \(Wording.alternatives(names))"
                )
            }
        }
        return nil
    }

    private var sources: String { from.map { "\($0)" }.joined(separator: ", ") }

    // MARK: - Cycles

    /// Rules that bring back to somebody what he said, over one or more others. What one rule does so alone is told
    /// with the rule.
    private static func cycles(in rules: [Rule]) -> [(rule: Int, problem: Problem)] {
        var found: [(rule: Int, problem: Problem)] = []
        for (index, rule) in rules.enumerated() {
            for (number, destination) in rule.to.enumerated() {
                guard let address = destination.address?.bare else { continue }
                let origins = rule.from.compactMap { $0.address?.bare }.filter { $0 != address }
                guard
                    let origin = origins.first(where: { path(from: address, to: $0, before: index, in: rules) != nil }),
                    let path = path(from: address, to: origin, before: index, in: rules)
                else { continue }
                let way = path.map { name($0, in: rules) }.joined(separator: " and ")
                found.append(
                    (
                        index,
                        Problem(
                            part: .to(number), what: "what \(origin) says comes back to it from here over \(way)",
                            hint: "two bots that do so never stop; a where that leaves out bots breaks the circle",
                            isWarning: true)
                    ))
            }
        }
        return found
    }

    /// The rules, all of them earlier, that carry what comes from one address on to another: the fewest. A circle is
    /// told once, at the last of its rules.
    private static func path(from start: JID, to end: JID, before last: Int, in rules: [Rule]) -> [Int]? {
        var ways: [JID: [Int]] = [start: []]
        var queue = [start]
        while !queue.isEmpty {
            let here = queue.removeFirst()
            for index in rules.indices.prefix(last)
            where rules[index].from.contains(where: { $0.address?.bare == here }) {
                for next in rules[index].to.compactMap({ $0.address?.bare }) where ways[next] == nil {
                    ways[next] = (ways[here] ?? []) + [index]
                    if next == end { return ways[next] }
                    queue.append(next)
                }
            }
        }
        return nil
    }
}

extension Endpoint {
    /// Whether all that comes from the other comes from here.
    fileprivate func covers(_ other: Endpoint) -> Bool {
        if self == other { return true }
        switch (self, other) {
        case (.events, .xmpp), (.events, .room): return true
        case (.xmpp(let all), .xmpp(let one)): return all == one.bare
        case (_, _): return false
        }
    }

    /// Whether a record from here can have that address, or that pattern's, in a field.
    fileprivate func canBe(_ field: String, _ operand: Condition.Operand) -> Bool {
        guard let address else { return true }
        // A private message of a room's occupant has its room too.
        if field == "room", case .xmpp = self { return true }
        switch operand {
        case .glob(let glob): return glob.matches(address)
        case .address(let jid): return field == "from" && jid.bare == address.bare && (address.isBare || jid == address)
        case .text, .number, .bool: return false
        }
    }
}
