/// A configuration file as characters, with the lines a person sees in an editor.
struct SourceText {
    let scalars: [Unicode.Scalar]
    private let lineStarts: [Int]

    /// The size of a file, in bytes.
    static let fileBytesMax = 1_024 * 1_024

    /// Decodes a file: UTF-8, with or without a byte order mark.
    /// - Throws: the ``Problem`` of a file that is too big, no UTF-8, or holds what YAML forbids (YAML 1.1, 5.1).
    init(_ bytes: [UInt8]) throws(Problem) {
        if bytes.count > SourceText.fileBytesMax {
            throw Problem(
                line: 1, column: 1, what: "the file is longer than \(SourceText.fileBytesMax / 1_024) KiB",
                hint: "is it a configuration at all?")
        }
        if SourceText.isUTF16(bytes) {
            throw Problem(line: 1, column: 1, what: "the file is not UTF-8, but UTF-16", hint: "save it as UTF-8")
        }
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(bytes.count)
        var lineStarts = [0]
        var decoder = UTF8()
        var iterator = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...].makeIterator() : bytes[...].makeIterator()
        func problem(_ what: String, _ hint: String) -> Problem {
            let start = lineStarts[lineStarts.count - 1]
            return Problem(line: lineStarts.count, column: scalars.count - start + 1, what: what, hint: hint)
        }
        decoding: while true {
            switch decoder.decode(&iterator) {
            case .emptyInput: break decoding
            case .error: throw problem("bytes that are not UTF-8", "save the file as UTF-8")
            case .scalarValue(let scalar):
                // A lone CR ends a line, but with the LF behind it they end one together.
                if let last = scalars.last, last == "\n" || last == "\r" && scalar != "\n" {
                    lineStarts.append(scalars.count)
                }
                if !SourceText.isAllowed(scalar) {
                    throw problem(
                        "the control character U+\(String(scalar.value, radix: 16, uppercase: true))",
                        "leave it out, or write it as an escape in double quotes")
                }
                scalars.append(scalar)
            }
        }
        if let last = scalars.last, last == "\n" || last == "\r" { lineStarts.append(scalars.count) }
        self.scalars = scalars
        self.lineStarts = lineStarts
    }

    /// The file without its byte order mark, for the YAML parser.
    var utf8: [UInt8] {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return Array(String(text).utf8)
    }

    /// The line and column of a character, from 1.
    func place(of index: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= index { low = middle } else { high = middle }
        }
        return (low + 1, index - lineStarts[low] + 1)
    }

    /// The problem at a character.
    func problem(at index: Int, _ what: String, _ hint: String) -> Problem {
        let (line, column) = place(of: index)
        return Problem(line: line, column: column, what: what, hint: hint)
    }

    /// Where the byte at that offset of a scalar's value stands in the file: exactly where it is written on one line,
    /// else the start of the scalar.
    func index(of offset: Int, in node: Node) -> Int {
        guard case .scalar(let value, let style) = node.kind else { return node.start }
        guard node.end <= scalars.count, !scalars[node.start..<node.end].contains(where: { $0 == "\n" || $0 == "\r" })
        else { return node.start }
        var index = style == .plain ? node.start : node.start + 1
        var bytes = 0
        for scalar in value.unicodeScalars {
            if bytes >= offset { break }
            bytes += UTF8.width(scalar)
            switch style {
            case .plain: index += 1
            case .singleQuoted: index += scalar == "'" ? 2 : 1
            case .doubleQuoted: index += escapeLength(at: index)
            case .block: return node.start
            }
        }
        return min(index, node.end)
    }

    /// How many characters stand for one at that place inside of double quotes (YAML 1.1, 5.7).
    private func escapeLength(at index: Int) -> Int {
        guard index + 1 < scalars.count, scalars[index] == "\\" else { return 1 }
        switch scalars[index + 1] {
        case "x": return 4
        case "u": return 6
        case "U": return 10
        case _: return 2
        }
    }

    private static func isUTF16(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2 else { return false }
        let isMarked = bytes[0] == 0xFF && bytes[1] == 0xFE || bytes[0] == 0xFE && bytes[1] == 0xFF
        return isMarked || (bytes[0] == 0) != (bytes[1] == 0)
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF:
            true
        case _: false
        }
    }
}
