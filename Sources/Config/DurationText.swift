import Routing

/// Why a text is no length of time.
public struct DurationProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// What stood there.
    public var what: String
    /// What to do.
    public var hint: String

    /// What stood there and what to do, on one line.
    public var description: String { "\(what); \(hint)" }
}

extension Duration {
    /// The longest length of time that a configuration may name, in days.
    public static let configuredDaysMax: Int64 = 365

    /// Parses a length of time: whole numbers with `ms`, `s`, `m`, `h` or `d`, as `500ms`, `30s`, `1h30m`; from the
    /// largest unit to the smallest, each once.
    /// - Throws: ``DurationProblem`` that says what was expected.
    public init(parsing text: String) throws(DurationProblem) {
        let units: [(name: String, milliseconds: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
        ]
        let expected = "expected for example 500ms, 30s, 10m, 1h30m or 2d"
        let most = Duration.configuredDaysMax * 86_400_000
        var rest = text.utf8[...]
        var sum: Int64 = 0
        var next = 0
        if rest.isEmpty { throw DurationProblem(what: "no length of time", hint: expected) }
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(letters.count)
            let unit = units.indices.first { units[$0].name.utf8.elementsEqual(letters) }
            if !digits.isEmpty && letters.isEmpty {
                throw DurationProblem(what: "\(Wording.quote(text)) has a number without a unit", hint: expected)
            }
            guard !digits.isEmpty, let unit, unit >= next else {
                throw DurationProblem(what: "\(Wording.quote(text)) is no length of time", hint: expected)
            }
            next = unit + 1
            // A number that does not fit into 64 bits is past the limit as well.
            let (product, isOver) = (Int64(Substring(digits)) ?? Int64.max)
                .multipliedReportingOverflow(by: units[unit].milliseconds)
            if isOver || product > most || sum + product > most {
                throw DurationProblem(
                    what: "\(Wording.quote(text)) is too long", hint: "at most \(Duration.configuredDaysMax)d")
            }
            sum += product
        }
        self = .milliseconds(sum)
    }
}
