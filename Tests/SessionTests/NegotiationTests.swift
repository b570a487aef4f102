import Digest
import Stanza
import Testing

@testable import Session

@Suite struct NegotiationTests {
    static let clearHeader =
        "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' xml:lang='en' xmlns='jabber:client' "
        + "xmlns:stream='http://etherx.jabber.org/streams'>"
    static let safeHeader =
        "<?xml version='1.0'?><stream:stream to='example.org' from='bridge@example.org' version='1.0' xml:lang='en' "
        + "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    static let auth =
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGJyaWRnZQBzZWNyZXQ=</auth>"

    @Test func wholeLoginWithSTARTTLS() throws {
        var talk = try Dialogue(presence: .init(status: "up"))
        talk.feed(.start)
        #expect(talk.did() == [.event(.connecting), .connect(.account)])
        #expect(talk.session.phase == "connecting")
        talk.feed(.connected(.plain(peer: Dialogue.peer)))
        #expect(talk.written() == Self.clearHeader)
        talk.feed(.streamOpened(Dialogue.header))
        talk.features(Dialogue.startTLS, Dialogue.plain)
        #expect(talk.written() == "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        talk.server(Dialogue.proceed)
        #expect(talk.did() == [.startTLS])
        talk.feed(.secured(Dialogue.facts))
        #expect(talk.did() == [.restartStream])
        #expect(talk.written() == Self.safeHeader)
        talk.feed(.streamOpened(Dialogue.header))
        talk.features(Dialogue.plain)
        #expect(talk.written() == Self.auth)
        talk.server(Dialogue.success)
        #expect(talk.did() == [.restartStream])
        #expect(talk.written() == Self.safeHeader)
        talk.feed(.streamOpened(Dialogue.header))
        talk.features(Dialogue.bind, Dialogue.sm, "<ver xmlns='urn:xmpp:features:rosterver'/>")
        #expect(
            talk.output.hasPrefix("<iq type='set' id='")
                && talk.output.hasSuffix(
                    "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>")
        )
        talk.bound()
        _ = talk.written()
        #expect(talk.did() == [])
        talk.server(Dialogue.enabled)
        let jid = try JID("bridge@example.org/r")
        let did = talk.did()
        #expect(did.map(\.isOfStream) == [false, true, false])
        #expect(did.first == .event(.online(jid: jid, resumed: false, peer: "xmpp.example.org:5222")))
        #expect(did.last == .writable)
        #expect(talk.session.boundJID == jid)
        let written = talk.written()
        let asked = [
            "<query xmlns='jabber:iq:roster' ver=''/></iq>", "<blocklist xmlns='urn:xmpp:blocking'/></iq>",
            "<presence><status>up</status><c xmlns=", "</presence><iq type='get'",
            "<ping xmlns='urn:xmpp:ping'/></iq>", "<enable xmlns='urn:xmpp:carbons:2'/></iq>",
        ]
        #expect(written.hasSuffix(asked[5]))
        let places = asked.map { written.firstRange(of: $0)?.lowerBound ?? written.endIndex }
        #expect(places == places.sorted() && places[5] < written.endIndex)
    }

    @Test func directTLSGoesStraightOn() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.feed(.connected(.tls(Dialogue.facts, peer: Dialogue.peer)))
        #expect(talk.written() == Self.safeHeader)
        talk.feed(.streamOpened(Dialogue.header))
        talk.features(Dialogue.plain)
        #expect(talk.written() == Self.auth)
    }

    @Test func aFilterThatOnlySendsAsksForNoRosterAndShowsNoPresence() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.logIn()
        #expect(!talk.output.contains("roster") && !talk.output.contains("<presence"))
    }

    /// What we do on seeing features, by how the connection stands.
    enum Reaction: Equatable { case startTLS, auth, bind, session, enable, online, lost }
    struct Row: Sendable {
        var name: String
        var security = Configuration.Security.required
        var layer: Negotiation.Layer = .clear
        var isLoopback = false
        var features: String
        var reaction: Reaction
    }
    static let openfireClear =
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><limits xmlns='urn:xmpp:stream-limits:0'>"
        + "<max-bytes>1048576</max-bytes><idle-seconds>360</idle-seconds></limits>"
        + "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-server-end-point'/>"
        + "</sasl-channel-binding><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
        + "<mechanism>SCRAM-SHA-1</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism></mechanisms>"
        + "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
        + "<ver xmlns='urn:xmpp:features:rosterver'/><register xmlns='http://jabber.org/features/iq-register'/>"
    static let openfireAfter =
        "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
        + "<ver xmlns='urn:xmpp:features:rosterver'/><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
        + "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session><sm xmlns='urn:xmpp:sm:2'/>"
        + "<sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>"
    static let table = [
        Row(name: "TLS offered", features: Dialogue.startTLS + Dialogue.plain, reaction: .startTLS),
        Row(name: "TLS not offered", features: Dialogue.plain, reaction: .startTLS),
        Row(name: "nothing offered", features: "", reaction: .startTLS),
        Row(name: "Openfire in clear", features: openfireClear, reaction: .startTLS),
        Row(
            name: "allowed, but not loopback", security: .plaintextAllowed, features: Dialogue.plain,
            reaction: .startTLS),
        Row(name: "loopback, but not allowed", isLoopback: true, features: Dialogue.plain, reaction: .startTLS),
        Row(
            name: "loopback and allowed, but offered", security: .plaintextAllowed, isLoopback: true,
            features: Dialogue.startTLS + Dialogue.plain, reaction: .startTLS),
        Row(
            name: "loopback, allowed, not offered", security: .plaintextAllowed, isLoopback: true,
            features: Dialogue.plain, reaction: .auth),
        Row(name: "inside TLS", layer: .anonymous, features: Dialogue.plain, reaction: .auth),
        Row(name: "inside TLS, nothing", layer: .anonymous, features: "", reaction: .lost),
        Row(name: "authenticated", layer: .authenticated, features: Dialogue.bind, reaction: .bind),
        Row(name: "authenticated, no bind", layer: .authenticated, features: Dialogue.sm, reaction: .lost),
    ]

    @Test(arguments: table)
    func features(_ row: Row) throws {
        var talk = try Dialogue { $0.security = row.security }
        talk.feed(.start)
        let peer = row.isLoopback ? Dialogue.loopback : Dialogue.peer
        switch row.layer {
        case .clear:
            talk.feed(.connected(.plain(peer: peer)))
            talk.feed(.streamOpened(Dialogue.header))
        case .anonymous: talk.connectTLS()
        case .authenticated: talk.authenticate()
        }
        _ = talk.written()
        talk.features(row.features)
        let output = talk.written()
        let reaction: Reaction? =
            if talk.did().ending != nil { .lost } else if output.hasPrefix("<starttls") {
                .startTLS
            } else if output.hasPrefix("<auth") { .auth } else if output.contains("<bind") { .bind } else { nil }
        #expect(reaction == row.reaction, "\(row.name): \(output)")
    }

    /// What follows bind, by the features after authentication.
    static let afterBind: [(String, Reaction)] = [
        (Dialogue.bind, .online),
        (Dialogue.bind + "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>", .session),
        (Dialogue.bind + "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>", .online),
        (Dialogue.bind + Dialogue.sm, .enable),
        (Dialogue.bind + "<sm xmlns='urn:xmpp:sm:2'/>", .online),
        (openfireAfter, .enable),
    ]

    @Test(arguments: afterBind)
    func afterBinding(_ features: String, _ expected: Reaction) throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.authenticate()
        talk.features(features)
        talk.bound()
        let written = talk.written()
        let reaction: Reaction =
            if talk.session.isOnline { .online } else if written.contains("xmpp-session'/></iq>") { .session } else {
                .enable
            }
        #expect(reaction == expected)
        if reaction == .enable { #expect(written.hasSuffix("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")) }
    }

    @Test func theLegacySessionComesBeforeStreamManagement() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>")
        talk.bound()
        let id = talk.lastID("session")
        _ = talk.written()
        // A stanza in between is the session's, not an answer.
        talk.server("<iq type='get' id='v' from='example.org'><query xmlns='jabber:iq:version'/></iq>")
        #expect(talk.written().contains("<name>xmpp-bridge</name>"))
        talk.server("<iq type='result' id='\(id)'/>")
        #expect(talk.written() == "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        talk.server("<failed xmlns='urn:xmpp:sm:3'/>")
        #expect(talk.session.isOnline)
    }

    /// A client certificate for another account logs in as that one: nothing of this run was meant for it.
    @Test func anotherAccountIsNotOurs() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.authenticate()
        talk.features(Dialogue.bind)
        let id = talk.lastID("bind")
        talk.server(
            "<iq type='result' id='\(id)'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                + "<jid>other@example.org/r</jid></bind></iq>")
        let words =
            "xmpp.example.org:5222 logs us in as other@example.org, not as bridge@example.org; name that account, if it is meant"
        #expect(talk.actions.ending == .protocolFailure(words))
    }

    @Test func openfiresBindResultIsAddressedToNobody() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        talk.authenticate()
        talk.features(Self.openfireAfter)
        let id = talk.lastID("bind")
        talk.server(
            "<iq type='result' id='\(id)' to='example.org/s1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                + "<jid>bridge@example.org/r</jid></bind></iq>")
        #expect(talk.session.boundJID?.text == "bridge@example.org/r")
    }

    @Test func scramDerivesOffTheLoopAndKeepsItsKeys() throws {
        var talk = try Dialogue()
        talk.feed(.start)
        try Self.scram(&talk, derives: true)
        talk.feed(.streamOpened(Dialogue.header))
        talk.features(Dialogue.bind)
        talk.bound()
        #expect(talk.session.isOnline)
        talk.feed(.disconnected(.closed("reset")))
        talk.passToDeadline()
        try Self.scram(&talk, derives: false)
    }

    /// A login by SCRAM-SHA-1; the second time no keys are derived.
    static func scram(_ talk: inout Dialogue, derives: Bool) throws {
        talk.connectTLS()
        _ = talk.written()
        talk.features(
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>")
        let first = try #require(text(of: talk.written()))
        let clientFirst = first.drop { $0 != "," }.dropFirst(2)  // behind "n,,"
        let nonce = clientFirst.drop { $0 != "," }.dropFirst(3) + "server"
        let serverFirst = "r=\(nonce),s=\(Base64.encode([1, 2, 3, 4])),i=4096"
        _ = talk.did()
        talk.server(
            "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(Base64.encode(Array(serverFirst.utf8)))</challenge>")
        let derivation = KeyDerivation(hash: .sha1, password: Secret("secret"), salt: [1, 2, 3, 4], iterations: 4096)
        if derives {
            #expect(talk.did() == [.derive(derivation)])
            #expect(talk.session.phase == "deriving keys from the password")
            talk.feed(.derived(derivation.run()))
        }
        #expect(talk.did() == [])
        let final = try #require(text(of: talk.written()))
        let withoutProof = final.prefix(upTo: try #require(final.firstRange(of: ",p=")).lowerBound)
        let key = Hash.sha1.hmac(key: derivation.run().saltedPassword, Array("Server Key".utf8))
        let signature = Hash.sha1.hmac(key: key, Array("\(clientFirst),\(serverFirst),\(withoutProof)".utf8))
        let proof = Base64.encode(Array("v=\(Base64.encode(signature))".utf8))
        talk.server("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(proof)</success>")
        #expect(talk.did() == [.restartStream])
    }

    static func text(of xml: String) -> String? {
        Base64.decode(TestXML.element(xml).text).map { String(decoding: $0, as: UTF8.self) }
    }
}
