import Stanza

/// How problems speak of what a person wrote: quoted, listed, and with the likeliest intended word.
public enum Wording {
    /// Longest excerpt of a user's text in a message, in characters.
    public static let excerptCharactersMax = 60

    /// The text in quotation marks on one line: control characters shown as their code, the end of a long one cut.
    public static func quote(_ text: String) -> String {
        "\"\(ShownText.escaped(text, charactersMax: excerptCharactersMax))\""
    }

    /// `a, b or c`.
    public static func alternatives(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "nothing" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// The candidate that the word is likely a misspelling of: at most one slip in three characters (and two in all),
    /// where a slip is a letter left out, put in, changed, or two swapped; nil where none is that near.
    public static func nearest(to word: String, among candidates: [String]) -> String? {
        let letters = Array(word.utf8.prefix(65))
        if letters.count > 64 || letters.isEmpty { return nil }
        let lowered = letters.map(lower)
        let allowed = min(2, max(1, letters.count / 3))
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let other = candidate.utf8.map(lower)
            if abs(other.count - letters.count) > allowed { continue }
            let slips = distance(lowered, other)
            if slips <= allowed && slips < best?.distance ?? Int.max { best = (candidate, slips) }
        }
        return best?.name
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 32
        case UInt8(ascii: "-"): UInt8(ascii: "_")
        case _: byte
        }
    }

    /// Optimal string alignment: Levenshtein's distance with swaps of neighbours.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
                row.append(least)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
