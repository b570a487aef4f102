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
        if let retryIn { fields.add("retry_in_ms", retryIn.wholeMilliseconds) }
        return EventRecord(.session, fields.all)
    }

    /// `subscription`: a change in who may see whom, in the words of DESIGN 5.3.
    public enum SubscriptionAction: String, Sendable, CaseIterable {
        case request, approved, denied, cancelled, unsubscribed
    }

    /// `subscription`; `status` is what the other side wrote with it.
    public static func subscription(
        jid: JID, _ action: SubscriptionAction, status: String? = nil
    ) -> EventRecord {
        var fields = Fields(.init("jid", .string(jid.bare.text)))
        fields.add("action", action.rawValue)
        fields.add("status", status)
        return EventRecord(.subscription, fields.all)
    }

    /// An item of the roster (RFC 6121 2.1).
    public struct RosterFields: Sendable, Equatable {
        /// The contact.
        public var jid: JID
        /// The name we gave it.
        public var name: String?
        /// The groups it is in.
        public var groups: [String] = []
        /// Who sees whom; nil for an item that was removed.
        public var subscription: Subscription?
        /// Whether our request to see its presence is pending.
        public var ask = false
        /// Whether we approved its request in advance.
        public var approved = false

        /// Who sees whom.
        public enum Subscription: String, Sendable, CaseIterable {
            case none, to, from, both
        }

        /// The item; a nil `subscription` says that it was removed.
        public init(jid: JID, subscription: Subscription?) {
            self.jid = jid
            self.subscription = subscription
        }
    }

    /// `roster`: `action` is `set` or `remove`; `initial` for the items told at login.
    public static func roster(_ item: RosterFields, initial: Bool) -> EventRecord {
        var fields = Fields(.init("jid", .string(item.jid.text)))
        fields.add("action", item.subscription == nil ? "remove" : "set")
        if let subscription = item.subscription {
            fields.add("name", item.name)
            fields.add("groups", item.groups)
            fields.add("subscription", subscription.rawValue)
            fields.add(whereTrue: "ask", item.ask)
            fields.add(whereTrue: "approved", item.approved)
        }
        fields.add(whereTrue: "initial", initial)
        return EventRecord(.roster, fields.all)
    }

    /// How far a delivery has come.
    public enum DeliveryStage: String, Sendable, CaseIterable {
        case queued, sent, acknowledged, received, displayed, failed
    }

    /// `delivery`: `ref` is that of the command, `line` the number of the input line; `condition` (RFC 6120 8.3.3)
    /// and `text` say why it failed.
    public static func delivery(
        ref: String? = nil, line: UInt64? = nil, to: JID, _ stage: DeliveryStage, id: String? = nil,
        condition: String? = nil, text: String? = nil
    ) -> EventRecord {
        var fields = Fields()
        fields.add("ref", ref)
        fields.add("line", line)
        fields.add("to", to.text)
        fields.add("stage", stage.rawValue)
        fields.add("id", id)
        fields.add("condition", condition)
        fields.add("text", text)
        return EventRecord(.delivery, fields.all)
    }

    /// `result`: the answer to a command. `code` is `accepted` where it went well and nothing else answers.
    public static func result(
        ref: String? = nil, ok: Bool, code: String? = nil, text: String? = nil, key: String? = nil, line: UInt64? = nil,
        column: Int? = nil, condition: String? = nil, xml: String? = nil
    ) -> EventRecord {
        var fields = Fields()
        fields.add("ref", ref)
        fields.add("ok", ok)
        fields.add("code", code)
        fields.add("condition", condition)
        fields.add("text", text)
        fields.add("key", key)
        fields.add("line", line)
        fields.add("column", column.map(Int64.init))
        fields.add("xml", xml)
        return EventRecord(.result, fields.all)
    }

    /// `gap`: something of the session may be missing here; `reason` is a short word, `text` for a person.
    public static func gap(reason: String, text: String? = nil, jid: JID? = nil, count: UInt64? = nil) -> EventRecord {
        var fields = Fields(.init("reason", .string(reason)))
        fields.add("text", text)
        fields.add("jid", jid?.text)
        fields.add("count", count)
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

    mutating func add(_ name: String, _ value: [String]) { all.append(.init(name, .strings(value))) }

    mutating func add(_ name: String, _ value: Bool?) {
        if let value { all.append(.init(name, .bool(value))) }
    }

    mutating func add(whereTrue name: String, _ value: Bool) {
        if value { all.append(.init(name, .bool(true))) }
    }

    mutating func add(_ name: String, _ value: Int64?) {
        if let value { all.append(.init(name, .int(value))) }
    }

    /// JSON's readers agree on integers up to 2^53 only (RFC 8259 section 6); `Int64.max` is beyond any count here.
    mutating func add(_ name: String, _ value: UInt64?) {
        if let value { all.append(.init(name, .int(Int64(clamping: value)))) }
    }
}
