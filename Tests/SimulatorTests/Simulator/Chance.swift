/// Numbers from a seed (SplitMix64): the same seed gives the same numbers everywhere, for ever.
public struct Chance: Sendable {
    private var state: UInt64

    /// The numbers of that seed.
    public init(seed: UInt64) { state = seed }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 up to, and without, `count`, which is at least 1.
    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    /// A number of that range.
    mutating func among(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True once in so many times.
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    /// One of these, of which there is at least one.
    mutating func pick<Item>(_ items: [Item]) -> Item { items[below(items.count)] }

    /// Each of these with the chance of a half.
    mutating func some<Item>(_ items: [Item]) -> [Item] { items.filter { _ in oneIn(2) } }

    /// A number of that range, small ones as likely as large ones: each doubling has the same chance.
    mutating func magnitude(_ range: ClosedRange<Int>) -> Int {
        var bound = range.upperBound
        while bound > 2 * max(range.lowerBound, 1), oneIn(2) { bound /= 2 }
        return among(range.lowerBound...max(bound, range.lowerBound))
    }

    /// So many bytes.
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Numbers of their own for a purpose: what is drawn there moves nothing elsewhere.
    func branch(_ purpose: UInt64) -> Chance { Chance(seed: Self.mix(state ^ Self.mix(purpose))) }
}
