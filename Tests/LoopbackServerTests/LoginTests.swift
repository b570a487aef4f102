import Digest
import LoopbackServer
import Stanza
import Testing

@Suite struct LoginTests {
    static let header =
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='localhost' id='ID' version='1.0' xml:lang='en'>"

    /// What a client hears, with the stream's id as `ID`.
    private func opened(_ dialogue: inout Dialogue, _ id: UInt64) -> String {
        dialogue.open(id)
        let text = dialogue.hear(id)
        let streamID = attribute("id", of: text) ?? "none"
        return text.split(separator: streamID, omittingEmptySubsequences: false).joined(separator: "ID")
    }

    @Test func goesThroughSTARTTLSAndPlain() throws {
        var dialogue = try Dialogue()
        dialogue.connect(1, directTLS: false)
        #expect(
            opened(&dialogue, 1) == Self.header
                + "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
        )
        #expect(
            dialogue.ask(1, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
                == "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        #expect(dialogue.did() == ["startTLS 1", "restartStream 1"])
        dialogue.input(.secured(1))
        #expect(
            opened(&dialogue, 1) == Self.header
                + "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
        )
        #expect(
            dialogue.ask(
                1, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>")
                == "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        #expect(dialogue.did() == ["restartStream 1"])
        #expect(
            opened(&dialogue, 1) == Self.header
                + "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session><sm xmlns='urn:xmpp:sm:3'/><ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/></stream:features>"
        )
        #expect(
            dialogue.ask(
                1,
                "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>home</resource></bind></iq>"
            )
                == "<iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@localhost/home</jid></bind></iq>"
        )
        #expect(dialogue.observed() == [.login(try JID("alice@localhost/home"), resumed: false)])
        dialogue.input(.streamClosed(1))
        #expect(dialogue.hear(1) == "</stream:stream>")
        #expect(dialogue.did() == ["close 1"])
        dialogue.input(.disconnected(1))
        #expect(dialogue.did() == [])
    }

    /// A client's half of SCRAM, written here again so that the server's is not checked against itself.
    @Test(arguments: [
        (Server.Configuration.Mechanism.scramSHA1, Hash.sha1), (.scramSHA256, .sha256), (.scramSHA512, .sha512),
    ])
    func authenticatesBySCRAM(_ mechanism: Server.Configuration.Mechanism, _ hash: Hash) throws {
        var dialogue = try Dialogue { $0.saslMechanisms = [mechanism] }
        dialogue.connect(1)
        dialogue.open(1)
        _ = dialogue.hear(1)
        let first = Base64.encode(Array("n,,n=alice,r=abc".utf8))
        let challenge = dialogue.ask(
            1,
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='\(mechanism.rawValue)'>\(first)</auth>")
        let serverFirst = try #require(content(challenge))
        let fields = serverFirst.split(separator: ",").map { String($0.dropFirst(2)) }
        try #require(fields.count == 3 && fields[0].hasPrefix("abc") && fields[2] == "2")
        let salt = try #require(Base64.decode(fields[1]))
        let salted = hash.pbkdf2(password: Array("secret".utf8), salt: salt, iterations: 2)
        let clientKey = hash.hmac(key: salted, Array("Client Key".utf8))
        let message = Array("n=alice,r=abc,\(serverFirst),c=biws,r=\(fields[0])".utf8)
        let signature = hash.hmac(key: hash.digest(clientKey), message)
        let proof = Base64.encode(zip(clientKey, signature).map { $0 ^ $1 })
        let final = Base64.encode(Array("c=biws,r=\(fields[0]),p=\(proof)".utf8))
        let success = dialogue.ask(1, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(final)</response>")
        let verifier = hash.hmac(key: hash.hmac(key: salted, Array("Server Key".utf8)), message)
        #expect(content(success) == "v=" + Base64.encode(verifier))
        #expect(success.hasPrefix("<success "))
    }

    /// RFC 7677 3, whole: the random bytes are the salt and the server's nonce of its example.
    @Test func speaksTheExampleOfTheRFC() throws {
        var configuration = try Server.Configuration(domain: "localhost", accounts: [("user", "pencil")])
        configuration.saslMechanisms = [.scramSHA256]
        let salt = try #require(Base64.decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
        var server = Server(configuration) { count in
            switch count {
            case 16: salt
            case 24: Array("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".utf8)
            default: Array(repeating: 0, count: count)
            }
        }
        func answer(_ input: Server.Input) -> String? {
            let actions = server.handle(input, at: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
            guard case .write(1, let bytes) = actions.first else { return nil }
            return content(String(decoding: bytes, as: UTF8.self))
        }
        _ = server.handle(.connected(1, directTLS: true), at: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        _ = server.handle(
            .streamOpened(1, Element("stream", NS.stream.description, ["version": "1.0"])),
            at: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        func sasl(_ name: String, _ text: String) -> Element {
            Element(name, NS.sasl.description, ["mechanism": "SCRAM-SHA-256"], text: Base64.encode(Array(text.utf8)))
        }
        let vector = SCRAMTests.vectors[1]
        #expect(answer(.element(1, sasl("auth", vector.clientFirst))) == vector.serverFirst)
        #expect(answer(.element(1, sasl("response", vector.clientFinal))) == vector.serverFinal)
    }

    private func content(_ element: String) -> String? {
        Base64.decode(Reader.element(element).text).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [
        ("PLAIN", "\u{0}alice\u{0}wrong", "not-authorized"), ("PLAIN", "\u{0}nobody\u{0}secret", "not-authorized"),
        ("PLAIN", "\u{0}alice", "malformed-request"), ("PLAIN", "bob\u{0}alice\u{0}secret", "invalid-authzid"),
        ("PLAIN", "\u{0}al/ice\u{0}secret", "not-authorized"), ("SCRAM-SHA-1", "n,,n=alice,r=x", "invalid-mechanism"),
        ("SCRAM-SHA-256", "n,a=bob,n=alice,r=x", "invalid-authzid"), ("EXTERNAL", "", "invalid-mechanism"),
        ("SCRAM-SHA-256", "hello", "malformed-request"),
    ])
    func refuses(_ mechanism: String, _ message: String, _ condition: String) throws {
        var dialogue = try Dialogue()
        dialogue.connect(1)
        dialogue.open(1)
        _ = dialogue.hear(1)
        let encoded = Base64.encode(Array(message.utf8))
        #expect(
            dialogue.ask(1, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='\(mechanism)'>\(encoded)</auth>")
                == "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><\(condition)/></failure>")
    }

    @Test func refusesUnknownNamesOnlyAfterTheProof() throws {
        var dialogue = try Dialogue()
        dialogue.connect(1)
        dialogue.open(1)
        _ = dialogue.hear(1)
        let first = Base64.encode(Array("n,,n=nobody,r=abc".utf8))
        let challenge = dialogue.ask(
            1, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>\(first)</auth>")
        let nonce = try #require(content(challenge)?.split(separator: ",").first)
        let proof = Base64.encode(Array(repeating: 0, count: 32))
        let final = Base64.encode(Array("c=biws,\(nonce),p=\(proof)".utf8))
        #expect(
            dialogue.ask(1, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(final)</response>")
                == "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
        #expect(dialogue.observed() == [.refused(account: "nobody", condition: "not-authorized")])
    }

    @Test func endsAfterThreeFailures() throws {
        var dialogue = try Dialogue()
        dialogue.connect(1)
        dialogue.open(1)
        let attempt = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>!</auth>"
        dialogue.say(1, attempt)
        dialogue.say(1, attempt)
        #expect(dialogue.did() == [])
        dialogue.say(1, attempt)
        #expect(
            dialogue.hear(1).hasSuffix(
                "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"))
        #expect(dialogue.did() == ["close 1"])
        dialogue.say(1, attempt)
        #expect(dialogue.hear(1) == "")
    }

    @Test func nobodyAuthenticatesInClearUnlessAllowed() throws {
        let attempt = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>"
        for (isRequired, answer) in [(true, "<failure"), (false, "<success")] {
            var dialogue = try Dialogue { $0.requiresTLS = isRequired }
            dialogue.connect(1, directTLS: false)
            dialogue.open(1)
            #expect(dialogue.hear(1).range(of: "<mechanism>") == nil || !isRequired)
            #expect(dialogue.ask(1, attempt).hasPrefix(answer))
        }
    }

    @Test(arguments: [
        (true, true, true, "<proceed"), (true, false, false, "<proceed"), (false, true, false, "<failure"),
    ])
    func beginsTLS(_ offers: Bool, _ advertises: Bool, _ isSeen: Bool, _ answer: String) throws {
        var dialogue = try Dialogue {
            $0.offersSTARTTLS = offers
            $0.advertisesSTARTTLS = advertises
        }
        dialogue.connect(1, directTLS: false)
        dialogue.open(1)
        #expect((dialogue.hear(1).range(of: "<starttls") != nil) == isSeen)
        #expect(dialogue.ask(1, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").hasPrefix(answer))
    }

    @Test(arguments: [
        ("stream", "http://etherx.jabber.org/streams", "other.example", "1.0", "host-unknown"),
        ("stream", "urn:x", "localhost", "1.0", "invalid-namespace"),
        ("flow", "http://etherx.jabber.org/streams", "localhost", "1.0", "bad-format"),
        ("stream", "http://etherx.jabber.org/streams", "localhost", "0.9", "unsupported-version"),
    ])
    func refusesHeaders(_ name: String, _ namespace: String, _ to: String, _ version: String, _ condition: String)
        throws
    {
        var dialogue = try Dialogue()
        dialogue.connect(1)
        dialogue.input(.streamOpened(1, Element(name, namespace, ["to": to, "version": version])))
        #expect(
            dialogue.hear(1).hasSuffix(
                "<stream:error><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
            ))
        #expect(dialogue.did() == ["close 1"])
    }

    @Test func aStreamThatCannotBeReadEndsWithAnErrorAndItsHeader() throws {
        var dialogue = try Dialogue()
        dialogue.connect(1)
        dialogue.input(.streamBroken(1, condition: "not-well-formed"))
        let text = dialogue.hear(1)
        #expect(text.hasPrefix("<?xml version='1.0'?><stream:stream "))
        #expect(
            text.hasSuffix(
                "<not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"))
    }

    @Test(arguments: ["<message/>", "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"])
    func noStanzaBeforeBind(_ stanza: String) throws {
        var dialogue = try Dialogue()
        dialogue.authenticate(1, "alice")
        dialogue.say(1, stanza)
        #expect(
            dialogue.hear(1).hasSuffix(
                "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"))
    }

    @Test func picksAResourceAndKeepsTwoApart() throws {
        var dialogue = try Dialogue()
        let bind = "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        dialogue.authenticate(1, "alice")
        dialogue.authenticate(2, "alice")
        _ = dialogue.hear(1)
        _ = dialogue.hear(2)
        let first = dialogue.ask(1, bind)
        let second = dialogue.ask(2, bind)
        #expect(first.range(of: "<jid>alice@localhost/") != nil)
        #expect(first != second)
        #expect(dialogue.did().filter { $0.hasPrefix("close") } == [])
    }

    @Test func aResourceBoundAgainEndsTheOldSession() throws {
        var dialogue = try Dialogue()
        dialogue.login(1, "alice", "home")
        dialogue.bind(2, "alice", "home")
        #expect(
            dialogue.hear(1)
                == "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        )
        #expect(dialogue.did().filter { $0.hasPrefix("close") } == ["close 1"])
        let jid = try JID("alice@localhost/home")
        #expect(dialogue.observed() == [.logout(jid), .login(jid, resumed: false)])
    }

    @Test func limitsSessionsConnectionsAndStanzas() throws {
        var dialogue = try Dialogue {
            $0.limits.connectionsMax = 2
            $0.limits.accountSessionsMax = 1
            $0.stanzaBytesMax = 500
        }
        dialogue.login(1, "alice", "a")
        dialogue.authenticate(2, "alice")
        #expect(dialogue.hear(2).range(of: "<max-bytes>500</max-bytes>") != nil)
        #expect(
            dialogue.ask(2, "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
                .range(of: "<resource-constraint") != nil)
        _ = dialogue.did()
        dialogue.connect(3)
        #expect(dialogue.did() == ["abort 3"])
        let body = String(repeating: "x", count: 600)
        dialogue.say(1, "<message to='bob@localhost'><body>\(body)</body></message>")
        #expect(dialogue.hear(1).range(of: "<policy-violation") != nil)
    }

    @Test func refusesBadConfigurations() {
        #expect(throws: Server.Configuration.Failure.domain("")) {
            try Server.Configuration(domain: "", accounts: [])
        }
        #expect(throws: Server.Configuration.Failure.domain("a@b")) {
            try Server.Configuration(domain: "a@b", accounts: [])
        }
        #expect(throws: Server.Configuration.Failure.account("x/y")) {
            try Server.Configuration(domain: "localhost", accounts: [("x/y", "p")])
        }
    }

    @Test func anAccountIsNamedOnce() {
        #expect(throws: Server.Configuration.Failure.repeatedAccount("a")) {
            try Server.Configuration(domain: "localhost", accounts: [("a", "1"), ("b", "2"), ("a", "3")])
        }
    }

    @Test func passwordsAreShownByNoDescription() throws {
        let configuration = try Server.Configuration(domain: "localhost", accounts: [("alice", "hunter2")])
        let server = Server(configuration, random: { Array(repeating: 0, count: $0) })
        for text in ["\(configuration)", String(reflecting: configuration.accounts), "\(server)"] {
            #expect(text.range(of: "hunter2") == nil)
        }
    }
}
