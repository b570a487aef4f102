import COpenSSL
import Testing

@testable import Wire

@Suite struct TLSDialogueTests {
    let town: Town

    init() throws { town = try Town.made.get() }

    @Test(arguments: [Int.max, 1_000, 1]) func twoEnginesMeetAndTalk(piece: Int) throws {
        let dialogue = try TLSDialogue(town.client(), town.server(), piece: piece)
        #expect(!dialogue.client.isEstablished && dialogue.client.facts == nil)
        #expect(dialogue.meet() == TLSDialogue.Outcome())
        let client = try #require(dialogue.client.facts)
        let server = try #require(dialogue.server.facts)
        #expect(client.version == "TLSv1.3" && server.version == "TLSv1.3")
        #expect(client.cipher == server.cipher && client.cipher.hasPrefix("TLS_"))
        #expect(!client.resumed && client.alpn == nil)
        #expect(client.exporter?.count == 32 && client.exporter == server.exporter)
        #expect(client.serverEndPoint?.count == 32 && client.serverEndPoint == server.serverEndPoint)
        #expect(client.peerFingerprint == client.serverEndPoint && server.peerFingerprint == nil)

        try dialogue.client.say(Array("<stream:stream>".utf8))
        try dialogue.server.say(Array("<stream:features/>".utf8))
        #expect(dialogue.carry() == TLSDialogue.Outcome())
        #expect(dialogue.serverReads == Array("<stream:stream>".utf8))
        #expect(dialogue.clientReads == Array("<stream:features/>".utf8))
    }

    @Test func eachConnectionHasItsOwnKeys() throws {
        let (client, server) = try (town.client(), town.server())
        let exporters = try (0..<2).map { _ in
            let dialogue = try TLSDialogue(client, server)
            dialogue.meet()
            return dialogue.client.facts?.exporter
        }
        #expect(exporters[0] != nil && exporters[0] != exporters[1])
    }

    @Test(arguments: [Int.max, 4_096]) func aMegabyteGoesBothWays(piece: Int) throws {
        let dialogue = try TLSDialogue(town.client(), town.server(), piece: piece)
        dialogue.meet()
        let there = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let back = Array(there.reversed())
        try dialogue.client.say(there)
        try dialogue.server.say(back)
        #expect((1_048_577...1_060_000).contains(dialogue.client.pendingCiphertextBytes))
        #expect(dialogue.carry() == TLSDialogue.Outcome())
        #expect(dialogue.serverReads == there)
        #expect(dialogue.clientReads == back)
    }

    @Test func whatIsTakenGoesBehindWhatIsThere() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        dialogue.meet()
        try dialogue.client.say([1, 2, 3])
        let waiting = dialogue.client.pendingCiphertextBytes
        var bytes: [UInt8] = [9, 9]
        dialogue.client.takeCiphertext(into: &bytes)
        #expect(bytes.count == 2 + waiting && bytes.starts(with: [9, 9, 23, 3, 3]))
        #expect(dialogue.client.pendingCiphertextBytes == 0 && dialogue.client.taken() == [])
        #expect(dialogue.give(Array(bytes.dropFirst(2)), to: dialogue.server, &dialogue.serverReads) == nil)
        #expect(dialogue.serverReads == [1, 2, 3])
    }

    @Test func nothingIsSentBeforeTheHandshakeOrAfterTheEnd() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        #expect(throws: TLSFailure.notOpen("TLS is not established yet")) { try dialogue.client.say([1]) }
        dialogue.client.shutdown()
        #expect(dialogue.client.pendingCiphertextBytes == 0)
        dialogue.meet()
        dialogue.client.shutdown()
        #expect(throws: TLSFailure.notOpen("TLS is already shut down on our side")) { try dialogue.client.say([1]) }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION]) func eachSideAnnouncesItsEnd(version: Int32) throws {
        let server = try town.server()
        _ = shim_SSL_CTX_set_max_proto_version(server.handle, version)
        let dialogue = try TLSDialogue(town.client(), server)
        dialogue.meet()
        try dialogue.client.say(Array("</stream:stream>".utf8))
        dialogue.client.shutdown()
        dialogue.client.shutdown()
        #expect(dialogue.carry() == TLSDialogue.Outcome())
        #expect(dialogue.serverReads == Array("</stream:stream>".utf8))
        #expect(dialogue.server.peerClosed && !dialogue.client.peerClosed)
        try dialogue.server.receiveEnd()
        // The other direction still stands (RFC 8446 6.1); in TLS 1.2 the answer is close_notify alone (RFC 5246 7.2.1).
        if version == TLS1_3_VERSION {
            try dialogue.server.say(Array("</late>".utf8))
            dialogue.carry()
            #expect(dialogue.clientReads == Array("</late>".utf8))
        }
        dialogue.server.shutdown()
        #expect(dialogue.carry() == TLSDialogue.Outcome())
        #expect(dialogue.client.peerClosed)
        try dialogue.client.receiveEnd()
        try dialogue.client.feed([1, 2, 3], &dialogue.clientReads)
    }

    @Test func anEndWithoutCloseNotifyIsTold() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        dialogue.meet()
        #expect(
            throws: TLSFailure.truncated("the server closed the connection without the end of TLS (close_notify)")
        ) { try dialogue.client.receiveEnd() }
        #expect(
            throws: TLSFailure.truncated("the client closed the connection without the end of TLS (close_notify)")
        ) { try dialogue.server.receiveEnd() }
    }

    @Test func anEndWithinTheHandshakeIsTold() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        try dialogue.client.start()
        try dialogue.server.feed(dialogue.client.taken(), &dialogue.serverReads)
        try dialogue.client.feed(Array(dialogue.server.taken().prefix(100)), &dialogue.clientReads)
        let failure = TLSFailure.handshake("the server closed the connection during the TLS handshake")
        #expect(throws: failure) { try dialogue.client.receiveEnd() }
        #expect(throws: failure) { try dialogue.client.feed([22], &dialogue.clientReads) }
        #expect(throws: failure) { try dialogue.client.say([1]) }
    }

    @Test func aDamagedRecordBreaksTheConnectionButNotWhatCameBefore() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        dialogue.meet()
        try dialogue.server.say([1, 2, 3])
        let sound = dialogue.server.taken()
        try dialogue.server.say([4, 5, 6])
        var damaged = dialogue.server.taken()
        damaged[damaged.count - 1] ^= 1
        #expect(throws: TLSFailure.broken("a record from the server is damaged")) {
            try dialogue.client.feed(sound + damaged, &dialogue.clientReads)
        }
        #expect(dialogue.clientReads == [1, 2, 3])
        #expect(!dialogue.client.isEstablished)
        #expect(
            dialogue.carry().server == .broken("the client ended TLS with the alert bad record mac"))
        #expect(throws: TLSFailure.broken("a record from the server is damaged")) { try dialogue.client.say([1]) }
    }

    @Test func newKeysAreAgreedOnAndAnswered() throws {
        let dialogue = try TLSDialogue(town.client(), town.server())
        dialogue.meet()
        for round in 0..<50 {
            SSL_key_update(dialogue.server.ssl, SSL_KEY_UPDATE_REQUESTED)
            try dialogue.server.say([UInt8(round)])
            #expect(dialogue.carry() == TLSDialogue.Outcome())
            try dialogue.client.say([UInt8(round)])
            #expect(dialogue.carry() == TLSDialogue.Outcome())
        }
        #expect(dialogue.clientReads == Array(0..<50) && dialogue.serverReads == Array(0..<50))
    }

    @Test func renegotiationIsDeclined() throws {
        let server = try town.server()
        _ = shim_SSL_CTX_set_max_proto_version(server.handle, TLS1_2_VERSION)
        SSL_CTX_clear_options(server.handle, shim_SSL_OP_NO_RENEGOTIATION)
        let dialogue = try TLSDialogue(town.client(), server)
        dialogue.meet()
        let before = dialogue.client.facts
        #expect(SSL_renegotiate(dialogue.server.ssl) == 1 && SSL_do_handshake(dialogue.server.ssl) == 1)
        try dialogue.server.say([1])
        #expect(dialogue.give(dialogue.server.taken(), to: dialogue.client, &dialogue.clientReads) == nil)
        #expect(dialogue.clientReads == [1])
        #expect(before != nil && dialogue.client.facts == before)
        // What the server does with the refusal is its own matter; this one gives up.
        let refusal = dialogue.give(dialogue.client.taken(), to: dialogue.server, &dialogue.serverReads)
        #expect(refusal?.message.contains("renegotiation") == true, "\(refusal.debugDescription)")
    }

    @Test func directTLSNamesTheProtocol() throws {
        let direct = try TLSDialogue(town.client(), town.server(), direct: true)
        direct.meet()
        #expect(direct.client.facts?.alpn == "xmpp-client" && direct.server.facts?.alpn == "xmpp-client")
    }

    @Test func theClientHelloNamesTheDomainUnlessItIsAnAddress() throws {
        func hello(_ domain: String) throws -> String {
            let engine = try TLSEngine(client: town.client(), domain: domain, unicodeDomain: domain, direct: false)
            try engine.start()
            return String(decoding: engine.taken(), as: UTF8.self)
        }
        #expect(try hello("Example.Org").contains("example.org"))
        #expect(try !hello("192.0.2.1").contains("192.0.2.1"))
        #expect(try !hello("[2001:db8::1]").contains("2001"))
        let long = String(repeating: "a", count: 300)
        #expect(throws: TLSFailure.self) { try hello(long) }
    }

    @Test func garbageInsteadOfAServerIsTold() throws {
        func words(_ bytes: [UInt8], direct: Bool, piece: Int) throws -> TLSFailure? {
            let dialogue = try TLSDialogue(town.client(), town.server(), direct: direct, piece: piece)
            try dialogue.client.start()
            return dialogue.give(bytes, to: dialogue.client, &dialogue.clientReads)
        }
        for piece in [Int.max, 1] {
            let plain = try words(Array("<?xml version='1.0'?>".utf8), direct: true, piece: piece)
            let message = try #require(plain?.message)
            #expect(message.hasPrefix("what the server sent is not TLS, it begins with \"<?xm"))
            #expect(message.hasSuffix("; is this a port for direct TLS (5223)?"))
            let injected = try words(Array("<stream:features>\u{1b}[2J".utf8), direct: false, piece: piece)
            #expect(injected?.message.hasSuffix("; something stands between us and the server") == true)
            #expect(injected?.message.contains("\u{1b}") == false)
            let broken = try words([22, 3, 3, 0, 4, 2, 0, 0, 0], direct: false, piece: piece)
            #expect(broken?.message.hasPrefix("what the server sent breaks the protocol (") == true)
        }
    }

    @Test func anyBytesFailOrWaitButNeverCrash() throws {
        let (client, server) = try (town.client(), town.server())
        var seed: UInt64 = 0x9E37_79B9_7F4A_7C15
        for round in 0..<200 {
            let dialogue = try TLSDialogue(client, server)
            try dialogue.client.start()
            try dialogue.server.feed(dialogue.client.taken(), &dialogue.serverReads)
            var flight = dialogue.server.taken()
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let position = Int(seed >> 33) % flight.count
            flight[position] ^= UInt8(truncatingIfNeeded: round | 1)
            let failure = dialogue.give(flight, to: dialogue.client, &dialogue.clientReads)
            // The header of the first record is the only part that no hash or tag covers.
            #expect(!dialogue.client.isEstablished || position < 5, "byte \(position)")
            #expect(failure.map { !$0.message.isEmpty } ?? true)
            #expect(dialogue.clientReads.isEmpty)
        }
    }
}
