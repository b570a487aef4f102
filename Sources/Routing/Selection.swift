import Stanza

/// Which of its sources' records a rule takes, beside its pattern, and who sees them after it.
public struct Selection: Equatable, Sendable {
    /// What must hold of a record's fields; all of it.
    public var conditions: [Condition] = []
    /// Whether no later rule sees what this one takes.
    public var stops = false
    /// Whether it takes only what no other rule took.
    public var isDefault = false
    /// What happens to a record whose pattern is given up at a limit.
    public var onError = OnError.drop

    /// Every record.
    public init() {}

    /// What happens to a record whose pattern can not decide.
    public enum OnError: String, Sendable, CaseIterable {
        /// It counts as matched, with groups that captured nothing.
        case pass
        /// It counts as not matched.
        case drop
    }

    /// A selection before its fields are known to be there.
    public struct Draft: Sendable {
        /// What must hold.
        public var conditions: [Condition.Draft] = []
        /// Whether no later rule sees what this one takes.
        public var stops: Bool?
        /// Whether it takes only what no other rule took.
        public var isDefault: Bool?
        /// What happens to a record whose pattern is given up.
        public var onError: OnError?

        /// Every record.
        public init() {}
    }
}

/// What the messages of a rule carry beside their body.
public struct Heading: Equatable, Sendable {
    /// The subject; none where it is filled with nothing.
    public var subject: Template?
    /// The thread (RFC 6121 5.2.5).
    public var thread: Template?
    /// The language (RFC 6121 5.2.3, BCP 47).
    public var lang: String?

    /// Nothing.
    public init() {}

    var needsJSON: Bool { subject?.needsJSON == true || thread?.needsJSON == true }

    /// A heading as it is written.
    public struct Draft: Sendable {
        /// The subject's template.
        public var subject: String?
        /// The thread's template.
        public var thread: String?
        /// The language.
        public var lang: String?

        /// Nothing.
        public init() {}
    }

    /// Whether a text has the form of a language tag: letters, and parts of letters and digits behind hyphens, each of
    /// at most eight (RFC 5646 2.1).
    static func isLanguage(_ text: String) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts[0].allSatisfy(isLetter)
            && parts.allSatisfy { (1...8).contains($0.count) && $0.allSatisfy { isLetter($0) || isDigit($0) } }
    }
}
