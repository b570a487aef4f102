import Digest
import LoopbackServer
import Stanza
import Testing

@Suite struct FaultTests {
    /// Takes connection `id` of alice as far as it goes: TLS, SCRAM's first half by PLAIN's side, bind, management,
    /// roster, presence, three messages to herself, a question, the end. Nothing is said once it is reset or hung.
    private func walk(_ dialogue: inout Dialogue, _ id: UInt64) {
        dialogue.connect(id, directTLS: false)
        dialogue.open(id)
        dialogue.say(id, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        dialogue.input(.secured(id))
        dialogue.open(id)
        dialogue.say(id, Self.auth)
        dialogue.open(id)
        dialogue.say(id, Self.bind)
        dialogue.say(id, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        dialogue.say(id, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
        dialogue.say(id, "<presence/>")
        for number in 1...3 { dialogue.say(id, "<message id='m\(number)'><body>\(number)</body></message>") }
        dialogue.say(id, "<a xmlns='urn:xmpp:sm:3' h='1'/>")
        dialogue.say(id, "<r xmlns='urn:xmpp:sm:3'/>")
        dialogue.input(.streamClosed(id))
    }

    static let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>"
    static let bind =
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>home</resource></bind></iq>"

    /// Where each trigger stands in what the walk hears: a mark heard last before it, and one that comes with it.
    static let moments: [(trigger: String, before: String?, with: String?)] = [
        ("connect", nil, "<?xml"), ("header", nil, "<?xml"), ("features", "<?xml", "<starttls"),
        ("starttls", "<starttls", "<proceed"), ("proceed", "<starttls", "<proceed"),
        ("secured", "<proceed", "<mechanisms"), ("features=2", "<proceed", "<mechanisms"),
        ("auth", "<mechanisms", "<success"), ("success", "<mechanisms", "<success"),
        ("header=3", "<success", "urn:ietf:params:xml:ns:xmpp-bind"), ("bind", "<session", "<jid>"),
        ("enable", "<jid>", "<enabled"), ("roster", "<enabled", "id='r'"), ("iq", "<enabled", "id='r'"),
        ("stanzas=2", "id='r'", "<presence"), ("presence", "id='r'", "<presence"), ("messages", "<presence", "id='m1'"),
        ("messages=3", "id='m2'", "id='m3'"), ("stanzas=5", "id='m2'", "id='m3'"), ("sent=3", "<presence", "id='m1'"),
        ("request", "id='m3'", "<a "), ("close", "<a ", "</stream:stream>"),
    ]

    @Test(arguments: moments) func strikesInPlace(_ moment: (trigger: String, before: String?, with: String?)) throws {
        for (effect, deed) in [("abort", "abort 1"), ("stall", nil), ("restart", "abort 1")] {
            var dialogue = try Dialogue(faults: ["1:\(moment.trigger):\(effect)"])
            walk(&dialogue, 1)
            let heard = dialogue.hear(1)
            if let before = moment.before { #expect(heard.range(of: before) != nil) }
            if let with = moment.with { #expect(heard.range(of: with) == nil, "\(heard)") }
            #expect(
                dialogue.did().filter { $0.hasPrefix("abort") || $0.hasPrefix("close") } == (deed.map { [$0] } ?? []))
            let strikes = dialogue.observed().filter { if case .fault = $0 { true } else { false } }
            #expect(strikes.count == 1)
        }
    }

    @Test(arguments: moments) func strikesWhenDone(_ moment: (trigger: String, before: String?, with: String?)) throws {
        guard moment.trigger != "connect", moment.trigger != "secured" else { return }  // nothing is written at those
        var dialogue = try Dialogue(faults: ["1:after-\(moment.trigger):close=reset"])
        walk(&dialogue, 1)
        let heard = dialogue.hear(1)
        let isLast = moment.trigger == "close"
        if let with = moment.with, !moment.trigger.hasPrefix("header") {
            #expect(heard.range(of: with) != nil, "\(heard)")
        }
        let error = "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        #expect(heard.hasSuffix(error) != isLast)
        #expect(dialogue.did().filter { $0.hasPrefix("close") } == ["close 1"])
    }

    @Test(arguments: ["connect", "features=3", "success", "messages", "request"])
    func closesWithAHeaderBeforeTheError(_ trigger: String) throws {
        var dialogue = try Dialogue(faults: ["1:\(trigger):close=system-shutdown"])
        walk(&dialogue, 1)
        let heard = dialogue.hear(1)
        #expect(heard.hasPrefix("<?xml"))
        #expect(
            heard.hasSuffix(
                "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
            ))
    }

    @Test(arguments: [
        ("starttls", "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"),
        ("proceed", "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"),
        ("auth", "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><conflict/></failure>"),
        ("success", "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><conflict/></failure>"),
        (
            "bind",
            "<iq type='error' id='b' from='localhost'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        ),
        ("enable", "<failed xmlns='urn:xmpp:sm:3'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"),
        (
            "roster",
            "<iq type='error' id='r' from='alice@localhost' to='alice@localhost/home'><error type='cancel'><conflict "
        ),
        (
            "messages=2",
            "<message type='error' id='m2' from='alice@localhost' to='alice@localhost/home'><error type='cancel'><conflict "
        ),
    ])
    func refuses(_ trigger: String, _ answer: String) throws {
        var dialogue = try Dialogue(faults: ["1:\(trigger):refuse=conflict"])
        walk(&dialogue, 1)
        #expect(dialogue.hear(1).range(of: answer) != nil)
    }

    @Test(arguments: ["challenge", "response"]) func refusesSCRAM(_ trigger: String) throws {
        var dialogue = try Dialogue(faults: ["1:\(trigger):refuse=temporary-auth-failure"])
        dialogue.connect(1)
        dialogue.open(1)
        _ = dialogue.hear(1)
        let first = Base64.encode(Array("n,,n=alice,r=abc".utf8))
        dialogue.say(1, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>\(first)</auth>")
        if trigger == "response" {
            #expect(dialogue.hear(1).hasPrefix("<challenge "))
            dialogue.say(1, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>YQ==</response>")
        }
        #expect(
            dialogue.hear(1) == "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>")
    }

    @Test func strikesOnlyTheConnectionsItIsFor() throws {
        for (reach, struck): (String, [UInt64]) in [("2", [2]), ("2+", [2, 3]), ("*", [1, 2, 3])] {
            var dialogue = try Dialogue(faults: ["\(reach):header:abort"])
            for id: UInt64 in 1...3 {
                dialogue.connect(id)
                dialogue.open(id)
            }
            #expect(dialogue.did() == struck.map { "abort \($0)" })
        }
    }

    @Test func bytesBehindProceedComeInOneWrite() throws {
        let configuration = try Server.Configuration(domain: "localhost", accounts: [])
        var server = Server(
            configuration, faults: [try Fault(parsing: "1:proceed:inject")], random: Dialogue.counting())
        func give(_ input: Server.Input) -> [Server.Action] {
            server.handle(input, at: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        }
        _ = give(.connected(1, directTLS: false))
        _ = give(.streamOpened(1, Element("stream", NS.stream.description, ["version": "1.0"])))
        let actions = give(.element(1, Element("starttls", NS.tls.description))).filter {
            if case .observed = $0 { false } else { true }
        }
        let bytes =
            "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><iq xmlns='jabber:client' type='get' id='injected'/>"
        #expect(actions == [.write(1, Array(bytes.utf8)), .startTLS(1), .restartStream(1)])
    }

    @Test func anyBytesCanBeSent() throws {
        var dialogue = try Dialogue(faults: ["1:header:send=\\xff<!DOCTYPE x>"])
        let configuration = dialogue.server
        #expect(configuration.byteLimit(for: 1) == (nil, nil))
        dialogue.connect(1)
        let actions = dialogue.server.handle(
            .streamOpened(1, Element("stream", NS.stream.description, ["version": "1.0"])), at: dialogue.now,
            wall: dialogue.wall)
        let written = actions.compactMap { if case .write(1, let bytes) = $0 { bytes } else { nil } }.joined()
        #expect(Array(written).starts(with: [0xFF] + Array("<!DOCTYPE x><?xml".utf8)))
    }

    @Test func acksAreWithheldOrWrong() throws {
        for (effect, answer) in [
            ("withhold-acks", ""), ("repeat-acks", "<a xmlns='urn:xmpp:sm:3' h='1'/><a xmlns='urn:xmpp:sm:3' h='1'/>"),
            ("ack=+2", "<a xmlns='urn:xmpp:sm:3' h='3'/>"),
            ("ack=-2", "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>"), ("ack=77", "<a xmlns='urn:xmpp:sm:3' h='77'/>"),
        ] {
            var dialogue = try Dialogue(faults: ["1:enable:\(effect)"])
            dialogue.bind(1, "alice", "home")
            _ = dialogue.enable(1)
            dialogue.say(1, "<message to='bob@localhost'/>")
            #expect(dialogue.ask(1, "<r xmlns='urn:xmpp:sm:3'/>") == answer)
        }
    }

    @Test func theHOfAResumptionIsWrongToo() throws {
        var dialogue = try Dialogue(faults: ["2:resume:ack=+5"])
        dialogue.bind(1, "alice", "home")
        let id = dialogue.enable(1)
        dialogue.input(.disconnected(1))
        dialogue.authenticate(2, "alice")
        _ = dialogue.hear(2)
        #expect(dialogue.resume(2, id, h: 0) == "<resumed xmlns='urn:xmpp:sm:3' h='5' previd='\(id)'/>")
    }

    @Test(arguments: ["1:after-enable:forget", "2:resume:forget", "2:resume:refuse=item-not-found"])
    func aForgottenSessionCannotBeResumed(_ fault: String) throws {
        var dialogue = try Dialogue(faults: [fault])
        dialogue.bind(1, "alice", "home")
        let id = dialogue.enable(1)
        dialogue.say(1, "<message to='bob@localhost'><body>kept</body></message>")
        dialogue.input(.disconnected(1))
        dialogue.authenticate(2, "alice")
        _ = dialogue.hear(2)
        #expect(
            dialogue.resume(2, id, h: 0)
                == "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        )
    }

    @Test func aLostMessageIsAcknowledgedButGoesNowhere() throws {
        var dialogue = try Dialogue(faults: ["1:messages=2:lose"])
        dialogue.login(2, "bob", "phone")  // the first connection
        dialogue.login(1, "alice", "home")
        _ = dialogue.enable(2)
        for number in 1...3 { dialogue.say(2, "<message to='alice@localhost'><body>\(number)</body></message>") }
        #expect(dialogue.hear(1).split(separator: "<body>").dropFirst().compactMap(\.first) == ["1", "3"])
        #expect(dialogue.ask(2, "<r xmlns='urn:xmpp:sm:3'/>") == "<a xmlns='urn:xmpp:sm:3' h='3'/>")
    }

    @Test func anAbortBeforeOrAfterAMessageTellsWhetherItCounts() throws {
        for (trigger, handled, stored) in [("messages=2", 1, ["1"]), ("after-messages=2", 2, ["1", "2"])] {
            var dialogue = try Dialogue(faults: ["1:\(trigger):abort"])
            dialogue.bind(1, "alice", "home")
            let id = dialogue.enable(1)
            for number in 1...3 { dialogue.say(1, "<message to='bob@localhost'><body>\(number)</body></message>") }
            #expect(dialogue.did().last == "abort 1")
            dialogue.authenticate(2, "alice")
            _ = dialogue.hear(2)
            #expect(attribute("h", of: dialogue.resume(2, id, h: 0)) == "\(handled)")
            dialogue.bind(3, "bob", "phone")
            let bodies = dialogue.ask(3, "<presence/>").split(separator: "<body>").dropFirst().compactMap(\.first)
            #expect(bodies.map(String.init) == stored)
        }
    }

    @Test func everyTimeIsEveryTime() throws {
        var dialogue = try Dialogue(faults: ["*:messages=*:refuse=forbidden"])
        dialogue.login(1, "alice", "home")
        for _ in 1...3 { #expect(dialogue.ask(1, "<message/>").range(of: "<error type='auth'><forbidden ") != nil) }
    }

    @Test func aPauseHoldsBackWhatIsWritten() throws {
        var dialogue = try Dialogue(faults: ["1:proceed:pause=200ms"])
        dialogue.connect(1, directTLS: false)
        dialogue.open(1)
        _ = dialogue.hear(1)
        dialogue.say(1, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        #expect(dialogue.hear(1) == "")
        #expect(dialogue.did() == [])
        #expect(dialogue.server.deadline == dialogue.now + .milliseconds(200))
        dialogue.pass(.milliseconds(199))
        #expect(dialogue.hear(1) == "")
        dialogue.pass(.milliseconds(1))
        #expect(dialogue.hear(1).hasPrefix("<proceed"))
        #expect(dialogue.did() == ["startTLS 1", "restartStream 1"])
        #expect(dialogue.server.deadline == nil)
    }

    @Test func aPauseIsBounded() throws {
        var dialogue = try Dialogue(faults: ["1:bind:pause=10s"]) { $0.limits.pausedBytesMax = 1_000 }
        dialogue.bind(1, "alice", "home")
        let body = String(repeating: "x", count: 600)
        dialogue.say(1, "<message to='alice@localhost/home'><body>\(body)</body></message>")
        #expect(dialogue.did().contains("abort 1") == false)
        dialogue.say(1, "<message to='alice@localhost/home'><body>\(body)</body></message>")
        #expect(dialogue.did() == ["abort 1"])
        #expect(dialogue.server.deadline == nil)
    }

    @Test func aRestartLosesSessionsButNoMessages() throws {
        var dialogue = try Dialogue(faults: ["1:messages=2:restart"])
        dialogue.bind(1, "alice", "home")
        dialogue.bind(2, "bob", "phone")
        let id = dialogue.enable(2)
        dialogue.say(2, "<presence/>")
        dialogue.say(1, "<message to='bob@localhost'><body>1</body></message>")
        _ = dialogue.did()
        dialogue.say(1, "<message to='bob@localhost'><body>2</body></message>")
        #expect(dialogue.did() == ["abort 1", "abort 2"])
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        #expect(dialogue.resume(3, id, h: 0).hasPrefix("<failed xmlns='urn:xmpp:sm:3'><item-not-found "))
        dialogue.say(3, Self.bind)
        _ = dialogue.hear(3)
        let bodies = dialogue.ask(3, "<presence/>").split(separator: "<body>").dropFirst().compactMap(\.first)
        #expect(bodies == ["1"])
    }

    @Test func aRestartMayKeepSessions() throws {
        var dialogue = try Dialogue(faults: ["1:messages=2:restart-keeping"])
        dialogue.bind(1, "alice", "home")
        dialogue.bind(2, "bob", "phone")
        let id = dialogue.enable(2)
        dialogue.say(2, "<presence/>")
        for number in 1...2 { dialogue.say(1, "<message to='bob@localhost'><body>\(number)</body></message>") }
        #expect(dialogue.did().suffix(2) == ["abort 1", "abort 2"])
        dialogue.input(.disconnected(2))
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        let answer = dialogue.resume(3, id, h: 1)
        #expect(answer.hasPrefix("<resumed xmlns='urn:xmpp:sm:3' h='1'"))
        #expect(answer.contains("<body>1</body>") && !answer.contains("<body>2</body>"))
    }

    @Test func faultsOfOneMomentStrikeInTheirOrder() throws {
        var dialogue = try Dialogue(faults: ["1:messages:forget", "1:messages:abort"])
        dialogue.bind(1, "alice", "home")
        let id = dialogue.enable(1)
        dialogue.say(1, "<message to='bob@localhost'/>")
        #expect(dialogue.did().last == "abort 1")
        dialogue.authenticate(2, "alice")
        _ = dialogue.hear(2)
        #expect(dialogue.resume(2, id, h: 0).hasPrefix("<failed "))
    }

    @Test func tellsTheDriverWhereToCut() throws {
        var dialogue = try Dialogue(faults: ["1:bytes-in=900:abort", "*:bytes-in=1000:abort", "2:bytes-out=4096:abort"])
        dialogue.connect(10)
        dialogue.connect(20)
        #expect(dialogue.server.byteLimit(for: 10) == (900, nil))
        #expect(dialogue.server.byteLimit(for: 20) == (1_000, 4_096))
        #expect(dialogue.server.byteLimit(for: 30) == (nil, nil))
    }

    @Test func aHungConnectionTakesNothingButLosesNothing() throws {
        var dialogue = try Dialogue(faults: ["1:after-presence:stall"])
        dialogue.bind(1, "bob", "phone")
        let id = dialogue.enable(1)
        dialogue.say(1, "<presence/>")
        _ = dialogue.hear(1)
        dialogue.login(2, "alice", "home")
        dialogue.say(2, "<message to='bob@localhost/phone'><body>1</body></message>")
        #expect(dialogue.ask(1, "<r xmlns='urn:xmpp:sm:3'/>") == "")
        dialogue.input(.disconnected(1))
        dialogue.authenticate(3, "bob")
        _ = dialogue.hear(3)
        #expect(dialogue.resume(3, id, h: 1).range(of: "<body>1</body>") != nil)
    }
}
