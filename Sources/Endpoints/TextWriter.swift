public import Routing

/// `--output text`: the bare bodies of messages, a line each.
///
/// So that a line is a message, a newline in a body is written as `\n`, a carriage return as `\r` and a backslash as
/// `\\`. Bodies that come back with an error, and events that are no messages or have no body, write nothing.
public struct TextWriter: Sendable {
    /// A writer.
    public init() {}

    /// Appends the message's body as one line.
    /// - Returns: Whether there was one.
    @discardableResult
    public func append(_ event: EventRecord, to output: inout [UInt8]) -> Bool {
        if event.kind != .message || event["condition"] != nil { return false }
        switch event["body"] {
        case .bytes(let body): append(line: body, to: &output)
        case .string(let body): append(line: Array(body.utf8), to: &output)
        case .int, .bool, .strings, nil: return false
        }
        return true
    }

    /// Appends a text as one line, escaped like a body.
    public func append(line body: [UInt8], to output: inout [UInt8]) {
        var start = 0
        for position in body.indices {
            let letter: UInt8
            switch body[position] {
            case 0x0A: letter = UInt8(ascii: "n")
            case 0x0D: letter = UInt8(ascii: "r")
            case UInt8(ascii: "\\"): letter = UInt8(ascii: "\\")
            case 0x80..<0xA0 where position > 0 && body[position - 1] == 0xC2:
                // C1 controls are legal in XML, and a terminal may obey them.
                output.append(contentsOf: body[start..<position - 1])
                output.append(contentsOf: "\\u00\(String(body[position], radix: 16))".utf8)
                start = position + 1
                continue
            case _: continue
            }
            output.append(contentsOf: body[start..<position])
            output.append(UInt8(ascii: "\\"))
            output.append(letter)
            start = position + 1
        }
        output.append(contentsOf: body[start...])
        output.append(0x0A)
    }
}
