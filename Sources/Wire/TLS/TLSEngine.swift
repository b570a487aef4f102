import COpenSSL

/// One TLS connection without its socket: ciphertext in, plaintext out, and the other way round.
///
/// After every call, write what ``takeCiphertext(into:)`` gives: also after a failure, when it is the alert that tells
/// the peer. What waits there is no more than what was sent since; its owner paces ``send(_:)``. Not for use by two
/// threads at once.
public final class TLSEngine {
    /// What is known of an established connection.
    public struct Facts: Sendable, Equatable {
        /// `TLSv1.2` or `TLSv1.3`.
        public var version: String
        /// OpenSSL's name of the cipher suite.
        public var cipher: String
        /// The protocol agreed on by ALPN.
        public var alpn: String?
        /// Whether an earlier session was resumed.
        public var resumed: Bool
        /// RFC 9266: 32 bytes of keying material; on TLS 1.3 only.
        public var exporter: [UInt8]?
        /// RFC 5929 4: the hash of the server's certificate; nil where its signature has no single hash function.
        public var serverEndPoint: [UInt8]?
        /// SHA-256 of the peer's certificate; nil where it presented none.
        public var peerFingerprint: [UInt8]?
    }

    private enum State {
        /// A client before its first word.
        case idle
        /// May turn into established and failed.
        case handshaking
        /// May turn into failed; shutting down leaves it here, as the peer may still send.
        case established(Facts)
        /// For good.
        case failed(TLSFailure)
    }

    private let policy: TLSPolicy
    private let identity: ReferenceIdentity
    private let direct: Bool
    /// `SSL`, owned, with both BIOs.
    let ssl: OpaquePointer
    /// Ciphertext for us; never holds more than `pieceBytesMax` and one record.
    private let incoming: OpaquePointer
    /// Ciphertext from us; emptied into `outgoing` after each record.
    private let fresh: OpaquePointer
    private var outgoing: [UInt8] = []
    private var opening: [UInt8] = []
    private var refusal: String?
    private var state = State.idle
    private var closeSent = false
    /// Whether the peer has ended its side by close_notify: nothing more comes, and nothing was cut off.
    public private(set) var peerClosed = false

    /// A record's worth: how much goes to OpenSSL at once.
    private static let pieceBytesMax = 16_384

    /// A client's connection.
    /// - Parameters:
    ///   - domain: the domain of the JID in A-labels: the name to verify and, where it is no IP address, SNI.
    ///   - unicodeDomain: the same in U-labels.
    ///   - direct: direct TLS (XEP-0368), which names the protocol by ALPN.
    /// - Throws: ``TLSFailure/setup(_:)`` where the domain is too long for SNI, or memory is out.
    public init(client policy: TLSPolicy, domain: String, unicodeDomain: String, direct: Bool) throws(TLSFailure) {
        self.policy = policy
        self.direct = direct
        identity = ReferenceIdentity(domain: domain, unicodeDomain: unicodeDomain, parseAddress: parseIPAddress)
        (ssl, incoming, fresh) = try connection(policy)
        SSL_set_connect_state(ssl)
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        if identity.address == nil {
            let name = String(decoding: identity.ascii, as: UTF8.self)
            guard !identity.ascii.contains(0), shim_SSL_set_tlsext_host_name(ssl, name) == 1 else {
                ERR_clear_error()
                throw .setup("the domain \(String.quoted(unicodeDomain)) does not fit into TLS (SNI)")
            }
        }
        if direct {
            let offer = [UInt8(11)] + Array("xmpp-client".utf8)
            // 0 is success; it fails only without memory, and then the server sees no ALPN, which it must allow.
            _ = SSL_set_alpn_protos(ssl, offer, UInt32(offer.count))
        }
        if let session = policy.takeSession(for: identity) { SSL_set_session(ssl, session.handle) }
    }

    /// A server's connection.
    /// - Throws: ``TLSFailure/setup(_:)`` where memory is out.
    public init(server policy: TLSPolicy) throws(TLSFailure) {
        self.policy = policy
        direct = false
        identity = ReferenceIdentity(domain: "", unicodeDomain: "", parseAddress: { _ in nil })
        (ssl, incoming, fresh) = try connection(policy)
        SSL_set_accept_state(ssl)
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        state = .handshaking
    }

    deinit {
        // Else OpenSSL holds the session for broken and never resumes it, as after each connection that was lost.
        if case .established = state { SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        SSL_free(ssl)
    }

    /// Whether the handshake is complete and the peer verified.
    public var isEstablished: Bool { facts != nil }

    /// What is known after the handshake; nil before, and after a failure.
    public var facts: Facts? {
        if case .established(let facts) = state { facts } else { nil }
    }

    /// How much ``takeCiphertext(into:)`` would give.
    public var pendingCiphertextBytes: Int { outgoing.count }

    /// Begins a client's handshake; nothing to do for a server.
    public func start() throws(TLSFailure) {
        guard case .idle = state else { return }
        state = .handshaking
        try advanceHandshake()
    }

    /// Takes what arrived, drives the handshake, and appends what it says to `plaintext`.
    ///
    /// What follows the peer's close_notify is ignored. On failure `plaintext` holds what was sound before.
    public func receive(_ ciphertext: UnsafeRawBufferPointer, plaintext: inout [UInt8]) throws(TLSFailure) {
        if opening.count < HandshakeSituation.openingBytesMax {
            opening += ciphertext.prefix(HandshakeSituation.openingBytesMax - opening.count)
        }
        try start()
        var rest = ciphertext[...]
        while !rest.isEmpty {
            if case .failed(let failure) = state { throw failure }
            if peerClosed { return }
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceBytesMax))
            guard BIO_write(incoming, piece.baseAddress, Int32(piece.count)) == Int32(piece.count) else {
                throw fail(.broken("out of memory for TLS"))
            }
            rest = rest.dropFirst(piece.count)
            if case .handshaking = state { try advanceHandshake() }
            if case .established = state { try read(into: &plaintext) }
        }
    }

    /// The connection has ended.
    /// - Throws: ``TLSFailure/handshake(_:)`` before the handshake was complete, ``TLSFailure/truncated(_:)`` where the
    ///   peer did not announce the end: what was received may be cut short.
    public func receiveEnd() throws(TLSFailure) {
        switch state {
        case .failed(let failure): throw failure
        case .idle, .handshaking:
            throw fail(.handshake("\(situation.peer) closed the connection during the TLS handshake"))
        case .established:
            if !peerClosed {
                throw .truncated("\(situation.peer) closed the connection without the end of TLS (close_notify)")
            }
        }
    }

    /// Encrypts for the peer.
    /// - Throws: ``TLSFailure/notOpen(_:)`` before the handshake is complete and after ``shutdown()``; what failed
    ///   before, after a failure.
    public func send(_ plaintext: UnsafeRawBufferPointer) throws(TLSFailure) {
        switch state {
        case .failed(let failure): throw failure
        case .idle, .handshaking: throw .notOpen("TLS is not established yet")
        case .established: break
        }
        if closeSent { throw .notOpen("TLS is already shut down on our side") }
        var rest = plaintext[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceBytesMax))
            var written = 0
            ERR_clear_error()
            // A memory BIO takes everything, so a record is written whole or never.
            guard SSL_write_ex(ssl, piece.baseAddress, piece.count, &written) == 1 else { throw broken() }
            collect()
            rest = rest.dropFirst(written)
        }
    }

    /// Moves what is to be written to the socket to the end of `ciphertext`.
    public func takeCiphertext(into ciphertext: inout [UInt8]) {
        if ciphertext.isEmpty {
            swap(&ciphertext, &outgoing)  // both keep their memory for the next round
        } else {
            ciphertext += outgoing
        }
        outgoing.removeAll(keepingCapacity: outgoing.capacity <= Self.keptBytesMax)
    }

    /// Memory beyond this is given back once it is taken.
    private static let keptBytesMax = 256 * 1_024

    /// Tells the peer that nothing more comes (close_notify); what it sends can still be received.
    public func shutdown() {
        guard case .established = state, !closeSent else { return }
        closeSent = true
        ERR_clear_error()
        _ = SSL_shutdown(ssl)  // 0: sent, the peer's has not come; a failure leaves nothing to be sent
        ERR_clear_error()
        collect()
    }
}

extension TLSEngine {
    /// The engine of an `SSL`.
    static func of(_ ssl: OpaquePointer) -> TLSEngine? {
        SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSEngine>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Called by OpenSSL within the handshake, when the server's chain has come.
    func judge(_ store: OpaquePointer) -> Bool {
        guard case .client(let trust) = policy.role else { return false }
        refusal = ServerJudge(identity: identity, trust: trust).judge(store)
        return refusal == nil
    }

    /// Called by OpenSSL with each new ticket; whether the reference is taken over.
    ///
    /// Only TLS 1.3: there each ticket has keys of its own and needs no extended master secret to be safe.
    func keep(_ session: OpaquePointer) -> Bool {
        guard case .client = policy.role, case .established = state, SSL_version(ssl) >= TLS1_3_VERSION else {
            return false
        }
        policy.keep(ResumableSession(owning: session, identity: identity))
        return true
    }

    private var situation: HandshakeSituation {
        HandshakeSituation(
            isClient: policy.role != .server, domain: identity.unicode, direct: direct,
            presentsCertificate: policy.presentsCertificate, opening: opening)
    }

    private func advanceHandshake() throws(TLSFailure) {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        let error = SSL_get_error(ssl, result)
        collect()
        if result == 1 { return try establish() }
        if error == SSL_ERROR_WANT_READ { return }
        let cause = OpenSSLError.take()
        if let refusal { throw fail(.certificate(refusal)) }
        throw fail(.handshake(situation.words(for: cause)))
    }

    private func establish() throws(TLSFailure) {
        let resumed = SSL_session_reused(ssl) == 1
        let peer = SSL_get1_peer_certificate(ssl).map(X509Handle.init)
        if resumed, case .client(let trust) = policy.role {
            let judge = ServerJudge(identity: identity, trust: trust)
            let refusal = peer.map { judge.judgeResumed($0.x509) } ?? "the resumed session has none"
            if let refusal {
                SSL_set_quiet_shutdown(ssl, 1)
                throw fail(.certificate(refusal))
            }
        }
        let own = policy.role == .server ? SSL_get_certificate(ssl) : peer?.x509
        state = .established(
            Facts(
                version: String(cString: SSL_get_version(ssl)),
                cipher: String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))), alpn: chosenProtocol,
                resumed: resumed, exporter: exportedBinding,
                serverEndPoint: own.flatMap { CertificateReading(x509: $0).serverEndPoint },
                peerFingerprint: peer.map { CertificateReading(x509: $0.x509).fingerprint }))
    }

    private var chosenProtocol: String? {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &start, &count)
        guard let start, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
    }

    /// RFC 9266 2: this label, an empty context, 32 bytes.
    private var exportedBinding: [UInt8]? {
        guard SSL_version(ssl) >= TLS1_3_VERSION else { return nil }
        let label = "EXPORTER-Channel-Binding"
        var bytes = [UInt8](repeating: 0, count: 32)
        guard SSL_export_keying_material(ssl, &bytes, bytes.count, label, label.utf8.count, nil, 0, 0) == 1 else {
            ERR_clear_error()
            return nil
        }
        return bytes
    }

    private func read(into plaintext: inout [UInt8]) throws(TLSFailure) {
        repeat {
            // A guess: what does not fit is had in the next round.
            let room = min(max(BIO_ctrl_pending(incoming), Int(SSL_pending(ssl)), 512), Self.pieceBytesMax)
            var result: Int32 = 0
            ERR_clear_error()
            plaintext.append(addingCapacity: room) { span in
                span.withUnsafeMutableBufferPointer { buffer, initialized in
                    var count = 0
                    result = SSL_read_ex(
                        ssl, buffer.baseAddress.map { $0 + initialized }, buffer.count - initialized, &count)
                    if result == 1 { initialized += count }
                }
            }
            let error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result)
            collect()
            switch error {
            case SSL_ERROR_NONE: break
            case SSL_ERROR_WANT_READ: return
            case SSL_ERROR_ZERO_RETURN:
                peerClosed = true
                return
            case _: throw broken()
            }
        } while SSL_pending(ssl) > 0 || BIO_ctrl_pending(incoming) > 0
    }

    private func broken() -> TLSFailure {
        let cause = OpenSSLError.take()
        collect()
        let words = situation.words(for: cause)
        return fail(cause.isAboutOurCertificate ? .handshake(words) : .broken(words))
    }

    private func fail(_ failure: TLSFailure) -> TLSFailure {
        policy.forgetSession()
        state = .failed(failure)
        return failure
    }

    /// Empties OpenSSL's BIO, so that it never grows past a record.
    private func collect() {
        while case let count = BIO_ctrl_pending(fresh), count > 0 {
            outgoing.append(addingCapacity: count) { span in
                span.withUnsafeMutableBufferPointer { buffer, initialized in
                    let read = BIO_read(fresh, buffer.baseAddress.map { $0 + initialized }, Int32(count))
                    if read > 0 { initialized += Int(read) }
                }
            }
        }
    }
}

/// An `SSL` and its two BIOs, which it owns: what comes, and what goes.
private func connection(_ policy: TLSPolicy) throws(TLSFailure) -> (OpaquePointer, OpaquePointer, OpaquePointer) {
    ERR_clear_error()
    guard let ssl = SSL_new(policy.handle) else {
        throw .setup("OpenSSL cannot be set up: \(OpenSSLError.take().text)")
    }
    guard let incoming = BIO_new(BIO_s_mem()) else {
        SSL_free(ssl)
        throw .setup("OpenSSL cannot be set up: out of memory")
    }
    guard let outgoing = BIO_new(BIO_s_mem()) else {
        BIO_free(incoming)
        SSL_free(ssl)
        throw .setup("OpenSSL cannot be set up: out of memory")
    }
    SSL_set_bio(ssl, incoming, outgoing)
    return (ssl, incoming, outgoing)
}
