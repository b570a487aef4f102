import Stanza

/// What happened in a run: always a fingerprint of all of it, and the words for a person where they are wanted.
struct Trace {
    /// Whether lines are kept.
    let isKept: Bool
    private(set) var lines: [String] = []
    /// FNV-1a over everything that was noted.
    private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

    init(isKept: Bool) { self.isKept = isKept }

    mutating func mix(_ value: UInt64) { fingerprint = (fingerprint ^ value) &* 0x100_0000_01b3 }

    mutating func mix(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { fingerprint = (fingerprint ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    mutating func note(_ now: Instant, _ text: @autoclosure () -> String) {
        if isKept { lines.append("\(Self.clock(now)) \(text())") }
    }

    /// Seconds with milliseconds.
    static func clock(_ now: Instant) -> String {
        let milliseconds = now.nanoseconds / 1_000_000
        let rest = String(milliseconds % 1_000 + 1_000).dropFirst()
        let whole = String(milliseconds / 1_000)
        return String(repeating: " ", count: max(0, 6 - whole.count)) + whole + "." + rest
    }
}
