import Stanza

/// The text of a message with placeholders in braces, parsed once: `{level} on {host}: {line|truncate 200}`; `{{` and `}}`
/// stand for a brace each.
public struct Template: Equatable, Sendable {
    /// A part of a template.
    enum Piece: Equatable, Sendable {
        /// Text as it stands.
        case literal([UInt8])
        /// What the group of that number captured; 0 is the whole match.
        case group(Int)
        /// The line.
        case line
        /// The machine's name.
        case host
        /// When the record was read or came.
        case time
        /// A value inside of the line or body, which is JSON.
        case json([String])
        /// A field of the event; of a line its `source`.
        case field(String)
        /// One of the above, and what is done with it.
        indirect case filtered(Piece, [Filter])

        /// What it takes its value from.
        var source: Piece { if case .filtered(let piece, _) = self { piece } else { self } }
    }

    /// What is wrong in a template, and where.
    public struct Problem: Error, Equatable, Sendable {
        /// What stood there.
        public var what: String
        /// What to do.
        public var hint: String
        /// Where in the template, in bytes from 0.
        public var offset: Int
    }

    /// All that is wrong in a template, in its order; never empty.
    public struct Problems: Error, Equatable, Sendable {
        /// The problems.
        public let list: [Problem]
    }

    /// As it was written.
    public let source: String
    let pieces: [Piece]
    /// Whether rendering needs the line or body as JSON.
    public let needsJSON: Bool

    /// Whether it says something of the record.
    var followsRecord: Bool {
        pieces.contains { piece in
            switch piece.source {
            case .literal, .host: false
            case .group, .line, .time, .json, .field, .filtered: true
            }
        }
    }

    /// Parses a template.
    /// - Parameter key: what it is called in a problem's words.
    /// - Throws: ``Problems`` with every unknown placeholder and unbalanced brace.
    public init(parsing source: String, _ vocabulary: Vocabulary, key: String = "body") throws(Problems) {
        var scanner = Scanner(text: Array(source.utf8), vocabulary: vocabulary, key: key)
        scanner.run()
        if !scanner.problems.isEmpty { throw Problems(list: scanner.problems) }
        self.source = source
        pieces = scanner.pieces
        needsJSON = pieces.contains { if case .json = $0.source { true } else { false } }
    }
}

/// One pass over a template's text.
private struct Scanner {
    let text: [UInt8]
    let vocabulary: Vocabulary
    let key: String
    var pieces: [Template.Piece] = []
    var problems: [Template.Problem] = []
    private var literal: [UInt8] = []
    private var position = 0

    init(text: [UInt8], vocabulary: Vocabulary, key: String) {
        self.text = text
        self.vocabulary = vocabulary
        self.key = key
    }

    mutating func run() {
        if text.isEmpty {
            let hint = key == "body" ? "leave body out to send the record as it is" : "leave \(key) out"
            report("an empty \(key)", hint, at: 0)
        }
        while position < text.count {
            let byte = text[position]
            let isDoubled = position + 1 < text.count && text[position + 1] == byte
            switch byte {
            case UInt8(ascii: "{") where isDoubled, UInt8(ascii: "}") where isDoubled:
                literal.append(byte)
                position += 2
            case UInt8(ascii: "{"): placeholder()
            case UInt8(ascii: "}"):
                report("a single } in the text", "write }} for a brace", at: position)
                position += 1
            case _:
                copy()
            }
        }
        endLiteral()
    }

    private mutating func copy() {
        let kind = text.withUnsafeBufferPointer { XMLText.classify($0, at: position) }
        switch kind {
        case .illegal(let length):
            report("a character that XML cannot carry", "leave it out", at: position)
            position += length
        case .plain, .escaped:
            literal.append(text[position])
            position += 1
            while position < text.count, text[position] & 0xC0 == 0x80 {
                literal.append(text[position])
                position += 1
            }
        }
    }

    private mutating func placeholder() {
        let start = position
        var end = start + 1
        while end < text.count, !"{|}".utf8.contains(text[end]) { end += 1 }
        var filters: [Filter] = []
        var wrong: [Template.Problem] = []
        var isClosed = end < text.count && text[end] == UInt8(ascii: "}")
        position = isClosed ? end + 1 : end
        if end < text.count, text[end] == UInt8(ascii: "|") {
            var scanner = FilterScanner(text, at: end)
            scanner.run()
            (filters, wrong, isClosed) = (scanner.filters, scanner.problems, scanner.isClosed)
            position = scanner.position
        }
        if isClosed {
            name(start + 1..<end, filters)
        } else if wrong.isEmpty {
            // Otherwise what is wrong in its filters is why it does not end.
            report("a { without its }", "write {{ for a brace", at: start)
        }
        problems += wrong
    }

    private mutating func name(_ range: Range<Int>, _ filters: [Filter]) {
        var name = text[range]
        // Before a filter there is room to breathe.
        if text[range.upperBound] == UInt8(ascii: "|") { while name.last == UInt8(ascii: " ") { name.removeLast() } }
        let start = range.lowerBound - 1
        guard !name.isEmpty else {
            report("an empty placeholder {}", "write {{}} for a pair of braces", at: start)
            return
        }
        do {
            let piece = try vocabulary.piece(for: String(decoding: name, as: UTF8.self), at: start)
            endLiteral()
            pieces.append(filters.isEmpty ? piece : .filtered(piece, filters))
        } catch {
            problems.append(error)
        }
    }

    private mutating func endLiteral() {
        if literal.isEmpty { return }
        pieces.append(.literal(literal))
        literal.removeAll()
    }

    private mutating func report(_ what: String, _ hint: String, at offset: Int) {
        problems.append(Template.Problem(what: what, hint: hint, offset: offset))
    }
}
