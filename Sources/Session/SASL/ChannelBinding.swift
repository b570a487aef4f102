/// What the client says about channel binding in a SCRAM exchange: the `gs2-cbind-flag` (RFC 5802 6 and 7).
enum ChannelBinding: Sendable, Equatable {
    /// `n`: we cannot bind to this channel.
    case unsupported
    /// `y`: we could, but the server offers no mechanism that binds. A server that does offer one knows then that
    /// somebody in between took it off the list, and refuses.
    case notOffered
    /// `p`: bound.
    case bound(Kind, data: [UInt8])

    /// The types we know, best first: the exporter is unique to the connection, the end point is shared by everybody
    /// who holds the server's certificate.
    enum Kind: String, Sendable, CaseIterable {
        /// RFC 9266.
        case tlsExporter = "tls-exporter"
        /// RFC 5929 4.
        case tlsServerEndPoint = "tls-server-end-point"
    }

    /// `gs2-header`, without an authzid: we act as who we are.
    var gs2Header: [UInt8] {
        switch self {
        case .unsupported: Array("n,,".utf8)
        case .notOffered: Array("y,,".utf8)
        case .bound(let kind, _): Array("p=\(kind.rawValue),,".utf8)
        }
    }

    /// `cbind-data`.
    var data: [UInt8] {
        switch self {
        case .unsupported, .notOffered: []
        case .bound(_, let data): data
        }
    }

    /// Decides what to say to this offer.
    ///
    /// Where the server names its types (XEP-0440), a type in its list is used or nothing. Where it names none, its
    /// type is anybody's guess: servers from before XEP-0440 mean `tls-unique`, which does not exist on TLS 1.3, and
    /// some of them offer -PLUS even there and refuse all else. So without a list we bind only where nothing but
    /// -PLUS is offered, and say `n` otherwise; `y` would have the server refuse us, since it does offer -PLUS. Only
    /// where an earlier login was bound, a list that is gone now does not talk us out of it.
    /// - Parameters:
    ///   - scram: the SCRAM mechanisms that are offered, known to us or not.
    ///   - earlier: how the last login to the same account was bound.
    static func decide(
        scram: Set<String>, tls: TLSFacts?, types: [String]?, earlier: Kind? = nil
    ) throws(SASLFailure) -> ChannelBinding {
        let ours = tls.map(available) ?? []
        guard let best = ours.first else { return .unsupported }
        // XEP-0440 3 rule 5 would have us stop where types are named but no mechanism binds. `y` says the same to the
        // only one who can know, and does not lock out accounts whose backend can check nothing but a plain password.
        guard scram.contains(where: { $0.hasSuffix("-PLUS") }) else { return .notOffered }
        guard let types, !types.isEmpty else {
            if let earlier, let again = ours.first(where: { $0.kind == earlier }) { return again }
            return scram.contains { SCRAMHash(mechanism: $0) != nil } ? .unsupported : best
        }
        if let one = ours.first(where: { one in types.contains { $0 == one.kind?.rawValue } }) { return one }
        // XEP-0440 3 rule 6: every server has the end point, so a list without it was cut by somebody.
        guard types.contains(Kind.tlsServerEndPoint.rawValue) else {
            let named = SASLFailure.printable(types.joined(separator: ", "))
            throw .channelBinding("the server names no type that every server must have, only: \(named)")
        }
        // The end point exists, but not for this certificate (RFC 5929 4.1: Ed25519, for example).
        return .unsupported
    }

    /// How it is bound; nil where it is not.
    var kind: Kind? {
        switch self {
        case .unsupported, .notOffered: nil
        case .bound(let kind, _): kind
        }
    }

    private static func available(_ tls: TLSFacts) -> [ChannelBinding] {
        Kind.allCases.compactMap { kind in
            let data =
                switch kind {
                case .tlsExporter: tls.exporter
                case .tlsServerEndPoint: tls.serverEndPoint
                }
            return data.map { .bound(kind, data: $0) }
        }
    }
}

extension SCRAMHash {
    /// The hash of a mechanism without -PLUS; nil where it is none of ours.
    init?(mechanism: String) {
        guard mechanism.hasPrefix("SCRAM-") else { return nil }
        self.init(rawValue: String(mechanism.dropFirst(6)))
    }

    /// The mechanism's name.
    func mechanism(plus: Bool) -> String { "SCRAM-" + rawValue + (plus ? "-PLUS" : "") }
}
