/// The numbers of accepted input that a message, or something dropped, was made of: each accepted input has one, and it
/// comes out of the shaping exactly once. Neighbours are kept as ranges, so that a million counted lines take little.
public struct Tokens: Sendable, Equatable {
    /// In the order in which they were taken in.
    public private(set) var ranges: [ClosedRange<UInt64>] = []

    /// None.
    public init() {}

    /// One.
    public init(_ token: UInt64) { ranges = [token...token] }

    /// How many there are.
    public var count: UInt64 { ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) + 1 } }

    /// Whether there are none.
    public var isEmpty: Bool { ranges.isEmpty }

    /// Takes others in, behind these.
    public mutating func append(_ others: Tokens) {
        for range in others.ranges {
            if let last = ranges.last, last.upperBound < UInt64.max, last.upperBound + 1 == range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound...range.upperBound
            } else {
                ranges.append(range)
            }
        }
    }
}
