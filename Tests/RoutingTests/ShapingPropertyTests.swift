import Routing
import Stanza
import Testing

/// Numbers from a seed: the same in every run.
private struct Dice {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }
}

extension Tokens {
    fileprivate var all: [UInt64] { ranges.flatMap { Array($0) } }
}

/// The laws of the shaping, whatever it is set to and whatever comes.
@Suite struct ShapingPropertyTests {
    private static let destinations: [Endpoint] = [.xmpp(JIDs.ops), .stdout, .room(JIDs.bot)]

    private static func shaping(_ dice: inout Dice) -> Shaping {
        var shaping = Shaping()
        if dice.chance(2) {
            shaping.group = .init(
                .none, within: .milliseconds(1 + dice.below(500)), linesMax: 1 + dice.below(6),
                bytesMax: 1 + dice.below(30))
        }
        if dice.below(3) > 0 {
            shaping.limit = .init(
                rate: .init(count: 1 + dice.below(7), period: .milliseconds(1 + dice.below(2_000))),
                burst: 1 + dice.below(5), overflow: [.queue, .drop, .digest][dice.below(3)],
                queueMax: 1 + dice.below(20), per: dice.chance(2) ? .rule : .destination)
        }
        if dice.chance(2) { shaping.repetition = .milliseconds(1 + dice.below(1_000)) }
        shaping.updates = dice.chance(3)
        return shaping
    }

    /// A run: what went in and out, and when.
    private struct Run {
        let shaping: Shaping
        var shaper: Shaper
        var now = Instant(nanoseconds: 0)
        var taken: [Int: [UInt64]] = [:]
        var out: [(at: Instant, shaped: Shaper.Shaped)] = []
        var dropped: [Shaper.Report] = []
        var last: UInt64 = 0

        init(_ dice: inout Dice) {
            shaping = ShapingPropertyTests.shaping(&dice)
            shaper = Shaper(shaping, to: ShapingPropertyTests.destinations)
        }

        mutating func step(_ dice: inout Dice) {
            var shaped: [Shaper.Shaped] = []
            if dice.below(3) > 0 {
                let destination = dice.below(ShapingPropertyTests.destinations.count)
                let text = [UInt8](repeating: UInt8(0x61 + dice.below(3)), count: 1 + dice.below(12) / 4)
                last += 1
                taken[destination, default: []].append(last)
                shaper.take(text, token: last, for: destination, at: now, into: &shaped)
            } else {
                let span = Duration.milliseconds(dice.below(dice.chance(5) ? 2_000 : 60))
                // Timers fire late, now and then.
                if let due = shaper.deadline, due <= now + span, dice.below(3) > 0 {
                    now = due
                } else {
                    now = now + span
                }
                shaper.expire(at: now, into: &shaped)
            }
            out += shaped.map { (now, $0) }
            dropped += shaper.takeReports()
            if let due = shaper.deadline { #expect(due > now, "what is due is out") }
            #expect((shaper.deadline != nil) == (shaper.heldCount > 0), "what is held has its time")
            #expect((shaper.heldCount > 0) == (outstanding > 0), "what is held is known")
        }

        private var outstanding: UInt64 {
            last - out.reduce(0) { $0 + $1.shaped.tokens.count } - dropped.reduce(0) { $0 + $1.tokens.count }
        }
    }

    @Test(arguments: 0..<400) func theLawsHold(seed: Int) {
        var dice = Dice(state: UInt64(seed))
        var run = Run(&dice)
        for _ in 0..<150 { run.step(&dice) }
        let timely = run.out
        var rest: [Shaper.Shaped] = []
        run.shaper.flush(into: &rest)
        run.out += rest.map { (run.now, $0) }
        #expect(run.shaper.heldCount == 0 && run.shaper.heldBytes == 0 && run.shaper.deadline == nil)
        #expect(run.shaper.takeReports() == [], "a flush drops nothing")

        // Each token comes out once, at its destination and in its order.
        for destination in Self.destinations.indices {
            let sent = run.out.filter { $0.shaped.destination == destination }.flatMap { $0.shaped.tokens.all }
            let dropped = run.dropped.filter { $0.destination == destination }.flatMap { $0.tokens.all }
            #expect(sent == sent.sorted() && dropped == dropped.sorted())
            #expect((sent + dropped).sorted() == run.taken[destination] ?? [])
            let count = run.dropped.filter { $0.destination == destination }.reduce(0) { $0 + $1.count }
            if run.shaping.group == nil && run.shaping.repetition == nil { #expect(count == UInt64(dropped.count)) }
        }
        #expect(run.out.map(\.shaped.handle) == run.out.indices.map { UInt64($0) + 1 })
        Self.capsHold(run.shaping, run.out.map(\.shaped))
        if let limit = run.shaping.limit { Self.rateHolds(limit, timely.map { ($0.at, $0.shaped.destination) }) }
        Self.editsHold(run.shaping, run.out.map(\.shaped))
    }

    private static func capsHold(_ shaping: Shaping, _ out: [Shaper.Shaped]) {
        guard let group = shaping.group, shaping.limit?.overflow != .digest else { return }
        for one in out {
            let lines = one.text.filter { $0 == UInt8(ascii: "\n") }.count + 1
            #expect(lines == 1 || lines <= group.linesMax && one.text.count <= group.bytesMax)
        }
    }

    private static func rateHolds(_ limit: Shaping.Limit, _ out: [(at: Instant, destination: Int)]) {
        let period = limit.rate.period.wholeMilliseconds * 1_000_000
        for destination in destinations.indices {
            let times = out.filter { limit.per == .rule || $0.destination == destination }.map(\.at.nanoseconds)
            for first in times.indices {
                for last in first..<times.count {
                    let beyond = Int64(last - first + 1 - limit.burst)
                    #expect(beyond * period <= (times[last] - times[first]) * Int64(limit.rate.count))
                }
            }
        }
    }

    private static func editsHold(_ shaping: Shaping, _ out: [Shaper.Shaped]) {
        for destination in destinations.indices {
            let chain = out.filter { $0.destination == destination }
            let isEdited = shaping.updates && destinations[destination] != .stdout
            #expect(chain.dropFirst().allSatisfy { $0.replaces == (isEdited ? chain[0].handle : nil) })
            #expect(chain.first?.replaces == nil)
        }
    }

    // MARK: - Lines

    @Test(arguments: 0..<200) func linesAreJoinedWhole(seed: Int) throws {
        var dice = Dice(state: UInt64(seed) &+ 7_919)
        let pattern = try Pattern(compiling: "^a")
        let isStart = dice.chance(2)
        let group = Shaping.Group(
            isStart ? .start(pattern) : .goesOn(pattern), within: .milliseconds(1 + dice.below(300)),
            linesMax: 1 + dice.below(8), bytesMax: 1 + dice.below(40))
        var machine = LineGroup(group)
        var joined: [LineGroup.Joined] = []
        var lines: [String] = []
        var now = Instant(nanoseconds: 0)
        /// Lines with a pause before them that ends a record.
        var late: Set<Int> = []
        for index in 0..<120 {
            let line = String(repeating: dice.chance(3) ? "a" : "b", count: dice.chance(30) ? 50 : 1 + dice.below(6))
            let span = Duration.milliseconds(dice.below(60))
            if span >= group.within { late.insert(index) }
            now = now + span
            if dice.chance(2) { machine.expire(at: now, into: &joined) }
            machine.take(
                .init(bytes: Array(line.utf8), number: UInt64(index + 1)), token: UInt64(index), at: now, into: &joined)
            lines.append(line)
            #expect(machine.deadline == now + group.within && machine.heldCount > 0)
        }
        machine.flush(into: &joined)
        #expect(machine.heldCount == 0 && machine.heldBytes == 0 && machine.deadline == nil)
        #expect(joined.flatMap { $0.tokens.all } == (0..<120).map(UInt64.init))
        var next = 0
        for record in joined {
            let own = String(decoding: record.line.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            #expect(own == Array(lines[next..<next + own.count]))
            #expect(record.line.number == UInt64(next + 1) && record.tokens.count == UInt64(own.count))
            #expect(own.count == 1 || own.count <= group.linesMax && record.line.bytes.count <= group.bytesMax)
            for index in own.indices.dropFirst() {
                #expect(own[index].hasPrefix("a") != isStart && !late.contains(next + index))
            }
            next += own.count
            // A record ends for a reason: the next begins one, was late, or found no room.
            guard next < lines.count else { continue }
            let begins = lines[next].hasPrefix("a") == isStart
            let isFull =
                own.count == group.linesMax || record.line.bytes.count + 1 + lines[next].utf8.count > group.bytesMax
            #expect(begins || late.contains(next) || isFull)
        }
        #expect(next == lines.count)
    }

    @Test(arguments: 0..<50) func tokensAreKeptAsRanges(seed: Int) {
        var dice = Dice(state: UInt64(seed))
        var tokens = Tokens()
        var all: [UInt64] = []
        var next: UInt64 = 0
        for _ in 0..<100 {
            next += dice.chance(4) ? 2 : 1
            tokens.append(Tokens(next))
            all.append(next)
        }
        #expect(tokens.all == all && tokens.count == 100 && !tokens.isEmpty)
        #expect(tokens.ranges.count < 60)
    }
}
