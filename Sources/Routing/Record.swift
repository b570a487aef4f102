/// What travels through the rules: a line of text from a local source, or an event of the session.
public enum Record: Equatable, Sendable {
    /// A line from standard input, a FIFO, a file.
    case line(Line)
    /// An event of the session or of the bridge itself.
    case event(EventRecord)

    /// A line, cleaned and without its end.
    public struct Line: Equatable, Sendable {
        /// UTF-8 that XML 1.0 can carry.
        public var bytes: [UInt8]
        /// Its number in the source, from 1.
        public var number: UInt64

        /// Where it comes from: the path of a FIFO, or of the file of a `tail:`; "stdin" of standard input.
        public var source: String

        /// A line.
        public init(bytes: [UInt8], number: UInt64, source: String = "stdin") {
            self.bytes = bytes
            self.number = number
            self.source = source
        }
    }
}

/// An event with its fields, flat, in the order they are written (DESIGN 5.3). `time` and `seq` are added when it is
/// written out.
public struct EventRecord: Equatable, Sendable {
    /// Which event.
    public var kind: Kind
    /// Its fields without `event`, `time` and `seq`.
    public var fields: [Field]

    /// An event.
    public init(_ kind: Kind, _ fields: [Field] = []) {
        self.kind = kind
        self.fields = fields
    }

    /// The kinds of DESIGN 5.3 that this version emits.
    public enum Kind: String, Sendable, CaseIterable {
        case session, message, presence, subscription, roster, block, room, occupant, receipt, delivery, result, gap
        case stats, error, config
    }

    /// One field.
    public struct Field: Equatable, Sendable {
        /// snake_case.
        public var name: String
        /// Never null: what is not known is left out.
        public var value: Value

        /// A field.
        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// A field's value.
    public enum Value: Equatable, Sendable {
        /// Text.
        case string(String)
        /// Text as UTF-8 bytes, so that a body needs no `String`.
        case bytes([UInt8])
        /// A whole number.
        case int(Int64)
        /// True or false.
        case bool(Bool)
        /// A list of texts.
        case strings([String])
    }

    /// The value of that field.
    public subscript(_ name: String) -> Value? { fields.first { $0.name == name }?.value }
}
