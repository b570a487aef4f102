import Stanza
import Testing

@testable import Session

/// A session under test and the two who talk to it: the driver and the server. Time moves only when told.
struct Dialogue {
    static let domain = "example.org"
    static let account = "bridge@example.org"
    static let peer = PeerName(host: "xmpp.example.org", port: 5222, isLoopback: false)
    static let loopback = PeerName(host: "localhost", port: 5222, isLoopback: true)
    static let facts = TLSFacts(version: "TLSv1.3", exporter: nil, serverEndPoint: nil)
    static let proceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    static let success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
    static let startTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    static let plain = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
    static let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
    static let sm = "<sm xmlns='urn:xmpp:sm:3'/>"
    static let header = StreamHeader(id: "s1", from: domain, version: "1.0")
    static let enabled = "<enabled xmlns='urn:xmpp:sm:3' id='sm-1' resume='true' max='300'/>"

    var session: ClientSession
    var now = Instant(nanoseconds: 0)
    /// What the session asked for, beside what ``take(_:)`` has removed.
    var actions: [Action] = []
    /// What it has written, beside what ``written()`` has removed.
    var output = ""

    init(
        resource: String? = "r", presence: Configuration.Presence? = nil, restoring saved: SavedStream? = nil,
        handled: UInt32 = 0, goneFor: Duration = .zero, isHeir: Bool = false,
        _ adjust: (inout Configuration) -> Void = { _ in }
    ) throws {
        var configuration = Configuration(
            account: try JID(Self.account), resource: resource, credentials: .password(Secret("secret")),
            presence: presence)
        configuration.retry = .forever
        adjust(&configuration)
        session = ClientSession(configuration, restoring: saved, handled: handled, goneFor: goneFor, isHeir: isHeir) {
            [UInt8](repeating: 0, count: $0)
        }
    }

    // MARK: - Talking

    mutating func feed(_ input: Input) {
        actions += session.handle(input, at: now)
        output += String(decoding: session.takeOutput(), as: UTF8.self)
    }

    /// The server says an element.
    mutating func server(_ xml: String) { feed(.element(TestXML.element(xml))) }

    mutating func features(_ inner: String...) {
        server("<stream:features>\(inner.joined())</stream:features>")
    }

    mutating func pass(_ span: Duration) {
        now = now + span
        feed(.timeout)
    }

    /// Lets time pass to the session's own deadline.
    mutating func passToDeadline() {
        guard let deadline = session.deadline else { return }
        now = max(now, deadline)
        feed(.timeout)
    }

    mutating func send(_ row: UInt64, _ text: String? = nil) {
        session.send(Array((text ?? "<message id='\(row)'/>").utf8), row: row, at: now)
    }

    /// Sends rows and flushes once.
    mutating func send(rows: ClosedRange<UInt64>) {
        for row in rows { send(row) }
        flush()
    }

    mutating func flush() { output += String(decoding: session.takeOutput(), as: UTF8.self) }

    // MARK: - Looking

    /// What was written since the last look.
    mutating func written() -> String {
        defer { output = "" }
        return output
    }

    /// What was asked for since the last look.
    mutating func did() -> [Action] {
        defer { actions = [] }
        return actions
    }

    /// The id of the iq that was written last with this in front.
    mutating func lastID(_ kind: String) -> String {
        let ids = output.split(separator: "id='").dropFirst().map { String($0.prefix { $0 != "'" }) }
        return ids.last { $0.contains(kind) } ?? "none"
    }

    // MARK: - Whole stretches

    /// From the start to the features inside TLS, by direct TLS.
    mutating func connectTLS() {
        feed(.connected(.tls(Self.facts, peer: Self.peer)))
        feed(.streamOpened(Self.header))
    }

    /// From the connection to the features after authentication.
    mutating func authenticate() {
        connectTLS()
        features(Self.plain)
        server(Self.success)
        feed(.streamOpened(Self.header))
    }

    /// Answers the bind request.
    mutating func bound() {
        let id = lastID("bind")
        server(
            "<iq type='result' id='\(id)'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                + "<jid>\(Self.account)/r</jid></bind></iq>")
    }

    /// From the order to connect to being online with stream management (or without).
    mutating func logIn(managed: Bool = true, features more: String = "", enabled: String = Dialogue.enabled) {
        authenticate()
        features(Self.bind, managed ? Self.sm : "", more)
        bound()
        if managed { server(enabled) }
    }

    /// A session that is online, with nothing left to look at.
    static func online(
        managed: Bool = true, presence: Configuration.Presence? = nil, features: String = "",
        enabled: String = Dialogue.enabled, _ adjust: (inout Configuration) -> Void = { _ in }
    ) throws -> Dialogue {
        var talk = try Dialogue(presence: presence, adjust)
        talk.feed(.start)
        talk.logIn(managed: managed, features: features, enabled: enabled)
        try #require(talk.session.isOnline)
        talk.actions = []
        talk.output = ""
        return talk
    }

    /// Grants the resumption, and answers the request that shows the stream is read.
    mutating func resume(_ h: UInt32, id: String = "sm-1") {
        server("<resumed xmlns='urn:xmpp:sm:3' h='\(h)' previd='\(id)'/>")
        ack(h)
    }

    mutating func ack(_ h: UInt32) { server("<a xmlns='urn:xmpp:sm:3' h='\(h)'/>") }

    /// Answers the newest ping for acceptance that is in the output.
    mutating func pong(_ kind: String = "accept") {
        server("<iq type='result' from='\(Self.domain)' id='\(lastID(kind))'/>")
    }
}

extension Action {
    /// Whether it tells what to keep of the stream.
    var isOfStream: Bool { if case .keepStream = self { true } else { false } }
}

extension Array where Element == Action {
    /// What is to be kept of the stream, in order.
    var streams: [SavedStream?] {
        compactMap { if case .keepStream(let saved) = $0 { .some(saved) } else { nil } }
    }

    /// The rows accepted, in order.
    var accepted: [UInt64] {
        compactMap { if case .accepted(let row) = $0 { row } else { nil } }
    }

    var events: [Event] {
        compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    var ending: Ending? {
        compactMap { if case .ended(let ending) = $0 { ending } else { nil } }.last
    }

    var offline: (reason: String, retryIn: Duration?)? {
        for event in events.reversed() {
            if case .offline(let reason, let retryIn) = event { return (reason, retryIn) }
        }
        return nil
    }
}
