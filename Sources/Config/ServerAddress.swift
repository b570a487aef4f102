import Routing

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
        let expected = "expected HOST, HOST:PORT or tls://HOST:PORT, an IPv6 address in brackets"
        func problem(_ what: String) -> AddressProblem { AddressProblem(what: what, hint: expected) }
        var rest = text[...]
        directTLS = rest.hasPrefix("tls://")
        if directTLS {
            rest = rest.dropFirst(6)
        } else if let scheme = rest.firstRange(of: "://") {
            throw problem("unknown scheme \(Wording.quote(String(rest[..<scheme.upperBound])))")
        }
        var portText: Substring?
        if rest.hasPrefix("[") {
            guard let close = rest.firstIndex(of: "]") else { throw problem("a [ without its ]") }
            host = String(rest[rest.index(after: rest.startIndex)..<close])
            let behind = rest[rest.index(after: close)...]
            if !behind.isEmpty && !behind.hasPrefix(":") {
                throw problem("\(Wording.quote(String(behind))) behind the address")
            }
            portText = behind.isEmpty ? nil : behind.dropFirst()
        } else if rest.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1 {
            host = String(rest)
        } else {
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            host = String(parts[0])
            portText = parts.count > 1 ? parts[1] : nil
        }
        if host.isEmpty { throw problem("no host in \(Wording.quote(text))") }
        let isOdd = host.unicodeScalars.contains {
            $0.value <= 0x20 || $0 == "/" || $0 == "@" || $0 == "[" || $0 == "]"
        }
        if isOdd { throw problem("\(Wording.quote(host)) is no host") }
        port = nil
        guard let portText else { return }
        let isNumber = portText.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let number = Int(portText), (1...65_535).contains(number) else {
            throw AddressProblem(
                what: "\(Wording.quote(String(portText))) is no port", hint: "expected a number from 1 to 65535")
        }
        port = number
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
