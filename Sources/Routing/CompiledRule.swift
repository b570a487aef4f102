import Stanza

/// A rule as the router uses it: its pattern with a matcher of its own, its sources as bytes to compare. A class, so that
/// it is not copied for each record.
final class CompiledRule {
    let matcher: Matcher?
    let body: Template?
    let heading: Heading
    /// Conditions that are looked at before the pattern, and those that need what it, or a parser, finds.
    let early: [Condition]
    let late: [Condition]
    let lateNeedsJSON: Bool
    let onError: Selection.OnError
    let stops: Bool
    let joinsLines: Bool
    let takesEvents: Bool
    let peers: [Peer]
    let rooms: [Peer]
    /// Whether it takes what people write, to us or in a room.
    var takesMessages: Bool { !peers.isEmpty || !rooms.isEmpty }

    init(_ rule: Rule) {
        matcher = rule.match.map(Matcher.init)
        body = rule.body
        heading = rule.heading
        early = rule.selection.conditions.filter { !$0.isLate }
        late = rule.selection.conditions.filter(\.isLate)
        lateNeedsJSON = late.contains(where: \.needsJSON)
        onError = rule.selection.onError
        stops = rule.selection.stops
        joinsLines = rule.shaping.group?.joinsLines ?? false
        takesEvents = rule.from.contains(.events)
        peers = rule.from.compactMap { if case .xmpp(let jid) = $0 { Peer(jid) } else { nil } }
        rooms = rule.from.compactMap { if case .room(let jid) = $0 { Peer(jid) } else { nil } }
    }

    /// Somebody whose messages are taken.
    struct Peer {
        let address: [UInt8]
        let isBare: Bool

        init(_ jid: JID) {
            address = Array(jid.text.utf8)
            isBare = jid.isBare
        }

        /// Whether that prepared address is this peer, or a resource of it where no certain one is meant.
        func isSender(_ from: String.UTF8View) -> Bool {
            if from.elementsEqual(address) { return true }
            return isBare && from.count > address.count && from.starts(with: address)
                && from[from.index(from.startIndex, offsetBy: address.count)] == UInt8(ascii: "/")
        }
    }
}

/// The record under the rules, and what is found in it once for all of them.
struct Records {
    /// The line, or the message's body; nil for events without one.
    private(set) var text: [UInt8]?
    /// Whether it reports on what we sent: a delivery, a receipt, a message that came back, or our own message seen
    /// again (a carbon, or what another of our clients said in a room under the same nick).
    private(set) var isReport = false
    private var json: JSON?
    private var isParsed = false

    init(_ record: Record) {
        switch record {
        case .line(let line): text = line.bytes
        case .event(let event):
            isReport = event.kind == .delivery || event.kind == .receipt
            guard event.kind == .message else { return }
            isReport =
                event.utf8("type").map { $0.elementsEqual("error".utf8) } ?? false
                || event.utf8("carbon").map { $0.elementsEqual("sent".utf8) } ?? false || event["self"] == .bool(true)
            switch event["body"] {
            case .bytes(let body): text = body
            case .string(let body): text = Array(body.utf8)
            case .int, .bool, .strings, nil: break
            }
        }
    }

    /// ``text`` as JSON, parsed at the first call; nil where it is none.
    mutating func parsed() -> JSON? {
        if isParsed { return json }
        isParsed = true
        json = text.flatMap { text in try? text.withUnsafeBufferPointer { try JSON.parse($0) } }
        return json
    }
}

extension EventRecord {
    /// The bytes of a field that is text.
    func utf8(_ name: String) -> String.UTF8View? {
        switch self[name] {
        case .string(let text): text.utf8
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self).utf8
        case .int, .bool, .strings, nil: nil
        }
    }
}

extension Template {
    /// The bytes of its text as it stands.
    var literalBytes: Int {
        pieces.reduce(0) { if case .literal(let bytes) = $1 { $0 + bytes.count } else { $0 } }
    }
}
