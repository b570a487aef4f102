import Stanza
import Testing

@testable import Wire

/// What is written is read again, whatever the strings.
@Suite struct XMLRoundTripTests {
    /// A small generator of numbers: the same seed gives the same test on every machine.
    private struct Seeded {
        var state: UInt64
        mutating func next(below bound: UInt32) -> UInt32 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt32(truncatingIfNeeded: state >> 33) % bound
        }
    }

    private static let pieces: [String] = [
        "<", ">", "&", "'", "\"", "\r", "\n", "\t", "\r\n", "]]>", "]", "<!--", "-->", "<?", "?>", "&amp;", "&#0;",
        "\u{0}",
        "\u{1}", "\u{7F}", "\u{85}", "\u{2028}", "\u{FFFE}", "\u{FFFF}", "\u{D7FF}", "\u{E000}", "\u{FEFF}", "é", "漢",
        "😀",
        "\u{10FFFF}", " ", "x", "longer text", "e\u{301}", "{", "=", "/",
    ]

    private static func string(_ random: inout Seeded) -> String {
        var result = ""
        for _ in 0..<random.next(below: 8) {
            if random.next(below: 4) == 0 {
                if let scalar = Unicode.Scalar(random.next(below: 0x11_0000)) { result.unicodeScalars.append(scalar) }
            } else {
                result += pieces[Int(random.next(below: UInt32(pieces.count)))]
            }
        }
        return result
    }

    /// What XML 1.0 cannot say becomes U+FFFD.
    private static func legal(_ string: String) -> String {
        var result = ""
        for scalar in string.unicodeScalars {
            switch scalar.value {
            case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: result.unicodeScalars.append(scalar)
            case _: result += "\u{FFFD}"
            }
        }
        return result
    }

    @Test(arguments: 0..<4)
    func anyStringComesBack(_ seed: UInt64) throws {
        var random = Seeded(state: seed)
        let parser = StreamParser()
        _ = try Array(header.utf8).parsed(by: parser) { _ in .continue }
        for _ in 0..<500 {
            let (value, text, space) = (Self.string(&random), Self.string(&random), "u" + Self.string(&random))
            let inner = Element("b", space, text: value)
            let message = Element("message", "jabber:client", ["to": value, "xml:lang": text], text: text, [inner])
            var writer = XMLWriter()
            writer.element(message, inside: "jabber:client")
            var back: [Element] = []
            for chunk in [writer.bytes.prefix(20), writer.bytes.dropFirst(20)] {
                _ = try Array(chunk).parsed(by: parser) { event in
                    if case .element(let element) = event { back.append(element) }
                    return .continue
                }
            }
            let read = try #require(back.first)
            #expect(back.count == 1)
            #expect(read["to"].map(Self.exact) == Self.exact(Self.legal(value)))
            #expect(read["lang", NS.xml].map(Self.exact) == Self.exact(Self.legal(text)))
            #expect(Self.exact(read.text) == Self.exact(Self.legal(text)))
            let child = try #require(read.children.map { $0 }.first)
            #expect(Self.exact(child.namespace) == Self.exact(Self.legal(space)))
            #expect(Self.exact(child.text) == Self.exact(Self.legal(value)))
            #expect(child.name == "b")
        }
    }

    /// Strings that only look alike are not the same here.
    private static func exact(_ string: String) -> [UInt8] { Array(string.utf8) }
}
