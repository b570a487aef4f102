import Stanza
import Testing

@testable import Session

@Suite struct SASLFailureTests {
    /// RFC 6120 6.5, each condition: what it is and what follows from it.
    static let conditions: [(String, SASLFailure, SASLFailure.Disposition)] = [
        ("aborted", .faulty(condition: "aborted", text: "why"), .protocolFault),
        ("account-disabled", .accountDisabled(text: "why"), .credentials),
        ("credentials-expired", .credentialsExpired(text: "why"), .credentials),
        ("encryption-required", .faulty(condition: "encryption-required", text: "why"), .protocolFault),
        ("incorrect-encoding", .faulty(condition: "incorrect-encoding", text: "why"), .protocolFault),
        ("invalid-authzid", .refused(condition: "invalid-authzid", text: "why"), .credentials),
        ("invalid-mechanism", .faulty(condition: "invalid-mechanism", text: "why"), .protocolFault),
        ("malformed-request", .faulty(condition: "malformed-request", text: "why"), .protocolFault),
        ("mechanism-too-weak", .faulty(condition: "mechanism-too-weak", text: "why"), .protocolFault),
        ("not-authorized", .refused(condition: "not-authorized", text: "why"), .credentials),
        ("temporary-auth-failure", .temporary(condition: "temporary-auth-failure", text: "why"), .temporary),
        ("bad-auth", .refused(condition: "bad-auth", text: "why"), .credentials),
    ]

    @Test(arguments: conditions)
    func refusals(_ condition: String, _ expected: SASLFailure, _ disposition: SASLFailure.Disposition) {
        let space = NS.sasl.description
        let element = Element(
            "failure", space, [:], [Element(condition, space), Element("text", space, ["xml:lang": "en"], text: "why")])
        let failure = SASLFailure(refusal: element)
        #expect(failure == expected)
        #expect(failure.disposition == disposition)
        #expect(failure.description.contains(condition))
        #expect(failure.description.contains("why"))
    }

    @Test func aFailureThatSaysNothingIsARefusal() {
        let space = NS.sasl.description
        #expect(
            SASLFailure(refusal: Element("failure", space)) == .refused(condition: "not-authorized", text: nil))
        #expect(
            SASLFailure(refusal: Element("failure", space, [:], [Element("text", space, text: "why")]))
                == .refused(condition: "not-authorized", text: "why"))
        #expect(
            SASLFailure(refusal: Element("failure", space)).description
                == "authentication refused (not-authorized); check the account's name and its password or certificate")
    }

    @Test func aServersWordsCannotReachTheTerminal() {
        let space = NS.sasl.description
        let text = "a\u{1B}[2J\nb\u{2028}" + String(repeating: "x", count: 10_000)
        let failure = SASLFailure(
            refusal: Element(
                "failure", space, [:], [Element("not-authorized", space), Element("text", space, text: text)]))
        let shown = failure.description
        #expect(shown.utf8.count < 400)
        #expect(shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{2028}" && $0 != "\u{7F}" })
    }

    @Test func aLongOfferIsCutShort() {
        let offer = (1...100).map { SASLFailure.Unused(mechanism: "X-\($0)", reason: "not known here") }
        #expect(SASLFailure.noSharedMechanism(offer).description.hasSuffix("X-12 (not known here) and 88 more"))
    }

    static let every: [SASLFailure] = [
        .refused(condition: "c", text: nil), .accountDisabled(text: nil), .credentialsExpired(text: nil),
        .temporary(condition: "c", text: nil), .faulty(condition: "c", text: nil), .unusableCredentials("w"),
        .noSharedMechanism([]), .serverNotProven(.missing), .serverNotProven(.wrong), .nonceChanged, .iterations("w"),
        .channelBinding("w"), .mandatoryExtension, .malformed("w"),
    ]

    @Test func eachIsOneLineOfItsOwn() {
        let lines = Self.every.map(\.description)
        #expect(Set(lines).count == lines.count)
        #expect(lines.allSatisfy { !$0.isEmpty && !$0.contains("\n") })
    }

    // MARK: - Secrets

    @Test(arguments: ["SCRAM-SHA-1", "PLAIN"]) func noSecretShows(_ mechanism: String) throws {
        let password = "correct horse"
        var sasl = try SASLExchange.select(
            offered: [mechanism], credentials: .password(Secret(password)), account: try JID("u@example.org"), tls: nil,
            bindingTypes: nil, cachedKeys: nil, plaintextAllowed: true
        ).get()
        var seen: [Any] = []
        let begun = sasl.begin(nonce: Array(0..<24))
        seen += [begun, sasl]
        let challenge = sasl.challenge(Array("r=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXx,s=c2FsdA==,i=1".utf8))
        seen += [challenge, sasl]
        if case .derive(let derivation) = challenge {
            let keys = derivation.run()
            seen += [derivation, keys, Input.derived(keys), Action.derive(derivation)]
            seen += [
                SCRAMKeyCache(hash: .sha1, salt: [1], iterations: 1, saltedPassword: keys.saltedPassword),
                sasl.derived(keys) as Any, sasl,
            ]
            let bytes = keys.saltedPassword.map(String.init).joined(separator: ", ")
            for one in seen { #expect(!Self.shown(one).contains(bytes)) }
        }
        let bytes = Array(password.utf8).map(String.init).joined(separator: ", ")
        for one in seen {
            #expect(!Self.shown(one).contains(password))
            #expect(!Self.shown(one).contains(bytes))
        }
    }

    static func shown(_ value: Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(reflecting: value)) \(dumped)"
    }

    // MARK: - Passwords

    @Test(arguments: ["p", "a b", "~!@#$%^&*()_+,=/", String(repeating: "x", count: 5_000)])
    func asciiIsPreparedAsItStands(_ password: String) throws {
        #expect(try SASLExchange.preparedPassword(Secret(password)).revealed == password)
    }

    @Test(arguments: ["", "a\u{0}b", "a\nb", "\u{7F}", "\u{E9}\u{0}"]) func passwordsThatCannotBe(_ password: String) {
        #expect(throws: SASLFailure.self) { try SASLExchange.preparedPassword(Secret(password)) }
    }

    @Test(arguments: ["p\u{E4}ss/w\u{F6}rd@x", "\u{6F22}\u{5B57}"]) func otherScripts(_ password: String) throws {
        #expect(try SASLExchange.preparedPassword(Secret(password)).revealed == password)
    }
}
