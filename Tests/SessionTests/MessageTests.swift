import Stanza
import Testing

@testable import Session

/// What comes with messages: carbons, receipts, encryption.
@Suite struct MessageTests {
    static let account = "bridge@example.org"

    // MARK: - Carbons

    static func carbon(_ word: String, _ inner: String, delay: String = "") -> String {
        "<\(word) xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\(delay)\(inner)</forwarded></\(word)>"
    }

    static func message(_ from: String?, _ inner: String = "<body>hi</body>", type: String = "chat") -> String {
        "<message xmlns='jabber:client'\(from.map { " from='\($0)'" } ?? "") to='x@example.org' type='\(type)'>\(inner)"
            + "</message>"
    }

    static let user = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
    static let invitation = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>"

    struct Copy: Sendable {
        var from: String? = account
        var payload: String
        /// From whom, and which way; nil where nothing is told.
        var told: (String, Message.Carbon)?
        var isForged = false
    }

    static let copies: [Copy] = [
        .init(payload: carbon("received", message("bob@example.org/x")), told: ("bob@example.org/x", .received)),
        .init(payload: carbon("sent", message("\(account)/phone")), told: ("\(account)/phone", .sent)),
        .init(from: nil, payload: carbon("sent", message("\(account)/phone")), told: ("\(account)/phone", .sent)),
        .init(payload: carbon("received", message("a@b", invitation)), told: ("a@b", .received)),
        // CVE-2017-5589: anybody but our own bare account.
        .init(from: "eve@evil.org/x", payload: carbon("received", message("bob@example.org/x")), isForged: true),
        .init(from: "eve@evil.org/x", payload: carbon("sent", message("\(account)/phone")), isForged: true),
        .init(from: "\(account)/phone", payload: carbon("sent", message("\(account)/phone")), isForged: true),
        .init(from: "example.org", payload: carbon("received", message("bob@example.org/x")), isForged: true),
        .init(from: "eve@evil.org/x", payload: "<body>b</body><received xmlns='urn:xmpp:carbons:2'/>", isForged: true),
        // Not to be copied, or not whole.
        .init(payload: "<received xmlns='urn:xmpp:carbons:2'/>"),
        .init(payload: "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>"),
        .init(payload: "<received xmlns='urn:xmpp:carbons:2'>\(message("bob@example.org/x"))</received>"),
        .init(payload: carbon("received", "<presence xmlns='jabber:client' from='a@b'/>")),
        .init(payload: carbon("received", message(nil))),
        .init(payload: carbon("received", message("@"))),
        .init(payload: carbon("sent", message("bob@example.org/x"))),
        .init(payload: carbon("received", message("a@b", type: "groupchat"))),
        .init(payload: carbon("received", message("room@b/nick", user + "<body>psst</body>"))),
        .init(payload: carbon("received", message("a@b", carbon("received", message("c@d"))))),
    ]

    @Test(arguments: copies)
    func copiesOfOurOtherClients(_ copy: Copy) throws {
        var talk = try Dialogue.online()
        talk.server("<message\(copy.from.map { " from='\($0)'" } ?? "") type='chat'>\(copy.payload)</message>")
        let events = talk.did().events
        if let (from, carbon) = copy.told {
            guard case .message(let message) = events.first, events.count == 1 else {
                Issue.record("\(events)")
                return
            }
            #expect(message.from.text == from && message.carbon == carbon && message.type == "chat")
            #expect(message.stanza["to"] == "x@example.org")
        } else {
            #expect(events == (copy.isForged ? [.forged(what: "carbon", from: try JID(copy.from ?? ""))] : []))
        }
        // All are handled, told or not.
        talk.feed(.handled(upTo: 1))
        _ = talk.written()
        talk.server(InboundTests.ask)
        #expect(talk.written() == InboundTests.answer(1))
    }

    @Test func aCopyHasTheDelayOfItsMessage() throws {
        var talk = try Dialogue.online()
        let outer = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:01Z'/>"
        let inner = "<body>x</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
        talk.server("<message>\(Self.carbon("received", Self.message("a@b"), delay: outer))</message>")
        talk.server("<message>\(Self.carbon("received", Self.message("a@b", inner), delay: outer))</message>")
        let delays = talk.did().events.map { event -> String? in
            if case .message(let message) = event { message.delay } else { nil }
        }
        #expect(delays == ["2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"])
    }

    @Test func aMessageThatIsNotToBeCopiedIsAMessage() throws {
        var talk = try Dialogue.online()
        talk.server("<message from='a@b'><body>x</body><private xmlns='urn:xmpp:carbons:2'/></message>")
        guard case .message(let message) = talk.did().events.first else {
            Issue.record("no message")
            return
        }
        #expect(message.carbon == nil && message.from.text == "a@b")
    }

    @Test func whoShowsPresenceAsksForCarbons() throws {
        for (presence, isAsked) in [(Configuration.Presence(), true), (nil, false)] {
            var talk = try Dialogue(presence: presence)
            talk.feed(.start)
            talk.logIn()
            #expect(talk.output.contains("<enable xmlns='urn:xmpp:carbons:2'/>") == isAsked)
            _ = talk.did()
            talk.server("<iq type='error' id='\(talk.lastID("carbons"))'>\(BlockingTests.unknown)</iq>")
            #expect(talk.did().events == [])
        }
    }

    // MARK: - Receipts

    static let request = "<request xmlns='urn:xmpp:receipts'/>"

    struct Asked: Sendable {
        var from = "bob@example.org/x"
        var type = " type='chat'"
        var id = " id='m1'"
        var inner = "<body>hi</body>\(request)"
        var receipts = Configuration.Receipts.contacts
        var receipt: String?
    }

    static let asked: [Asked] = [
        .init(receipt: "<message to='bob@example.org/x' id='ID' type='chat'>"),
        .init(type: "", receipt: "<message to='bob@example.org/x' id='ID'>"),
        .init(from: "\(account)/phone", receipt: "<message to='\(account)/phone' id='ID' type='chat'>"),
        .init(from: "ann@example.org/x"),
        .init(from: "eve@evil.org/x"),
        .init(
            from: "eve@evil.org/x", receipts: .everybody, receipt: "<message to='eve@evil.org/x' id='ID' type='chat'>"),
        .init(receipts: .never),
        .init(from: "\(account)/r", receipts: .everybody),
        .init(type: " type='error'", receipts: .everybody),
        .init(type: " type='groupchat'", receipts: .everybody),
        .init(id: "", receipts: .everybody),
        .init(inner: "<body>hi</body>", receipts: .everybody),
        .init(inner: "<received xmlns='urn:xmpp:receipts' id='q'/>\(request)", receipts: .everybody),
        .init(from: account, inner: carbon("received", message("bob@example.org/x", request)), receipts: .everybody),
    ]

    @Test(arguments: asked)
    func receiptsAreSentByPolicy(_ asked: Asked) throws {
        var talk = try Dialogue.online(presence: .init()) { $0.receipts = asked.receipts }
        talk.server("<iq type='set' id='p'>\(InboundTests.push)</iq>")  // bob may see us
        talk.output = ""
        talk.server("<message from='\(asked.from)'\(asked.type)\(asked.id)>\(asked.inner)</message>")
        #expect(!talk.output.contains("urn:xmpp:receipts"))
        talk.feed(.handled(upTo: talk.session.inboundStanza))
        if let receipt = asked.receipt {
            let head = receipt.replacing("ID", with: talk.lastID("receipt"))
            #expect(talk.output.contains(head + "<received xmlns='urn:xmpp:receipts' id='m1'/></message>"))
        } else {
            #expect(!talk.output.contains("urn:xmpp:receipts"))
        }
    }

    /// A receipt says that a message is here for good: so it goes when the message is handled, and not before.
    @Test func aReceiptGoesWhenItsMessageIsHandled() throws {
        var talk = try Dialogue.online { $0.receipts = .everybody }
        for id in 1...3 { talk.server("<message from='a@b' id='m\(id)'>\(Self.request)</message>") }
        talk.feed(.handled(upTo: 2))
        #expect(talk.output.contains("id='m1'") && talk.output.contains("id='m2'") && !talk.output.contains("id='m3'"))
        talk.feed(.disconnected(.closed("reset")))
        talk.feed(.handled(upTo: 3))
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        talk.output = ""
        talk.resume(2)
        #expect(talk.output.contains("id='m3'"))
    }

    @Test func aFreshStreamOwesNothingOfTheOld() throws {
        var talk = try Dialogue.online(managed: false) { $0.receipts = .everybody }
        talk.server("<message from='a@b' id='m1'>\(Self.request)</message>")
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        talk.logIn(managed: false)
        talk.feed(.handled(upTo: 1))
        #expect(!talk.output.contains("urn:xmpp:receipts"))
    }

    static let received = "<received xmlns='urn:xmpp:receipts' id='m1'/>"
    /// A message, whether it is a receipt, and whether it is a message.
    static let receivedOnes: [(String, Bool, Bool)] = [
        ("<message from='bob@example.org/x'>\(received)</message>", true, false),
        ("<message from='bob@example.org/x'>\(received)<body>x</body></message>", true, true),
        ("<message from='bob@example.org/x' type='error'>\(received)</message>", false, true),
        ("<message from='bob@example.org/x' type='groupchat'>\(received)</message>", false, false),
        ("<message from='bob@example.org/x'><received xmlns='urn:xmpp:receipts'/></message>", false, true),
        ("<message>\(carbon("received", message("bob@example.org/x", received)))</message>", true, false),
        ("<message>\(carbon("sent", message("\(account)/phone", received)))</message>", false, true),
    ]

    @Test(arguments: receivedOnes)
    func receiptsAreTold(_ xml: String, _ isReceipt: Bool, _ isMessage: Bool) throws {
        var talk = try Dialogue.online()
        talk.server(xml)
        let events = talk.did().events
        #expect(events.contains(.receipt(id: "m1", from: try JID("bob@example.org/x"))) == isReceipt)
        #expect(events.contains { if case .message = $0 { true } else { false } } == isMessage)
    }

    // MARK: - Encryption

    static let encrypted: [(String, String?)] = [
        ("<body>plain</body>", nil),
        ("<body>x</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>", "OMEMO"),
        ("<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0' name='fake'/>", "OTR"),
        ("<encryption xmlns='urn:xmpp:eme:0' namespace='urn:new' name='New'/>", "New"),
        ("<encryption xmlns='urn:xmpp:eme:0' namespace='urn:new' name=''/>", "urn:new"),
        ("<encryption xmlns='urn:xmpp:eme:0'/>", nil),
        ("<encrypted xmlns='eu.siacs.conversations.axolotl'/>", "OMEMO"),
        ("<encrypted xmlns='urn:xmpp:omemo:2'/>", "OMEMO"),
        ("<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>", "OpenPGP for XMPP"),
        ("<body>x</body><x xmlns='jabber:x:encrypted'>y</x>", "Legacy OpenPGP"),
        ("<x xmlns='jabber:x:oob'/><body>x</body>", nil),
        ("<encrypted xmlns='urn:other'/>", nil),
        ("<body>?OTR:AAQD</body>", "OTR"), ("<body>?OTRv23?</body>", "OTR"), ("<body>?OTR?v2?</body>", "OTR"),
        ("<body>?OTR|x</body>", "OTR"), ("<body>?OTR Error: x</body>", "OTR"),
        ("<body>?OTR is a mark</body>", nil), ("<body>what ?OTR:x</body>", nil), ("<body/>", nil),
    ]

    @Test(arguments: encrypted)
    func whatWeCannotRead(_ inner: String, _ name: String?) throws {
        for type in ["chat", "error"] {
            var talk = try Dialogue.online()
            talk.server("<message from='a@b' type='\(type)'>\(inner)</message>")
            guard case .message(let message) = talk.did().events.first else {
                Issue.record("no message")
                return
            }
            #expect(message.encryption == (type == "error" ? nil : name))
        }
    }

    @Test(arguments: Configuration.Receipts.allCases)
    func weSayWhatWeDo(_ receipts: Configuration.Receipts) {
        let features = Capabilities(.init(), receipts: receipts).features
        #expect(features.contains("urn:xmpp:receipts") == (receipts != .never))
        #expect(features.contains("urn:xmpp:delay") && features.contains("urn:xmpp:eme:0"))
    }
}
