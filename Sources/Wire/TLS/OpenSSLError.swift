import COpenSSL

/// The first cause in OpenSSL's queue of errors, which belongs to the thread; taking it empties the queue.
struct OpenSSLError {
    let library: Int32
    let reason: Int32

    static func take() -> OpenSSLError {
        let code = ERR_get_error()
        ERR_clear_error()
        return OpenSSLError(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code))
    }

    /// The number of the alert that the peer sent, where the cause is one.
    var alert: Int32? {
        guard library == ERR_LIB_SSL, (1_000..<1_256).contains(reason) else { return nil }
        return reason - 1_000  // SSL_AD_REASON_OFFSET
    }

    func isSSL(_ reasons: Int32...) -> Bool { library == ERR_LIB_SSL && reasons.contains(reason) }
    func isPEM(_ reasons: Int32...) -> Bool { library == ERR_LIB_PEM && reasons.contains(reason) }

    /// OpenSSL's own words.
    var text: String {
        if library == ERR_LIB_SYS { return String(cString: strerror(reason)) }
        let code = (UInt(library) & 0xFF) << 23 | UInt(reason)  // ERR_PACK of OpenSSL 3
        if let words = ERR_reason_error_string(code) { return String(cString: words) }
        return "OpenSSL error \(library):\(reason)"
    }
}

/// What is known of a handshake when it fails, for the words about it.
struct HandshakeSituation {
    /// Whether we are the client.
    var isClient: Bool
    /// `domain` as a person writes it.
    var domain: String
    var direct: Bool
    /// Whether a certificate of ours was ready to be presented.
    var presentsCertificate: Bool
    /// The first bytes of what arrived, at most `openingBytesMax`.
    var opening: [UInt8]

    static let openingBytesMax = 24

    var peer: String { isClient ? "the server" : "the client" }

    /// TLS begins with a record of type handshake (22) or alert (21) and major version 3 (RFC 8446 5.1).
    var openingIsTLS: Bool {
        guard let first = opening.first else { return true }
        return (first == 22 || first == 21) && (opening.count < 2 || opening[1] == 3)
    }

    /// The words for a failure that is not about the peer's certificate.
    func words(for error: OpenSSLError) -> String {
        if let alert = error.alert { return words(forAlert: alert) }
        if !openingIsTLS { return notTLS }
        if error.isSSL(SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_WRONG_SSL_VERSION) {
            return "\(peer) speaks only versions older than TLS 1.2; it must be upgraded"
        }
        if error.isSSL(SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM) {
            return "no cipher or key exchange in common with \(peer)"
        }
        if error.isSSL(SSL_R_DH_KEY_TOO_SMALL, SSL_R_BAD_DH_VALUE) {
            return "\(peer)'s Diffie-Hellman key is too small to be safe; it must be reconfigured"
        }
        if error.isSSL(SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED) {
            return "\(peer) lacks secure renegotiation (RFC 5746); it must be upgraded"
        }
        if error.isSSL(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) { return "\(peer) presented no certificate" }
        if error.isSSL(SSL_R_CERTIFICATE_VERIFY_FAILED) { return "\(peer)'s certificate is not trusted" }
        if error.isSSL(SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC) { return "a record from \(peer) is damaged" }
        return "what \(peer) sent breaks the protocol (\(error.text))"
    }

    private var notTLS: String {
        let shown = String.quoted(String(decoding: opening, as: UTF8.self))
        let advice =
            !isClient
            ? "" : direct ? "; is this a port for direct TLS (5223)?" : "; something stands between us and the server"
        return "what \(peer) sent is not TLS, it begins with \(shown)\(advice)"
    }

    private func words(forAlert alert: Int32) -> String {
        let ours = presentsCertificate ? "our certificate" : "the connection"
        switch alert {
        case SSL_AD_HANDSHAKE_FAILURE, SSL_AD_INSUFFICIENT_SECURITY:
            let certificate =
                isClient && !presentsCertificate ? ", or it demands a client certificate (--client-cert)" : ""
            return "\(peer) sees no cipher or key exchange in common (alert \(name(of: alert)))\(certificate)"
        case SSL_AD_PROTOCOL_VERSION:
            return "\(peer) speaks no version of TLS that we do, which is 1.2 or newer (alert \(name(of: alert)))"
        case SSL3_AD_NO_CERTIFICATE, TLS13_AD_CERTIFICATE_REQUIRED:
            return "\(peer) demands a client certificate; give one with --client-cert and --client-key"
        case SSL_AD_BAD_CERTIFICATE, SSL_AD_UNSUPPORTED_CERTIFICATE, SSL_AD_CERTIFICATE_REVOKED,
            SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA, SSL_AD_ACCESS_DENIED:
            return "\(peer) refuses \(ours) (alert \(name(of: alert)))"
        case SSL_AD_UNRECOGNIZED_NAME:
            return "\(peer) does not serve the domain \(String.quoted(domain)) (alert \(name(of: alert)))"
        case SSL_AD_NO_APPLICATION_PROTOCOL:
            return "\(peer) does not speak XMPP on this port (alert \(name(of: alert)))"
        case _:
            return "\(peer) ended TLS with the alert \(name(of: alert))"
        }
    }

    private func name(of alert: Int32) -> String {
        switch alert {
        case TLS13_AD_CERTIFICATE_REQUIRED: "certificate required"
        case SSL_AD_NO_APPLICATION_PROTOCOL: "no application protocol"
        case _: SSL_alert_desc_string_long(alert).map { String(cString: $0) } ?? "\(alert)"
        }
    }
}

extension OpenSSLError {
    /// Whether an alert speaks of our certificate; in TLS 1.3 it comes after the handshake (RFC 8446 4.4.2.4).
    var isAboutOurCertificate: Bool {
        switch alert {
        case SSL3_AD_NO_CERTIFICATE, TLS13_AD_CERTIFICATE_REQUIRED, SSL_AD_BAD_CERTIFICATE,
            SSL_AD_UNSUPPORTED_CERTIFICATE, SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED,
            SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA, SSL_AD_ACCESS_DENIED:
            true
        case _: false
        }
    }
}
