import COpenSSL
import Testing

@testable import Wire

/// Whole handshakes: certificates against what a client says to them.
@Suite struct TLSCertificateTests {
    let town: Town

    init() throws { town = try Town.made.get() }

    enum Issuer: Sendable { case authority, stranger, itself }

    /// What the words of a refusal must hold.
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var domain = "example.org"
        var issuer = Issuer.authority
        var refusal: [String]?
        var recipe: @Sendable (inout CertificateRecipe) -> Void

        init(
            _ name: String, domain: String = "example.org", issuer: Issuer = .authority,
            refused refusal: [String]? = nil,
            recipe: @escaping @Sendable (inout CertificateRecipe) -> Void = { _ in }
        ) {
            testDescription = name
            self.domain = domain
            self.issuer = issuer
            self.refusal = refusal
            self.recipe = recipe
        }
    }

    static let rows: [Row] = [
        Row("right name") { $0.dnsNames = ["example.org"] },
        Row("wildcard", domain: "chat.example.org") { $0.dnsNames = ["*.example.org"] },
        Row("SRVName alone") { $0.srvNames = ["_xmpp-client.example.org"] },
        Row("XmppAddr alone") { $0.xmppAddresses = ["example.org"] },
        Row("address", domain: "127.0.0.1") { $0.ipAddresses = ["127.0.0.1"] },
        Row("address in brackets", domain: "[::1]") { $0.ipAddresses = ["::1"] },
        Row("common name alone") { $0.commonName = "example.org" },
        Row("RSA") {
            $0.dnsNames = ["example.org"]
            $0.key = .rsa2048
        },
        Row("Ed25519") {
            $0.dnsNames = ["example.org"]
            $0.key = .ed25519
        },
        Row(
            "wildcard for one label only", domain: "a.b.example.org",
            refused: [
                "the certificate is for \"*.example.org\", not for \"a.b.example.org\"; if it is the right server, ",
                "pin it with --fingerprint sha256:",
            ]
        ) { $0.dnsNames = ["*.example.org"] },
        Row("wrong name", refused: ["the certificate is for \"other.example\", not for \"example.org\"; "]) {
            $0.dnsNames = ["other.example"]
        },
        Row("the other service", refused: ["for \"_xmpp-server.example.org\", not for \"example.org\""]) {
            $0.srvNames = ["_xmpp-server.example.org"]
        },
        Row("common name behind another name", refused: ["is for \"other.example\", not for \"example.org\""]) {
            $0.commonName = "example.org"
            $0.dnsNames = ["other.example"]
        },
        Row("no name", refused: ["the certificate names no domain, so it is not for \"example.org\""]),
        Row(
            "many names", refused: ["is for \"a.example\", \"b.example\", \"c.example\", \"d.example\" and 2 more, not"]
        ) {
            $0.dnsNames = ["a", "b", "c", "d", "e", "f"].map { $0 + ".example" }
        },
        Row("a name that plays tricks", refused: ["is for \"\\u{1b}[2J\\\"\\u{a}\", not for"]) {
            $0.xmppAddresses = ["\u{1b}[2J\"\n"]
        },
        Row("expired", refused: ["the certificate expired on 20", "; the server's operator must renew it"]) {
            $0.dnsNames = ["example.org"]
            $0.validUntil = .seconds(-60)
        },
        Row(
            "not yet valid",
            refused: ["the certificate is not yet valid before 20", "; is this machine's clock right?"]
        ) {
            $0.dnsNames = ["example.org"]
            $0.validFrom = .seconds(86_400)
        },
        Row("for clients", refused: ["the certificate was not issued for servers (extended key usage)"]) {
            $0.dnsNames = ["example.org"]
            $0.use = .client
        },
        Row("unknown authority", issuer: .stranger, refused: ["the issuer \"CN=Strange CA\" is not trusted; "]) {
            $0.dnsNames = ["example.org"]
        },
        Row(
            "self-signed", issuer: .itself,
            refused: ["the certificate is self-signed; if it is the right server, pin it with --fingerprint sha256:"]
        ) { $0.dnsNames = ["example.org"] },
        Row(
            "self-signed for another", issuer: .itself,
            refused: ["is self-signed, and the certificate is for \"other.example\", not for \"example.org\"; if"]
        ) { $0.dnsNames = ["other.example"] },
    ]

    @Test(arguments: rows) func aCertificateIsAcceptedOrRefusedWithTheReason(_ row: Row) throws {
        var recipe = CertificateRecipe(commonName: "")
        row.recipe(&recipe)
        let issuer: ServerIdentity? =
            switch row.issuer {
            case .authority: town.authority
            case .stranger: town.stranger
            case .itself: nil
            }
        let identity = try ServerIdentity(making: recipe, issuer: issuer)
        let dialogue = try TLSDialogue(town.client(), TLSPolicy(server: identity), domain: row.domain)
        let outcome = dialogue.meet()
        guard let refusal = row.refusal else {
            #expect(outcome == TLSDialogue.Outcome() && dialogue.client.isEstablished)
            return
        }
        guard case .certificate(let words) = outcome.client else {
            Issue.record("expected a refusal, got \(outcome)")
            return
        }
        for part in refusal { #expect(words.contains(part), "\(words)") }
        #expect(words.utf8.allSatisfy { $0 >= 0x20 }, "one line: \(words)")
        #expect(!dialogue.client.isEstablished && !dialogue.server.isEstablished)
        // The server is told by an alert, not by silence.
        #expect(outcome.server != nil)
        if words.contains("--fingerprint") {
            #expect(words.contains(CertificateFingerprint.text(identity.fingerprint)))
        }
    }

    @Test func theDatesInTheWordsAreThoseOfTheCertificate() throws {
        var recipe = CertificateRecipe(domains: ["example.org"])
        recipe.validFrom = .seconds(-86_400 * 400)
        recipe.validUntil = .seconds(-86_400 * 35)
        let identity = try ServerIdentity(making: recipe, issuer: town.authority)
        let outcome = try TLSDialogue(town.client(), TLSPolicy(server: identity)).meet()
        // OpenSSL's own way to write a date: "Jan  2 03:04:05 2026 GMT".
        let memory = try #require(MemoryBIO())
        ASN1_TIME_print(memory.bio, X509_get0_notAfter(identity.certificate.x509))
        let printed = String(decoding: memory.contents(), as: UTF8.self).split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = try #require(months.firstIndex(of: String(printed[0]))) + 1
        let day = try #require(Int(printed[1]))
        let date = "\(printed[3])-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
        #expect(
            outcome.client
                == .certificate("the certificate expired on \(date); the server's operator must renew it"))
    }

    @Test func aPinReplacesEveryOtherCheck() throws {
        var recipe = CertificateRecipe(domains: ["other.example"])
        recipe.validUntil = .seconds(-60)
        let pinned = try ServerIdentity(making: recipe)
        let other = try ServerIdentity(making: CertificateRecipe(domains: ["example.org"]), issuer: town.authority)
        let client = try TLSPolicy(client: TLSConfiguration(trust: .fingerprint(pinned.fingerprint)))
        let right = try TLSDialogue(client, TLSPolicy(server: pinned))
        #expect(right.meet() == TLSDialogue.Outcome())
        #expect(right.client.facts?.peerFingerprint == pinned.fingerprint)
        let wrong = try TLSDialogue(client, TLSPolicy(server: other)).meet()
        let words =
            "its fingerprint is \(CertificateFingerprint.text(other.fingerprint)), not the pinned \(CertificateFingerprint.text(pinned.fingerprint))"
        #expect(wrong.client == .certificate(words))
        #expect(wrong.client?.description == "the server's certificate is refused: " + words)
    }

    @Test func theSystemDoesNotKnowOurAuthority() throws {
        let outcome = try TLSDialogue(TLSPolicy(client: TLSConfiguration()), town.server()).meet()
        #expect(
            outcome.client
                == .certificate("the issuer \"CN=Test CA\" is not trusted; give its certificate with --ca-file"))
    }

    @Test func aChainIsSentAndAnyLinkOfItMayBeTrusted() throws {
        let root = town.authority
        let middle = try ServerIdentity(making: CertificateRecipe(commonName: "Middle", use: .authority), issuer: root)
        let leaf = try ServerIdentity(making: CertificateRecipe(domains: ["example.org"]), issuer: middle)
        let server = try TLSPolicy(server: leaf)
        let folder = try Folder()
        for (name, trusted) in [("root", root), ("middle", middle), ("leaf", leaf)] {
            let path = try folder.file(name, "a comment\n" + trusted.certificatePEM)
            let client = try TLSPolicy(client: TLSConfiguration(trust: .file(path: path)))
            #expect(try TLSDialogue(client, server).meet() == TLSDialogue.Outcome(), "\(name)")
        }
        let path = try folder.file("other", town.stranger.certificatePEM)
        let client = try TLSPolicy(client: TLSConfiguration(trust: .file(path: path)))
        #expect(
            try TLSDialogue(client, server).meet().client
                == .certificate("the issuer \"CN=Test CA\" is not trusted; \(path) does not hold its certificate"))
    }

    @Test func anExpiredAuthorityIsNamed() throws {
        var recipe = CertificateRecipe(commonName: "Old CA", use: .authority)
        recipe.validUntil = .seconds(-60)
        let old = try ServerIdentity(making: recipe)
        let leaf = try ServerIdentity(making: CertificateRecipe(domains: ["example.org"]), issuer: old)
        let folder = try Folder()
        let client = try TLSPolicy(
            client: TLSConfiguration(trust: .file(path: folder.file("ca", old.certificatePEM))))
        let words = try TLSDialogue(client, TLSPolicy(server: leaf)).meet().client?.message
        #expect(words?.hasPrefix("the issuer's certificate \"CN=Old CA\" expired on 20") == true, "\(words ?? "-")")
    }

    @Test(arguments: [
        (CertificateRecipe.Hash.sha1, CertificateRecipe.Key.p256), (.sha256, .p256), (.sha384, .p256),
        (.sha256, .rsa2048), (.sha384, .rsa2048), (.sha256, .ed25519),
    ])
    func theServerEndPointIsTheHashOfTheCertificate(_ hash: CertificateRecipe.Hash, _ key: CertificateRecipe.Key) throws
    {
        var recipe = CertificateRecipe(domains: ["example.org"])
        recipe.hash = hash
        recipe.key = key
        let identity = try ServerIdentity(making: recipe)
        let client = try TLSPolicy(client: TLSConfiguration(trust: .fingerprint(identity.fingerprint)))
        let dialogue = try TLSDialogue(client, TLSPolicy(server: identity))
        #expect(dialogue.meet() == TLSDialogue.Outcome())
        // Another way: the text of the PEM, decoded here and hashed whole.
        let der = try #require(base64(identity.certificatePEM.split(separator: "\n").dropFirst().dropLast().joined()))
        var expected: [UInt8]?
        switch (key, hash) {
        case (.ed25519, _): expected = nil
        case (_, .sha1), (_, .sha256):
            var bytes = [UInt8](repeating: 0, count: 32)
            SHA256(der, der.count, &bytes)
            expected = bytes
            #expect(identity.fingerprint == bytes)
        case (_, .sha384):
            var bytes = [UInt8](repeating: 0, count: 48)
            SHA384(der, der.count, &bytes)
            expected = bytes
        }
        #expect(dialogue.client.facts?.serverEndPoint == expected)
        #expect(dialogue.server.facts?.serverEndPoint == expected)
    }

    private func base64(_ text: String) -> [UInt8]? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var (bits, count, bytes): (UInt32, Int, [UInt8]) = (0, 0, [])
        for character in text.utf8 where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
