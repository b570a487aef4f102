/// A Swift file as the rules see it: words and signs, without comments and the texts of its strings.
struct Source {
    /// Where it is, from the root of the repository.
    let path: String
    /// Its text, a line an element.
    let lines: [Substring]
    /// Its words and signs.
    let tokens: [Token]

    init(path: String, text: String) {
        self.path = path
        lines =
            text.hasSuffix("\n")
            ? text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
            : text.split(separator: "\n", omittingEmptySubsequences: false)
        var lexer = Lexer(text: Array(text.unicodeScalars))
        tokens = lexer.tokens()
    }

    /// The folder right below Sources that it is in: its target.
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
}

/// A word (of letters, digits and `_`), or one sign; a string literal is the sign `"`.
struct Token: Equatable {
    var text: String
    /// From 1.
    var line: Int
}

/// As much of Swift's lexical structure as tells code from comments and strings; what is interpolated into a string
/// is code.
private struct Lexer {
    let text: [Unicode.Scalar]
    var position = 0
    var line = 1
    var found: [Token] = []

    mutating func tokens() -> [Token] {
        code(until: nil)
        return found
    }

    /// Reads code up to the end, or up to the sign that closes an interpolation.
    private mutating func code(until end: Unicode.Scalar?) {
        var depth = 0
        while let scalar = peek() {
            if let end, scalar == end, depth == 0 { return }
            if scalar == "/" && peek(1) == "/" {
                while let next = peek(), next != "\n" { skip(next) }
            } else if scalar == "/" && peek(1) == "*" {
                comment()
            } else if scalar == "\"" || (scalar == "#" && opensRawString()) {
                string()
            } else if isWord(scalar) {
                word()
            } else {
                if scalar == "(" { depth += 1 }
                if scalar == ")" { depth -= 1 }
                if !scalar.properties.isWhitespace { found.append(Token(text: String(scalar), line: line)) }
                skip(scalar)
            }
        }
    }

    private mutating func word() {
        let begin = position
        while let scalar = peek(), isWord(scalar) { position += 1 }
        var word = String.UnicodeScalarView()
        word.append(contentsOf: text[begin..<position])
        found.append(Token(text: String(word), line: line))
    }

    /// Comments nest (The Swift Programming Language, Lexical Structure).
    private mutating func comment() {
        var depth = 0
        repeat {
            if peek() == "/" && peek(1) == "*" {
                depth += 1
                position += 2
            } else if peek() == "*" && peek(1) == "/" {
                depth -= 1
                position += 2
            } else if let scalar = peek() {
                skip(scalar)
            }
        } while depth > 0 && peek() != nil
    }

    private mutating func string() {
        found.append(Token(text: "\"", line: line))
        let hashes = count(of: "#", at: position)
        position += hashes
        let quotes = count(of: "\"", at: position) >= 3 ? 3 : 1
        position += quotes
        while let scalar = peek() {
            if scalar == "\"", count(of: "\"", at: position) >= quotes,
                count(of: "#", at: position + quotes) >= hashes
            {
                position += quotes + hashes
                return
            }
            if scalar == "\n" && quotes == 1 { return }  // not Swift: let the compiler say so
            if scalar == "\\" && count(of: "#", at: position + 1) >= hashes {
                escape(hashes: hashes)
            } else {
                skip(scalar)
            }
        }
    }

    private mutating func escape(hashes: Int) {
        position += 1 + hashes
        guard let scalar = peek() else { return }
        skip(scalar)
        if scalar == "(" {
            code(until: ")")
            position += 1
        }
    }

    private func opensRawString() -> Bool { peek(count(of: "#", at: position)) == "\"" }

    private func count(of sign: Unicode.Scalar, at begin: Int) -> Int {
        var end = begin
        while end < text.count && text[end] == sign { end += 1 }
        return end - begin
    }

    private func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        position + offset < text.count ? text[position + offset] : nil
    }

    private mutating func skip(_ scalar: Unicode.Scalar) {
        if scalar == "\n" { line += 1 }
        position += 1
    }
}
