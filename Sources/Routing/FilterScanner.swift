import Stanza

/// Reads the filters of a placeholder, from its first `|` to its closing brace.
struct FilterScanner {
    private let text: [UInt8]
    /// Where it reads; behind the closing brace, once it has run.
    private(set) var position: Int
    private(set) var filters: [Filter] = []
    private(set) var problems: [Template.Problem] = []
    /// Whether the closing brace was there.
    private(set) var isClosed = false

    /// - Parameter position: that of the first `|`.
    init(_ text: [UInt8], at position: Int) {
        self.text = text
        self.position = position
    }

    mutating func run() {
        while peek() == UInt8(ascii: "|") {
            let bar = position
            position += 1
            skipSpaces()
            filter(behind: bar)
        }
        isClosed = peek() == UInt8(ascii: "}")
        if isClosed { position += 1 }
    }

    /// What stands behind a filter's name.
    private enum Argument: Equatable {
        case nothing
        case word(String)
        case quoted([UInt8])

        /// In a problem's words.
        var shown: String {
            switch self {
            case .nothing: "nothing"
            case .word(let word): Wording.quote(word)
            case .quoted(let bytes): Wording.quote(String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    /// One filter with its argument, up to the next `|` or brace.
    private mutating func filter(behind bar: Int) {
        let start = position
        while let byte = peek(), !isEnd(byte), byte != UInt8(ascii: " "), !isQuote(byte) { position += 1 }
        let name = String(decoding: text[start..<position], as: UTF8.self)
        skipSpaces()
        let behind = position
        guard let argument = argument() else { return }
        let place = argument == .nothing ? start : behind
        switch (name, argument) {
        case ("trim", .nothing): filters.append(.trim)
        case ("upper", .nothing): filters.append(.upper)
        case ("lower", .nothing): filters.append(.lower)
        case ("shell", .nothing): filters.append(.shell)
        case ("json", .nothing): filters.append(.json)
        case ("truncate", let argument): truncate(argument, at: place)
        case ("default", .quoted(let bytes)): fallback(bytes, at: place)
        case ("default", let argument):
            let what = argument == .nothing ? "default without a text" : "default \(argument.shown) without quotes"
            report(what, #"expected for example default "-""#, at: place)
        case ("", .nothing): report("a | without a filter", "expected \(FilterScanner.expected)", at: bar)
        case (let name, let argument) where Filter.names.contains(name):
            report("\(argument.shown) behind \(name)", "\(name) takes nothing", at: place)
        case (let name, _): unknown(name, at: start)
        }
    }

    /// What stands behind a filter's name; nil, and reported, where it does not end.
    private mutating func argument() -> Argument? {
        guard let byte = peek(), !isEnd(byte) else { return .nothing }
        if isQuote(byte) { return quoted(byte) }
        let start = position
        while let byte = peek(), !isEnd(byte), !isQuote(byte) { position += 1 }
        var word = text[start..<position]
        while word.last == UInt8(ascii: " ") { word.removeLast() }
        let shown = String(decoding: word, as: UTF8.self)
        guard let byte = peek(), isQuote(byte) else { return .word(shown) }
        guard quoted(byte) != nil else { return nil }
        report("\(Wording.quote(shown)) before a text in quotes", "leave it out", at: start)
        return nil
    }

    /// A text in quotes of either kind, in which a backslash stands before a quote and before itself.
    private mutating func quoted(_ quote: UInt8) -> Argument? {
        let start = position
        var bytes: [UInt8] = []
        position += 1
        while let byte = peek(), byte != quote {
            if byte == UInt8(ascii: "\\"), position + 1 < text.count,
                [quote, UInt8(ascii: "\\")].contains(text[position + 1])
            {
                position += 1
            }
            bytes.append(text[position])
            position += 1
        }
        guard peek() == quote else {
            report("a text without its closing quote", "write \\ before a quote that is part of it", at: start)
            return nil
        }
        position += 1
        skipSpaces()
        let behind = position
        while let byte = peek(), !isEnd(byte) { position += 1 }
        if behind < position {
            let word = Wording.quote(String(decoding: text[behind..<position], as: UTF8.self))
            report("\(word) behind a text in quotes", "leave it out", at: behind)
            return nil
        }
        return .quoted(bytes)
    }

    private mutating func truncate(_ argument: Argument, at offset: Int) {
        let expected = "expected a whole number from 1 to \(Filter.truncateCharactersMax), as in truncate 200"
        switch argument {
        case .nothing: report("truncate without a number", expected, at: offset)
        case .word(let word):
            if let count = Int(word), (1...Filter.truncateCharactersMax).contains(count) {
                filters.append(.truncate(count))
            } else {
                report("truncate \(Wording.quote(word))", expected, at: offset)
            }
        case .quoted: report("truncate with a text", expected, at: offset)
        }
    }

    private mutating func fallback(_ bytes: [UInt8], at offset: Int) {
        let isText = bytes.withUnsafeBufferPointer { buffer in
            var index = 0
            while index < buffer.count {
                switch XMLText.classify(buffer, at: index) {
                case .illegal: return false
                case .plain(let length): index += length
                case .escaped: index += 1
                }
            }
            return true
        }
        if isText {
            filters.append(.fallback(bytes))
        } else {
            report("a character that XML cannot carry", "leave it out", at: offset)
        }
    }

    private mutating func unknown(_ name: String, at offset: Int) {
        let near = Wording.nearest(to: name, among: Filter.names).map { "did you mean \($0)? " } ?? ""
        report("unknown filter \(Wording.quote(name))", "\(near)expected \(FilterScanner.expected)", at: offset)
    }

    private static let expected = "trim, upper, lower, shell, json, truncate 200 or default \"-\""

    private mutating func report(_ what: String, _ hint: String, at offset: Int) {
        problems.append(Template.Problem(what: what, hint: hint, offset: offset))
    }

    private func peek() -> UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpaces() { while peek() == UInt8(ascii: " ") { position += 1 } }

    private func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    private func isEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "|") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "{")
    }
}
