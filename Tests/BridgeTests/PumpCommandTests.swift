import Session
import Stanza
import Testing

@testable import Bridge

/// Commands on the pipe: results, refs and deliveries.
@Suite struct PumpCommandTests {
    private static let commands = ["--input", "ndjson"]

    private static func online() throws -> PumpDialogue { try PumpDialogue.online(commands) }

    @Test func aSendIsAcceptedThenAcknowledged() throws {
        var talk = try Self.online()
        talk.type(#"{"do":"send","ref":"42","to":"bob@example.org","body":"hi","subject":"s","thread":"t"}"# + "\n")
        #expect(talk.events == [#"{"event":"result","ref":"42","ok":true,"text":"accepted"}"#])
        #expect(
            talk.messages == [
                "<message to='bob@example.org' type='chat' id='xb-T-1'><subject>s</subject><thread>t</thread>"
                    + "<body>hi</body><origin-id xmlns='urn:xmpp:sid:0' id='xb-T-1'/></message>"
            ])
        talk.printed = ""
        talk.settle()
        #expect(talk.events == [#"{"event":"delivery","ref":"42","to":"bob@example.org","stage":"acknowledged"}"#])
    }

    @Test func eachRecipientHasADeliveryOfItsOwn() throws {
        var talk = try Self.online()
        talk.type(#"{"do":"send","ref":7,"to":["a@example.org","b@example.org"],"body":"hi"}"# + "\n")
        try talk.server(
            "<message type='error' from='b@example.org' id='xb-T-2'><error type='cancel'>"
                + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        talk.settle()
        #expect(
            talk.events == [
                #"{"event":"result","ref":"7","ok":true,"text":"accepted"}"#,
                #"{"event":"delivery","ref":"7","to":"b@example.org","stage":"failed","id":"xb-T-2","condition":"service-unavailable"}"#,
                #"{"event":"delivery","ref":"7","to":"a@example.org","stage":"acknowledged"}"#,
            ])
    }

    @Test func nobodyBouncesTheMessagesOfOthers() throws {
        var talk = try Self.online()
        talk.type(#"{"do":"send","ref":"7","to":["a@example.org","b@example.org"],"body":"hi"}"# + "\n")
        try talk.server(
            "<message type='error' from='b@example.org/x' id='xb-T-1'><error type='cancel'>"
                + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        talk.settle()
        #expect(
            talk.events.contains(#"{"event":"delivery","ref":"7","to":"a@example.org","stage":"acknowledged"}"#))
        #expect(talk.said == [])
    }

    @Test(arguments: [
        (#"{"do":"send""#, "bad-json"), (#"[1]"#, "bad-command"), (#"{"do":"sned","ref":"1"}"#, "unknown-command"),
        (#"{"do":"upload","ref":"1"}"#, "unsupported-command"), (#"{"do":"send","to":"a@b@c","body":"x"}"#, "bad-jid"),
        (#"{"do":"send","to":"a@example.org"}"#, "missing-key"),
        (#"{"do":"send","to":"a@example.org","body":"x","colour":"red"}"#, "unknown-key"),
    ])
    func aBrokenCommandHasItsPlaceAndTheNextWorks(_ line: String, _ code: String) throws {
        var talk = try Self.online()
        talk.type("\n\(line)\n" + #"{"do":"send","to":"bob@example.org","body":"hi"}"# + "\n")
        #expect(talk.events.count == 2)
        #expect(talk.events.first?.contains("\"ok\":false,\"code\":\"\(code)\"") == true)
        #expect(talk.events.first?.contains("\"line\":2") == true)
        #expect(talk.events.last == #"{"event":"result","ok":true,"text":"accepted"}"#)
        #expect(talk.bodies == ["hi"])
        #expect(talk.said == [], "a result is told where commands are answered")
    }

    @Test func brokenJSONHasAColumn() throws {
        var talk = try Self.online()
        talk.type("{\"do\":\"send\",}\n")
        #expect(talk.events.first?.contains("\"line\":1,\"column\":14") == true)
    }

    @Test func anOverlongCommandIsRefused() throws {
        var talk = try Self.online()
        talk.type(
            #"{"do":"send","to":"a@example.org","body":""# + String(repeating: "x", count: Pump.Limits.commandBytesMax)
                + "\"}\n")
        talk.type(#"{"do":"send","to":"bob@example.org","body":"hi"}"# + "\n")
        #expect(talk.events.first?.contains("\"ok\":false") == true)
        #expect(talk.events.last?.contains("\"ok\":true") == true)
        #expect(talk.bodies == ["hi"])
        #expect(talk.events.count { $0.hasPrefix("{\"event\":\"result\"") } == 2)
    }

    // MARK: - presence

    @Test func presenceForAllOutlivesTheStream() throws {
        var talk = try Self.online()
        talk.type(#"{"do":"presence","ref":"p","show":"away","status":"lunch","priority":5}"# + "\n")
        #expect(talk.events == [#"{"event":"result","ref":"p","ok":true,"text":"accepted"}"#])
        #expect(talk.socket.contains("<show>away</show>"))
        talk.cut()
        talk.wait(.seconds(2))
        talk.forget()
        try talk.authenticate()
        try talk.server(
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
        try talk.bound()
        #expect(talk.socket.contains("<show>away</show>"))
    }

    @Test func directedPresenceGoesOnlyNow() throws {
        var talk = try Self.online()
        talk.type(#"{"do":"presence","to":"bob@example.org","type":"unavailable","status":"bye"}"# + "\n")
        #expect(
            talk.socket.contains("<presence to='bob@example.org' type='unavailable'><status>bye</status></presence>"))
        talk.cut()
        talk.forget()
        talk.type(#"{"do":"presence","to":"bob@example.org","ref":"x"}"# + "\n")
        #expect(talk.events.first?.hasPrefix(#"{"event":"result","ref":"x","ok":false,"code":"offline""#) == true)
    }

    // MARK: - raw

    private static func raw(_ xml: String, ref: String = "r") -> String {
        #"{"do":"raw","ref":"\#(ref)","xml":"\#(xml)"}"# + "\n"
    }

    private static let version =
        "<iq type='get' to='bob@example.org/phone' id='v1'><query xmlns='jabber:iq:version'/></iq>"

    @Test func aRawQueryIsAnsweredByItsAnswer() throws {
        var talk = try Self.online()
        talk.type(Self.raw(Self.version))
        #expect(talk.events == [])
        #expect(talk.socket.contains(Self.version))
        try talk.server("<iq type='result' from='eve@example.org/x' id='v1'><forged/></iq>")
        try talk.server("<iq type='result' id='v1'><forged/></iq>")
        try talk.server("<iq type='result' from='bob@example.org' id='v1'><forged/></iq>")
        #expect(talk.events == [], "an answer counts from whom was asked")
        try talk.server(
            "<iq type='result' from='bob@example.org/phone' id='v1'><query xmlns='jabber:iq:version'><name>x</name></query></iq>"
        )
        #expect(talk.events.count == 1)
        #expect(talk.events.first?.hasPrefix(#"{"event":"result","ref":"r","ok":true,"xml":"<iq "#) == true)
        #expect(talk.events.first?.contains("<name>x</name>") == true)
        try talk.server("<iq type='result' from='bob@example.org/phone' id='v1'/>")
        #expect(talk.events.count == 1)
    }

    @Test func aRawQueryThatIsRefused() throws {
        var talk = try Self.online()
        talk.type(Self.raw(Self.version))
        try talk.server(
            "<iq type='error' from='bob@example.org/phone' id='v1'><error type='auth'>"
                + "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                + "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error></iq>")
        #expect(
            talk.events.first?.hasPrefix(
                #"{"event":"result","ref":"r","ok":false,"code":"refused","condition":"forbidden","text":"no""#) == true
        )
    }

    @Test func aRawQueryWithoutAnIDGetsOne() throws {
        var talk = try Self.online()
        talk.type(Self.raw("<iq type='get'><query xmlns='jabber:iq:private'/></iq>"))
        let id = talk.lastID("ask")
        #expect(id.contains("-ask-"))
        try talk.server("<iq type='result' id='\(id)'/>")
        #expect(talk.events.count == 1)
    }

    @Test func twoQueriesMayNotShareAnID() throws {
        var talk = try Self.online()
        talk.type(Self.raw(Self.version) + Self.raw(Self.version, ref: "s"))
        #expect(talk.events.first?.hasPrefix(#"{"event":"result","ref":"s","ok":false,"code":"bad-value""#) == true)
        #expect(talk.socket.count(of: "<iq type='get' to='bob") == 1)
    }

    @Test func aStreamThatIsNotResumedAnswersForTheServer() throws {
        var talk = try Self.online()
        talk.type(Self.raw(Self.version))
        talk.cut()
        func results() -> [String] { talk.events.filter { $0.hasPrefix("{\"event\":\"result\"") } }
        #expect(results() == [], "a resumed stream would still answer")
        talk.type(Self.raw(Self.version, ref: "meanwhile"))
        #expect(results().first?.contains("\"code\":\"offline\"") == true)
        talk.forget()
        talk.wait(.seconds(2))
        try talk.authenticate()
        try talk.server(
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
        try talk.bound()
        let text = "the stream was lost before the answer: perhaps it was carried out"
        #expect(results() == [#"{"event":"result","ref":"r","ok":false,"code":"offline","text":"\#(text)"}"#])
        try talk.account()
        #expect(talk.events.contains { $0.contains(#""event":"gap","reason":"not-resumed""#) })
    }

    @Test func theEndOfInputWaitsForAnswers() throws {
        var talk = try Self.online()
        talk.type(Self.raw(Self.version))
        talk.feed(.inputEnded)
        talk.settle()
        #expect(!talk.hasLeft)
        try talk.server("<iq type='result' from='bob@example.org/phone' id='v1'/>")
        #expect(talk.hasLeft)
        talk.closeStream()
        #expect(talk.status == .success)
    }

    @Test func aQueryThatNobodyAnswersDoesNotHoldTheEndForEver() throws {
        var talk = try Self.online()
        talk.type(Self.raw(Self.version))
        talk.feed(.inputEnded)
        for _ in 0..<20 {
            talk.settle()
            talk.wait(.seconds(29))
        }
        #expect(talk.pump.session.isOnline || talk.hasLeft)
        #expect(talk.hasLeft)
    }

    @Test func aSendOverTheServersLimitThatIsRefusedSaysSo() throws {
        let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes></limits>"
        var talk = try PumpDialogue.online(Self.commands + ["--overlong", "refuse"], features: limits)
        let body = String(repeating: "x", count: 20_000)
        talk.type(#"{"do":"send","ref":"1","to":"bob@example.org","body":"\#(body)"}"# + "\n")
        #expect(talk.messages == [])
        let results = talk.events.filter { $0.hasPrefix("{\"event\":\"result\"") }
        #expect(results.count == 1)
        #expect(results.first?.contains("\"ok\":false") == true)
    }

    @Test func aRawMessageKeepsItsIDAndItsBounceFindsIt() throws {
        var talk = try Self.online()
        talk.type(Self.raw("<message to='bob@example.org' id='mine'><body>x</body></message>"))
        #expect(talk.messages == ["<message to='bob@example.org' id='mine'><body>x</body></message>"])
        talk.printed = ""
        try talk.server(
            "<message type='error' from='bob@example.org' id='mine'><error type='cancel'>"
                + "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        #expect(
            talk.events.first?.hasPrefix(#"{"event":"delivery","ref":"r","to":"bob@example.org","stage":"failed""#)
                == true)
        #expect(talk.events.first?.contains(#""id":"mine","condition":"gone"}"#) == true)
        talk.feed(.inputEnded)
        talk.settle()
        talk.closeStream()
        #expect(talk.status == .undelivered)
    }

    @Test func aSendKeepsTheIDItNames() throws {
        var talk = try Self.online()
        talk.type(#"{"do":"send","to":"bob@example.org","body":"x","id":"mine"}"# + "\n")
        #expect(talk.messages.first?.contains("id='mine'") == true)
    }

    @Test(arguments: [
        ("<message", "bad-xml"), ("<message/><message/>", "bad-xml"), ("</stream:stream>", "bad-xml"),
        ("<x xmlns='y'/>", "bad-value"), ("text", "bad-xml"),
    ])
    func rawThatIsNoStanzaIsRefused(_ xml: String, _ code: String) throws {
        var talk = try Self.online()
        talk.type(Self.raw(xml))
        #expect(talk.events.count == 1)
        #expect(talk.events.first?.hasPrefix(#"{"event":"result","ref":"r","ok":false,"code":"\#(code)""#) == true)
        #expect(talk.socket == "")
    }

    @Test func withFromOnlyResultsAndThatPeerArePrinted() throws {
        var talk = try PumpDialogue.online(Self.commands + ["--from", "bob@example.org"])
        talk.type(#"{"do":"send","ref":"1","to":"bob@example.org","body":"x"}"# + "\n")
        talk.settle()
        try talk.server("<message from='eve@example.org' type='chat'><body>no</body></message>")
        try talk.server("<message from='bob@example.org/p' type='chat'><body>yes</body></message>")
        let kinds = talk.events.map { $0.from("\"event\":\"").upTo("\"", keeping: false) }
        #expect(kinds == ["result", "delivery", "message"])
    }
}
