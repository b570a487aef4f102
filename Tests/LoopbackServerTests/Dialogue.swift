import Digest
import LoopbackServer
import Stanza
import Synchronization

typealias Server = LoopbackServer

/// A server and what it says to each of its clients, as text.
struct Dialogue {
    var server: Server
    var now = Instant(nanoseconds: 1_000_000_000)
    /// 2026-11-22T09:40:00.123Z
    var wall = WallTime(milliseconds: 1_795_340_400_123)
    private var heard: [UInt64: String] = [:]
    /// What the server did apart from writing, in words: `startTLS 1`, `abort 2`.
    private var deeds: [String] = []
    private var seen: [Server.Observation] = []

    /// Accounts alice, bob and carol with the password `secret`; the features without TLS and with PLAIN.
    init(faults: [String] = [], change: (inout Server.Configuration) -> Void = { _ in }) throws {
        var configuration = try Server.Configuration(
            domain: "localhost", accounts: ["alice", "bob", "carol"].map { ($0, "secret") })
        configuration.saslMechanisms = [.scramSHA256, .plain]
        configuration.scramIterations = 2
        // Most tests look at stanzas as they were sent.
        configuration.archives = false
        change(&configuration)
        server = Server(configuration, faults: try faults.map { try Fault(parsing: $0) }, random: Self.counting())
    }

    /// Bytes that never repeat, the same in every run.
    static func counting() -> @Sendable (Int) -> [UInt8] {
        let calls = Counter()
        return { count in
            let call = calls.next()
            return (0..<count).map { $0 == 0 ? UInt8(truncatingIfNeeded: call) : UInt8($0) }
        }
    }

    private final class Counter: Sendable {
        private let value = Mutex(0)
        func next() -> Int {
            value.withLock {
                $0 += 1
                return $0
            }
        }
    }

    /// Gives the server an input and keeps what it does.
    mutating func input(_ input: Server.Input) {
        for action in server.handle(input, at: now, wall: wall) {
            switch action {
            case .write(let id, let bytes): heard[id, default: ""] += String(decoding: bytes, as: UTF8.self)
            case .startTLS(let id): deeds.append("startTLS \(id)")
            case .restartStream(let id): deeds.append("restartStream \(id)")
            case .close(let id): deeds.append("close \(id)")
            case .abort(let id): deeds.append("abort \(id)")
            case .observed(let observation): seen.append(observation)
            }
        }
    }

    mutating func connect(_ id: UInt64, directTLS: Bool = true) { input(.connected(id, directTLS: directTLS)) }

    mutating func open(_ id: UInt64, to domain: String = "localhost") {
        let header = Element("stream", NS.stream.description, ["to": domain, "version": "1.0"])
        input(.streamOpened(id, header))
    }

    /// Says something to the server.
    mutating func say(_ id: UInt64, _ xml: String) { input(.element(id, Reader.element(xml))) }

    /// Says something and gives what that client hears.
    mutating func ask(_ id: UInt64, _ xml: String) -> String {
        say(id, xml)
        return hear(id)
    }

    /// What that client has heard since it was asked last.
    mutating func hear(_ id: UInt64) -> String { heard.removeValue(forKey: id) ?? "" }

    /// What the server did since it was asked last.
    mutating func did() -> [String] {
        defer { deeds = [] }
        return deeds
    }

    /// What the server observed since it was asked last.
    mutating func observed() -> [Server.Observation] {
        defer { seen = [] }
        return seen
    }

    mutating func pass(_ time: Duration) {
        now = now + time
        if let deadline = server.deadline, deadline <= now { input(.timeout) }
    }
}

// MARK: - Routines

extension Dialogue {
    /// Connects with TLS and authenticates by PLAIN.
    mutating func authenticate(_ id: UInt64, _ name: String) {
        connect(id)
        open(id)
        let message = Base64.encode(Array("\u{0}\(name)\u{0}secret".utf8))
        say(id, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>")
        open(id)
    }

    /// Binds a resource; nobody hears anything yet of what was said.
    mutating func bind(_ id: UInt64, _ name: String, _ resource: String) {
        authenticate(id, name)
        say(
            id,
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>\(resource)</resource></bind></iq>"
        )
        _ = hear(id)
    }

    /// Binds a resource and becomes available.
    mutating func login(_ id: UInt64, _ name: String, _ resource: String, priority: Int = 0) {
        bind(id, name, resource)
        say(id, "<presence><priority>\(priority)</priority></presence>")
        _ = hear(id)
        _ = observed()
        _ = did()
    }

    /// Enables stream management and gives the id to resume by.
    mutating func enable(_ id: UInt64) -> String {
        attribute("id", of: ask(id, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")) ?? ""
    }

    mutating func resume(_ id: UInt64, _ previous: String, h: UInt32) -> String {
        ask(id, "<resume xmlns='urn:xmpp:sm:3' previd='\(previous)' h='\(h)'/>")
    }

    /// Makes both see each other's presence.
    mutating func befriend(_ a: UInt64, _ aName: String, _ b: UInt64, _ bName: String) {
        say(a, "<presence type='subscribe' to='\(bName)@localhost'/>")
        say(b, "<presence type='subscribed' to='\(aName)@localhost'/>")
        say(b, "<presence type='subscribe' to='\(aName)@localhost'/>")
        say(a, "<presence type='subscribed' to='\(bName)@localhost'/>")
        _ = hear(a)
        _ = hear(b)
    }
}

/// The first value of that attribute in a text.
func attribute(_ name: String, of text: String) -> String? {
    guard let start = text.range(of: " \(name)='") else { return nil }
    return String(text[start.upperBound...].prefix { $0 != "'" })
}

extension String {
    /// The first place of a text in this one.
    func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
