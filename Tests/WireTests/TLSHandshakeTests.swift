import COpenSSL
import Testing

@testable import Wire

/// What two sides without common ground are told, client certificates, and resumption.
@Suite struct TLSHandshakeTests {
    let town: Town

    init() throws { town = try Town.made.get() }

    @Test func aServerOfTLS12IsEnough() throws {
        let server = try town.server()
        _ = shim_SSL_CTX_set_max_proto_version(server.handle, TLS1_2_VERSION)
        let dialogue = try TLSDialogue(town.client(), server)
        #expect(dialogue.meet() == TLSDialogue.Outcome())
        let facts = try #require(dialogue.client.facts)
        #expect(facts.version == "TLSv1.2" && facts.exporter == nil && facts.serverEndPoint?.count == 32)
        try dialogue.client.say([1])
        dialogue.carry()
        #expect(dialogue.serverReads == [1])
    }

    @Test func aServerOfTLS11IsRefused() throws {
        let server = try town.server()
        SSL_CTX_set_security_level(server.handle, 0)
        _ = shim_SSL_CTX_set_min_proto_version(server.handle, TLS1_1_VERSION)
        _ = shim_SSL_CTX_set_max_proto_version(server.handle, TLS1_1_VERSION)
        let outcome = try TLSDialogue(town.client(), server).meet()
        #expect(
            outcome.client
                == .handshake(
                    "the server speaks no version of TLS that we do, which is 1.2 or newer (alert protocol version)"))
    }

    @Test func aServerThatAnswersWithTLS11IsRefused() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        try dialogue.client.start()
        // ServerHello: version 3.2, a random, no session id, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
        let hello: [UInt8] = [3, 2] + [UInt8](repeating: 7, count: 32) + [0, 0, 0x2F, 0]
        let handshake: [UInt8] = [2, 0, 0, UInt8(hello.count)] + hello
        let record: [UInt8] = [22, 3, 2, 0, UInt8(handshake.count)] + handshake
        #expect(
            dialogue.give(record, to: dialogue.client, &dialogue.clientReads)
                == .handshake("the server speaks only versions older than TLS 1.2; it must be upgraded"))
        #expect(dialogue.client.pendingCiphertextBytes > 0, "an alert tells the server")
    }

    @Test func noCipherInCommonIsTold() throws {
        let (client, server) = try (town.client(), town.server())
        for context in [client, server] { _ = shim_SSL_CTX_set_max_proto_version(context.handle, TLS1_2_VERSION) }
        SSL_CTX_set_cipher_list(client.handle, "ECDHE-ECDSA-AES128-GCM-SHA256")
        SSL_CTX_set_cipher_list(server.handle, "ECDHE-ECDSA-AES256-GCM-SHA384")
        let outcome = try TLSDialogue(client, server).meet()
        #expect(
            outcome.client
                == .handshake(
                    "the server sees no cipher or key exchange in common (alert handshake failure), or it demands a client certificate (--client-cert)"
                ))
        #expect(outcome.server == .handshake("no cipher or key exchange in common with the client"))
    }

    @Test(arguments: [
        (SSL_AD_UNRECOGNIZED_NAME, "the server does not serve the domain \"example.org\" (alert unrecognized name)"),
        (SSL_AD_NO_APPLICATION_PROTOCOL, "the server does not speak XMPP on this port (alert no application protocol)"),
        (SSL_AD_INTERNAL_ERROR, "the server ended TLS with the alert internal error"),
        (
            SSL_AD_PROTOCOL_VERSION,
            "the server speaks no version of TLS that we do, which is 1.2 or newer (alert protocol version)"
        ),
        (
            TLS13_AD_CERTIFICATE_REQUIRED,
            "the server demands a client certificate; give one with --client-cert and --client-key"
        ),
        (SSL_AD_UNKNOWN_CA, "the server refuses the connection (alert unknown CA)"),
    ])
    func anAlertIsToldInWords(_ alert: Int32, _ words: String) throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        try dialogue.client.start()
        let bytes: [UInt8] = [21, 3, 3, 0, 2, 2, UInt8(alert)]
        #expect(dialogue.give(bytes, to: dialogue.client, &dialogue.clientReads) == .handshake(words))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION]) func aClientCertificateIsPresentedWhereItIsDemanded(
        version: Int32
    ) throws {
        let server = try TLSPolicy(
            server: ServerIdentity(making: CertificateRecipe(domains: ["example.org"]), issuer: town.authority),
            clients: .issued(byAuthoritiesPEM: town.authority.certificatePEM))
        _ = shim_SSL_CTX_set_max_proto_version(server.handle, version)
        let folder = try Folder()
        func client(issuer: ServerIdentity) throws -> (TLSPolicy, [UInt8]) {
            let identity = try ServerIdentity(
                making: CertificateRecipe(commonName: "bridge", use: .client), issuer: issuer)
            let files = TLSConfiguration.ClientCertificate(
                certificatePath: try folder.file("cert", identity.chainPEM),
                keyPath: try folder.file("key", identity.revealedKeyPEM()))
            return (try town.client(certificate: files), identity.fingerprint)
        }
        let (known, fingerprint) = try client(issuer: town.authority)
        let good = try TLSDialogue(known, server)
        #expect(good.meet() == TLSDialogue.Outcome())
        #expect(good.server.facts?.peerFingerprint == fingerprint)

        let (foreign, _) = try client(issuer: town.stranger)
        let bad = try TLSDialogue(foreign, server).meet()
        #expect(bad.client == .handshake("the server refuses our certificate (alert unknown CA)"))
        #expect(bad.server == .handshake("the client's certificate is not trusted"))

        let none = try TLSDialogue(town.client(), server).meet()
        #expect(none.server == .handshake("the client presented no certificate"))
        let words = try #require(none.client)
        #expect(words.description.hasPrefix("TLS handshake failed: the server "))
        #expect(words.message.contains("demands a client certificate") && words.message.contains("--client-cert"))
    }

    // MARK: Resumption

    @Test func theNextConnectionResumesTheSession() throws {
        let (client, server) = try (town.client(), town.server())
        do {
            let first = try TLSDialogue(client, server)
            first.meet()
            #expect(first.client.facts?.resumed == false)
            // Lost: neither side says goodbye.
        }
        let second = try TLSDialogue(client, server)
        #expect(second.meet() == TLSDialogue.Outcome())
        let facts = try #require(second.client.facts)
        #expect(facts.resumed && second.server.facts?.resumed == true)
        #expect(facts.exporter != nil && facts.exporter == second.server.facts?.exporter)
        #expect(facts.serverEndPoint != nil && facts.serverEndPoint == second.server.facts?.serverEndPoint)
        #expect(facts.peerFingerprint == facts.serverEndPoint)
        second.client.shutdown()
        second.carry()
        let third = try TLSDialogue(client, server)
        third.meet()
        #expect(third.client.facts?.resumed == true)
    }

    @Test func aServerThatKnowsNothingOfTheSessionIsMetAfresh() throws {
        let client = try town.client()
        try TLSDialogue(client, town.server()).meet()
        let second = try TLSDialogue(client, town.server())
        #expect(second.meet() == TLSDialogue.Outcome())
        #expect(second.client.facts?.resumed == false)
    }

    @Test func aSessionIsResumedForItsOwnDomainOnly() throws {
        let client = try town.client()
        let server = try town.server { $0.dnsNames.append("example.net") }
        try TLSDialogue(client, server).meet()
        let other = try TLSDialogue(client, server, domain: "example.net")
        #expect(other.meet() == TLSDialogue.Outcome())
        #expect(other.client.facts?.resumed == false)
    }

    @Test func aSessionInTheWrongHandsIsRefusedByTheNameInItsCertificate() throws {
        let (client, server) = try (town.client(), town.server())
        try TLSDialogue(client, server).meet()
        let right = ReferenceIdentity(domain: "example.org", unicodeDomain: "example.org", parseAddress: { _ in nil })
        let wrong = ReferenceIdentity(domain: "example.net", unicodeDomain: "example.net", parseAddress: { _ in nil })
        let session = try #require(client.takeSession(for: right))
        SSL_SESSION_up_ref(session.handle)
        client.keep(ResumableSession(owning: session.handle, identity: wrong))
        let dialogue = try TLSDialogue(client, server, domain: "example.net")
        let outcome = dialogue.meet()
        #expect(dialogue.server.facts?.resumed == true, "the server has resumed, the client will not have it")
        #expect(outcome.client?.message.hasPrefix("the certificate is for \"example.org\", not for") == true)
        #expect(!dialogue.client.isEstablished)
    }

    @Test func theJudgeOfAResumedSessionLooksAtNameDateAndPin() throws {
        func verdict(_ identity: ServerIdentity, _ trust: TLSConfiguration.Trust) -> String? {
            let reference = ReferenceIdentity(
                domain: "example.org", unicodeDomain: "example.org", parseAddress: { _ in nil })
            return ServerJudge(identity: reference, trust: trust).judgeResumed(identity.certificate.x509)
        }
        var recipe = CertificateRecipe(domains: ["example.org"])
        let good = try ServerIdentity(making: recipe)
        let misnamed = try ServerIdentity(making: CertificateRecipe(domains: ["example.net"]))
        recipe.validUntil = .seconds(-60)
        let expired = try ServerIdentity(making: recipe)
        #expect(verdict(good, .system) == nil)
        #expect(verdict(misnamed, .system)?.contains("not for \"example.org\"") == true)
        #expect(verdict(expired, .system)?.hasPrefix("the certificate expired on ") == true)
        #expect(verdict(expired, .fingerprint(expired.fingerprint)) == nil)
        #expect(verdict(good, .fingerprint(expired.fingerprint))?.hasPrefix("its fingerprint is") == true)
    }

    @Test func aSessionOfABrokenConnectionIsForgotten() throws {
        let (client, server) = try (town.client(), town.server())
        let first = try TLSDialogue(client, server)
        first.meet()
        var junk = [UInt8](repeating: 0, count: 64)
        junk.replaceSubrange(0..<5, with: [23, 3, 3, 0, 59])
        #expect(
            first.give(junk, to: first.client, &first.clientReads) == .broken("a record from the server is damaged"))
        let second = try TLSDialogue(client, server)
        second.meet()
        #expect(second.client.facts?.resumed == false)
    }
}
