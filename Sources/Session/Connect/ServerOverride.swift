/// The server that the user names instead of asking DNS: `HOST[:PORT]`, or `tls://HOST[:PORT]` for direct TLS.
public struct ServerOverride: Sendable, Equatable {
    /// Host name, or an address without brackets.
    public let host: String
    /// TCP port; 5222, or 5223 with direct TLS, where none is named.
    public let port: Int
    /// TLS from the first byte (XEP-0368).
    public let directTLS: Bool

    /// The one place to connect to.
    public var candidate: Candidate { Candidate(host: host, port: port, directTLS: directTLS) }

    /// What is wrong with the text.
    public enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// No host stands where it belongs.
        case noHost
        /// Something stands before `://` that is not `tls`.
        case scheme(String)
        /// What stands where the host belongs is neither a name nor an address.
        case host(String)
        /// What stands where the port belongs is not a number from 1 to 65535.
        case port(String)

        /// What stood there and what was expected.
        public var description: String {
            switch self {
            case .noHost: "no host in it; expected \(Self.form)"
            case .scheme(let text): "\"\(SASLFailure.printable(text))://\" is not known; expected \(Self.form)"
            case .host(let text): "\"\(SASLFailure.printable(text))\" is no host; expected \(Self.form)"
            case .port(let text): "\"\(SASLFailure.printable(text))\" is no port from 1 to 65535"
            }
        }

        private static let form = "HOST[:PORT] or tls://HOST[:PORT], an IPv6 address with a port in brackets"
    }

    /// Parses the value of `--server` or `XMPP_BRIDGE_SERVER`.
    public init(_ text: String) throws(Problem) {
        var rest = text[...]
        var directTLS = false
        if let (scheme, behind) = Self.scheme(rest) {
            guard scheme.lowercased() == "tls" else { throw .scheme(String(scheme)) }
            directTLS = true
            rest = behind
        }
        let (host, port) = try Self.split(rest)
        guard !host.isEmpty else { throw .noHost }
        self.host = String(host)
        self.port = try port.map(Self.number) ?? (directTLS ? ServerCandidates.directTLSPort : ServerCandidates.port)
        self.directTLS = directTLS
    }

    private static func scheme(_ text: Substring) -> (Substring, Substring)? {
        var position = text.startIndex
        while position < text.endIndex {
            if text[position...].hasPrefix("://") {
                return (text[..<position], text[text.index(position, offsetBy: 3)...])
            }
            position = text.index(after: position)
        }
        return nil
    }

    private static func split(_ text: Substring) throws(Problem) -> (Substring, Substring?) {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw .host(String(text)) }
            let host = text[text.index(after: text.startIndex)..<close]
            guard isIPv6(host) else { throw .host(String(host)) }
            let behind = text[text.index(after: close)...]
            if behind.isEmpty { return (host, nil) }
            guard behind.hasPrefix(":") else { throw .host(String(text)) }
            return (host, behind.dropFirst())
        }
        guard let colon = text.firstIndex(of: ":") else { return (try name(text), nil) }
        let behind = text[text.index(after: colon)...]
        if behind.contains(":") {
            guard isIPv6(text) else { throw .host(String(text)) }
            return (text, nil)
        }
        return (try name(text[..<colon]), behind)
    }

    /// A host name in any script, or an IPv4 address: no character that belongs to a URL, an address or a shell.
    private static func name(_ text: Substring) throws(Problem) -> Substring {
        let isName = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_": true
            case _: !scalar.isASCII && !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
            }
        }
        guard isName, !text.hasPrefix("."), !text.hasPrefix("-") else { throw .host(String(text)) }
        return text
    }

    private static func number(_ text: Substring) throws(Problem) -> Int {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(text), (1...65_535).contains(number)
        else { throw .port(String(text)) }
        return number
    }

    /// RFC 4291 2.2, with a zone behind `%` (RFC 4007 11).
    static func isIPv6(_ text: Substring) -> Bool {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].isEmpty || !parts[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            return false
        }
        var halves: [Substring] = []
        var rest = parts[0]
        while let gap = gap(rest) {
            halves.append(rest[..<gap])
            rest = rest[rest.index(gap, offsetBy: 2)...]
        }
        halves.append(rest)
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            guard let count = groupCount(half, mayEndInIPv4: index == halves.count - 1) else { return false }
            groups += count
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    private static func gap(_ text: Substring) -> Substring.Index? {
        text.indices.first { text[$0...].hasPrefix("::") }
    }

    /// The groups of 16 bits in a piece without `::`; nil where it is none.
    private static func groupCount(_ text: Substring, mayEndInIPv4: Bool) -> Int? {
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        for (index, group) in groups.enumerated() {
            if group.contains(".") {
                guard mayEndInIPv4, index == groups.count - 1, isIPv4(group) else { return nil }
                count += 2
            } else {
                guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy(isHexDigit) else { return nil }
                count += 1
            }
        }
        return count
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4
            && numbers.allSatisfy { number in
                (1...3).contains(number.utf8.count)
                    && number.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                    && (Int(number) ?? 256) <= 255
            }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        case _: false
        }
    }
}
