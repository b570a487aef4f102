import Glibc
import Routing
import Testing

/// What holds of filters and templates, whatever the text is.
@Suite struct TemplateLawTests {
    private static let filters = [
        "trim", "upper", "lower", "shell", "json", "truncate 1", "truncate 7", "default 'é'", "default \"\"",
    ]

    /// Texts of what is hard to cut, fold and quote, and of anything else.
    private static func text(_ random: inout Seeded, most: Int = 30) -> String {
        let pieces = [
            "a", "ß", "İ", "ŉ", "'", "\"", "\\", "$(id)", "`", "!", " ", "\u{A0}", "\u{3000}", "\n", "\t", "\r\n", "é",
            "e\u{301}", "\u{301}", "\u{600}", "🙂", "\u{1F468}\u{200D}\u{1F469}", "\u{200D}", "🇩", "한", "\u{1100}",
            "{", "}", "|", "…", "\u{1}", "\u{7F}", "\u{85}", "\u{202E}", "\u{FEFF}", "\u{10FFFF}",
        ]
        var text = ""
        for _ in 0..<random.below(most) {
            if random.below(4) > 0 {
                text += pieces[random.below(pieces.count)]
            } else if let scalar = Unicode.Scalar(UInt32(1 + random.below(0x10FFFF))) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// Equal as bytes: `==` would take what is canonically equivalent for the same.
    private static func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

    private static func rendered(_ text: String, _ body: String) throws -> String {
        try FilterTests.rendered(text, body)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func cuttingAndTrimming(_ seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<50 {
            let text = Self.text(&random)
            let most = 1 + random.below(12)
            let cut = try Self.rendered(text, "{line|truncate \(most)}")
            #expect(cut.count <= min(most, text.count))
            #expect(Self.same(cut, text) || cut.utf8.suffix(3).elementsEqual("…".utf8) && text.count > most)
            #expect(Self.same(cut, text) || text.utf8.starts(with: cut.utf8.dropLast(3)))
            #expect(Self.same(try Self.rendered(cut, "{line|truncate \(most)}"), cut))
            let trimmed = try Self.rendered(text, "{line|trim}")
            #expect(Self.same(try Self.rendered(trimmed, "{line|trim}"), trimmed))
            for end in [trimmed.unicodeScalars.first, trimmed.unicodeScalars.last] {
                #expect(end?.properties.isWhitespace != true)
            }
            // Nothing but white space has gone.
            let kept = text.unicodeScalars.filter { !$0.properties.isWhitespace }
            #expect(trimmed.unicodeScalars.filter { !$0.properties.isWhitespace }.elementsEqual(kept))
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatIsQuotedReadsBack(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var texts: [String] = []
        var words: [String] = []
        for _ in 0..<60 {
            let text = Self.text(&random)
            let quoted = Array(try Self.rendered(text, "{line|json}").utf8)
            #expect(try quoted.withUnsafeBufferPointer { try JSON.parse($0) } == .string(text))
            #expect(!quoted.contains { $0 < 0x20 })
            texts.append(text)
            words.append(try Self.rendered(text, "{line|shell}"))
        }
        #expect(try Self.shell(words) == texts.map { Array($0.utf8) })
    }

    /// What a shell makes of these words.
    private static func shell(_ words: [String]) throws -> [[UInt8]] {
        let pipe = try #require(popen("printf '%s\\0' " + words.joined(separator: " "), "r"))
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, pipe)
        #expect(pclose(pipe) == 0)
        return bytes[..<count].split(separator: 0, omittingEmptySubsequences: false).dropLast().map(Array.init)
    }

    /// Several filters are one after the other, each gives UTF-8, and one that gave something stands where it was.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func filtersAreOneAfterTheOther(_ seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<60 {
            let text = Self.text(&random)
            let first = Self.filters[random.below(Self.filters.count)]
            let second = Self.filters[random.below(Self.filters.count)]
            let half = try Self.rendered(text, "{line|\(first)}")
            let both = try Self.rendered(text, "{line|\(first)|\(second)}")
            #expect(Self.same(try Self.rendered(half, "{line|\(second)}"), both), "\(first) \(second)")
            #expect(
                Self.same(
                    try Self.rendered(text, "<{line| \(first) }{{{line|\(second)}}}"),
                    "<\(half){\(try Self.rendered(text, "{line|\(second)}"))}"))
            #expect(!both.unicodeScalars.contains("\u{FFFD}") || text.unicodeScalars.contains("\u{FFFD}"))
            #expect(try Self.rendered(text, "{line|default '-'}") == (text.isEmpty ? "-" : text))
        }
    }

    /// A text whose braces are doubled is a template of itself, and templates one behind the other give what they give.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func literalTexts(_ seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<60 {
            // What XML cannot carry is refused in a template.
            let text = String(
                String.UnicodeScalarView(
                    Self.text(&random).unicodeScalars.filter { $0.value >= 0x20 && $0.value & 0xFFFE != 0xFFFE }))
            var doubled = ""
            for scalar in text.unicodeScalars {
                doubled.unicodeScalars.append(scalar)
                if scalar == "{" || scalar == "}" { doubled.unicodeScalars.append(scalar) }
            }
            if doubled.isEmpty { continue }
            #expect(Self.same(try Self.rendered("x", doubled), text))
            #expect(Self.same(try Self.rendered("x y", doubled + "{line}" + doubled), text + "x y" + text))
        }
    }
}
