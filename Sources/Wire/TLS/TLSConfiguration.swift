/// How a client's TLS is set up: whom it trusts and what it presents.
public struct TLSConfiguration: Sendable, Equatable {
    /// Whom to believe that a server is who it says (RFC 6120 13.7.2).
    public enum Trust: Sendable, Equatable {
        /// The certificate authorities of the system.
        case system
        /// Only the certificates of this PEM file: authorities, or the server's own certificate.
        case file(path: String)
        /// The one certificate whose DER has this SHA-256; replaces the checks of chain, dates and name.
        case fingerprint([UInt8])
    }

    /// A certificate of our own (RFC 6120 6.3.4), both files in PEM; the certificate's file may hold its chain.
    public struct ClientCertificate: Sendable, Equatable {
        /// The certificate's file, the client's own certificate first.
        public var certificatePath: String
        /// The private key's file, without a passphrase; may be the same file.
        public var keyPath: String

        /// A pair of files.
        public init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// Whom to believe.
    public var trust: Trust
    /// What to present to a server that asks; nil presents nothing.
    public var clientCertificate: ClientCertificate?

    /// A configuration; the system's authorities and no certificate of our own by default.
    public init(trust: Trust = .system, clientCertificate: ClientCertificate? = nil) {
        self.trust = trust
        self.clientCertificate = clientCertificate
    }
}

/// The SHA-256 hash of a certificate (DER), as people write it.
public enum CertificateFingerprint {
    /// The length of a SHA-256 hash.
    public static let lengthBytes = 32

    /// `sha256:` and 64 lowercase hex digits.
    public static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return "sha256:"
            + String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
