import Stanza
import Testing

/// A small generator of numbers: the same seed gives the same test on every machine.
struct Seeded {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next(below bound: UInt32) -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 33) % bound
    }
}

@Suite struct JIDPropertyTests {
    /// Code points that meet each other's rules: cases, marks, widths, joiners, digits, directions, separators.
    static let pools: [[ClosedRange<UInt32>]] = [
        [0x20...0x7E], [0xA0...0x24F], [0x300...0x36F, 0x61...0x7A], [0x370...0x3FF, 0x1F00...0x1FFF],
        [0x590...0x6FF, 0x660...0x669, 0x6F0...0x6F9], [0x900...0x97F, 0x200C...0x200D], [0x2000...0x2BFF],
        [0x3040...0x30FF, 0xFF61...0xFF9F], [0xFF01...0xFF5E], [0xAC00...0xAC80, 0x1100...0x11FF],
        [0x1E00...0x1EFF, 0x300...0x345], [0x1D400...0x1D7FF, 0x1F300...0x1F6FF], [0x0...0xD7FF, 0xE000...0x10FFFF],
    ]

    static func text(_ random: inout Seeded, _ pool: [ClosedRange<UInt32>], lengthMax: UInt32) -> String {
        var result = ""
        for _ in 0..<(1 + random.next(below: lengthMax)) {
            let range = pool[Int(random.next(below: UInt32(pool.count)))]
            let point = range.lowerBound + random.next(below: range.upperBound - range.lowerBound + 1)
            if let scalar = Unicode.Scalar(point) { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    @Test(arguments: 0..<pools.count)
    func preparingTwiceIsPreparingOnce(_ pool: Int) {
        var random = Seeded(UInt64(pool))
        var accepted = 0
        for round in 0..<3_000 {
            let part = Self.text(&random, Self.pools[pool], lengthMax: 5)
            let text = [part + "@example.com", "a@example.com/" + part, "a@" + part, part + "@" + part][round % 4]
            guard let once = try? JID(text) else { continue }
            accepted += 1
            let twice = try? JID(once.text)
            #expect(twice.map { Array($0.text.utf8) } == Array(once.text.utf8), "\(text.debugDescription)")
            #expect(twice?.local == once.local && twice?.domain == once.domain && twice?.resource == once.resource)
            #expect((try? JID(once.asciiDomain))?.domain == once.domain)
        }
        #expect(accepted > 100, "the pool must reach what is accepted")
    }

    /// Each code point of the first plane and some of the others, alone, in both profiles: the answer is stable.
    @Test func everyCodePointIsStable() {
        var locals = 0
        var resources = 0
        for point in Array(UInt32(0x21)...0xFFFF) + Array(stride(from: UInt32(0x10000), through: 0x10FFFF, by: 37)) {
            guard let scalar = Unicode.Scalar(point) else { continue }
            if let jid = try? JID("a/\(scalar)") {
                resources += 1
                if (try? JID(jid.text))?.text.utf8.elementsEqual(jid.text.utf8) != true { Issue.record("U+\(point)") }
            }
            if let jid = try? JID("\(scalar)@a") {
                locals += 1
                if (try? JID(jid.text))?.text.utf8.elementsEqual(jid.text.utf8) != true { Issue.record("U+\(point)") }
            }
        }
        #expect(locals > 50_000)
        #expect(resources > locals)
    }

    /// The path without a library and the one with it give the same answer.
    @Test func plainASCIIAgreesWithTheLongWay() {
        var random = Seeded(7)
        for _ in 0..<5_000 {
            let local = Self.text(&random, [0x20...0x7F], lengthMax: 3)
            let plain = try? JID("\(local)@b")
            // Behind a letter that needs the library the same characters must be judged the same.
            let long = try? JID("é\(local)@b")
            if local.contains("@") || local.contains("/") { continue }
            #expect((plain == nil) == (long == nil), "\(local.debugDescription)")
            if let plain, let long { #expect(long.local == "é" + (plain.local ?? "")) }
        }
    }
}
