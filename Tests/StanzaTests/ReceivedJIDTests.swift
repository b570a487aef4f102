import Stanza
import Testing

/// Addresses that our own server delivered.
@Suite struct ReceivedJIDTests {
    @Test(arguments: JIDTests.examples + JIDTests.prepared)
    func whatIsValidIsPreparedAsEver(_ address: ValidAddress) throws {
        #expect(try JID(received: address.text) == JID(address.text))
    }

    /// U+1FAE8 came with Unicode 15; U+200B, U+E000 and U+660 beside U+6F0 stand in no resource; the rest in no local part.
    static let kept: [ValidAddress] = [
        .init("a@b/x\u{1FAE8}", "a", "b", "x\u{1FAE8}"), .init("A@B/x\u{200B}@y/z", "a", "b", "x\u{200B}@y/z"),
        .init("a@b/\u{E000}", "a", "b", "\u{E000}"), .init("b/\u{660}\u{6F0}", nil, "b", "\u{660}\u{6F0}"),
        .init("O'Brien@b/x", "O'Brien", "b", "x"), .init("a b@b", "a b", "b", nil),
        .init("\u{1FAE8}@b/\u{1FAE8}", "\u{1FAE8}", "b", "\u{1FAE8}"), .init("\u{265A}@b", "\u{265A}", "b", nil),
        .init("\u{5D0}a@b", "\u{5D0}a", "b", nil),
    ]

    @Test(arguments: kept) func whatOnlyItsCharactersSpeakAgainstStands(_ address: ValidAddress) throws {
        let jid = try JID(received: address.text)
        #expect(jid.local == address.local && jid.domain == address.domain && jid.resource == address.resource)
        #expect(try JID(received: jid.text) == jid)
        #expect(jid.bare.resource == nil && jid.bare.local == address.local && jid.server.text == address.domain)
    }

    @Test func theStrictOneRefusesThem() {
        // But for U+1FAE8, which a newer library may know.
        for address in Self.kept where !address.text.unicodeScalars.contains("\u{1FAE8}") {
            #expect(throws: JID.Failure.self) { try JID(address.text) }
        }
    }

    @Test(arguments: [
        "", "a@", "@b", "a@b/", "a@b/\u{0}", "a@b/x\ny", "a\u{7F}@b", "a\u{85}@b", "a@b/\u{2028}",
        "a@b/\u{200B}\u{2029}",
        "a@b_c", "a@b@c", "a@b..c", "a@b c/x", "a@\u{1FAE8}", "a@[::g]",
    ])
    func theRestIsRefusedAsEver(_ text: String) {
        #expect(throws: JID.Failure.self) { try JID(received: text) }
    }

    @Test func sizesHold() throws {
        let most = String(repeating: "a", count: JID.partBytesMax - 3) + "\u{200B}"
        #expect(try JID(received: "a@b/" + most).resource == most)
        #expect(try JID(received: most + "@b").local == most)
        #expect(throws: JID.Failure.self) { try JID(received: "a@b/a" + most) }
        #expect(throws: JID.Failure.self) { try JID(received: "a" + most + "@b") }
    }
}
