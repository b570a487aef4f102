import Routing
import Stanza
import Testing

/// A shaper and its clock; time moves only when told.
struct ShaperDialogue {
    var shaper: Shaper
    var now: Int64 = 0
    var token: UInt64 = 0
    var said: [Shaper.Shaped] = []

    init(_ shaping: Shaping, to destinations: [Endpoint] = [.xmpp(JIDs.ops)]) {
        shaper = Shaper(shaping, to: destinations)
    }

    private var instant: Instant { Instant(nanoseconds: now * 1_000_000) }

    mutating func take(_ texts: String..., for destination: Int = 0) {
        for text in texts {
            token += 1
            shaper.take(Array(text.utf8), token: token, for: destination, at: instant, into: &said)
        }
    }

    /// Lets time pass, in milliseconds, from deadline to deadline.
    mutating func wait(_ milliseconds: Int64) {
        let end = now + milliseconds
        while let due = shaper.deadline, due.nanoseconds <= end * 1_000_000 {
            now = max(now, (due.nanoseconds + 999_999) / 1_000_000)
            shaper.expire(at: instant, into: &said)
        }
        now = end
        shaper.expire(at: instant, into: &said)
    }

    /// What went out since the last look.
    mutating func texts() -> [String] {
        defer { said = [] }
        return said.map { String(decoding: $0.text, as: UTF8.self) }
    }

    mutating func flush() { shaper.flush(into: &said) }
}

@Suite struct ShapingTests {
    static func perMinute(
        _ count: Int, burst: Int = 1, _ overflow: Shaping.Limit.Overflow, queueMax: Int = 100,
        per: Shaping.Limit.Scope = .destination
    ) -> Shaping {
        Shaping(
            limit: .init(
                rate: .init(count: count, period: .seconds(60)), burst: burst, overflow: overflow, queueMax: queueMax,
                per: per))
    }

    @Test func withoutShapingTextsGoOnAtOnce() {
        var talk = ShaperDialogue(Shaping())
        talk.take("a", "a", "")
        #expect(talk.texts() == ["a", "a", ""])
        #expect(talk.shaper.deadline == nil)
    }

    // MARK: - Windows

    @Test func aWindowBeginsWithItsFirstText() {
        var talk = ShaperDialogue(Shaping(group: .init(.none, within: .milliseconds(500))))
        talk.take("a")
        talk.wait(300)
        talk.take("b")
        #expect(talk.texts() == [])
        talk.wait(199)
        #expect(talk.texts() == [])
        talk.wait(1)
        #expect(talk.texts() == ["a\nb"])
        talk.wait(10_000)
        talk.take("c")
        talk.flush()
        #expect(talk.texts() == ["c"])
    }

    @Test func aWindowIsFullAtItsCaps() {
        var talk = ShaperDialogue(Shaping(group: .init(.none, within: .seconds(1), linesMax: 3, bytesMax: 10)))
        talk.take("a", "b", "c", "d")
        #expect(talk.texts() == ["a\nb\nc"])
        talk.take("12345678")
        #expect(talk.texts() == ["d\n12345678"])
        talk.take("1234", "123456", "longer than the cap", "z")
        #expect(talk.texts() == ["1234", "123456", "longer than the cap"])
        talk.flush()
        #expect(talk.texts() == ["z"])
    }

    // MARK: - Repetitions

    /// `A` is said, a number is milliseconds that pass, and what goes out stands behind the arrow.
    static let repetitions: [(said: [String], out: [String])] = [
        (["A", "B", "A"], ["A", "B", "A"]),
        (["A", "A", "B"], ["A", "A", "B"]),
        (["A", "A", "A", "B"], ["A", "repeated 2 times: A", "B"]),
        (["A", "A", "A", "59999"], ["A"]),
        (["A", "A", "A", "60000"], ["A", "repeated 2 times: A"]),
        (["A", "60000", "A"], ["A", "A"]),
        (["A", "A", "A", "60000", "A", "A", "A", "59999"], ["A", "repeated 2 times: A"]),
        (["A", "A", "A", "60000", "A", "A", "A", "60000"], ["A", "repeated 2 times: A", "repeated 3 times: A"]),
        (["A", "A", "A", "60000", "60000", "A"], ["A", "repeated 2 times: A", "A"]),
        (["A\nB", "A\nB", "A\nB", "60000"], ["A\nB", "repeated 2 times: A\nB"]),
    ]

    @Test(arguments: repetitions) func identicalTextsAreCounted(said: [String], out: [String]) {
        var talk = ShaperDialogue(Shaping(repetition: .seconds(60)))
        for one in said { if let pause = Int64(one) { talk.wait(pause) } else { talk.take(one) } }
        #expect(talk.texts() == out)
    }

    @Test func aStopTellsTheCount() {
        var talk = ShaperDialogue(Shaping(repetition: .seconds(60)))
        for _ in 0...41 { talk.take("disk full") }
        #expect(talk.shaper.heldCount == 1, "what is counted will be one message")
        talk.flush()
        #expect(talk.texts() == ["disk full", "repeated 41 times: disk full"])
        #expect(talk.shaper.heldCount == 0 && talk.shaper.heldBytes == 0)
    }

    // MARK: - Limits

    @Test func aQueueKeepsTheRateAndTheOrder() {
        var talk = ShaperDialogue(Self.perMinute(10, burst: 2, .queue))
        talk.take("1", "2", "3", "4")
        #expect(talk.texts() == ["1", "2"])
        talk.wait(5_999)
        #expect(talk.texts() == [])
        talk.wait(1)
        #expect(talk.texts() == ["3"])
        talk.take("5")
        talk.wait(12_000)
        #expect(talk.texts() == ["4", "5"])
        talk.wait(6_000)
        talk.take("6", "7")
        #expect(talk.texts() == ["6"], "half a burst has come back")
    }

    @Test func aFullQueueDropsAndReports() {
        var talk = ShaperDialogue(Self.perMinute(1, .queue, queueMax: 2))
        talk.take("1", "2", "3", "4", "5")
        #expect(talk.shaper.takeReports() == [Self.report(.fullQueue, 4, 5)])
        #expect(talk.shaper.takeReports() == [])
        talk.flush()
        #expect(talk.texts() == ["1", "2", "3"])
    }

    @Test func dropDropsAndReports() {
        var talk = ShaperDialogue(Self.perMinute(1, .drop))
        talk.take("1", "2", "3")
        #expect(talk.texts() == ["1"])
        #expect(talk.shaper.hasReports)
        #expect(talk.shaper.takeReports() == [Self.report(.rate, 2, 3)])
        talk.wait(60_000)
        talk.take("4")
        #expect(talk.texts() == ["4"])
        #expect(!talk.shaper.hasReports && talk.shaper.heldCount == 0)
    }

    private static func report(
        _ cause: Shaper.Report.Cause, _ first: UInt64, _ last: UInt64
    ) -> Shaper.Report {
        var tokens = Tokens()
        for token in first...last { tokens.append(Tokens(token)) }
        return Shaper.Report(cause: cause, destination: 0, count: last - first + 1, tokens: tokens)
    }

    /// What is held back, and the digest of it.
    static let digests: [(held: [String], digest: String)] = [
        (["a"], "a"),
        (["a", "a"], "2 messages were held back, all alike: a"),
        (["a", "b"], "2 messages were held back\nfirst: a\nlast: b"),
        (["a", "b", "b"], "3 messages were held back\nfirst: a\nlast: b\nmost frequent (2 times): b"),
        (["a", "c", "b", "c", "b", "d"], "6 messages were held back\nfirst: a\nlast: d\nmost frequent (2 times): b"),
        (
            [String(repeating: "é", count: 600), "b"],
            "2 messages were held back\nfirst: " + String(repeating: "é", count: 512) + "…\nlast: b"
        ),
        // 1,001 different ones: what found no place among the counts may be one text, so nothing is said of it.
        ((0..<1_001).map { "\($0)" } + ["x", "x", "x"], "1004 messages were held back\nfirst: 0\nlast: x"),
        (
            ["a", "a", "a", "a", "a"] + (0..<1_001).map { "\($0)" },
            "1006 messages were held back\nfirst: a\nlast: 1000\nmost frequent (5 times): a"
        ),
    ]

    @Test(arguments: digests) func aDigestTellsOfAll(held: [String], digest: String) {
        var talk = ShaperDialogue(Self.perMinute(1, .digest))
        talk.take("before")
        for one in held { talk.take(one) }
        #expect(talk.shaper.heldCount == 1)
        #expect(talk.texts() == ["before"])
        talk.wait(60_000)
        #expect(talk.texts() == [digest])
        #expect(talk.shaper.heldCount == 0 && talk.shaper.deadline == nil)
    }

    @Test func aRuleMayCountItsDestinationsTogether() {
        let both: [Endpoint] = [.xmpp(JIDs.ops), .xmpp(JIDs.bot)]
        var apart = ShaperDialogue(Self.perMinute(60, .queue), to: both)
        for destination in 0...1 { apart.take("a", "b", for: destination) }
        #expect(apart.texts() == ["a", "a"])
        apart.wait(1_000)
        #expect(apart.texts() == ["b", "b"])
        var together = ShaperDialogue(Self.perMinute(60, .queue, per: .rule), to: both)
        together.take("a")
        together.take("b", for: 1)
        together.take("c")
        #expect(together.texts() == ["a"])
        together.wait(1_000)
        #expect(together.said.map(\.destination) == [1])
        together.wait(1_000)
        #expect(together.texts() == ["b", "c"])
    }

    // MARK: - Edits

    @Test func laterMessagesEditTheFirst() {
        var talk = ShaperDialogue(Shaping(updates: true), to: [.xmpp(JIDs.ops), .stdout, .room(JIDs.bot)])
        for text in ["1%", "2%", "3%"] { for destination in 0...2 { talk.take(text, for: destination) } }
        func chain(_ destination: Int) -> [UInt64?] {
            talk.said.filter { $0.destination == destination }.map(\.replaces)
        }
        #expect(chain(0) == [nil, 1, 1])
        #expect(chain(1) == [nil, nil, nil], "what is printed stays")
        #expect(chain(2) == [nil, 3, 3])
        #expect(talk.said.map(\.handle) == Array(1...9))
    }

    @Test func anEditTakesThePlaceOfOneThatWaits() {
        var shaping = Self.perMinute(60, .queue)
        shaping.updates = true
        var talk = ShaperDialogue(shaping, to: [.xmpp(JIDs.ops), .stdout])
        for text in ["1%", "2%", "3%"] { for destination in 0...1 { talk.take(text, for: destination) } }
        #expect(talk.shaper.heldCount == 3)
        talk.wait(1_000)
        talk.take("4%", "5%")
        talk.wait(5_000)
        let edits = talk.said.filter { $0.destination == 0 }
        #expect(edits.map { String(decoding: $0.text, as: UTF8.self) } == ["1%", "3%", "5%"])
        #expect(edits.map(\.tokens.count) == [1, 2, 2], "an edit stands for those it took the place of")
        let printed = talk.said.filter { $0.destination == 1 }
        #expect(printed.map { String(decoding: $0.text, as: UTF8.self) } == ["1%", "2%", "3%"])
    }

    // MARK: - Together

    @Test func repetitionsThenWindowThenLimit() {
        var shaping = Self.perMinute(60, .digest)
        shaping.group = .init(.none, within: .milliseconds(100))
        shaping.repetition = .seconds(10)
        var talk = ShaperDialogue(shaping)
        talk.take("a", "a", "a", "b")
        talk.wait(100)
        #expect(talk.texts() == ["a\nrepeated 2 times: a\nb"])
        talk.take("c")
        talk.wait(100)
        talk.take("d")
        talk.wait(100)
        #expect(talk.texts() == [])
        talk.wait(2_000)
        #expect(talk.texts() == ["2 messages were held back\nfirst: c\nlast: d"])
    }

    // MARK: - Rules

    @Test func whatDoesNotGoWithTheEndsIsTold() {
        func problems(_ shaping: Shaping, _ from: [Endpoint?], _ to: [Endpoint?], body: String? = nil) -> [String] {
            var draft = Rule.Draft(name: nil, from: from, match: .none, body: body, to: to, type: nil)
            draft.shaping = shaping
            return draft.checked().problems.map {
                "\($0.isWarning ? "warning " : "")\($0.part): \($0.what); \($0.hint)"
            }
        }
        let ops = Endpoint.xmpp(JIDs.ops)
        let all = Shaping(group: .init(.none), limit: nil, repetition: .seconds(1), updates: true)
        #expect(problems(all, [.stdin], [ops, .stdout]) == [])
        #expect(problems(all, [ops], [.stdout], body: "{body}").count == 1, "a warning about update")
        #expect(
            problems(Shaping(repetition: .seconds(1)), [.stdin], [.commands])
                == [
                    "shaping(Routing.Shaping.Key.repeat): repeat has no place in a bridge to commands; each line is one "
                        + "command, and is obeyed at once; leave repeat out"
                ])
        #expect(
            problems(Shaping(repetition: .seconds(1), updates: true), [.events], [.stdout])
                == [
                    "shaping(Routing.Shaping.Key.repeat): repeat is for text, and what goes from events to stdout is "
                        + "events; add a body, as in body: \"{from}: {body}\"",
                    "warning shaping(Routing.Shaping.Key.update): update has no effect: only messages to xmpp: and "
                        + "room: can be edited; leave it out",
                ])
        if let pattern = try? Pattern(compiling: "^x") {
            #expect(
                problems(Shaping(group: .init(.start(pattern))), [.stdin, .xmpp(JIDs.bot)], [ops])
                    == [
                        "shaping(Routing.Shaping.Key.group): group joins lines by a pattern, and xmpp:bot@example.org "
                            + "gives none; leave start and continue out, to join messages that come within a time"
                    ])
            #expect(problems(Shaping(group: .init(.start(pattern))), [.stdin, nil], [ops]) == [])
        }
    }
}
