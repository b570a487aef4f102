import Digest
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 10, and the letters that differ from the URL's alphabet.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\u{3FF}", "z78="), (">>>???", "Pj4+Pz8/"),
    ])
    func vectors(_ plain: String, _ text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.encoded(Array(plain.utf8)) == Array(text.utf8))
        #expect(Base64.decode(text) == Array(plain.utf8))
        #expect(Base64.decode(Array(text.utf8)[...]) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zm9", "Zm9vYg", "=", "==", "===", "====", "Z===", "Zg==Zg==", "Zm=8", "=Zm8",
        "Zm8=\n", " Zm8=", "Zm 8", "Zm8-", "Zm8_", "Zh==", "Zm9=", "Zm9vA===", "Zm9v====", "Z\u{E9}=", "Zm9*",
    ])
    func refuses(_ text: String) { #expect(Base64.decode(text) == nil) }

    @Test func everyLengthAndEveryByteComesBack() {
        var bytes: [UInt8] = []
        for count in 0...300 {
            let text = Base64.encode(bytes)
            #expect(text.utf8.count == (count + 2) / 3 * 4)
            #expect(Base64.decode(text) == bytes)
            bytes.append(UInt8(truncatingIfNeeded: count &* 167 &+ 13))
        }
    }

    /// Strict means that each sequence of bytes has one text: what decodes is what would be written.
    @Test func whatDecodesIsWhatWouldBeWritten() {
        var decoded = 0
        for last in UInt8.min...UInt8.max {
            for text in [[0x41, last, 0x3D, 0x3D], [0x41, 0x41, last, 0x3D], [0x41, 0x41, 0x41, last]] {
                guard let bytes = Base64.decode(text) else { continue }
                decoded += 1
                #expect(Base64.encoded(bytes) == text)
            }
        }
        // A letter with 2 bits that count, one with 4, one with all 6; and the "AA==" and "AAA=" among them.
        #expect(decoded == 4 + (16 + 1) + (64 + 1))
    }
}

@Suite struct HexTests {
    @Test(arguments: [([], ""), ([0x00], "00"), ([0xFF, 0x0A, 0x9B], "ff0a9b")] as [([UInt8], String)])
    func vectors(_ bytes: [UInt8], _ text: String) {
        #expect(Hex.encode(bytes) == text)
        #expect(Hex.decode(text) == bytes)
        #expect(Hex.decode(text.uppercased()) == bytes)
    }

    @Test(arguments: ["0", "0g", "abc", "0x", " 00", "00 ", "\u{FF11}0", "/0", ":0", "@0", "`0", "G0"])
    func refuses(_ text: String) { #expect(Hex.decode(text) == nil) }
}

@Suite struct ConstantTimeTests {
    static let pairs: [([UInt8], [UInt8], Bool)] = [
        ([], [], true), ([1], [1], true), ([1, 2, 3], [1, 2, 3], true), ([1], [], false), ([], [1], false),
        ([1, 2], [1, 3], false), ([0, 2], [1, 2], false), ([1, 2], [1, 2, 0], false),
    ]

    @Test(arguments: pairs) func compares(_ a: [UInt8], _ b: [UInt8], _ same: Bool) {
        #expect(ConstantTime.equal(a, b) == same)
    }
}
