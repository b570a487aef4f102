/// What a rule made of a record, for one destination.
public struct Delivery: Equatable, Sendable {
    /// The rule's index.
    public var rule: Int
    /// One of its destinations.
    public var destination: Endpoint
    /// What goes there.
    public var content: Content
    /// Of a message to `xmpp:` or `room:`: what it is about, never empty.
    public var subject: String?
    /// Of a message: the conversation that it belongs to (RFC 6121 5.2.5), never empty.
    public var thread: String?
    /// Of a message: its language (BCP 47).
    public var lang: String?

    /// A delivery.
    public init(
        rule: Int, destination: Endpoint, content: Content, subject: String? = nil, thread: String? = nil,
        lang: String? = nil
    ) {
        self.rule = rule
        self.destination = destination
        self.content = content
        self.subject = subject
        self.thread = thread
        self.lang = lang
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
