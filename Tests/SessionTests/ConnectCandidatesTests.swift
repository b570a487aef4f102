import Testing

@testable import Session

/// Random bytes from a seed: SplitMix64.
private struct Dice {
    var state: UInt64

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            word ^= word >> 31
            for shift in 0..<8 where bytes.count < count {
                bytes.append(UInt8(truncatingIfNeeded: word >> (shift * 8)))
            }
        }
        return bytes
    }
}

@Suite struct ConnectCandidatesTests {
    static func record(_ priority: UInt16, _ weight: UInt16, _ port: UInt16, _ target: String) -> ServiceRecord {
        ServiceRecord(priority: priority, weight: weight, port: port, target: target)
    }

    /// As `host:port`, direct TLS with a `+` in front.
    static func order(
        _ xmpp: [ServiceRecord]?, _ xmpps: [ServiceRecord]?, domain: String = "example.org", seed: UInt64 = 1
    ) throws -> [String] {
        var dice = Dice(state: seed)
        return try ServerCandidates.order(xmpp: xmpp, xmpps: xmpps, domain: domain) { dice.bytes($0) }
            .map { "\($0.directTLS ? "+" : "")\($0.host):\($0.port)" }
    }

    static let none = record(0, 0, 0, ".")
    static let a = record(5, 0, 5222, "a.example.org.")
    static let b = record(10, 0, 5222, "b.example.org")
    static let s = record(7, 0, 443, "s.example.org")

    static let orders: [([ServiceRecord]?, [ServiceRecord]?, [String])] = [
        // No record at all: the domain.
        (nil, nil, ["example.org:5222"]), ([], [], ["example.org:5222"]), (nil, [], ["example.org:5222"]),
        // One kind.
        ([a], nil, ["a.example.org:5222"]), ([b, a], [], ["a.example.org:5222", "b.example.org:5222"]),
        (nil, [s], ["+s.example.org:443"]),
        // Both, mixed by priority.
        ([b, a], [s], ["a.example.org:5222", "+s.example.org:443", "b.example.org:5222"]),
        // "." takes its own kind away and nothing else.
        ([none], [s], ["+s.example.org:443"]), ([a], [none], ["a.example.org:5222"]),
        ([none, a], nil, ["a.example.org:5222"]),
        // What cannot be connected to, and what is there twice.
        ([record(1, 0, 0, "x.example.org"), a], nil, ["a.example.org:5222"]), ([a, a], nil, ["a.example.org:5222"]),
        ([record(1, 1, 1, "h"), record(2, 1, 1, "h.")], [record(3, 1, 1, "h")], ["h:1", "+h:1"]),
        ([record(65_535, 65_535, 65_535, "h")], nil, ["h:65535"]),
    ]

    @Test(arguments: orders)
    func ordered(_ xmpp: [ServiceRecord]?, _ xmpps: [ServiceRecord]?, _ expected: [String]) throws {
        for seed in 0..<20 { #expect(try Self.order(xmpp, xmpps, seed: UInt64(seed)) == expected) }
    }

    static let refusals: [([ServiceRecord]?, [ServiceRecord]?)] = [
        ([none], [none]), ([none], nil), (nil, [none]), ([none], []), ([], [none]),
        ([record(1, 1, 0, "x.example.org")], nil), ([record(1, 1, 5222, "")], nil),
    ]

    @Test(arguments: refusals) func notOffered(_ xmpp: [ServiceRecord]?, _ xmpps: [ServiceRecord]?) {
        #expect(throws: ServerCandidates.Failure.notOffered(domain: "example.org")) {
            try Self.order(xmpp, xmpps)
        }
    }

    @Test(arguments: [
        ("[2001:db8::1]", "2001:db8::1:5222"), ("192.0.2.1", "192.0.2.1:5222"),
        ("b\u{FC}cher.example", "b\u{FC}cher.example:5222"),
    ])
    func theDomainItself(_ domain: String, _ expected: String) throws {
        #expect(try Self.order(nil, nil, domain: domain) == [expected])
    }

    @Test func noMoreThanWeWouldEverTry() throws {
        let many = (1...200).map { Self.record(UInt16($0), 0, 5222, "h\($0)") }
        let kept = try Self.order(many, nil)
        #expect(kept == (1...ServerCandidates.candidatesMax).map { "h\($0):5222" })
    }

    // MARK: - The law of weights (RFC 2782)

    /// How often each host comes first, of `rounds`.
    static func first(_ records: [ServiceRecord], direct: [ServiceRecord] = [], rounds: Int) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        var dice = Dice(state: 7)
        for _ in 0..<rounds {
            let order = try ServerCandidates.order(xmpp: records, xmpps: direct, domain: "x") { dice.bytes($0) }
            #expect(Set(order.map(\.host)).count == records.count + direct.count)
            counts[order[0].host, default: 0] += 1
        }
        return counts
    }

    /// Within four standard deviations of the binomial law; the dice are always the same, so it passes or fails
    /// always.
    static func isNear(_ count: Int?, _ share: Double, of rounds: Int) -> Bool {
        let deviation = (Double(rounds) * share * (1 - share)).squareRoot()
        return abs(Double(count ?? 0) - Double(rounds) * share) <= 4 * deviation
    }

    @Test func theFirstComesInProportionToItsWeight() throws {
        let rounds = 10_000
        let counts = try Self.first(
            [Self.record(1, 10, 1, "a"), Self.record(1, 60, 1, "b")], direct: [Self.record(1, 30, 1, "c")],
            rounds: rounds)
        #expect(Self.isNear(counts["a"], 0.1, of: rounds))
        #expect(Self.isNear(counts["b"], 0.6, of: rounds))
        #expect(Self.isNear(counts["c"], 0.3, of: rounds))
    }

    @Test func theRestIsDrawnByWeightToo() throws {
        let records = [Self.record(1, 1, 1, "a"), Self.record(1, 2, 1, "b"), Self.record(1, 1, 1, "c")]
        var dice = Dice(state: 3)
        var behindB: [String: Int] = [:]
        var rounds = 0
        for _ in 0..<10_000 {
            let order = try ServerCandidates.order(xmpp: records, xmpps: nil, domain: "x") { dice.bytes($0) }
            guard order[0].host == "b" else { continue }
            rounds += 1
            behindB[order[1].host, default: 0] += 1
        }
        #expect(rounds > 4_000)
        #expect(Self.isNear(behindB["a"], 0.5, of: rounds))
    }

    @Test func weightZeroIsRareButNotNever() throws {
        let rounds = 20_000
        let counts = try Self.first([Self.record(1, 99, 1, "a"), Self.record(1, 0, 1, "z")], rounds: rounds)
        // RFC 2782 draws from 0 to the sum inclusive: the 0 of 100 numbers.
        #expect(Self.isNear(counts["z"], 0.01, of: rounds))
    }

    @Test func allWeightsZeroShareTheLoad() throws {
        let rounds = 9_000
        let counts = try Self.first(["a", "b", "c"].map { Self.record(1, 0, 1, $0) }, rounds: rounds)
        for host in ["a", "b", "c"] { #expect(Self.isNear(counts[host], 1.0 / 3, of: rounds)) }
    }

    @Test func extremeDiceStayInside() throws {
        let records = (1...5).map { Self.record(1, UInt16.max, UInt16($0), "h") } + [Self.record(1, 0, 9, "h")]
        for byte in [UInt8.min, 0x7F, 0x80, .max] {
            let order = try ServerCandidates.order(xmpp: records, xmpps: records, domain: "x") {
                Array(repeating: byte, count: $0)
            }
            #expect(Set(order).count == 12)
        }
    }

    @Test func priorityIsNeverCrossed() throws {
        let records: [ServiceRecord] = (0..<12).map { (number: UInt16) in
            Self.record(number % 3, number * 100, number + 1, "h")
        }
        for seed in 0..<100 {
            let ports = try Self.order(records, nil, seed: UInt64(seed)).map { $0.split(separator: ":")[1] }
            let priorities: [Int] = ports.map { ((Int($0) ?? 0) - 1) % 3 }
            #expect(priorities == priorities.sorted())
            #expect(ports.count == 12)
        }
    }
}
