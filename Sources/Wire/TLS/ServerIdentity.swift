import COpenSSL

/// A certificate with its private key: what a server, or a client that proves itself by one, presents.
///
/// Read from files, or made in memory for demos and tests. No description shows the key.
public struct ServerIdentity: Sendable, CustomStringConvertible, CustomReflectable {
    let certificate: X509Handle
    let key: KeyHandle
    /// The issuers to send along, the nearest first.
    let chain: [X509Handle]
    /// Where it comes from, for messages.
    let origin: String

    /// Reads PEM files: the certificate with its issuers behind it, and the key without a passphrase.
    /// - Throws: ``TLSFailure/setup(_:)`` naming the file, never what a key's file holds.
    public init(certificatePath: String, keyPath: String) throws(TLSFailure) {
        let certificates = try PEM.certificates(at: certificatePath, what: "the certificate file")
        let key = try PEM.key(at: keyPath, what: "the key file")
        // At least one certificate: PEM.certificates throws otherwise.
        guard X509_check_private_key(certificates[0].x509, key.pkey) == 1 else {
            ERR_clear_error()
            throw .setup("the key file \(keyPath) does not belong to the certificate in \(certificatePath)")
        }
        self.init(
            certificate: certificates[0], key: key, chain: Array(certificates.dropFirst()),
            origin: "the certificate file \(certificatePath)")
    }

    init(certificate: X509Handle, key: KeyHandle, chain: [X509Handle], origin: String) {
        self.certificate = certificate
        self.key = key
        self.chain = chain
        self.origin = origin
    }

    /// SHA-256 of the certificate's DER.
    public var fingerprint: [UInt8] { CertificateReading(x509: certificate.x509).fingerprint }

    /// The certificate alone in PEM.
    public var certificatePEM: String { PEM.text(of: certificate) }

    /// The certificate and the issuers it is sent with, in PEM.
    public var chainPEM: String { ([certificate] + chain).map(PEM.text(of:)).joined() }

    /// Where it comes from, and the certificate's fingerprint.
    public var description: String { "\(origin), \(CertificateFingerprint.text(fingerprint))" }
    /// Nothing: a dump must not reach the key.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The private key in PEM, unencrypted: a secret, for tests that need it in a file.
    func revealedKeyPEM() -> String {
        guard let memory = MemoryBIO(),
            PEM_write_bio_PrivateKey(memory.bio, key.pkey, nil, nil, 0, nil, nil) == 1
        else { return "" }
        return String(decoding: memory.contents(), as: UTF8.self)
    }
}
