/// An SRV record (RFC 2782) of `_xmpp-client._tcp` or `_xmpps-client._tcp`.
public struct ServiceRecord: Sendable, Equatable {
    /// Lower is tried first.
    public var priority: UInt16
    /// The share among records of the same priority.
    public var weight: UInt16
    /// TCP port.
    public var port: UInt16
    /// Host name; `.` where the service is decidedly not available.
    public var target: String

    /// A record.
    public init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }
}

/// A place to connect to.
public struct Candidate: Sendable, Equatable, Hashable {
    /// Host name without the dot at its end, or an address without brackets.
    public var host: String
    /// TCP port.
    public var port: Int
    /// TLS from the first byte (XEP-0368); else STARTTLS.
    public var directTLS: Bool

    /// A place.
    public init(host: String, port: Int, directTLS: Bool) {
        self.host = host
        self.port = port
        self.directTLS = directTLS
    }
}

/// Where an account's server is, from the answers of DNS (RFC 6120 3.2, XEP-0368).
public enum ServerCandidates {
    /// The candidates that are kept of a domain with more; a deadline would not let us try more anyway.
    public static let candidatesMax = 32
    /// The port of STARTTLS (RFC 6120 14.7).
    public static let port = 5222
    /// The customary port of direct TLS.
    public static let directTLSPort = 5223

    /// Why there is nowhere to connect to.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The domain says by a target of `.` that it has no such service; its own address must not be tried.
        case notOffered(domain: String)

        /// One line for a person.
        public var description: String {
            switch self {
            case .notOffered(let domain): "\(domain) says in DNS that it offers no XMPP to clients (SRV target \".\")"
            }
        }
    }

    /// The candidates in the order in which to try them: by priority, within one priority drawn by weight, both kinds
    /// mixed as if they were one (XEP-0368 3). Without any record, the domain itself on 5222.
    /// - Parameters:
    ///   - xmpp: the records of `_xmpp-client._tcp`; nil or none where the domain has none, or no answer came: then RFC
    ///     6120 3.2.1 (7) falls back to the domain itself, and TLS still judges who answers there.
    ///   - xmpps: the same of `_xmpps-client._tcp`.
    ///   - random: gives that many random bytes.
    public static func order(
        xmpp: [ServiceRecord]?, xmpps: [ServiceRecord]?, domain: String, random: (_ count: Int) -> [UInt8]
    ) throws(Failure) -> [Candidate] {
        let all =
            (xmpp ?? []).map { Draw(record: $0, directTLS: false) }
            + (xmpps ?? []).map { Draw(record: $0, directTLS: true) }
        if all.isEmpty { return [Candidate(host: unbracketed(domain), port: port, directTLS: false)] }
        var left = all.filter { $0.isUsable }
        if left.isEmpty { throw .notOffered(domain: domain) }
        shuffle(&left, random)
        var candidates: [Candidate] = []
        for priority in Set(left.map(\.record.priority)).sorted() {
            draw(left.filter { $0.record.priority == priority }, into: &candidates, random)
        }
        return Array(candidates.prefix(candidatesMax))
    }

    /// A record and what its service means.
    private struct Draw {
        var record: ServiceRecord
        var directTLS: Bool

        /// False for `.` and for what nobody can connect to.
        var isUsable: Bool { record.port != 0 && !host.isEmpty }
        var host: String { String(record.target.hasSuffix(".") ? record.target.dropLast() : record.target[...]) }
        var candidate: Candidate { Candidate(host: host, port: Int(record.port), directTLS: directTLS) }
    }

    /// RFC 2782, "Weight": those of weight 0 first, then again and again a number from 0 to the sum of the weights, and
    /// the first record whose running sum reaches it.
    private static func draw(
        _ equals: [Draw], into candidates: inout [Candidate], _ random: (_ count: Int) -> [UInt8]
    ) {
        var left = equals.filter { $0.record.weight == 0 } + equals.filter { $0.record.weight != 0 }
        while !left.isEmpty {
            let sum = left.reduce(0) { $0 + UInt64($1.record.weight) }
            let chosen = number(upTo: sum, random)
            var running: UInt64 = 0
            let index = left.firstIndex {
                running += UInt64($0.record.weight)
                return running >= chosen
            }
            // The last running sum is the sum itself, so there always is one.
            let candidate = left.remove(at: index ?? left.endIndex - 1).candidate
            if !candidates.contains(candidate) { candidates.append(candidate) }
        }
    }

    /// Where all weights are 0 the law above always takes the first: let it be another one each time.
    private static func shuffle(_ draws: inout [Draw], _ random: (_ count: Int) -> [UInt8]) {
        for index in draws.indices.dropFirst().reversed() {
            draws.swapAt(index, Int(number(upTo: UInt64(index), random)))
        }
    }

    /// A number from 0 to `max` inclusive; of 64 random bits the bias is beyond notice.
    private static func number(upTo max: UInt64, _ random: (_ count: Int) -> [UInt8]) -> UInt64 {
        let bits = random(8).reduce(0) { $0 << 8 | UInt64($1) }
        return bits.multipliedFullWidth(by: max + 1).high
    }

    /// A JID's domain may be an IPv6 literal in brackets (RFC 7622 3.2).
    private static func unbracketed(_ domain: String) -> String {
        domain.hasPrefix("[") && domain.hasSuffix("]") ? String(domain.dropFirst().dropLast()) : domain
    }
}
