import Endpoints
import Stanza
import Testing

@Suite struct BodyPartsTests {
    @Test(arguments: ["", "short", String(repeating: "a", count: 200), String(repeating: "<", count: 50)])
    func whatFitsStaysWhole(_ text: String) {
        #expect(BodyParts.of(Array(text.utf8), contentBytesMax: 200) == [Array(text.utf8)])
    }

    @Test(arguments: [
        String(repeating: "a", count: 1_000), String(repeating: "<", count: 400), String(repeating: "&é漢🦊", count: 300),
        String(repeating: "e\u{301}", count: 500), String(repeating: "\r", count: 100),
    ])
    func partsAreNumberedWholeAndFit(_ text: String) throws {
        let parts = BodyParts.of(Array(text.utf8), contentBytesMax: 200)
        #expect(parts.count > 1)
        var joined: [UInt8] = []
        for (index, part) in parts.enumerated() {
            let prefix = Array("(part \(index + 1)) ".utf8)
            #expect(part.starts(with: prefix))
            #expect(part.withUnsafeBufferPointer(XMLText.contentCount) <= 200)
            #expect(String(validating: part, as: UTF8.self) != nil, "cut between characters")
            joined += part[prefix.count...]
        }
        #expect(String(decoding: joined, as: UTF8.self) == text)
    }

    @Test func whatIsCountedIsWhatIsWritten() {
        let text = "a<b>&c\r\n\t'\"é漢"
        var writer = XMLWriter()
        writer.text(text)
        #expect(Array(text.utf8).withUnsafeBufferPointer(XMLText.contentCount) == writer.bytes.count)
    }
}
