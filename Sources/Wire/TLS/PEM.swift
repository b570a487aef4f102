import COpenSSL

/// A certificate, owned. OpenSSL counts references atomically and guards what it caches in it.
final class X509Handle: @unchecked Sendable {
    let x509: OpaquePointer

    /// Takes over the reference.
    init(owning x509: OpaquePointer) { self.x509 = x509 }

    deinit { X509_free(x509) }
}

/// A private key, owned and never changed.
final class KeyHandle: @unchecked Sendable {
    let pkey: OpaquePointer

    /// Takes over the reference.
    init(owning pkey: OpaquePointer) { self.pkey = pkey }

    deinit { EVP_PKEY_free(pkey) }
}

/// Certificates and keys in PEM (RFC 7468). What a key's file holds never comes into an error.
enum PEM {
    /// All certificates of a file, at least one.
    static func certificates(at path: String, what: String) throws(TLSFailure) -> [X509Handle] {
        try withFile(path, what: what) { bio throws(TLSFailure) in try certificates(bio, of: "\(what) \(path)") }
    }

    /// All certificates of a text, at least one.
    static func certificates(_ text: [UInt8], of origin: String) throws(TLSFailure) -> [X509Handle] {
        guard let memory = MemoryBIO(text) else { throw .setup("cannot read \(origin): out of memory") }
        return try certificates(memory.bio, of: origin)
    }

    /// The private key of a file.
    static func key(at path: String, what: String) throws(TLSFailure) -> KeyHandle {
        try withFile(path, what: what) { bio throws(TLSFailure) in
            // Without a callback OpenSSL would ask for a passphrase on the terminal.
            var isLocked = false
            let read = withUnsafeMutablePointer(to: &isLocked) { flag in
                PEM_read_bio_PrivateKey(bio, nil, noPassphrase, flag)
            }
            let error = OpenSSLError.take()
            if let read { return KeyHandle(owning: read) }
            if isLocked {
                throw .setup("\(what) \(path) is locked by a passphrase; store it without one (openssl pkey)")
            }
            if error.isPEM(PEM_R_NO_START_LINE) || error.reason == shim_ERR_R_UNSUPPORTED {
                throw .setup("\(what) \(path) holds no private key in PEM")
            }
            throw .setup("\(what) \(path) holds no private key that can be read (\(error.text))")
        }
    }

    /// The text of a certificate.
    static func text(of certificate: X509Handle) -> String {
        guard let memory = MemoryBIO(), PEM_write_bio_X509(memory.bio, certificate.x509) == 1 else { return "" }
        return String(decoding: memory.contents(), as: UTF8.self)
    }

    private static func certificates(_ bio: OpaquePointer, of origin: String) throws(TLSFailure) -> [X509Handle] {
        var found: [X509Handle] = []
        ERR_clear_error()
        while found.count < certificatesMax, let x509 = PEM_read_bio_X509(bio, nil, noPassphrase, nil) {
            found.append(X509Handle(owning: x509))
        }
        let error = OpenSSLError.take()
        if found.count == certificatesMax { throw .setup("\(origin) holds \(certificatesMax) certificates or more") }
        guard error.isPEM(PEM_R_NO_START_LINE) else {
            throw .setup("certificate \(found.count + 1) of \(origin) cannot be read (\(error.text))")
        }
        if found.isEmpty { throw .setup("\(origin) holds no certificate in PEM") }
        return found
    }

    private static func withFile<Result>(
        _ path: String, what: String, _ body: (OpaquePointer) throws(TLSFailure) -> Result
    ) throws(TLSFailure) -> Result {
        ERR_clear_error()
        guard !path.utf8.contains(0), let bio = BIO_new_file(path, "r") else {
            throw .setup("cannot read \(what) \(path): \(OpenSSLError.take().text)")
        }
        defer { BIO_free(bio) }
        return try body(bio)
    }

    /// More than any system's bundle holds.
    private static let certificatesMax = 10_000
}

/// OpenSSL asks for a passphrase: there is none, but remember that it asked.
private func noPassphrase(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _ asked: UnsafeMutableRawPointer?
) -> Int32 {
    asked?.storeBytes(of: true, as: Bool.self)
    return -1
}
