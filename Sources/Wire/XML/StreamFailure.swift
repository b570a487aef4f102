import CLibXML2

extension StreamParser {
    /// Why a stream cannot be read on.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The condition of the stream error to send (RFC 6120 4.9.3), for example `restricted-xml`.
        public var condition: String
        /// What is wrong, for a person, on one line.
        public var text: String

        /// A failure of that condition.
        public init(condition: String, text: String) {
            self.condition = condition
            self.text = text
        }

        /// `condition (text)`.
        public var description: String { "\(condition) (\(text))" }
    }
}

extension StreamParser.Failure {
    /// Reads an error of the library; nil for what is tolerated.
    init?(_ error: xmlError) {
        guard error.level.rawValue >= XML_ERR_ERROR.rawValue else { return nil }
        switch Int(error.code) {
        case Int(XML_WAR_NS_URI.rawValue), Int(XML_WAR_NS_URI_RELATIVE.rawValue):
            // A namespace is any string here: a contact's odd one must not end the stream.
            return nil
        case Int(XML_NS_ERR_UNDEFINED_NAMESPACE.rawValue):
            condition = "bad-namespace-prefix"
        case Int(XML_ERR_UNDECLARED_ENTITY.rawValue), Int(XML_WAR_UNDECLARED_ENTITY.rawValue),
            Int(XML_ERR_RESERVED_XML_NAME.rawValue):
            condition = "restricted-xml"
        case Int(XML_ERR_INVALID_ENCODING.rawValue), Int(XML_ERR_UNSUPPORTED_ENCODING.rawValue),
            Int(XML_ERR_UNKNOWN_ENCODING.rawValue):
            condition = "unsupported-encoding"
        case _:
            condition = "not-well-formed"
        }
        let words = error.message.map { String(cString: $0) } ?? "error \(error.code)"
        var line = ""
        for scalar in words.unicodeScalars {
            if line.unicodeScalars.count == Self.textScalarsMax { break }
            line.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
        }
        while line.last == " " { line.removeLast() }
        text = line
    }

    private static let textScalarsMax = 200
}
