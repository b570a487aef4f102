/// A number as people and JSON write it, for comparison by its value: `5`, `-0.5`, `1.50e3`, `007`.
///
/// Whole numbers of 64 bits are exact among each other; all others are as exact as a `Double`.
public struct Number: Sendable {
    private enum Value: Sendable {
        case whole(Int64)
        case real(Double)
    }

    private let value: Value

    /// Longest number, in bytes.
    static let bytesMax = 64

    /// Parses `-`, digits, and, where they are there, a fraction and an exponent; nil for all else, and for what is
    /// beyond a `Double`.
    public init?(parsing text: String) {
        var rest = text.utf8[...]
        func digits() -> Int {
            let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest = rest.dropFirst(run)
            return run
        }
        if text.utf8.count > Number.bytesMax { return nil }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        if digits() == 0 { return nil }
        if rest.isEmpty, let whole = Int64(text) {
            value = .whole(whole)
            return
        }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            if digits() == 0 { return nil }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            if digits() == 0 { return nil }
        }
        guard rest.isEmpty, let real = Double(text), real.isFinite else { return nil }
        value = .real(real)
    }

    init(_ whole: Int64) { value = .whole(whole) }
}

extension Number: Comparable {
    /// Whether both have the same value, however written.
    public static func == (a: Number, b: Number) -> Bool { !(a < b) && !(b < a) }

    /// Whether the first is less.
    public static func < (a: Number, b: Number) -> Bool {
        switch (a.value, b.value) {
        case (.whole(let x), .whole(let y)): x < y
        case (.whole(let x), .real(let y)): Double(x) < y
        case (.real(let x), .whole(let y)): x < Double(y)
        case (.real(let x), .real(let y)): x < y
        }
    }
}
