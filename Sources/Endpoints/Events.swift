public import Routing
public import Stanza

extension EventRecord {
    /// The states of the session.
    public enum SessionState: String, Sendable, CaseIterable {
        case connecting, online, offline, refused
    }

    /// `session`: how the session stands; `resumed` where it is online, `retry_in_ms` where it will try again.
    public static func session(
        _ state: SessionState, jid: JID? = nil, resumed: Bool? = nil, peer: String? = nil, reason: String? = nil,
        retryIn: Duration? = nil
    ) -> EventRecord {
        var fields = Fields(.init("state", .string(state.rawValue)))
        fields.add("jid", jid?.text)
        fields.add("resumed", resumed)
        fields.add("peer", peer)
        fields.add("reason", reason)
        fields.add(milliseconds: "retry_in_ms", retryIn)
        return EventRecord(.session, fields.all)
    }

    /// `gap`: something of the session may be missing here; `reason` is a short word, `text` for a person.
    /// `source` or `sink` names the end that it is about; `bytes` says how much of a file is missing.
    public static func gap(
        reason: String, text: String? = nil, jid: JID? = nil, count: UInt64? = nil, source: String? = nil,
        sink: String? = nil, bytes: UInt64? = nil
    ) -> EventRecord {
        var fields = Fields(.init("reason", .string(reason)))
        fields.add("text", text)
        fields.add("jid", jid?.text)
        fields.add("count", count)
        fields.add("source", source)
        fields.add("sink", sink)
        fields.add("bytes", bytes)
        return EventRecord(.gap, fields.all)
    }

    /// `stats`: lines read, what the server accepted, what failed, and what waits in the spool.
    public static func stats(
        lines: UInt64, accepted: UInt64, failed: UInt64, waiting: Int, waitingBytes: Int
    ) -> EventRecord {
        var fields = Fields()
        fields.add("lines", lines)
        fields.add("accepted", accepted)
        fields.add("failed", failed)
        fields.add("waiting", Int64(waiting))
        fields.add("waiting_bytes", Int64(waitingBytes))
        return EventRecord(.stats, fields.all)
    }

    /// What became of the configuration.
    public enum ConfigurationAction: String, Sendable, CaseIterable {
        /// It was read again, and is in force.
        case reloaded
    }

    /// `config`: the configuration file was read again; `needs_restart` says what of it is not in force.
    public static func configuration(
        _ action: ConfigurationAction, text: String, needsRestart: [String] = []
    ) -> EventRecord {
        var fields = Fields(.init("action", .string(action.rawValue)))
        fields.add("text", text)
        fields.add("needs_restart", needsRestart.isEmpty ? nil : needsRestart)
        return EventRecord(.config, fields.all)
    }

    /// `error`: something a person should know; `code` is a short word, `source` names the input.
    public static func error(
        code: String, text: String, source: String? = nil, line: UInt64? = nil
    ) -> EventRecord {
        var fields = Fields(.init("code", .string(code)))
        fields.add("text", text)
        fields.add("source", source)
        fields.add("line", line)
        return EventRecord(.error, fields.all)
    }

    /// `error` with the code `limited`: messages that a rule's limit has dropped.
    /// - Parameter count: how many, since that was last told.
    public static func limited(text: String, count: UInt64) -> EventRecord {
        var event = error(code: "limited", text: text)
        var fields = Fields()
        fields.add("count", count)
        event.fields += fields.all
        return event
    }

    /// What somebody tried who has no right to it.
    public enum Forgery: String, Sendable, CaseIterable {
        /// A change of our roster (RFC 6121 2.1.6).
        case rosterPush = "roster push"
        /// A change of our block list (XEP-0191 3.3).
        case blockPush = "block push"
        /// A copy of a message (XEP-0280 11).
        case carbon
        /// A receipt for a message to somebody else (XEP-0184).
        case receipt
        /// A message that says it is of a room.
        case roomMessage = "room message"
        /// A presence that says it is of a room.
        case roomPresence = "room presence"
    }

    /// `error` with the code `forged`: something that was ignored, since whoever sent it has no right to it.
    /// - Parameter count: how often, since that was last told.
    public static func forged(_ what: Forgery, from: JID, count: UInt64 = 1) -> EventRecord {
        let often = count == 1 ? "" : "\(count) times "
        var event = error(
            code: "forged", text: "ignored \(often)a \(what.rawValue) from \(from.text), who has no right to it")
        var fields = Fields(.init("from", .string(from.text)))
        fields.add("what", what.rawValue)
        fields.add("count", count)
        event.fields += fields.all
        return event
    }

    /// `error` with the code `bad-input`: what the framer had to mend since the last report.
    public static func error(_ complaints: Complaints, source: String) -> EventRecord {
        var event = error(
            code: "bad-input", text: complaints.description, source: source, line: complaints.firstLine)
        var fields = Fields()
        for (name, count) in [
            ("invalid_utf8", complaints.invalidUTF8), ("illegal_characters", complaints.illegalCharacters),
            ("overlong_lines", complaints.overlongLines), ("split_parts", complaints.splitParts),
        ] where count > 0 {
            fields.add(name, count)
        }
        event.fields += fields.all
        return event
    }
}

/// Fields as they come; what is nil is left out.
struct Fields {
    private(set) var all: [EventRecord.Field] = []

    init(_ first: EventRecord.Field? = nil) {
        all.reserveCapacity(8)
        if let first { all.append(first) }
    }

    mutating func add(_ name: String, _ value: String?) {
        if let value { all.append(.init(name, .string(value))) }
    }

    mutating func add(_ name: String, bytes: [UInt8]?) {
        if let bytes { all.append(.init(name, .bytes(bytes))) }
    }

    mutating func add(_ name: String, _ value: [String]?) {
        if let value { all.append(.init(name, .strings(value))) }
    }

    mutating func add(_ name: String, _ value: Bool?) {
        if let value { all.append(.init(name, .bool(value))) }
    }

    mutating func add(whereTrue name: String, _ value: Bool) {
        if value { all.append(.init(name, .bool(true))) }
    }

    mutating func add(_ name: String, _ value: Int64?) {
        if let value { all.append(.init(name, .int(value))) }
    }

    mutating func add(milliseconds name: String, _ value: Duration?) {
        if let value { all.append(.init(name, .int(value.wholeMilliseconds))) }
    }

    /// JSON's readers agree on integers up to 2^53 only (RFC 8259 section 6); `Int64.max` is beyond any count here.
    mutating func add(_ name: String, _ value: UInt64?) {
        if let value { all.append(.init(name, .int(Int64(clamping: value)))) }
    }
}
