public import Routing
public import Stanza

// What became of what we were told to do.
extension EventRecord {
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

    /// The answer to a command: whether it went well, and what was asked for.
    public struct ResultFields: Sendable, Equatable {
        /// The command's.
        public var ref: String?
        /// Whether it went well.
        public var ok: Bool
        /// Why it did not, for a program.
        public var code: String?
        /// The server's error (RFC 6120 8.3.3).
        public var condition: String?
        /// For a person.
        public var text: String?
        /// The command's key that it is about.
        public var key: String?
        /// The input line's number, from 1.
        public var line: UInt64?
        /// The byte where the JSON breaks, from 1.
        public var column: Int?
        /// The answer to a raw query, whole.
        public var xml: String?
        /// How many events came before with the same `ref`.
        public var count: Int?
        /// Addresses: the blocked ones (XEP-0191), or the items of an entity (XEP-0030).
        public var jids: [JID]?
        /// What an entity can do (XEP-0030).
        public var features: [String]?
        /// What an entity is (XEP-0030): `category/type`, and a space and its name where it has one.
        public var identities: [String]?
        /// How long the answer took, written as `ms`.
        public var roundTrip: Duration?
        /// The name of an entity's software (XEP-0092).
        public var name: String?
        /// Its version.
        public var version: String?
        /// The operating system it runs on.
        public var os: String?
        /// How the session stands.
        public var state: SessionState?
        /// The session's address.
        public var jid: JID?

        /// An answer with what it must have.
        public init(ref: String?, ok: Bool) {
            self.ref = ref
            self.ok = ok
        }
    }

    /// `result`.
    public static func result(_ result: ResultFields) -> EventRecord {
        var fields = Fields()
        fields.add("ref", result.ref)
        fields.add("ok", result.ok)
        fields.add("code", result.code)
        fields.add("condition", result.condition)
        fields.add("text", result.text)
        fields.add("key", result.key)
        fields.add("line", result.line)
        fields.add("column", result.column.map(Int64.init))
        fields.add("xml", result.xml)
        fields.add("count", result.count.map(Int64.init))
        fields.add("jids", result.jids?.map(\.text))
        fields.add("features", result.features)
        fields.add("identities", result.identities)
        fields.add(milliseconds: "ms", result.roundTrip)
        fields.add("name", result.name)
        fields.add("version", result.version)
        fields.add("os", result.os)
        fields.add("state", result.state?.rawValue)
        fields.add("jid", result.jid?.text)
        return EventRecord(.result, fields.all)
    }

    /// `result` for a command that asks for nothing.
    public static func result(
        ref: String? = nil, ok: Bool, code: String? = nil, text: String? = nil, key: String? = nil, line: UInt64? = nil,
        column: Int? = nil, condition: String? = nil, xml: String? = nil
    ) -> EventRecord {
        var fields = ResultFields(ref: ref, ok: ok)
        fields.code = code
        fields.condition = condition
        fields.text = text
        fields.key = key
        fields.line = line
        fields.column = column
        fields.xml = xml
        return result(fields)
    }
}
