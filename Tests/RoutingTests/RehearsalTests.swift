import Routing
import Stanza
import Testing

/// What a rehearsal tells, as lines: `MS VERDICTS` of records, `MS RULE -> DESTINATION TEXT OF` of what goes out.
@Suite struct RehearsalTests {
    private static let start = WallTime(milliseconds: 1_795_340_400_000)
    private static let minute = Duration.seconds(60)

    static func rehearse(
        _ rules: [Rule], _ lines: [String], every: Duration = .zero, source: Endpoint = .stdin, drains: Bool = false
    ) -> (told: [String], counts: Rehearsal.Counts) {
        var rehearsal = Rehearsal(rules: rules, host: "box", source: source, start: start)
        var steps: [Rehearsal.Step] = []
        var time = Instant(nanoseconds: 0)
        for (index, line) in lines.enumerated() {
            let record = Record.line(.init(bytes: Array(line.utf8), number: UInt64(index + 1)))
            rehearsal.take(record, number: UInt64(index + 1), at: time, into: &steps)
            time = time + every
        }
        rehearsal.finish(drains: drains, into: &steps)
        return (steps.flatMap(words), rehearsal.counts)
    }

    private static func words(_ step: Rehearsal.Step) -> [String] {
        switch step {
        case .told(let telling):
            let fates = telling.outcomes.map { $0.map { "\(words($0.fate))" }.joined(separator: ",") }
            let verdicts = telling.rules.map { "\($0.rule):\($0.verdict)" }.joined(separator: " ")
            let kind = telling.isJoined ? "joined" : "record"
            return ["\(ms(telling.at)) \(kind) \(words(telling.numbers)) \(verdicts) \(fates.joined(separator: " "))"]
                + telling.sendings.map(words) + telling.droppings.map(words)
        case .sent(let sending): return [words(sending)]
        case .dropped(let dropping): return [words(dropping)]
        }
    }

    private static func words(_ sending: Rehearsal.Sending) -> String {
        var text = "?"
        if case .text(let bytes) = sending.delivery.content { text = String(decoding: bytes, as: UTF8.self) }
        let edit = sending.edit.map { " \($0.handle)" + ($0.replaces.map { " for \($0)" } ?? "") } ?? ""
        return "\(ms(sending.at)) sent \(sending.delivery.rule) \(sending.delivery.destination) \"\(text)\" "
            + "of \(words(sending.numbers))\(edit)"
    }

    private static func words(_ dropping: Rehearsal.Dropping) -> String {
        "\(ms(dropping.at)) dropped \(dropping.rule) \(dropping.destination) \(dropping.cause) \(dropping.count) "
            + "of \(words(dropping.numbers))"
    }

    private static func words(_ tokens: Tokens) -> String {
        tokens.ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }

    private static func words(_ fate: Shaper.Fate) -> String {
        switch fate {
        case .goesOut: "out"
        case .counted(let until): "counted..\(ms(until))"
        case .collected(let until): "collected..\(ms(until))"
        case .waits(let until): "waits..\(ms(until))"
        case .summedUp(let until): "summed..\(ms(until))"
        case .dropped(let cause): "\(cause)"
        }
    }

    private static func ms(_ instant: Instant) -> Int64 { instant.nanoseconds / 1_000_000 }

    static func limited(_ overflow: Shaping.Limit.Overflow, count: Int = 10, burst: Int = 1) throws -> Rule {
        let rate = Shaping.Limit.Rate(count: count, period: minute)
        return try Rule(
            from: [.stdin], to: [.stdout],
            shaping: Shaping(limit: .init(rate: rate, burst: burst, overflow: overflow, queueMax: 2)))
    }

    // MARK: - Fates

    @Test func aQueueHoldsUntilItsTurn() throws {
        let (told, counts) = Self.rehearse([try Self.limited(.queue)], ["a", "b", "c", "d"], every: .seconds(1))
        #expect(
            told == [
                "0 record 1-1 0:took out", "0 sent 0 stdout \"a\" of 1-1", "1000 record 2-2 0:took waits..6000",
                "2000 record 3-3 0:took waits..12000", "3000 record 4-4 0:took fullQueue",
                "3000 dropped 0 stdout fullQueue 1 of 4-4", "6000 sent 0 stdout \"b\" of 2-2",
                "12000 sent 0 stdout \"c\" of 3-3",
            ])
        #expect(counts.records == 4 && counts.untaken == 0)
        #expect(counts.rules[0].took == 4 && counts.rules[0].sent == 3 && counts.rules[0].dropped == 1)
    }

    @Test func theEndOfARunSendsAtOnce() throws {
        let (told, _) = Self.rehearse([try Self.limited(.queue)], ["a", "b"], drains: true)
        #expect(told.last == "0 sent 0 stdout \"b\" of 2-2")
    }

    @Test func aDigestTellsOfAll() throws {
        let (told, _) = Self.rehearse([try Self.limited(.digest)], ["a", "b", "b", "c"])
        #expect(told.count { $0.hasSuffix("summed..6000") } == 3)
        #expect(
            told.last
                == "6000 sent 0 stdout \"3 messages were held back\nfirst: b\nlast: c\nmost frequent (2 times): b\" of 2-4"
        )
    }

    @Test func whatIsBeyondTheRateIsDropped() throws {
        let (told, counts) = Self.rehearse([try Self.limited(.drop, burst: 2)], ["a", "b", "c"])
        #expect(told.last == "0 dropped 0 stdout rate 1 of 3-3")
        #expect(counts.rules[0].dropped == 1)
    }

    @Test func repetitionsAreCountedAndThenCollected() throws {
        let rule = try Rule(
            from: [.stdin], to: [.stdout],
            shaping: Shaping(group: .init(.none, within: .milliseconds(500)), repetition: .seconds(10)))
        let (told, _) = Self.rehearse([rule], ["a", "a", "a", "b"], every: .seconds(1))
        #expect(
            told == [
                "0 record 1-1 0:took collected..500", "500 sent 0 stdout \"a\" of 1-1",
                "1000 record 2-2 0:took counted..10000", "2000 record 3-3 0:took counted..10000",
                "3000 record 4-4 0:took collected..3500",
                "3500 sent 0 stdout \"repeated 2 times: a\nb\" of 2-4",
            ])
    }

    @Test func editsNameWhatTheyEdit() throws {
        let rule = try Rule(from: [.stdin], to: [.xmpp(JIDs.ops)], shaping: Shaping(updates: true))
        let (told, _) = Self.rehearse([rule], ["1%", "2%", "3%"])
        #expect(
            told.filter { $0.contains("sent") } == [
                "0 sent 0 xmpp:ops@example.org \"1%\" of 1-1 1", "0 sent 0 xmpp:ops@example.org \"2%\" of 2-2 2 for 1",
                "0 sent 0 xmpp:ops@example.org \"3%\" of 3-3 3 for 1",
            ])
    }

    // MARK: - Lines that are joined

    @Test func joinedLinesAreARecordOfTheirOwn() throws {
        let group = Shaping.Group(.goesOn(try Pattern(compiling: "^ ")), within: .seconds(5))
        let rules = [
            try Rule(
                from: [.stdin], match: try Pattern(compiling: "^Trace"), to: [.stdout], shaping: Shaping(group: group)),
            try Rule(from: [.stdin], match: try Pattern(compiling: "noise"), to: [.stdout]),
        ]
        let (told, counts) = Self.rehearse(rules, ["Trace", " one", "noise", "else"], every: .seconds(1))
        #expect(
            told == [
                "0 record 1-1 0:joinsLines 1:notMatched ", "1000 record 2-2 0:joinsLines 1:notMatched ",
                "2000 record 3-3 0:joinsLines 1:took out", "2000 sent 1 stdout \"noise\" of 3-3",
                "2000 joined 1-2 0:took out", "2000 sent 0 stdout \"Trace\n one\" of 1-2",
                "3000 record 4-4 0:joinsLines 1:notMatched ", "3000 joined 3-3 0:notMatched ",
                "8000 joined 4-4 0:notMatched ",
            ])
        // What was joined and taken is not untaken; "else" was neither.
        #expect(counts.records == 4 && counts.untaken == 1)
        #expect(counts.rules.map(\.took) == [1, 1])
    }

    // MARK: - Sources and times

    @Test func onlyReadersOfTheSourceHearIt() throws {
        let rules = [
            try Rule(from: [.tail("/a")], to: [.stdout]), try Rule(from: [.tail("/b"), .stdin], to: [.stdout]),
            try Rule(from: [.events], to: [.stdout]),
        ]
        #expect(
            Self.rehearse(rules, ["x"], source: .tail("/b")).told.first
                == "0 record 1-1 0:otherSource 1:took 2:otherSource out")
        #expect(Rehearsal(rules: rules, host: "", source: .events, start: Self.start).source == .session)
    }

    @Test func timeIsSimulated() throws {
        let rule = try Rule(from: [.stdin], body: "{time}", to: [.stdout])
        let (told, _) = Self.rehearse([rule], ["a", "b"], every: .milliseconds(1_500))
        #expect(told[1] == "0 sent 0 stdout \"2026-11-22T09:40:00.000Z\" of 1-1")
        #expect(told[3] == "1500 sent 0 stdout \"2026-11-22T09:40:01.500Z\" of 2-2")
    }

    /// What would wait beyond the longest time goes out at its end, and no number overflows on the way.
    @Test func timeEnds() throws {
        let rate = Shaping.Limit.Rate(count: 1, period: Shaping.Limit.Rate.periodMax)
        let rule = try Rule(
            from: [.stdin], to: [.stdout],
            shaping: Shaping(
                limit: .init(rate: rate, burst: Shaping.Limit.burstMax, queueMax: Shaping.Limit.queueMaxMax)))
        let (_, counts) = Self.rehearse([rule], (0..<120_000).map { "\($0)" })
        #expect(counts.rules[0].sent == 110_000 && counts.rules[0].dropped == 10_000)
    }

    /// Whatever the rules and the pace are: each record that a rule takes is sent, or dropped, once for each destination,
    /// in its own words or in those of others, and times never run backwards.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func everyRecordComesOut(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var shaping = Shaping()
        if random.below(2) == 0 {
            let overflows = Shaping.Limit.Overflow.allCases
            shaping.limit = .init(
                rate: .init(count: 1 + random.below(5), period: .seconds(1 + random.below(30))),
                burst: 1 + random.below(4),
                overflow: overflows[random.below(overflows.count)], queueMax: 1 + random.below(20),
                per: random.below(2) == 0 ? .rule : .destination)
        }
        if random.below(2) == 0 { shaping.repetition = .seconds(1 + random.below(20)) }
        switch random.below(3) {
        case 0: shaping.group = .init(.none, within: .milliseconds(100 * (1 + random.below(50))))
        case 1: shaping.group = .init(.goesOn(try Pattern(compiling: "^b")), within: .seconds(1 + random.below(5)))
        case _: break
        }
        let destinations: [Endpoint] = [.stdout, .xmpp(JIDs.ops)]
        let rule = try Rule(from: [.stdin], to: destinations, shaping: shaping)
        var rehearsal = Rehearsal(rules: [rule], host: "box", source: .stdin, start: Self.start)
        var steps: [Rehearsal.Step] = []
        var time = Instant(nanoseconds: 0)
        let count = 200
        for number in 1...count {
            let line = ["a", "b", "b c", "d"][random.below(4)]
            rehearsal.take(
                .line(.init(bytes: Array(line.utf8), number: UInt64(number))), number: UInt64(number), at: time,
                into: &steps)
            if random.below(3) == 0 { time = time + .milliseconds(random.below(8_000)) }
        }
        rehearsal.finish(drains: random.below(2) == 0, into: &steps)
        var seen: [Endpoint: [UInt64: Int]] = [:]
        var last = Instant(nanoseconds: 0)
        func note(_ tokens: Tokens, _ destination: Endpoint, _ at: Instant) {
            for number in tokens.ranges.joined() { seen[destination, default: [:]][number, default: 0] += 1 }
            #expect(at >= last)
            last = at
        }
        for step in steps {
            switch step {
            case .told(let telling):
                for sending in telling.sendings { note(sending.numbers, sending.delivery.destination, sending.at) }
                for dropping in telling.droppings { note(dropping.numbers, dropping.destination, dropping.at) }
            case .sent(let sending): note(sending.numbers, sending.delivery.destination, sending.at)
            case .dropped(let dropping): note(dropping.numbers, dropping.destination, dropping.at)
            }
        }
        for destination in destinations {
            #expect(seen[destination]?.count == count)
            #expect(seen[destination]?.values.allSatisfy { $0 == 1 } == true)
        }
    }
}
