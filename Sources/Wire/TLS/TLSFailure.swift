import Stanza

/// Why TLS cannot be had, or not any longer: one line for a person, without any secret.
public enum TLSFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// Our own side: a file that cannot be read or does not hold what it should.
    case setup(String)
    /// The two sides found no common ground, or the peer does not speak TLS.
    case handshake(String)
    /// The peer's certificate was refused: which check failed, on what, and what to do.
    case certificate(String)
    /// The connection ended without TLS close_notify: what came before may be cut short (RFC 8446 6.1).
    case truncated(String)
    /// An established connection broke: a damaged record, or the peer's alert.
    case broken(String)
    /// Nothing can be sent here: not yet established, or already shut down.
    case notOpen(String)

    /// What failed, without the kind of failure before it.
    public var message: String {
        switch self {
        case .setup(let text), .handshake(let text), .certificate(let text), .truncated(let text), .broken(let text),
            .notOpen(let text):
            text
        }
    }

    /// The message, with the kind of failure before it where the message alone does not tell.
    public var description: String {
        switch self {
        case .setup(let text), .truncated(let text), .broken(let text), .notOpen(let text): text
        case .handshake(let text): "TLS handshake failed: \(text)"
        case .certificate(let text): "the server's certificate is refused: \(text)"
        }
    }
}

extension String {
    /// A text from outside for a message: in quotes, on one line, without control characters, cut after
    /// `quotedCharactersMax`.
    static func quoted(_ text: some StringProtocol) -> String {
        var result = "\""
        for scalar in text.unicodeScalars.prefix(quotedCharactersMax) {
            if scalar == "\"" || scalar == "\\" { result += "\\" }
            result += ShownText.escaped(scalar)
        }
        return result + (text.unicodeScalars.count > quotedCharactersMax ? "…\"" : "\"")
    }

    private static let quotedCharactersMax = 128
}
