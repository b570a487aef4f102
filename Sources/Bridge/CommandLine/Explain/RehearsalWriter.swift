import Endpoints
import Routing
import Stanza

/// How `explain` writes what it finds.
protocol RehearsalWriter {
    /// What is to be said before the first record.
    mutating func begin(_ sample: Sample)
    /// One thing that happens.
    mutating func tell(_ step: Rehearsal.Step, by rules: [Rule])
    /// A line that is no event, where events are read.
    mutating func tellBroken(_ number: UInt64, _ problem: String)
    /// What came of all of it.
    mutating func end(_ counts: Rehearsal.Counts, by rules: [Rule])
    /// Bytes that are written and not taken.
    var bytesWaiting: Int { get }
    /// Takes what is written so far.
    mutating func takeBytes() -> [UInt8]
}

/// What a sample stands for.
struct Sample {
    /// The source of its lines; ``Endpoint/events`` where they are recorded events.
    var source: Endpoint
    /// How far its records are apart; nil: as the events say.
    var every: Duration?
    /// For each rule whether it takes records of that source.
    var readers: [Bool]

    var holdsEvents: Bool { source == .events }
}

/// The messages of a rehearsal as they would go over the wire. Their ids are made up: a run has its own.
struct RehearsedStanzas {
    private let stanzas = MessageStanza(idPrefix: "explain-")
    private var last: UInt64 = 0
    private let asksReceipts: Bool
    /// The ids of the messages that others edit: one for each destination of a rule that edits.
    private var editedIDs: [HeldTexts.Edit: String] = [:]

    init(asksReceipts: Bool) { self.asksReceipts = asksReceipts }

    /// The message that goes out, as XML; nil where it is none.
    mutating func stanza(_ sending: Rehearsal.Sending, by rules: [Rule]) -> [UInt8]? {
        guard case .text(let body) = sending.delivery.content else { return nil }
        var content: MessageStanza.Content
        switch sending.delivery.destination {
        case .xmpp(let jid):
            content = .init(to: jid, type: rules[sending.delivery.rule].type.rawValue, body: body)
            content.asksReceipt = asksReceipts
        case .room(let room): content = .init(to: room, type: "groupchat", body: body)
        case .stdin, .stdout, .events, .presence, .commands, .file, .fifo, .tail: return nil
        }
        content.subject = sending.delivery.subject
        content.thread = sending.delivery.thread
        content.lang = sending.delivery.lang
        last += 1
        if let edit = sending.edit {
            let first = HeldTexts.Edit(rule: sending.delivery.rule, handle: edit.replaces ?? edit.handle)
            if edit.replaces != nil {
                content.replaces = editedIDs[first]
            } else {
                editedIDs[first] = stanzas.identifier(last)
            }
        }
        return stanzas.bytes(content, head: stanzas.head(to: content.to, type: content.type), row: last)
    }
}

extension Rule {
    /// What a person calls it.
    func title(_ index: Int) -> String { name ?? "number \(index + 1)" }
}

extension Instant {
    /// Milliseconds since the beginning of a rehearsal.
    var rehearsedMilliseconds: Int64 { nanoseconds / 1_000_000 }
}
