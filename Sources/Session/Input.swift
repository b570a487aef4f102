public import Stanza

/// What a driver tells the session.
public enum Input: Sendable {
    /// Begin: the first connection attempt.
    case start
    /// The connection that ``Action/connect(_:)`` asked for stands.
    case connected(Transport)
    /// TLS after ``Action/startTLS`` is established and the certificate verified.
    case secured(TLSFacts)
    /// The peer's stream header has arrived (RFC 6120 4.2).
    case streamOpened(StreamHeader)
    /// A complete first-level element of the stream.
    case element(Element)
    /// `</stream:stream>` from the peer.
    case streamClosed
    /// The connection, or the attempt at one, is over.
    case disconnected(TransportFailure)
    /// The result of ``Action/derive(_:)``.
    case derived(DerivedKeys)
    /// The time that ``ClientSession/deadline`` named has come.
    case timeout
    /// Everything up to this inbound stanza was written by its sinks, is in the spool, or made no event; only what is
    /// told so is acknowledged (XEP-0198 4).
    case handled(upTo: UInt64)
    /// No more rows will come: when all are accepted, tell it by ``Action/drained``.
    case drain
    /// End the session in good order.
    case leave
}

/// How a fresh connection stands.
public enum Transport: Sendable, Equatable {
    /// TCP in clear; STARTTLS is to follow.
    case plain(peer: PeerName)
    /// Direct TLS (XEP-0368), already verified.
    case tls(TLSFacts, peer: PeerName)
}

/// Whom we reached, for messages to a person.
public struct PeerName: Sendable, Equatable, CustomStringConvertible {
    /// Host name as asked for.
    public var host: String
    /// TCP port.
    public var port: Int
    /// Whether the address is a loopback address.
    public var isLoopback: Bool

    /// A peer.
    public init(host: String, port: Int, isLoopback: Bool) {
        self.host = host
        self.port = port
        self.isLoopback = isLoopback
    }

    /// `host:port`, an IPv6 address in brackets.
    public var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What SASL needs to know of the TLS connection.
public struct TLSFacts: Sendable, Equatable {
    /// `TLSv1.2` or `TLSv1.3`.
    public var version: String
    /// RFC 9266: 32 bytes of keying material, on TLS 1.3 only.
    public var exporter: [UInt8]?
    /// RFC 5929 4: the hash of the server's certificate, where its signature algorithm allows one.
    public var serverEndPoint: [UInt8]?

    /// The facts.
    public init(version: String, exporter: [UInt8]?, serverEndPoint: [UInt8]?) {
        self.version = version
        self.exporter = exporter
        self.serverEndPoint = serverEndPoint
    }
}

/// The attributes of the peer's stream header.
public struct StreamHeader: Sendable, Equatable {
    /// The stream's id.
    public var id: String?
    /// Who answers.
    public var from: String?
    /// `1.0`, or nil from a server older than RFC 3920.
    public var version: String?

    /// A header.
    public init(id: String?, from: String?, version: String?) {
        self.id = id
        self.from = from
        self.version = version
    }
}

/// Why a connection, or an attempt at one, is over.
public enum TransportFailure: Error, Sendable, Equatable {
    /// No address: the resolver's words.
    case name(String)
    /// No address could be reached: what each said.
    case unreachable(String)
    /// TLS failed before the certificate could be judged.
    case handshake(String)
    /// The certificate was refused: which check failed, and on what.
    case certificate(String)
    /// The peer closed or reset the connection.
    case closed(String)
    /// What arrived is not the XML of a stream (RFC 6120 11); the stream error condition to send.
    case malformed(condition: String, String)
    /// Bytes in clear behind `<proceed/>`: somebody injects (RFC 7590, CVE-2011-0411).
    case injected
}

/// A derivation of keys from a password (RFC 5802 3), long enough that it runs off the loop.
public struct KeyDerivation: Sendable, Equatable {
    /// The hash of the mechanism.
    public var hash: SCRAMHash
    /// The password, prepared.
    public var password: Secret
    /// The server's salt.
    public var salt: [UInt8]
    /// The server's iteration count.
    public var iterations: Int

    /// A derivation.
    public init(hash: SCRAMHash, password: Secret, salt: [UInt8], iterations: Int) {
        self.hash = hash
        self.password = password
        self.salt = salt
        self.iterations = iterations
    }
}

/// The hashes of the SCRAM mechanisms, weakest first.
public enum SCRAMHash: String, Sendable, Equatable, CaseIterable {
    /// RFC 5802.
    case sha1 = "SHA-1"
    /// RFC 7677.
    case sha256 = "SHA-256"
    /// The registered SCRAM-SHA-512.
    case sha512 = "SHA-512"
}

/// The result of a ``KeyDerivation``: made by ``KeyDerivation/run()``.
public struct DerivedKeys: Sendable, Equatable {
    /// `SaltedPassword` of RFC 5802 3.
    public var saltedPassword: [UInt8]
    /// What they are the result of: keys that arrive after their connection is lost fit no other exchange.
    public var derivation: KeyDerivation

    /// The keys.
    public init(saltedPassword: [UInt8], of derivation: KeyDerivation) {
        self.saltedPassword = saltedPassword
        self.derivation = derivation
    }
}
