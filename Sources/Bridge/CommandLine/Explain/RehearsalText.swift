import Endpoints
import Routing
import Stanza

/// What `explain` prints for a person: a block for each record, with what goes out of it; what was held back comes later,
/// in its time.
struct RehearsalText: RehearsalWriter {
    private var bytes: [UInt8] = []
    private var stanzas: RehearsedStanzas
    private var noun = "line"
    private var readers: [Bool] = []

    /// Of each text that is shown.
    private static let shownCharactersMax = 2_000
    /// Of what a group has captured.
    private static let capturedCharactersMax = 200
    /// The most ranges of records that are listed.
    private static let rangesMax = 8

    init(stanzas: RehearsedStanzas) { self.stanzas = stanzas }

    var bytesWaiting: Int { bytes.count }

    mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    mutating func begin(_ sample: Sample) {
        readers = sample.readers
        noun = sample.holdsEvents ? "event" : "line"
        let what = sample.holdsEvents ? "events of the session" : "lines of \(sample.source)"
        let pace =
            sample.every.map { $0 == .zero ? "all at once" : "one each \(Self.words($0))" } ?? "in their own time"
        put(
            "The sample stands for \(what), \(pace); \(sample.readers.count { $0 }) of \(readers.count) bridges read them.\n"
        )
    }

    mutating func tell(_ step: Rehearsal.Step, by rules: [Rule]) {
        switch step {
        case .told(let telling): tell(telling, rules)
        case .sent(let sending): tell(sending, rules)
        case .dropped(let dropping): tell(dropping, rules)
        }
    }

    mutating func tellBroken(_ number: UInt64, _ problem: String) { put("\nline \(number) is no event: \(problem)\n") }

    mutating func end(_ counts: Rehearsal.Counts, by rules: [Rule]) {
        var parts: [String] = []
        for (index, count) in counts.rules.enumerated() where readers[index] {
            let dropped = count.dropped > 0 ? ", dropped \(count.dropped)" : ""
            parts.append("\(rules[index].title(index)) took \(count.took), sent \(count.sent)\(dropped)")
        }
        parts.append("no bridge took \(counts.untaken)")
        put("\n\(counts.records) \(noun)\(counts.records == 1 ? "" : "s"): \(parts.joined(separator: "; "))\n")
    }

    // MARK: - Records

    private mutating func tell(_ telling: Rehearsal.Telling, _ rules: [Rule]) {
        // What the record put an end to comes before what it was made into.
        let own = Set(telling.outcomes.joined().compactMap(\.sending))
        for (index, sending) in telling.sendings.enumerated() where !own.contains(index) { tell(sending, rules) }
        for dropping in telling.droppings where dropping.numbers != telling.numbers { tell(dropping, rules) }
        put("\n\(words(telling.numbers))\(telling.isJoined ? ", joined," : "") at \(Self.time(telling.at)): ")
        switch telling.record {
        case .line(let line): show(line.bytes, indented: 2)
        case .event(let event):
            var json: [UInt8] = []
            EventWriter.append(bare: event, to: &json)
            show(json, indented: 2)
        }
        var taken = 0
        for explanation in telling.rules where explanation.verdict == .took {
            tell(explanation, telling.outcomes[taken], telling, rules)
            taken += 1
        }
        tellRest(telling.rules, rules)
    }

    private mutating func tell(
        _ explanation: Explanation, _ outcomes: [Rehearsal.Outcome], _ telling: Rehearsal.Telling, _ rules: [Rule]
    ) {
        put("  \(rules[explanation.rule].title(explanation.rule)) took it")
        put(captures(explanation), "\n")
        if let trouble = explanation.trouble {
            put("    its pattern was given up, which counts as matched: \(trouble)\n")
        }
        if outcomes.isEmpty { put("    and makes nothing of it: there is no text\n") }
        for (delivery, outcome) in zip(explanation.deliveries, outcomes) {
            put("    \(Self.words(outcome.fate)), to \(delivery.destination)\n")
            if let index = outcome.sending {
                show(telling.sendings[index], rules)
            } else if case .text(let text) = delivery.content {
                put("      ")
                show(text, indented: 6)
            }
        }
    }

    private func captures(_ explanation: Explanation) -> String {
        // All that it matched is shown only where there are no groups.
        let groups = explanation.captures.filter { $0.number > 0 || explanation.captures.count == 1 }
        return groups.map { group in
            let text = ShownText.escaped(
                String(decoding: group.text, as: UTF8.self), charactersMax: Self.capturedCharactersMax)
            return "; \(group.name ?? String(group.number)) is \"\(text)\""
        }.joined()
    }

    /// Those that did not take the record, each reason with its rules.
    private mutating func tellRest(_ explanations: [Explanation], _ rules: [Rule]) {
        var reasons: [(words: String, rules: [String])] = []
        for explanation in explanations {
            // That a rule does not read such records at all is told once, before the first of them.
            guard readers[explanation.rule], let words = Self.words(explanation.verdict, rules) else { continue }
            let details = (explanation.trouble.map { " (\($0))" } ?? "")
            let title = rules[explanation.rule].title(explanation.rule) + details
            if let index = reasons.firstIndex(where: { $0.words == words }) {
                reasons[index].rules.append(title)
            } else {
                reasons.append((words, [title]))
            }
        }
        for reason in reasons { put("  \(reason.words): \(reason.rules.joined(separator: ", "))\n") }
    }

    // MARK: - What goes out, and what does not

    private mutating func tell(_ sending: Rehearsal.Sending, _ rules: [Rule]) {
        let rule = rules[sending.delivery.rule].title(sending.delivery.rule)
        put("\nat \(Self.time(sending.at)) \(rule) sends what it made of \(words(sending.numbers)), ")
        put("to \(sending.delivery.destination)\n")
        show(sending, rules)
    }

    private mutating func tell(_ dropping: Rehearsal.Dropping, _ rules: [Rule]) {
        let count = dropping.count == 1 ? "a message" : "\(dropping.count) messages"
        put("\nat \(Self.time(dropping.at)) \(rules[dropping.rule].title(dropping.rule)) drops \(count) ")
        put("made of \(words(dropping.numbers)), \(Self.words(dropping.cause)), to \(dropping.destination)\n")
    }

    private mutating func show(_ sending: Rehearsal.Sending, _ rules: [Rule]) {
        if let stanza = stanzas.stanza(sending, by: rules) {
            put("      ")
            return show(stanza, indented: 6)
        }
        switch sending.delivery.content {
        case .text(let text):
            let shown = rules[sending.delivery.rule].shown
            var head = ""
            if case .presence = sending.delivery.destination {
                head =
                    (shown.show?.rawValue ?? "available") + (shown.hold.map { " for \(Self.words($0))" } ?? "") + ": "
            }
            put("      \(head)")
            show(text, indented: 6)
        case .command(let text, _):
            put("      ")
            show(text, indented: 6)
        // It stands above.
        case .event: break
        }
    }

    // MARK: - Words

    private mutating func put(_ texts: String...) { for text in texts { bytes += text.utf8 } }

    /// Appends a text and a line end; its further lines are indented, and what hides itself is shown.
    private mutating func show(_ text: [UInt8], indented: Int) {
        let isPlain = text.count <= Self.shownCharactersMax && text.allSatisfy { (0x20..<0x7F).contains($0) }
        if isPlain {
            bytes += text
        } else {
            var left = Self.shownCharactersMax
            for (index, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                if index > 0 { bytes += "\n\(String(repeating: " ", count: indented + 2))".utf8 }
                let line = String(decoding: line, as: UTF8.self)
                bytes += ShownText.escaped(line, charactersMax: max(left, 0)).utf8
                left -= line.unicodeScalars.count
                if left < 0 { break }
            }
        }
        bytes.append(0x0A)
    }

    /// The numbers of records, as `lines 3-5, 7`.
    private func words(_ tokens: Tokens) -> String {
        let ranges = tokens.ranges.prefix(Self.rangesMax).map { range in
            range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
        }
        let rest = tokens.ranges.count > Self.rangesMax ? " and more, \(tokens.count) in all" : ""
        return "\(noun)\(tokens.count == 1 ? "" : "s") \(ranges.joined(separator: ", "))\(rest)"
    }

    /// Why a rule did not take a record; nil where it did.
    private static func words(_ verdict: Verdict, _ rules: [Rule]) -> String? {
        switch verdict {
        case .took: nil
        case .otherSource: "comes from none of its sources"
        case .joinsLines: "joined to a record of their own, below"
        case .condition(let field): "condition on \(field) does not hold"
        case .noText: "has no text to match"
        case .notMatched: "pattern does not match"
        case .gaveUp: "pattern was given up, which counts as not matched"
        case .stopped(let by): "stopped by \(rules[by].title(by))"
        case .taken(let by): "taken already, by \(rules[by].title(by))"
        }
    }

    private static func words(_ fate: Shaper.Fate) -> String {
        switch fate {
        case .goesOut: "sent"
        case .counted(let until): "counted as a repetition until \(time(until)) at the latest"
        case .collected(let until): "collected with others until \(time(until)) at the latest"
        case .waits(let until): "held until \(time(until)) by the rate"
        case .summedUp(let until): "held for the digest at \(time(until))"
        case .dropped(let cause): "dropped, \(words(cause))"
        }
    }

    private static func words(_ cause: Shaper.Report.Cause) -> String {
        switch cause {
        case .rate: "beyond the rate"
        case .fullQueue: "as the queue is full"
        }
    }

    private static func time(_ instant: Instant) -> String { "+" + words(.nanoseconds(instant.nanoseconds)) }

    /// A length of time, as `6.0s`, `2m30s` or `3d4h`.
    private static func words(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        let seconds = milliseconds / 1_000
        if seconds < 60 {
            let rest = milliseconds % 1_000
            let digits = rest % 100 == 0 ? "\(rest / 100)" : String("\(1_000 + rest)".dropFirst())
            return "\(seconds).\(digits)s"
        }
        if seconds < 3_600 { return "\(seconds / 60)m\(seconds % 60)s" }
        if seconds < 86_400 { return "\(seconds / 3_600)h\(seconds / 60 % 60)m" }
        return "\(seconds / 86_400)d\(seconds / 3_600 % 24)h"
    }
}
