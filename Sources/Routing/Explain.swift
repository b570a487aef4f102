public import Stanza

/// What a rule did with a record, and why (`explain`).
public struct Explanation: Equatable, Sendable {
    /// The rule's index.
    public var rule: Int
    /// Whether it took the record, or why not.
    public var verdict: Verdict
    /// What its pattern captured, where it matched: the whole match first, then the groups that took part.
    public var captures: [Capture] = []
    /// What goes where, before the rule's shaping; empty where it did not take the record, or makes nothing of it.
    public var deliveries: [Delivery] = []
    /// What PCRE2 said, where the pattern was given up at a limit.
    public var trouble: String?

    /// What a group captured.
    public struct Capture: Equatable, Sendable {
        /// Its number; 0 is the whole match.
        public var number: Int
        /// Its name, where it has one.
        public var name: String?
        /// The text.
        public var text: [UInt8]

        /// A capture.
        public init(number: Int, name: String? = nil, text: [UInt8]) {
            self.number = number
            self.name = name
            self.text = text
        }
    }
}

/// Whether a rule took a record, or why not.
public enum Verdict: Equatable, Sendable {
    /// It did.
    case took
    /// It comes from none of the rule's sources.
    case otherSource
    /// The rule joins lines: ask again, of what its ``LineGroup`` has joined, with ``Router/explain(_:to:at:)``.
    case joinsLines
    /// What is asked of that field (`where:`) does not hold.
    case condition(String)
    /// The rule has a pattern, and the record, an event, no body for it.
    case noText
    /// The pattern does not match.
    case notMatched
    /// The pattern was given up at a limit, and the rule drops such records.
    case gaveUp
    /// An earlier rule, at that index, took it and stops.
    case stopped(by: Int)
    /// It is a default rule, and the rule at that index took the record.
    case taken(by: Int)
}

extension Router {
    /// Says of each rule what it does with a record and why, in the order of the rules; counts nothing and tells nothing.
    /// Those that take it have the deliveries that ``route(_:from:at:into:)`` gives.
    public func explain(_ record: Record, from source: Source, at time: WallTime) -> [Explanation] {
        var records = Records(record)
        var explanations = rules.indices.map { Explanation(rule: $0, verdict: .otherSource) }
        var taker: Int?
        for isDefault in [false, true] {
            let before = isDefault ? taker : nil
            var stopper: Int?
            for index in rules.indices
            where rules[index].selection.isDefault == isDefault && takes(index, from: source)
                && hears(index, record, records, source)
            {
                if compiled[index].joinsLines {
                    explanations[index].verdict = .joinsLines
                } else if let before {
                    explanations[index].verdict = .taken(by: before)
                } else if let stopper {
                    explanations[index].verdict = .stopped(by: stopper)
                } else {
                    explanations[index] = explain(index, record, &records, time)
                    guard explanations[index].verdict == .took else { continue }
                    taker = taker ?? index
                    if compiled[index].stops { stopper = index }
                }
            }
        }
        return explanations
    }

    /// Says what one rule does with a record of its sources: with one that its own ``LineGroup`` has joined.
    public func explain(_ record: Record, to rule: Int, at time: WallTime) -> Explanation {
        var records = Records(record)
        return explain(rule, record, &records, time)
    }

    private func explain(
        _ index: Int, _ record: Record, _ records: inout Records, _ time: WallTime
    ) -> Explanation {
        let judgement = judge(index, record, &records, time)
        var told = Explanation(rule: index, verdict: judgement.verdict, trouble: judgement.trouble)
        switch judgement.verdict {
        case .took:
            deliver(index, record, &records, time, into: &told.deliveries)
            told.captures = captures(index, records)
        case .condition(let field):
            // Conditions on what is captured, or parsed, come after the pattern: then there are captures to show.
            if compiled[index].late.contains(where: { $0.field == field }) {
                told.captures = captures(index, records)
            }
        case .otherSource, .joinsLines, .noText, .notMatched, .gaveUp, .stopped, .taken: break
        }
        return told
    }

    private func captures(_ index: Int, _ records: Records) -> [Explanation.Capture] {
        guard let matcher = compiled[index].matcher, let text = records.text else { return [] }
        return (0...matcher.pattern.groupCount).compactMap { number in
            guard let range = matcher.group(number) else { return nil }
            let name = matcher.pattern.names.first { $0.number == number }?.name
            return Explanation.Capture(number: number, name: name, text: Array(text[range]))
        }
    }
}
