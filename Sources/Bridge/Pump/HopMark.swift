import Digest
import Endpoints
import Routing
import Session
import Stanza

/// What a bridge writes on a message that it makes of a received one: how many bridges it has passed, which, and the
/// rooms that it was said in. So two of them never send one message to and fro, whatever their accounts are.
///
/// It is an element of our own, which servers and rooms pass on:
/// `<hop xmlns='urn:xmpp-bridge:hop:0' count='2' by='ID ID' rooms='HASH HASH'/>`. A room stands there as a hash, since
/// who reads the message need not know it.
struct HopMark: Equatable, Sendable {
    /// Named limits, unit last.
    enum Limits {
        /// A message that has passed so many bridges is sent on by none.
        static let hopsMax = 8
        /// Beyond it an attribute is not read, and the message is one that has passed too many.
        static let attributeBytesMax = 512
        /// Of the hash of a room.
        static let roomBytes = 8
    }

    /// Bridges that it has passed.
    var count = 0
    /// Those that have given their ids, each once.
    private(set) var bridges: [String] = []
    /// The rooms that it was said in, each once, as ``name(of:)`` gives them.
    private(set) var rooms: [String] = []

    /// No bridge, no room.
    init() {}

    /// The mark of a message; nil where it has none.
    init?(of stanza: Element) {
        guard let element = stanza.child("hop", NS.hop) else { return nil }
        let attributes = [element["by"] ?? "", element["rooms"] ?? ""]
        count = max(element["count"].flatMap { Int($0) } ?? 1, 1)
        guard attributes.allSatisfy({ $0.utf8.count <= Limits.attributeBytesMax }) else {
            count = Limits.hopsMax
            return
        }
        for name in attributes[0].split(separator: " ") { add(bridge: String(name)) }
        for name in attributes[1].split(separator: " ") { add(room: String(name)) }
        count = max(count, bridges.count)
    }

    /// How a mark names a room.
    static func name(of room: JID) -> String {
        let digest = Hash.sha256.digest(Array("hop\u{0}\(room.bare)".utf8))
        return Hex.encode(Array(digest.prefix(Limits.roomBytes)))
    }

    /// The mark of what that bridge makes of a message with this one.
    /// - Parameter room: the room that it was said in.
    func passing(_ bridge: String, from room: JID?) -> HopMark {
        var next = self
        next.count = min(count, Limits.hopsMax) + 1
        next.add(bridge: bridge)
        if let room { next.add(room: Self.name(of: room)) }
        return next
    }

    /// This one and that of another message, of which the same text was made.
    func joined(_ other: HopMark) -> HopMark {
        var all = self
        for bridge in other.bridges { all.add(bridge: bridge) }
        for room in other.rooms { all.add(room: room) }
        all.count = max(count, other.count, all.bridges.count)
        return all
    }

    /// Why a message with this mark is not sent there by that bridge.
    enum Obstacle: Equatable, Sendable {
        /// It has passed that bridge before.
        case passedBefore
        /// It was said in that room before.
        case saidThere
        /// It has passed too many bridges.
        case tooManyHops
    }

    /// Why it is not sent there; nil where it may be.
    func obstacle(for bridge: String, to destination: Endpoint) -> Obstacle? {
        if bridges.contains(bridge) { return .passedBefore }
        if case .room(let room) = destination, !rooms.isEmpty, rooms.contains(Self.name(of: room)) { return .saidThere }
        return count >= Limits.hopsMax ? .tooManyHops : nil
    }

    /// The element.
    func write(to writer: inout XMLWriter) {
        writer.start("hop", NS.hop)
        writer.attribute("count", UInt32(clamping: count))
        writer.attribute("by", bridges.joined(separator: " "))
        if !rooms.isEmpty { writer.attribute("rooms", rooms.joined(separator: " ")) }
        writer.endEmpty()
    }

    /// What the element takes at the most, in bytes.
    var byteCount: Int {
        100 + bridges.reduce(0) { $0 + $1.utf8.count * 6 + 1 } + rooms.reduce(0) { $0 + $1.utf8.count * 6 + 1 }
    }

    private mutating func add(bridge: String) { if !bridges.contains(bridge) { bridges.append(bridge) } }
    private mutating func add(room: String) { if !rooms.contains(room) { rooms.append(room) } }
}

// What has passed bridges is not sent back and forth between them.
extension Pump {
    /// The id by which this run is known in marks.
    var hopID: String { String(stanzas.idPrefix.dropLast()) }

    /// What is made of a message that was received gets its mark, and this bridge's.
    mutating func route(_ message: Message) {
        let room = message.room.flatMap { $0.isPrivate ? nil : $0.room }
        hops.received = HopMark(of: message.stanza) ?? HopMark()
        hops.current = hops.received?.passing(hopID, from: room)
        var fields = EventRecord.MessageFields(message, account: accountJID)
        fields.redelivered = isRedelivering
        route(.event(.message(fields)), from: .session)
        (hops.received, hops.current) = (nil, nil)
    }

    /// Whether what is made of a message may leave as a message of ours.
    mutating func mayGoOn(_ delivery: Delivery) -> Bool {
        guard let received = hops.received else { return true }
        switch delivery.destination {
        case .xmpp, .room: break
        case .stdin, .stdout, .events, .presence, .commands, .file, .fifo, .tail: return true
        }
        switch received.obstacle(for: hopID, to: delivery.destination) {
        case nil: return true
        // That is what two bridges between the same ends do all day.
        case .passedBefore, .saidThere: return false
        case .tooManyHops:
            tellWorn(delivery.destination)
            return false
        }
    }

    /// Once a minute at the most.
    private mutating func tellWorn(_ destination: Endpoint) {
        if let told = hops.told, now < told + .seconds(Limits.complaintSeconds) { return }
        hops.told = now
        let text = "a message has passed \(HopMark.Limits.hopsMax) bridges and is not sent on to \(destination)"
        actions.append(.say(.warning, text))
    }
}

/// Where the pump stands with marks.
struct Hops: Sendable {
    /// The mark of the message that is routed now; an empty one where it has none.
    var received: HopMark?
    /// The mark that what is made now gets: nil where that comes from no message.
    var current: HopMark?
    /// When a message that has passed too many bridges was told of.
    var told: Instant?
    /// Of what each rule holds back: all that any of its messages carried.
    private var held: [Int: HopMark] = [:]

    /// A rule holds back what comes from a message.
    mutating func hold(_ mark: HopMark?, by rule: Int) {
        guard let mark else { return }
        held[rule] = held[rule].map { $0.joined(mark) } ?? mark
    }

    /// Other rules have come in the place of these.
    mutating func goOn(_ heirs: [Int?]) {
        held = Dictionary(
            uniqueKeysWithValues: held.compactMap { rule, mark in heirs[rule].map { ($0, mark) } })
    }

    /// The mark of what a rule gives out.
    /// - Parameter isLast: whether it holds nothing back any more.
    mutating func release(by rule: Int, isLast: Bool) -> HopMark? {
        isLast ? held.removeValue(forKey: rule) : held[rule]
    }
}
