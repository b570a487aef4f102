import COpenSSL
import Synchronization

/// What all TLS connections of one client, or of one server, share: trust, certificates, and the session to resume.
///
/// Made before the first connection, so that a mistake in a file is told before anything is sent. The files are read
/// once, here. May be used from any thread: OpenSSL counts references to its context atomically, the context is not
/// changed after `init`, and the session is behind a lock.
public final class TLSPolicy: @unchecked Sendable {
    /// Which clients a server lets in.
    public enum ClientPolicy: Sendable, Equatable {
        /// Clients are not asked for certificates.
        case anyone
        /// Clients must present a certificate that one of these authorities has issued.
        case issued(byAuthoritiesPEM: String)
    }

    enum Role: Equatable {
        case client(TLSConfiguration.Trust)
        case server
    }

    /// `SSL_CTX`, owned.
    let handle: OpaquePointer
    let role: Role
    let presentsCertificate: Bool
    private let resumable = Mutex<ResumableSession?>(nil)

    /// Sets up a client.
    /// - Throws: ``TLSFailure/setup(_:)`` naming the file that cannot be read or does not hold what it should.
    public init(client configuration: TLSConfiguration) throws(TLSFailure) {
        role = .client(configuration.trust)
        presentsCertificate = configuration.clientCertificate != nil
        handle = try hardenedContext(TLS_client_method())
        try trust(configuration.trust)
        shim_SSL_CTX_send_own_chain_only(handle)
        if let files = configuration.clientCertificate {
            try present(ServerIdentity(certificatePath: files.certificatePath, keyPath: files.keyPath))
        }
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_cert_verify_callback(handle, judgeServer, nil)
        shim_SSL_CTX_keep_client_sessions_outside(handle)
        SSL_CTX_sess_set_new_cb(handle, keepSession)
    }

    /// Sets up a server.
    /// - Throws: ``TLSFailure/setup(_:)`` where OpenSSL refuses the certificate, or an authority cannot be read.
    public init(server certificate: ServerIdentity, clients: ClientPolicy = .anyone) throws(TLSFailure) {
        role = .server
        presentsCertificate = true
        handle = try hardenedContext(TLS_server_method())
        try present(certificate)
        let name = Array("xmpp-bridge".utf8)
        // Without a name of its own a server that asks for certificates refuses every resumption.
        _ = SSL_CTX_set_session_id_context(handle, name, UInt32(name.count))
        shim_SSL_CTX_choose_xmpp_client(handle)
        switch clients {
        case .anyone: SSL_CTX_set_verify(handle, SSL_VERIFY_NONE, nil)
        case .issued(let pem):
            try admit(PEM.certificates(Array(pem.utf8), of: "the authorities of clients"))
            SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
    }

    deinit { SSL_CTX_free(handle) }

    /// Takes the session to resume with this identity, if there is one; it is never used twice (RFC 8446 C.4).
    func takeSession(for identity: ReferenceIdentity) -> ResumableSession? {
        resumable.withLock { kept in
            guard let session = kept, session.identity == identity else { return nil }
            kept = nil
            return session
        }
    }

    /// Keeps the newest session for the next connection.
    func keep(_ session: ResumableSession) { resumable.withLock { $0 = session } }

    /// Forgets the session: the connection that gave it went wrong.
    func forgetSession() { resumable.withLock { $0 = nil } }

    private func trust(_ trust: TLSConfiguration.Trust) throws(TLSFailure) {
        switch trust {
        case .system:
            guard SSL_CTX_set_default_verify_paths(handle) == 1 else {
                throw .setup("cannot read the system's certificate authorities: \(OpenSSLError.take().text)")
            }
        case .file(let path):
            try admit(PEM.certificates(at: path, what: "the CA file"))
        case .fingerprint(let pinned):
            guard pinned.count == CertificateFingerprint.lengthBytes else {
                throw .setup(
                    "a SHA-256 fingerprint has \(CertificateFingerprint.lengthBytes) bytes, not \(pinned.count)")
            }
        }
    }

    private func admit(_ authorities: [X509Handle]) throws(TLSFailure) {
        let store = SSL_CTX_get_cert_store(handle)
        for authority in authorities where X509_STORE_add_cert(store, authority.x509) != 1 {
            throw .setup("OpenSSL refuses a certificate authority: \(OpenSSLError.take().text)")
        }
        // Whoever names an intermediate authority, or the server itself, trusts it, also without its issuer.
        _ = X509_STORE_set_flags(store, shim_X509_V_FLAG_PARTIAL_CHAIN)
    }

    private func present(_ identity: ServerIdentity) throws(TLSFailure) {
        ERR_clear_error()
        guard SSL_CTX_use_certificate(handle, identity.certificate.x509) == 1,
            SSL_CTX_use_PrivateKey(handle, identity.key.pkey) == 1
        else { throw .setup("OpenSSL refuses \(identity.origin): \(OpenSSLError.take().text)") }
        for issuer in identity.chain {
            X509_up_ref(issuer.x509)
            guard shim_SSL_CTX_add0_chain_cert(handle, issuer.x509) == 1 else {
                X509_free(issuer.x509)
                throw .setup("OpenSSL refuses the chain of \(identity.origin): \(OpenSSLError.take().text)")
            }
        }
    }
}

/// A TLS 1.3 session of a connection whose certificate was verified for this identity.
final class ResumableSession: @unchecked Sendable {
    let identity: ReferenceIdentity
    /// `SSL_SESSION`, owned; never changed, and its references are counted atomically.
    let handle: OpaquePointer

    /// Takes over the reference.
    init(owning handle: OpaquePointer, identity: ReferenceIdentity) {
        self.handle = handle
        self.identity = identity
    }

    deinit { SSL_SESSION_free(handle) }
}

/// TLS 1.2 at least, with the system's own policy of ciphers above that (openssl.cnf).
private func hardenedContext(_ method: OpaquePointer?) throws(TLSFailure) -> OpaquePointer {
    ERR_clear_error()
    guard let handle = SSL_CTX_new(method) else {
        throw .setup("OpenSSL cannot be set up: \(OpenSSLError.take().text)")
    }
    guard shim_SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION) == 1 else {
        SSL_CTX_free(handle)
        throw .setup("OpenSSL cannot be limited to TLS 1.2 and newer: \(OpenSSLError.take().text)")
    }
    _ = SSL_CTX_set_options(handle, shim_SSL_OP_NO_RENEGOTIATION | shim_SSL_OP_NO_COMPRESSION)
    return handle
}

/// OpenSSL asks whether the server's certificate is good: 1 is yes.
private func judgeServer(_ store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard let store, let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let engine = TLSEngine.of(OpaquePointer(ssl))
    else { return 0 }
    return engine.judge(store) ? 1 : 0
}

/// OpenSSL offers a session: 1 takes over the reference.
private func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let ssl, let session, let engine = TLSEngine.of(ssl) else { return 0 }
    return engine.keep(session) ? 1 : 0
}
