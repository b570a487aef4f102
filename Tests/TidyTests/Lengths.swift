/// A file or a function with its length.
struct Length: Equatable {
    var path: String
    /// `func name`, `init`, `deinit`; nil for the file itself.
    var function: String?
    /// From 1.
    var line: Int
    /// In lines.
    var lines: Int
}

/// How long a file and a function may be, and the ratchet for those that are longer.
enum LengthRule {
    /// Lines of a file.
    static let fileLinesMax = 400
    /// Lines of a function, from its `func` to its closing brace.
    static let functionLinesMax = 60

    /// An exception may shrink, and is then written down shorter; it may not grow, and goes when it is not needed.
    static func findings(in sources: [Source], exceptions: [LengthException]) -> [Finding] {
        var left = exceptions
        var findings: [Finding] = []
        for long in sources.flatMap(tooLong) {
            let index = left.firstIndex { $0.path == long.path && $0.function == long.function }
            let recorded = index.map { left.remove(at: $0).lines }
            let limit = long.function == nil ? fileLinesMax : functionLinesMax
            let subject = long.function ?? "the file"
            if recorded == nil {
                let what = "\(subject) has \(long.lines) lines, \(limit) are the most"
                findings.append(Finding(path: long.path, line: long.line, what: what))
            } else if let recorded, recorded != long.lines {
                let what = long.lines > recorded ? "grew" : "shrank: lower its record in LengthExceptions.swift"
                let change = "\(subject) had \(recorded) lines and has \(long.lines): it \(what)"
                findings.append(Finding(path: long.path, line: long.line, what: change))
            }
        }
        return findings
            + left.map {
                Finding(path: $0.path, line: 1, what: "\($0.function ?? "the file") needs no exception any more")
            }
    }

    /// The functions of a file in the order of their beginnings.
    static func functions(of source: Source) -> [Length] {
        let tokens = source.tokens
        return tokens.indices.compactMap { index in
            guard let name = declaration(tokens, index), let body = body(tokens, after: index),
                let end = closing(tokens, of: body)
            else { return nil }
            let count = tokens[end].line - tokens[index].line + 1
            return Length(path: source.path, function: name, line: tokens[index].line, lines: count)
        }
    }

    private static func tooLong(_ source: Source) -> [Length] {
        let file = Length(path: source.path, function: nil, line: 1, lines: source.lines.count)
        return (file.lines > fileLinesMax ? [file] : [])
            + functions(of: source).filter { $0.lines > functionLinesMax }
    }

    /// The name of the function that is declared at that token.
    private static func declaration(_ tokens: [Token], _ index: Int) -> String? {
        if index > 0 && tokens[index - 1].text == "." { return nil }
        switch tokens[index].text {
        case "func":
            // An operator's name may be of several signs; the first of them tells enough.
            return index + 1 < tokens.count ? "func " + tokens[index + 1].text : nil
        case "init":
            let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
            return ["(", "?", "<"].contains(next) ? "init" : nil
        case "deinit": return "deinit"
        case _: return nil
        }
    }

    /// The brace that opens the body; nil for a requirement of a protocol.
    private static func body(_ tokens: [Token], after index: Int) -> Int? {
        let next: Set<String> = [
            "func", "init", "deinit", "var", "let", "case", "static", "mutating", "subscript", "}",
        ]
        var depth = 0
        for position in tokens.indices.dropFirst(index + 1) {
            let text = tokens[position].text
            if ["(", "["].contains(text) { depth += 1 }
            if [")", "]"].contains(text) { depth -= 1 }
            if depth > 0 { continue }
            if text == "{" { return position }
            if next.contains(text) && position > index + 1 { return nil }
        }
        return nil
    }

    private static func closing(_ tokens: [Token], of brace: Int) -> Int? {
        var depth = 0
        for position in tokens.indices.dropFirst(brace) {
            if tokens[position].text == "{" { depth += 1 }
            if tokens[position].text == "}" { depth -= 1 }
            if depth == 0 { return position }
        }
        return nil
    }
}
