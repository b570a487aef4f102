/// A server's place as people and servers write it: `HOST` or `HOST:PORT` (RFC 6120 4.9.3.19, XEP-0198 5).
public struct HostPort: Sendable, Hashable {
    /// The longest host, in bytes.
    public static let hostBytesMax = 1023

    /// A name in any script or an address, an IPv6 address without its brackets.
    public let host: String
    /// The port, where it is given.
    public let port: Int?

    /// Why a text is none.
    public enum Problem: Error, Equatable, Sendable {
        /// No host stands where it belongs.
        case noHost
        /// A `[` without its `]`.
        case openBracket
        /// What stands behind the `]` is no colon with a port.
        case behindBracket(String)
        /// What stands where a name belongs is none.
        case host(String)
        /// What stands in brackets, or holds two colons, is no IPv6 address.
        case address(String)
        /// What stands where the port belongs is no number from 1 to 65535.
        case port(String)
    }

    /// Parses; an IPv6 address with a port stands in brackets.
    /// - Throws: ``Problem`` with what stood there.
    public init(_ text: some StringProtocol) throws(Problem) {
        let (name, digits) = try Self.split(Substring(text))
        if name.isEmpty { throw .noHost }
        host = String(name)
        port = if let digits { try Self.number(digits) } else { nil }
    }

    /// The host and what stands behind the colon after it.
    private static func split(_ text: Substring) throws(Problem) -> (Substring, Substring?) {
        let colon = UInt8(ascii: ":")
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw .openBracket }
            let address = try ipv6(text[text.index(after: text.startIndex)..<close])
            let behind = text[text.index(after: close)...]
            if behind.isEmpty { return (address, nil) }
            if !behind.hasPrefix(":") { throw .behindBracket(String(behind)) }
            return (address, behind.dropFirst())
        }
        guard let first = text.utf8.firstIndex(of: colon) else { return (try name(text), nil) }
        let behind = text[text.utf8.index(after: first)...]
        if behind.utf8.contains(colon) { return (try ipv6(text), nil) }
        return (try name(text[..<first]), behind)
    }

    /// A host name, or an IPv4 address: no character that belongs to a URL, an address or a shell.
    private static func name(_ text: Substring) throws(Problem) -> Substring {
        let isName = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_": true
            case _: !scalar.isASCII && !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
            }
        }
        if isName, !text.hasPrefix("."), !text.hasPrefix("-"), text.utf8.count <= hostBytesMax { return text }
        throw .host(String(text))
    }

    /// RFC 4291 2.2, with a zone behind `%` (RFC 4007 11).
    private static func ipv6(_ text: Substring) throws(Problem) -> Substring {
        let parts = text.utf8.split(separator: UInt8(ascii: "%"), maxSplits: 1, omittingEmptySubsequences: false)
        let zoneIsGood = parts.count < 2 || !parts[1].isEmpty && parts[1].allSatisfy { (0x21...0x7E).contains($0) }
        if zoneIsGood, text.utf8.count <= hostBytesMax, IPv6Text.isAddress(parts[0]) { return text }
        throw .address(String(text))
    }

    private static func number(_ text: Substring) throws(Problem) -> Int {
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let number = Int(text), (1...65_535).contains(number) else { throw .port(String(text)) }
        return number
    }
}

extension HostPort: CustomStringConvertible {
    /// As it is written.
    public var description: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }
}
