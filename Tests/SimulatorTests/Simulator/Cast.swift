import Bridge
import Digest
import LoopbackServer
import Routing
import Session
import Stanza

/// The addresses of everybody, and what the server and the bridge are told at their start.
struct Cast {
    static let domain = "sim.example"
    static let password = "secret"
    static let resource = "xmpp-bridge.here-1"

    let account: JID
    let full: JID
    let room: JID
    let lanes: [Lane: JID]

    init() throws {
        account = try JID("bridge@\(Self.domain)")
        full = try account.with(resource: Self.resource)
        room = try JID("den@conference.\(Self.domain)")
        lanes = [
            .bob: try JID("bob@\(Self.domain)"), .carol: try JID("carol@\(Self.domain)"),
            .moody: try JID("moody@\(Self.domain)"), .busy: try JID("busy@\(Self.domain)"),
            .ghost: try JID("ghost@\(Self.domain)"), .den: room,
        ]
    }

    /// The lane that leads to an address.
    func lane(of address: String) -> Lane? { lanes.first { $0.value.text == address }?.key }

    // MARK: - The server

    func server(_ setting: Setting) throws -> LoopbackServer.Configuration {
        let people = ["bridge", "bob", "carol", "moody", "busy", "mia"].map { (name: $0, password: Self.password) }
        var configuration = try LoopbackServer.Configuration(domain: Self.domain, accounts: people)
        configuration.offersSTARTTLS = false
        configuration.saslMechanisms = [.plain]
        configuration.streamManagement = setting.managesStreams
        configuration.resumptionTimeout = .seconds(setting.resumptionSeconds)
        // What lies in an archive counts as handled before any sink has it: the oracle does not know of archives yet.
        configuration.archives = false
        configuration.roomService.rooms = [try .init("den")]
        return configuration
    }

    /// What a contact's server sends back.
    func bounce(_ message: LoopbackServer.SeenMessage, isForNow: Bool) -> [UInt8] {
        var writer = XMLWriter()
        writer.start("message")
        writer.attribute("type", "error" as StaticString)
        writer.attribute("id", ifPresent: message.id)
        writer.attribute("from", message.to)
        writer.attribute("to", message.from.text)
        writer.raw("><error type='")
        writer.raw((isForNow ? "wait'><resource-constraint" : "cancel'><service-unavailable").utf8)
        writer.raw(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        return writer.bytes
    }

    // MARK: - The bridge

    func session(_ setting: Setting) -> Session.Configuration {
        var configuration = Session.Configuration(
            account: account, resource: Self.resource, credentials: .password(Secret(Self.password)),
            presence: setting.listens ? .init() : nil)
        configuration.retry = setting.patienceSeconds.map { .within(.seconds($0)) } ?? .forever
        return configuration
    }

    /// The rules that the routes and the sinks stand for.
    func rules(_ setting: Setting) throws -> [Rule] {
        var rules: [Rule] = []
        for voice in Voice.allCases {
            let source = try endpoint(voice)
            let lanes = try setting.lanes(of: voice).map { try Endpoint(parsing: address($0)) }
            let body = voice.isLocal ? nil : "{body}"
            if !lanes.isEmpty { rules.append(try Rule(from: [source], body: body, to: lanes)) }
            let sinks = try setting.sinks(of: voice).map { try Endpoint(parsing: $0.endpoint) }
            if !sinks.isEmpty { rules.append(try Rule(from: [source], body: "{body}", to: sinks)) }
        }
        return rules
    }

    private func endpoint(_ voice: Voice) throws -> Endpoint {
        switch voice {
        case .stdin: .stdin
        case .fifo: try Endpoint(parsing: "fifo:/run/in")
        case .log: try Endpoint(parsing: "tail:/var/log/app")
        case .bob: try Endpoint(parsing: "xmpp:bob@\(Self.domain)")
        case .mia: try Endpoint(parsing: "room:\(room)")
        }
    }

    private func address(_ lane: Lane) -> String {
        let jid = lanes[lane]?.text ?? ""
        return lane.isRoom ? "room:\(jid)" : "xmpp:\(jid)"
    }
}

extension Sink {
    /// As a rule names it.
    var endpoint: String {
        switch self {
        case .stdout: "stdout"
        case .file: "file:/var/log/chat"
        case .fifo: "fifo:/run/out"
        }
    }
}

/// A line or a message by who says it and its number; stands at the beginning of its text.
struct Mark: Hashable, Sendable, CustomStringConvertible {
    var voice: Voice
    var number: Int

    init(_ voice: Voice, _ number: Int) {
        self.voice = voice
        self.number = number
    }

    /// Reads the mark at the beginning of a text; nil where there is none.
    init?(_ text: some Sequence<UInt8>) {
        var word: [UInt8] = []
        var number: Int?
        for byte in text {
            if let sofar = number {
                if byte == UInt8(ascii: ".") {
                    guard let voice = Voice(rawValue: String(decoding: word, as: UTF8.self)) else { return nil }
                    self.init(voice, sofar)
                    return
                }
                guard (0x30...0x39).contains(byte) else { return nil }
                number = sofar * 10 + Int(byte - 0x30)
            } else if byte == UInt8(ascii: "#") {
                number = 0
            } else {
                word.append(byte)
                if word.count > 4 { return nil }
            }
        }
        return nil
    }

    var description: String { "\(voice.rawValue)#\(number)" }

    /// The whole text: the mark and padding that follows from both.
    func text(paddingMax: Int) -> String {
        var chance = Chance(seed: UInt64(number) &* 31 &+ UInt64(voice.rawValue.utf8.count))
        let size = paddingMax == 0 ? 0 : chance.magnitude(0...paddingMax)
        return "\(self). " + String(repeating: "<&x ", count: size / 4)
    }
}
