/// What a rule made of a record, for one destination.
public struct Delivery: Equatable, Sendable {
    /// The rule's index.
    public var rule: Int
    /// One of its destinations.
    public var destination: Endpoint
    /// What goes there.
    public var content: Content

    /// A delivery.
    public init(rule: Int, destination: Endpoint, content: Content) {
        self.rule = rule
        self.destination = destination
        self.content = content
    }

    /// What goes to a destination.
    public enum Content: Equatable, Sendable {
        /// To `xmpp:` the body of a message, never empty; to `stdout`, `file:` and `fifo:` a line, whose own line breaks the sink escapes.
        case text([UInt8])
        /// To `stdout`, `file:` and `fifo:`: an event, as NDJSON.
        case event(EventRecord)
        /// To `commands`: a line that holds one command, and its number in its source.
        case command([UInt8], number: UInt64)
    }
}

/// Who hands a record to the rules.
public enum Source: Hashable, Sendable {
    /// Standard input.
    case stdin
    /// A FIFO or a file, by its number in ``Router/localSources``.
    case local(Int)
    /// The session, and the bridge itself: events.
    case session
}
