import Stanza
import Testing

@testable import Session

/// What is kept of a stream, as bytes.
@Suite struct SavedStreamTests {
    static let enables = [
        "<enabled xmlns='urn:xmpp:sm:3' id='sm-1' resume='true'/>",
        "<enabled xmlns='urn:xmpp:sm:3' id='é/\"&apos;' resume='1' max='0'/>",
        "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='true' max='4294967295' location='[2001:db8::1]:9222'/>",
        "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='true' location='höst.example'/>",
    ]

    static func saved(
        _ enabled: String = Dialogue.enabled, resource: String? = "r", presence: Configuration.Presence? = nil
    ) throws -> SavedStream {
        let session = try #require(ResumableSession(TestXML.element(enabled)))
        let configuration = Configuration(
            account: try JID(Dialogue.account), resource: resource, credentials: .password(Secret("secret")),
            presence: presence)
        return try #require(SavedStream(session, jid: try JID("bridge@example.org/r"), configuration))
    }

    @Test(arguments: enables, [nil, "", "r"])
    func comesBackAsItWas(_ enabled: String, _ resource: String?) throws {
        for presence in [nil, Configuration.Presence()] {
            let saved = try Self.saved(enabled, resource: resource, presence: presence)
            #expect(SavedStream(bytes: saved.bytes) == saved)
        }
    }

    /// The form is a promise to the versions that come.
    @Test func theForm() throws {
        let saved = try Self.saved(
            "<enabled xmlns='urn:xmpp:sm:3' id='ab' resume='1' max='258' location='h:1'/>", presence: .init())
        let jid = Array("bridge@example.org/r".utf8)
        let texts: [[UInt8]] = [
            [0, 2], Array("ab".utf8), [0, 20], jid, [0, 1], Array("r".utf8), [0, 3], Array("h:1".utf8),
        ]
        #expect(saved.bytes == [1, 15, 0, 0, 1, 2] + texts.flatMap { $0 })
    }

    /// Every byte is needed, none may follow, and whatever one is changed to is either refused or read as what it says.
    @Test(arguments: enables) func isReadByteByByte(_ enabled: String) throws {
        let bytes = try Self.saved(enabled, presence: .init()).bytes
        for count in 0..<bytes.count { #expect(SavedStream(bytes: Array(bytes[..<count])) == nil, "cut at \(count)") }
        #expect(SavedStream(bytes: bytes + [0]) == nil)
        for place in bytes.indices {
            for value in UInt8.min...UInt8.max where value != bytes[place] {
                var other = bytes
                other[place] = value
                if let read = SavedStream(bytes: other) {
                    #expect(read.bytes == other, "byte \(place) is \(value)")
                    #expect(place > 0, "another version")
                }
            }
        }
    }

    static let wrong: [(String, [UInt8])] = [
        ("nothing", []),
        ("an empty id", [1, 0, 0, 0, 0, 3] + Array("a/b".utf8)),
        ("an address without a resource", [1, 0, 0, 1, 120, 0, 3] + Array("a@b".utf8)),
        ("an address that is none", [1, 0, 0, 1, 120, 0, 2] + Array("@/".utf8)),
        ("an id that is no text", [1, 0, 0, 1, 0xFF, 0, 3] + Array("a/b".utf8)),
        (
            "an id that is too long",
            [1, 0, 0x0F, 0xA1] + [UInt8](repeating: 120, count: 4_001) + [0, 3] + Array("a/b".utf8)
        ),
        ("a place that is none", [1, 4, 0, 1, 120, 0, 3] + Array("a/b".utf8) + [0, 1, 58]),
        ("a port with a zero before it", [1, 4, 0, 1, 120, 0, 3] + Array("a/b".utf8) + [0, 4] + Array("h:01".utf8)),
        ("a flag that nobody knows", [1, 16, 0, 1, 120, 0, 3] + Array("a/b".utf8)),
    ]

    @Test(arguments: wrong.indices) func whatIsNone(_ index: Int) {
        let (name, bytes) = Self.wrong[index]
        #expect(SavedStream(bytes: bytes) == nil, "\(name)")
    }

    @Test func theSmallestIsOne() {
        #expect(SavedStream(bytes: [1, 0, 0, 1, 120, 0, 3] + Array("a/b".utf8)) != nil)
    }

    /// XEP-0198 5 wants no longer id; such a stream is resumed by this process alone.
    @Test(arguments: [4_000, 4_001]) func aLongIdIsNotKept(_ length: Int) throws {
        let id = String(repeating: "x", count: length)
        var talk = try Dialogue()
        talk.feed(.start)
        talk.logIn(enabled: "<enabled xmlns='urn:xmpp:sm:3' id='\(id)' resume='true'/>")
        #expect(talk.did().streams.count == (length == 4_000 ? 1 : 0))
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.output.contains("previd='\(id)'"))
    }
}
