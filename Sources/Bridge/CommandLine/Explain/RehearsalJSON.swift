import Endpoints
import Routing
import Stanza

/// What `explain --json` prints: an object a line, by the schema that `xmpp-bridge schema explain` prints.
struct RehearsalJSON: RehearsalWriter {
    private var out = JSONLine()
    private var stanzas: RehearsedStanzas

    /// The most ranges of records that are listed; `count` counts all.
    private static let rangesMax = 100

    init(stanzas: RehearsedStanzas) { self.stanzas = stanzas }

    var bytesWaiting: Int { out.bytes.count }

    mutating func takeBytes() -> [UInt8] { out.takeBytes() }

    mutating func begin(_ sample: Sample) {
        line("sample") { out in
            out.add("source", "\(sample.source)")
            if let every = sample.every { out.add("every_ms", every.wholeMilliseconds) }
            out.add("rules", sample.readers.count)
            out.add("readers", sample.readers.count { $0 })
        }
    }

    mutating func tell(_ step: Rehearsal.Step, by rules: [Rule]) {
        switch step {
        case .told(let telling): tell(telling, rules)
        case .sent(let sending): tell(sending, rules)
        case .dropped(let dropping): tell(dropping, rules)
        }
    }

    mutating func tellBroken(_ number: UInt64, _ problem: String) {
        line("broken") { out in
            out.add("number", number)
            out.add("text", problem)
        }
    }

    mutating func end(_ counts: Rehearsal.Counts, by rules: [Rule]) {
        line("summary") { out in
            out.add("records", counts.records)
            out.add("untaken", counts.untaken)
            out.add("sent", counts.rules.reduce(0) { $0 + $1.sent })
            out.add("dropped", counts.rules.reduce(0) { $0 + $1.dropped })
            out.list("rules") { out in
                for (index, count) in counts.rules.enumerated() {
                    out.object { out in
                        Self.name(index, rules, &out)
                        out.add("took", count.took)
                        out.add("sent", count.sent)
                        out.add("dropped", count.dropped)
                    }
                }
            }
        }
    }

    private mutating func line(_ kind: String, _ members: (inout JSONLine) -> Void) {
        out.object { out in
            out.add("kind", kind)
            members(&out)
        }
        out.end()
    }

    private static func name(_ index: Int, _ rules: [Rule], _ out: inout JSONLine) {
        out.add("rule", index + 1)
        out.add("name", rules[index].name)
    }

    private static func numbers(_ tokens: Tokens, _ out: inout JSONLine) {
        out.add("count", tokens.count)
        out.list("records") { out in for range in tokens.ranges.prefix(rangesMax) { out.pair(range) } }
    }

    // MARK: - Records

    private mutating func tell(_ telling: Rehearsal.Telling, _ rules: [Rule]) {
        let event = json(telling.record)
        line(telling.isJoined ? "joined" : "record") { out in
            out.add("at_ms", telling.at.rehearsedMilliseconds)
            if telling.isJoined {
                Self.numbers(telling.numbers, &out)
            } else {
                out.add("number", telling.numbers.ranges.first?.lowerBound ?? 0)
            }
            switch telling.record {
            case .line(let line): out.add("line", line.bytes)
            case .event: out.add("event", json: event)
            }
            out.list("rules") { out in
                var taken = 0
                for explanation in telling.rules {
                    out.object { out in
                        Self.name(explanation.rule, rules, &out)
                        Self.verdict(explanation, rules, &out)
                        if explanation.verdict == .took {
                            Self.makes(explanation, telling.outcomes[taken], &out)
                            taken += 1
                        }
                    }
                }
            }
        }
        for sending in telling.sendings { tell(sending, rules) }
        for dropping in telling.droppings { tell(dropping, rules) }
    }

    private static func verdict(_ explanation: Explanation, _ rules: [Rule], _ out: inout JSONLine) {
        switch explanation.verdict {
        case .took: out.add("verdict", "took")
        case .otherSource: out.add("verdict", "other-source")
        case .joinsLines: out.add("verdict", "joins-lines")
        case .condition(let field):
            out.add("verdict", "condition")
            out.add("field", field)
        case .noText: out.add("verdict", "no-text")
        case .notMatched: out.add("verdict", "not-matched")
        case .gaveUp: out.add("verdict", "gave-up")
        case .stopped(let index):
            out.add("verdict", "stopped")
            out.add("by", index + 1)
        case .taken(let index):
            out.add("verdict", "taken")
            out.add("by", index + 1)
        }
        out.add("trouble", explanation.trouble)
        if explanation.captures.isEmpty { return }
        out.list("captures") { out in
            for capture in explanation.captures {
                out.object { out in
                    out.add("group", capture.number)
                    out.add("name", capture.name)
                    out.add("text", capture.text)
                }
            }
        }
    }

    private static func makes(_ explanation: Explanation, _ outcomes: [Rehearsal.Outcome], _ out: inout JSONLine) {
        out.list("makes") { out in
            for (delivery, outcome) in zip(explanation.deliveries, outcomes) {
                out.object { out in
                    out.add("to", "\(delivery.destination)")
                    switch delivery.content {
                    case .text(let text): out.add("text", text)
                    case .command(let text, _): out.add("command", text)
                    case .event: out.add(whereTrue: "as_event", true)
                    }
                    fate(outcome.fate, &out)
                }
            }
        }
    }

    private static func fate(_ fate: Shaper.Fate, _ out: inout JSONLine) {
        switch fate {
        case .goesOut: out.add("fate", "sent")
        case .counted(let until): held("counted", until, &out)
        case .collected(let until): held("collected", until, &out)
        case .waits(let until): held("waits", until, &out)
        case .summedUp(let until): held("summed-up", until, &out)
        case .dropped(let cause):
            out.add("fate", "dropped")
            out.add("cause", word(cause))
        }
    }

    private static func held(_ fate: String, _ until: Instant, _ out: inout JSONLine) {
        out.add("fate", fate)
        out.add("until_ms", until.rehearsedMilliseconds)
    }

    private static func word(_ cause: Shaper.Report.Cause) -> String {
        switch cause {
        case .rate: "rate"
        case .fullQueue: "full-queue"
        }
    }

    /// An event as it was recorded, but for `time` and `seq`; nothing of a line.
    private func json(_ record: Record) -> [UInt8] {
        guard case .event(let event) = record else { return [] }
        return Self.json(event)
    }

    private static func json(_ event: EventRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        EventWriter.append(bare: event, to: &bytes)
        return bytes
    }

    // MARK: - What goes out, and what does not

    private mutating func tell(_ sending: Rehearsal.Sending, _ rules: [Rule]) {
        let stanza = stanzas.stanza(sending, by: rules)
        line("sent") { out in
            out.add("at_ms", sending.at.rehearsedMilliseconds)
            Self.name(sending.delivery.rule, rules, &out)
            out.add("to", "\(sending.delivery.destination)")
            Self.numbers(sending.numbers, &out)
            switch sending.delivery.content {
            case .text(let text): out.add("text", text)
            case .command(let text, _): out.add("command", text)
            case .event(let event): out.add("event", json: Self.json(event))
            }
            out.add("subject", sending.delivery.subject)
            out.add("thread", sending.delivery.thread)
            out.add("lang", sending.delivery.lang)
            if case .presence = sending.delivery.destination {
                let shown = rules[sending.delivery.rule].shown
                out.add("show", shown.show?.rawValue)
                if let hold = shown.hold { out.add("hold_ms", hold.wholeMilliseconds) }
            }
            if let stanza { out.add("stanza", stanza) }
        }
    }

    private mutating func tell(_ dropping: Rehearsal.Dropping, _ rules: [Rule]) {
        line("dropped") { out in
            out.add("at_ms", dropping.at.rehearsedMilliseconds)
            Self.name(dropping.rule, rules, &out)
            out.add("to", "\(dropping.destination)")
            out.add("cause", Self.word(dropping.cause))
            out.add("messages", dropping.count)
            Self.numbers(dropping.numbers, &out)
        }
    }
}
