/// One destination: rows of one lane keep their order, and no lane waits for another.
public struct Lane: RawRepresentable, Hashable, Sendable {
    /// Its number, given by whoever makes the lanes.
    public var rawValue: UInt32

    /// The lane with that number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}
