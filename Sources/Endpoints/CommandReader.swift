import Routing
import Stanza

/// Lines of NDJSON → commands. Unknown keys and null values are problems: a slip of the pen is told, not passed over.
public struct CommandReader: Sendable {
    /// The longest stanza of a `raw`, in bytes.
    public static let rawBytesMax = 65_536
    /// The most addresses of one `send`.
    public static let recipientsMax = 100
    /// The longest ref, in bytes.
    public static let refBytesMax = 1_024
    /// The longest name of a contact and of a group, in bytes.
    public static let nameBytesMax = 1_024
    /// The most groups of one contact.
    public static let groupsMax = 100
    /// The most addresses of one `block` or `unblock`.
    public static let blockedMax = 100
    /// The most messages of a room's history that a `join` may ask for.
    public static let historyMax = 1_000

    /// Characters that XML 1.0 forbids and that were made visible, since ``takeComplaints()``.
    public private(set) var complaints = Complaints()

    /// A reader.
    public init() {}

    /// The complaints since the last call.
    public mutating func takeComplaints() -> Complaints {
        defer { complaints = Complaints() }
        return complaints
    }

    /// Reads the line with that number.
    public mutating func read(
        _ line: UnsafeBufferPointer<UInt8>, number: UInt64
    ) -> Result<Command, CommandProblem> {
        do throws(CommandProblem) {
            var object = try CommandObject(line, number: number)
            let command = try Self.command(&object)
            if object.illegalCharacters > 0 {
                complaints.illegalCharacters += object.illegalCharacters
                if complaints.firstLine == nil { complaints.firstLine = number }
            }
            return .success(command)
        } catch {
            return .failure(error)
        }
    }

    private static func command(_ object: inout CommandObject) throws(CommandProblem) -> Command {
        let name = try object.required("do")
        guard let verb = Command.Verb(rawValue: name) else {
            let near = Wording.nearest(to: name, among: Command.Verb.allCases.map(\.rawValue))
            let hint = near.map { "did you mean \(Wording.quote($0))?" } ?? list
            throw object.problem(.unknownCommand, "do", "no command \(Wording.quote(name)); \(hint)")
        }
        switch verb {
        case .send: return .send(try send(&object))
        case .presence: return .presence(try presence(&object))
        case .raw: return .raw(try raw(&object))
        case .rosterGet: return .rosterGet(try plain(object))
        case .rosterSet: return .rosterSet(try rosterSet(&object))
        case .rosterRemove: return .rosterRemove(try contact(object))
        case .subscribe: return .subscribe(try subscribe(&object))
        case .unsubscribe: return .unsubscribe(try contact(object))
        case .approve: return .approve(try contact(object))
        case .deny: return .deny(try contact(object))
        case .revoke: return .revoke(try contact(object))
        case .block: return .block(try block(object))
        case .unblock: return .unblock(try unblock(object))
        case .blockList: return .blockList(try plain(object))
        case .join: return .join(try join(object))
        case .leave: return .leave(try leave(&object))
        case .subject: return .subject(try subject(&object))
        case .invite: return .invite(try invite(&object))
        case .affiliate: return .affiliate(try affiliate(&object))
        case .kick: return .kick(try kick(&object))
        case .disco: return .disco(try disco(&object))
        case .ping: return .ping(try ping(object))
        case .version: return .version(try version(object))
        case .status: return .status(try plain(object))
        case .history, .upload, .vcard, .publish, .adhoc:
            let text = "this version cannot do \(Wording.quote(name)) yet; \(list)"
            throw object.problem(.unsupportedCommand, "do", text)
        }
    }

    /// There are too many verbs to name them all in a line.
    private static let list = "\"xmpp-bridge schema commands\" tells what there is"

    private static func plain(_ object: CommandObject) throws(CommandProblem) -> Command.Plain {
        try object.allow([])
        return Command.Plain(ref: object.ref)
    }

    // MARK: - Stanzas

    private static func send(_ object: inout CommandObject) throws(CommandProblem) -> Command.Send {
        try object.allow(["to", "room", "body", "type", "subject", "thread", "id", "receipt"])
        if object.has("room") && object.has("to") {
            throw object.problem(.badValue, "room", "expected either \"to\" or \"room\", not both")
        }
        let room = object.has("room") ? try object.room() : nil
        let to = room == nil ? try object.addresses("to", atMost: recipientsMax) : []
        let body = try object.required("body")
        if body.isEmpty { throw object.problem(.badValue, "body", "expected a text that is not empty") }
        var send = Command.Send(ref: object.ref, to: to, body: object.visible(body))
        send.room = room
        let types = room == nil ? MessageType.allCases.filter { $0 != .error } : [.groupchat]
        send.type = try object.oneOf("type", types) ?? (room == nil ? nil : .groupchat)
        send.subject = try object.visibleText("subject")
        send.thread = try object.visibleText("thread")
        send.id = try object.visibleText("id")
        if send.id?.isEmpty == true { throw object.problem(.badValue, "id", "expected an id that is not empty") }
        if send.id != nil && to.count > 1 {
            throw object.problem(.badValue, "id", "one id cannot serve \(to.count) addresses; send one by one")
        }
        send.receipt = try object.flag("receipt") ?? false
        // XEP-0184 5.3: not from all the occupants of a room.
        if send.receipt && send.type == .groupchat {
            throw object.problem(.badValue, "receipt", "a room gives no receipts; leave the key out")
        }
        return send
    }

    private static func presence(_ object: inout CommandObject) throws(CommandProblem) -> Command.Presence {
        try object.allow(["show", "status", "priority", "type", "to"])
        var presence = Command.Presence(ref: object.ref)
        presence.to = try object.address("to")
        presence.available = try object.oneOf("type", Availability.allCases) != .unavailable
        presence.show = try object.oneOf("show", Show.allCases)
        presence.status = try object.visibleText("status")
        presence.priority = try object.integer("priority", in: -128...127)
        if !presence.available && presence.show != nil {
            throw object.problem(.badValue, "show", "who is unavailable has no show; leave the key out")
        }
        return presence
    }

    private enum Availability: String, CaseIterable {
        case available, unavailable
    }

    private static func raw(_ object: inout CommandObject) throws(CommandProblem) -> Command.Raw {
        try object.allow(["xml"])
        let xml = Array(try object.required("xml").utf8)
        if xml.isEmpty { throw object.problem(.badValue, "xml", "expected a stanza, for example \"<iq .../>\"") }
        if xml.count > rawBytesMax {
            throw object.problem(
                .tooLong, "xml", "the stanza has \(xml.count) bytes; at most \(rawBytesMax) may be sent")
        }
        return Command.Raw(ref: object.ref, xml: xml)
    }
}
