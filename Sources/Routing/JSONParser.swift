import Stanza

/// A parser of one JSON text by recursive descent, as deep as ``JSON/depthMax``.
struct JSONParser {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    /// RFC 8259 section 2: `ws value ws`.
    mutating func whole() throws(JSON.Problem) -> JSON {
        skipSpace()
        let value = try value()
        skipSpace()
        if position < text.count { throw problem("expected the end of the text") }
        return value
    }

    private mutating func value() throws(JSON.Problem) -> JSON {
        switch peek() {
        case UInt8(ascii: "{"): return try nested { parser throws(JSON.Problem) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSON.Problem) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte where byte == UInt8(ascii: "-") || isDigit(byte): return .number(try number())
        case _: throw noValue()
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(JSON.Problem) -> JSON
    ) throws(JSON.Problem) -> JSON {
        if depth == JSON.depthMax { throw JSON.Problem(column: position + 1, what: "nested deeper than \(depth)") }
        depth += 1
        position += 1
        skipSpace()
        let value = try parse(&self)
        depth -= 1
        return value
    }

    // MARK: Arrays and objects, behind their opening bracket (sections 4 and 5)

    private mutating func array() throws(JSON.Problem) -> JSON {
        var elements: [JSON] = []
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            if !take(UInt8(ascii: ",")) { throw problem("expected ',' or ']'") }
            skipSpace()
        }
    }

    private mutating func object() throws(JSON.Problem) -> JSON {
        var members: [JSON.Member] = []
        var names = Names()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            let start = position
            if peek() != UInt8(ascii: "\"") {
                throw problem(members.isEmpty ? "expected a name in '\"' or '}'" : "expected a name in '\"'")
            }
            let name = try string()
            if !names.insert(name, beside: members) {
                throw JSON.Problem(column: start + 1, what: "the name \"\(Self.shown(name))\" stands twice")
            }
            skipSpace()
            if !take(UInt8(ascii: ":")) { throw problem("expected ':'") }
            skipSpace()
            members.append(JSON.Member(name: name, value: try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            if !take(UInt8(ascii: ",")) { throw problem("expected ',' or '}'") }
            skipSpace()
        }
    }

    /// The names of one object, compared byte by byte (section 8.3; `String` would compare canonically). A set only
    /// where the object is large, so that the time stays linear.
    private struct Names {
        private static let linearMax = 16
        private var set: Set<[UInt8]> = []

        mutating func insert(_ name: String, beside members: [JSON.Member]) -> Bool {
            if members.count < Self.linearMax {
                return !members.contains {
                    $0.name.utf8.count == name.utf8.count && $0.name.utf8.elementsEqual(name.utf8)
                }
            }
            if set.isEmpty { for member in members { set.insert(Array(member.name.utf8)) } }
            return set.insert(Array(name.utf8)).inserted
        }
    }

    // MARK: Numbers and words (sections 3 and 6)

    private mutating func number() throws(JSON.Problem) -> String {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if isDigit(peek()) { throw problem("expected no digit behind a leading 0") }
        } else {
            try digits()
        }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(JSON.Problem) {
        if !isDigit(peek()) { throw problem("expected a digit") }
        while isDigit(peek()) { position += 1 }
    }

    private func isDigit(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return byte &- UInt8(ascii: "0") < 10
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSON.Problem) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard let byte = peek() else { throw problem("expected '\(word)'") }
            if byte != word.utf8Start[offset] {
                // Told at the word's start: that is where a person has to look.
                position -= offset
                throw noValue()
            }
            position += 1
        }
        return value
    }

    // MARK: Strings (section 7)

    private mutating func string() throws(JSON.Problem) -> String {
        position += 1
        let start = position
        try skipPlain()
        if take(UInt8(ascii: "\"")) { return String(decoding: text[start..<position - 1], as: UTF8.self) }
        var bytes = Array(text[start..<position])
        while !take(UInt8(ascii: "\"")) {
            try escape(into: &bytes)
            let run = position
            try skipPlain()
            bytes.append(contentsOf: text[run..<position])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Moves to the next `"` or `\`; whatever else cannot stand in a string is a problem here.
    private mutating func skipPlain() throws(JSON.Problem) {
        while true {
            position = plainEnd()
            if position == text.count { throw problem("expected '\"' to end a string") }
            let byte = text[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
            if byte < 0x20 { throw problem("expected an escape for a control character in a string") }
            guard let length = XMLText.sequenceLength(text, at: position) else {
                throw problem("expected UTF-8 in a string")
            }
            position += length
        }
    }

    /// The end of the run of ASCII that stands for itself in a string.
    private func plainEnd() -> Int {
        var end = position
        while end < text.count {
            let byte = text[end]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            end &+= 1
        }
        return end
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSON.Problem) {
        let start = position
        position += 1
        switch peek() {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(text[position])
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try scalar(from: start)
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            return
        case _: throw problem("expected one of \" \\ / b f n r t u behind '\\'")
        }
        position += 1
    }

    /// The character of `\uXXXX`, or of a pair of them where the first is a high surrogate; `position` stands on `u`.
    private mutating func scalar(from start: Int) throws(JSON.Problem) -> Unicode.Scalar {
        let first = try hexUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, text.count - position >= 2, text[position] == UInt8(ascii: "\\"),
            text[position + 1] == UInt8(ascii: "u")
        {
            position += 1
            let second = try hexUnit()
            if (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        throw JSON.Problem(column: start + 1, what: "a surrogate without its other half")
    }

    private mutating func hexUnit() throws(JSON.Problem) -> UInt32 {
        position += 1
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Self.hexDigit(byte) else {
                throw problem("expected four hexadecimal digits behind '\\u'")
            }
            unit = unit << 4 | digit
            position += 1
        }
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        case _: nil
        }
    }

    // MARK: Bytes

    private func peek() -> UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        if peek() != byte { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    // MARK: Words for a person

    private func problem(_ expected: String) -> JSON.Problem {
        JSON.Problem(column: position + 1, what: "\(expected) but \(found)")
    }

    /// Names the whole word that stands where a value belongs, such as `not` or `yes`.
    private func noValue() -> JSON.Problem {
        var end = position
        while end < text.count, isWordByte(text[end]) { end += 1 }
        if end - position < 2 { return problem("expected a value") }
        let word = Self.shown(String(decoding: text[position..<end], as: UTF8.self))
        return JSON.Problem(column: position + 1, what: "expected a value but found '\(word)'")
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return isDigit(byte) || lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
    }

    private var found: String {
        guard position < text.count else { return "the text ends here" }
        let byte = text[position]
        guard byte >= 0x20, byte != 0x7F, let length = XMLText.sequenceLength(text, at: position) else {
            return "found the byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))"
        }
        return "found '\(Self.shown(String(decoding: text[position..<position + length], as: UTF8.self)))'"
    }

    /// A piece of the text on one line, short, with what cannot be seen written as U+XXXX.
    private static func shown(_ piece: String) -> String {
        var words = ""
        for (index, scalar) in piece.unicodeScalars.enumerated() {
            if index == 40 { return words + "…" }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
                let code = String(scalar.value, radix: 16, uppercase: true)
                words += "U+" + String(repeating: "0", count: max(0, 4 - code.utf8.count)) + code
            case _: words.unicodeScalars.append(scalar)
            }
        }
        return words
    }
}
