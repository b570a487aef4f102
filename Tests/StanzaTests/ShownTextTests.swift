import Stanza
import Testing

@Suite struct ShownTextTests {
    @Test(arguments: [
        ("", ""), ("plain, \"ü\" 漢 😀", "plain, \"ü\" 漢 😀"), ("a\nb\r\t\u{0}", "a\\u{a}b\\u{d}\\u{9}\\u{0}"),
        ("\u{1B}[2J\u{85}\u{7F}", "\\u{1b}[2J\\u{85}\\u{7f}"), ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ("\u{202E}\u{200B}\u{FEFF}", "\\u{202e}\\u{200b}\\u{feff}"), ("\u{E000}\u{378}", "\\u{e000}\\u{378}"),
        ("1234567890", "1234567890"), ("1234567890\n", "1234567890…"), ("123456789\nx", "123456789\\u{a}…"),
    ])
    func hidesNothing(_ text: String, _ shown: String) {
        #expect(ShownText.escaped(text, charactersMax: text.hasPrefix("1") ? 10 : 40) == shown)
    }
}
