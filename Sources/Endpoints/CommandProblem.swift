public import Routing

/// Why a line is no command: told as a `result` event, and the next line works.
public struct CommandProblem: Error, Equatable, Sendable {
    /// What is wrong, for a program.
    public enum Code: String, Sendable, CaseIterable {
        /// The line is no JSON text; `column` says where.
        case badJSON = "bad-json"
        /// It is JSON, but no object.
        case badCommand = "bad-command"
        /// Its `do` is no verb.
        case unknownCommand = "unknown-command"
        /// Its `do` is a verb that this version does not know yet.
        case unsupportedCommand = "unsupported-command"
        /// A key that must be there is not.
        case missingKey = "missing-key"
        /// The verb has no such key.
        case unknownKey = "unknown-key"
        /// An address is none (RFC 7622).
        case badJID = "bad-jid"
        /// Another value is not what the key takes.
        case badValue = "bad-value"
        /// The line, or the stanza in it, is over its limit.
        case tooLong = "too-long"
    }

    /// The command's ref, where it could be read.
    public var ref: String?
    /// What is wrong, for a program.
    public var code: Code
    /// The key it is about.
    public var key: String?
    /// The line's number, from 1.
    public var line: UInt64
    /// The byte column, from 1, where the JSON breaks.
    public var column: Int?
    /// What is wrong and what was expected, for a person, in one line.
    public var text: String

    /// A problem.
    public init(
        _ code: Code, line: UInt64, ref: String? = nil, key: String? = nil, column: Int? = nil, text: String
    ) {
        self.ref = ref
        self.code = code
        self.key = key
        self.line = line
        self.column = column
        self.text = text
    }

    /// That of a line that the framer refused (``LineNote/Piece/refused``).
    public static func overlong(line: UInt64, bytesMax: Int) -> CommandProblem {
        CommandProblem(
            .tooLong, line: line, text: "the line is longer than \(bytesMax) bytes; send a shorter command")
    }

    /// The answer.
    public var event: EventRecord {
        .result(ref: ref, ok: false, code: code.rawValue, text: text, key: key, line: line, column: column)
    }
}
