/// The error of a stanza, as an `<error/>` child says it (RFC 6120 8.3).
public struct StanzaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the sender may do: `auth`, `cancel`, `continue`, `modify` or `wait`.
    public var type: String
    /// The defined condition, for example `service-unavailable`.
    public var condition: String
    /// The explanation for a person, where there is one.
    public var text: String?
    /// The JID that says it generated the error, where it says so.
    public var by: String?

    /// An error made here.
    public init(type: String, condition: String, text: String? = nil, by: String? = nil) {
        self.type = type
        self.condition = condition
        self.text = text
        self.by = by
    }

    /// Reads the error of a stanza of type `error`; what is missing or unknown becomes `undefined-condition`.
    public init(of stanza: Element) {
        guard let error = stanza.child("error", NS.client) else {
            self.init(type: "cancel", condition: "undefined-condition")
            return
        }
        var condition: String?
        for child in error.children where child.hasNamespace(NS.stanzas) && !child.hasName("text") {
            condition = child.name
            break
        }
        self.init(
            type: error["type"] ?? "cancel",
            condition: condition ?? "undefined-condition",
            text: error.child("text", NS.stanzas)?.text,
            by: error["by"])
    }

    /// `condition (text)`.
    public var description: String { text.map { "\(condition) (\($0))" } ?? condition }
}
