/// A JSON text (RFC 8259) as a value: commands on the pipe and lines that rules look into.
public enum JSON: Equatable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number as it was written.
    case number(String)
    /// A string, unescaped.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object, its members in the order they were written.
    case object([Member])

    /// A member of an object.
    public struct Member: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: JSON

        /// A member.
        public init(name: String, value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// Why and where a text is not JSON.
    public struct Problem: Error, Equatable, Sendable {
        /// The byte column, from 1.
        public var column: Int
        /// What was expected, what stood there.
        public var what: String

        /// A problem.
        public init(column: Int, what: String) {
            self.column = column
            self.what = what
        }
    }

    /// How deep arrays and objects may be nested; deeper is a ``Problem``.
    public static let depthMax = 128

    /// Parses one JSON text (RFC 8259), strictly: white space around it is allowed, anything else behind it is not.
    /// - Throws: ``Problem`` for whatever the grammar refuses, and for what it leaves open: broken UTF-8, a lone
    ///   surrogate, a name that stands twice in one object, nesting over ``depthMax``.
    public static func parse(_ text: UnsafeBufferPointer<UInt8>) throws(Problem) -> JSON {
        var parser = JSONParser(text)
        return try parser.whole()
    }
}
