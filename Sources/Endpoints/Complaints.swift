/// What was wrong with the input since the last report: counted here, reported once a minute at most.
public struct Complaints: Equatable, Sendable {
    /// Broken UTF-8 sequences, each replaced by U+FFFD.
    public var invalidUTF8: UInt64 = 0
    /// Characters that XML 1.0 forbids, each shown by a visible one.
    public var illegalCharacters: UInt64 = 0
    /// Lines over the limit, split or refused.
    public var overlongLines: UInt64 = 0
    /// The parts that overlong lines were split into; 0 where they were refused.
    public var splitParts: UInt64 = 0
    /// The number of the first line complained about.
    public var firstLine: UInt64?

    /// None yet.
    public init() {}

    /// Whether there is nothing to report.
    public var isEmpty: Bool { invalidUTF8 == 0 && illegalCharacters == 0 && overlongLines == 0 && splitParts == 0 }

    enum Kind {
        case invalidUTF8, illegalCharacters, overlongLines, splitParts
    }

    mutating func note(_ kind: Kind, line: UInt64) {
        switch kind {
        case .invalidUTF8: invalidUTF8 += 1
        case .illegalCharacters: illegalCharacters += 1
        case .overlongLines: overlongLines += 1
        case .splitParts: splitParts += 1
        }
        if firstLine == nil { firstLine = line }
    }
}

extension Complaints: CustomStringConvertible {
    /// One line for a person, without the source's name.
    public var description: String {
        var words: [String] = []
        if invalidUTF8 > 0 { words.append("\(invalidUTF8) × invalid UTF-8 replaced by U+FFFD") }
        if illegalCharacters > 0 { words.append("\(illegalCharacters) × character not allowed in XML made visible") }
        if splitParts > 0 {
            let lines = overlongLines > 0 ? "\(overlongLines) × overlong line split" : "an overlong line goes on"
            words.append("\(lines), \(splitParts) parts so far")
        }
        if overlongLines > 0 && splitParts == 0 { words.append("\(overlongLines) × overlong line refused") }
        if let firstLine { words.append("first in line \(firstLine)") }
        return words.joined(separator: ", ")
    }
}
