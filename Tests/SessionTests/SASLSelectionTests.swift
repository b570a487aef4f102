import Digest
import Stanza
import Testing

@testable import Session

/// What is chosen of an offer, and what the client says about channel binding (RFC 5802 6, XEP-0440 3).
@Suite struct SASLSelectionTests {
    static let tls13 = TLSFacts(version: "TLSv1.3", exporter: [1], serverEndPoint: [2])
    static let tls12 = TLSFacts(version: "TLSv1.2", exporter: nil, serverEndPoint: [2])
    /// A certificate whose signature names no hash, on TLS 1.3.
    static let exporterOnly = TLSFacts(version: "TLSv1.3", exporter: [1], serverEndPoint: nil)
    static let nothingToBind = TLSFacts(version: "TLSv1.2", exporter: nil, serverEndPoint: nil)

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var offered: String
        var tls: TLSFacts?
        var types: [String]?
        /// The mechanism and how the initial response begins.
        var expected: (mechanism: String, begins: String)
        var testDescription: String { name }

        init(
            _ name: String, _ offered: String, _ tls: TLSFacts?, _ types: [String]? = nil,
            _ mechanism: String, _ begins: String
        ) {
            self.name = name
            self.offered = offered
            self.tls = tls
            self.types = types
            expected = (mechanism, begins)
        }
    }

    static let all =
        "PLAIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-512 "
        + "SCRAM-SHA-512-PLUS EXTERNAL X-OAUTH2"
    static let openfire = "PLAIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS"
    static let both = ["tls-server-end-point", "tls-exporter"]
    static let endPoint = ["tls-server-end-point"]

    static let password: [Case] = [
        Case("strongest hash, bound by the exporter", all, tls13, both, "SCRAM-SHA-512-PLUS", "p=tls-exporter,,n=u,r="),
        Case("the end point on TLS 1.2", all, tls12, both, "SCRAM-SHA-512-PLUS", "p=tls-server-end-point,,n=u,r="),
        Case("Openfire on TLS 1.3", openfire, tls13, endPoint, "SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,n=u,r="),
        Case(
            "-PLUS before the hash", "SCRAM-SHA-512 SCRAM-SHA-1-PLUS SCRAM-SHA-1", tls13, both, "SCRAM-SHA-1-PLUS",
            "p=tls-exporter,,"),
        Case("unknown types are passed over", all, tls13, ["x"] + both, "SCRAM-SHA-512-PLUS", "p=tls-exporter,,"),
        // Not offered: y, whatever the types say.
        Case("no -PLUS", "PLAIN SCRAM-SHA-1 SCRAM-SHA-256", tls13, nil, "SCRAM-SHA-256", "y,,n=u,r="),
        Case("no -PLUS, though types", "SCRAM-SHA-1", tls12, both, "SCRAM-SHA-1", "y,,"),
        // No list of types: servers from before XEP-0440.
        Case("ejabberd 23.01 on TLS 1.3", all, tls13, nil, "SCRAM-SHA-512", "n,,"),
        Case("Prosody 0.12 on TLS 1.2", all, tls12, nil, "SCRAM-SHA-512", "n,,"),
        Case("an empty list is none", all, tls13, [], "SCRAM-SHA-512", "n,,"),
        Case("nothing but -PLUS, 1.3", "SCRAM-SHA-1-PLUS PLAIN", tls13, nil, "SCRAM-SHA-1-PLUS", "p=tls-exporter,,"),
        Case(
            "nothing but -PLUS, 1.2", "SCRAM-SHA-1-PLUS PLAIN", tls12, nil, "SCRAM-SHA-1-PLUS",
            "p=tls-server-end-point,,"),
        // We cannot bind: n.
        Case("no TLS", all, nil, both, "SCRAM-SHA-512", "n,,"),
        Case("no data", all, nothingToBind, both, "SCRAM-SHA-512", "n,,"),
        Case("no data, no -PLUS", "SCRAM-SHA-1", nothingToBind, nil, "SCRAM-SHA-1", "n,,"),
        Case("an end point that the certificate lacks", all, exporterOnly, endPoint, "SCRAM-SHA-512", "n,,"),
        Case(
            "-PLUS only with an unknown hash", "SCRAM-SHA3-512-PLUS SCRAM-SHA-256", tls13, both, "SCRAM-SHA-256",
            "n,,"),
        Case("the first is not the best", "SCRAM-SHA-512 SCRAM-SHA-1", tls13, nil, "SCRAM-SHA-512", "y,,"),
        // PLAIN: the last resort.
        Case("nothing but PLAIN", "PLAIN", tls12, nil, "PLAIN", "\u{0}u\u{0}p"),
        Case("PLAIN among what is no SCRAM", "X-OAUTH2 DIGEST-MD5 PLAIN", tls13, both, "PLAIN", "\u{0}u\u{0}p"),
    ]

    @Test(arguments: password) func chooses(_ one: Case) throws {
        var sasl = try Self.select(one.offered, tls: one.tls, types: one.types).get()
        #expect(sasl.mechanism == one.expected.mechanism)
        guard case .respond(let initial?) = sasl.begin(nonce: Array(0..<24)) else {
            Issue.record("no initial response")
            return
        }
        #expect(String(decoding: initial, as: UTF8.self).hasPrefix(one.expected.begins))
    }

    static func select(
        _ offered: String, credentials: Configuration.Credentials = .password(Secret("p")), tls: TLSFacts? = tls13,
        types: [String]? = nil, plaintextAllowed: Bool = false
    ) throws -> Result<SASLExchange, SASLFailure> {
        SASLExchange.select(
            offered: offered.split(separator: " ").map(String.init), credentials: credentials,
            account: try JID("u@example.org"), tls: tls, bindingTypes: types, cachedKeys: nil,
            plaintextAllowed: plaintextAllowed)
    }

    static func failure(_ result: Result<SASLExchange, SASLFailure>) -> SASLFailure? {
        switch result {
        case .success: nil
        case .failure(let failure): failure
        }
    }

    /// A list that lacks the type every server must have was cut by somebody (XEP-0440 3, rule 6).
    @Test(arguments: [["tls-unique"], ["x-1", "x-2"]]) func aCutListOfTypesIsRefused(_ types: [String]) throws {
        let failure = Self.failure(try Self.select(Self.all, tls: Self.tls13, types: types))
        guard case .channelBinding? = failure else {
            Issue.record("not refused: \(String(describing: failure))")
            return
        }
        #expect(failure?.disposition == .protocolFault)
        // Only the exporter is shared on no TLS 1.2 connection.
        guard case .channelBinding? = Self.failure(try Self.select(Self.all, tls: Self.tls12, types: ["tls-exporter"]))
        else {
            Issue.record("not refused on TLS 1.2")
            return
        }
    }

    /// Somebody takes XEP-0440's list away from a server that we have bound to before.
    @Test func aListThatIsGoneTalksNobodyOutOfBinding() throws {
        func flag(_ tls: TLSFacts, _ earlier: ChannelBinding.Kind?) throws -> String {
            var sasl = try SASLExchange.select(
                offered: ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], credentials: .password(Secret("p")),
                account: try JID("u@example.org"), tls: tls, bindingTypes: nil,
                cachedKeys: SCRAMKeyCache(
                    hash: .sha1, salt: [1], iterations: 1, saltedPassword: [], boundBy: earlier)
            ).get()
            guard case .respond(let initial?) = sasl.begin(nonce: Array(0..<24)) else { return "" }
            return String(decoding: initial.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
        }
        #expect(try flag(Self.tls13, .tlsServerEndPoint) == "p=tls-server-end-point")
        #expect(try flag(Self.tls13, .tlsExporter) == "p=tls-exporter")
        #expect(try flag(Self.tls13, nil) == "n")
        // The connection is another one now, and has no exporter.
        #expect(try flag(Self.tls12, .tlsExporter) == "n")
    }

    @Test func plainNeverGoesInClearWithoutTheUsersWord() throws {
        #expect(
            Self.failure(try Self.select("PLAIN", tls: nil))
                == .noSharedMechanism([.init(mechanism: "PLAIN", reason: "the password would go in clear")]))
        #expect(try Self.select("PLAIN", tls: nil, plaintextAllowed: true).get().mechanism == "PLAIN")
        // The word allows PLAIN; it does not prefer it.
        #expect(
            try Self.select("PLAIN SCRAM-SHA-1", tls: nil, plaintextAllowed: true).get().mechanism == "SCRAM-SHA-1")
    }

    /// The server can do better than PLAIN, we cannot: a person decides, not we.
    @Test(arguments: [
        ("PLAIN SCRAM-SHA-1-PLUS", nothingToBind), ("PLAIN SCRAM-SHA3-512", tls13),
        ("SCRAM-SHA3-512-PLUS PLAIN", tls13),
    ])
    func plainIsNoFallbackFromSCRAM(_ offered: String, _ tls: TLSFacts) throws {
        let failure = Self.failure(try Self.select(offered, tls: tls))
        guard case .noSharedMechanism(let unused)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(Set(unused.map(\.mechanism)) == Set(offered.split(separator: " ").map(String.init)))
    }

    @Test func theReasonsAreNamed() throws {
        let failure = Self.failure(try Self.select("SCRAM-SHA-1-PLUS PLAIN EXTERNAL ANONYMOUS GSSAPI", tls: nil))
        #expect(
            failure?.description
                == "no way to authenticate: the server offers SCRAM-SHA-1-PLUS (needs TLS to bind to), PLAIN (the "
                + "password would go in clear), EXTERNAL (no client certificate is configured), ANONYMOUS (anonymous "
                + "login is not asked for), GSSAPI (not known here)")
        #expect(
            Self.failure(try Self.select(""))?.description
                == "no way to authenticate: the server offers no mechanism")
    }

    @Test func external() throws {
        var sasl = try Self.select("PLAIN EXTERNAL", credentials: .external).get()
        #expect(sasl.mechanism == "EXTERNAL")
        #expect(sasl.begin(nonce: []) == .respond([]))
        #expect(SASLExchange.text([]) == "=")
        #expect(sasl.challenge([]) == .respond([]))
        #expect(sasl.success(nil) == nil)
        #expect(Self.failure(try Self.select("PLAIN", credentials: .external)) != nil)
        #expect(Self.failure(try Self.select("EXTERNAL", credentials: .external, tls: nil)) != nil)
    }

    @Test func anonymous() throws {
        var sasl = try Self.select("PLAIN ANONYMOUS", credentials: .anonymous).get()
        #expect(sasl.mechanism == "ANONYMOUS")
        #expect(sasl.begin(nonce: []) == .respond(nil))
        #expect(sasl.success(nil) == nil)
        #expect(
            Self.failure(try Self.select("PLAIN", credentials: .anonymous))?.description
                == "no way to authenticate: the server offers PLAIN (not anonymous, which is configured)")
    }

    @Test func anEmptyChallengeAsksOnceForTheInitialResponse() throws {
        var sasl = try Self.select("PLAIN").get()
        let initial = sasl.begin(nonce: [])
        #expect(initial == .respond(Array("\u{0}u\u{0}p".utf8)))
        #expect(sasl.challenge([]) == initial)
        #expect(sasl.challenge([]) == .failed(.malformed("a challenge that PLAIN does not have")))
        var other = try Self.select("PLAIN").get()
        _ = other.begin(nonce: [])
        #expect(other.challenge([1]) == .failed(.malformed("a challenge that PLAIN does not have")))
    }

    @Test func anAccountWithoutANameHasNoPassword() throws {
        let result = SASLExchange.select(
            offered: ["SCRAM-SHA-1"], credentials: .password(Secret("p")), account: try JID("example.org"), tls: nil,
            bindingTypes: nil, cachedKeys: nil)
        #expect(Self.failure(result)?.disposition == .credentials)
    }
}
