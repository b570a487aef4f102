/// What a placeholder does with its value before it stands in the text: `{body|trim}`, `{text|truncate 200}`,
/// `{json.msg|default "-"}`. A fixed set, each from text to text; nothing is run.
public enum Filter: Equatable, Sendable {
    /// Without the white space at both ends.
    case trim
    /// In capitals.
    case upper
    /// In small letters.
    case lower
    /// As one word of a POSIX shell, in single quotes.
    case shell
    /// As a JSON string (RFC 8259 section 7) with its quotes.
    case json
    /// At most that many characters; where it was longer, the last of them is `…`.
    case truncate(Int)
    /// That text where there is none.
    case fallback([UInt8])

    /// The most characters that `truncate` may leave.
    public static let truncateCharactersMax = 65_536
    /// Their names as they are written.
    public static let names = ["trim", "upper", "lower", "shell", "json", "truncate", "default"]

    /// Puts the filtered text in the place of the text.
    func apply(to bytes: inout [UInt8]) {
        switch self {
        case .trim: bytes = Filter.trimmed(bytes)
        case .upper: bytes = Array(String(decoding: bytes, as: UTF8.self).uppercased().utf8)
        case .lower: bytes = Array(String(decoding: bytes, as: UTF8.self).lowercased().utf8)
        case .shell: bytes = Filter.quoted(bytes)
        case .json:
            var text: [UInt8] = []
            JSON.append(quoted: String(decoding: bytes, as: UTF8.self), to: &text)
            bytes = text
        case .truncate(let charactersMax):
            // No character is shorter than a byte.
            if bytes.count <= charactersMax { return }
            let text = String(decoding: bytes, as: UTF8.self)
            if text.count <= charactersMax { return }
            bytes = Array((text.prefix(charactersMax - 1) + "…").utf8)
        case .fallback(let text): if bytes.isEmpty { bytes = text }
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
        guard let start = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return [] }
        return Array(String(scalars[start...last]).utf8)
    }

    /// Inside of single quotes every character stands for itself (POSIX shell, 2.2.2), but for the quote itself.
    private static func quoted(_ bytes: [UInt8]) -> [UInt8] {
        var word = [UInt8(ascii: "'")]
        for byte in bytes {
            if byte == UInt8(ascii: "'") { word += Array(#"'\'"#.utf8) }
            word.append(byte)
        }
        return word + [UInt8(ascii: "'")]
    }
}
