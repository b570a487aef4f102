import Routing
import Stanza

/// Why a text is no ``ServerAddress`` or no ``Fingerprint``.
public struct AddressProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// What stood there.
    public var what: String
    /// What to do.
    public var hint: String

    /// What stood there and what to do, on one line.
    public var description: String { "\(what); \(hint)" }
}

/// The server to connect to: `HOST[:PORT]`, or `tls://HOST[:PORT]` for TLS from the first byte.
public struct ServerAddress: Sendable, Hashable {
    /// A name or an address, an IPv6 address without its brackets.
    public var host: String
    /// The port, where it is given.
    public var port: Int?
    /// Whether TLS begins with the connection (XEP-0368) instead of by STARTTLS.
    public var directTLS: Bool

    /// The port, or the usual one: 5222, and 5223 for direct TLS.
    public var portOrUsual: Int { port ?? (directTLS ? 5_223 : 5_222) }

    /// Parses an address; an IPv6 address with a port stands in brackets.
    /// - Throws: ``AddressProblem`` that says what was expected.
    public init(parsing text: String) throws(AddressProblem) {
        var rest = text[...]
        directTLS = false
        if let mark = rest.firstRange(of: "://") {
            if rest[..<mark.lowerBound].lowercased() != "tls" {
                throw .address("unknown scheme \(Wording.quote(String(rest[..<mark.upperBound])))")
            }
            directTLS = true
            rest = rest[mark.upperBound...]
        }
        do {
            let place = try HostPort(rest)
            host = place.host
            port = place.port
        } catch { throw AddressProblem(error, in: text) }
    }
}

extension AddressProblem {
    fileprivate init(_ problem: HostPort.Problem, in text: String) {
        switch problem {
        case .noHost: self = .address("no host in \(Wording.quote(text))")
        case .openBracket: self = .address("a [ without its ]")
        case .behindBracket(let rest): self = .address("\(Wording.quote(rest)) behind the address")
        case .host(let host): self = .address("\(Wording.quote(host)) is no host")
        case .address(let host): self = .address("\(Wording.quote(host)) is no IPv6 address")
        case .port(let digits):
            self.init(what: "\(Wording.quote(digits)) is no port", hint: "expected a number from 1 to 65535")
        }
    }

    fileprivate static func address(_ what: String) -> AddressProblem {
        AddressProblem(what: what, hint: "expected HOST, HOST:PORT or tls://HOST:PORT, an IPv6 address in brackets")
    }
}

extension ServerAddress: CustomStringConvertible {
    /// As it is written in a configuration.
    public var description: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return (directTLS ? "tls://" : "") + name + (port.map { ":\($0)" } ?? "")
    }
}

/// The SHA-256 hash of a certificate (DER) that the server must show.
public struct Fingerprint: Sendable, Hashable {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// Parses `sha256:` and 64 hexadecimal digits, with or without colons between the bytes.
    /// - Throws: ``AddressProblem`` that says what was expected.
    public init(parsing text: String) throws(AddressProblem) {
        let hint = "expected sha256: and 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints them"
        guard text.lowercased().hasPrefix("sha256:") else {
            throw AddressProblem(what: "a fingerprint without sha256: before it", hint: hint)
        }
        var digits: [UInt8] = []
        for character in text.dropFirst(7) where character != ":" {
            guard character.isASCII, let digit = character.hexDigitValue else {
                throw AddressProblem(what: "\(Wording.quote(String(character))) in a fingerprint", hint: hint)
            }
            digits.append(UInt8(digit))
        }
        if digits.count != 64 {
            throw AddressProblem(what: "a fingerprint of \(digits.count) hexadecimal digits", hint: hint)
        }
        bytes = stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension Fingerprint: CustomStringConvertible {
    /// As it is written in a configuration.
    public var description: String {
        "sha256:" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
