/// Text from outside as a person may see it in a message: on one line, with nothing hidden, not endless.
public enum ShownText {
    /// Whether a character cannot be seen, or breaks the line, or turns the direction of writing.
    public static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        case _: false
        }
    }

    /// Hidden characters as `\u{1b}`; what is behind `charactersMax` as `…`.
    public static func escaped(_ text: some StringProtocol, charactersMax: Int) -> String {
        var result = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == charactersMax { return result + "…" }
            result.append(escaped(scalar))
        }
        return result
    }

    /// The character, or its escape where it is hidden.
    public static func escaped(_ scalar: Unicode.Scalar) -> String {
        isHidden(scalar) ? "\\u{" + String(scalar.value, radix: 16) + "}" : String(scalar)
    }
}
