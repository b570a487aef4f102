import COpenSSL

/// The judgement of a server's certificate: whom it must be for, and whom we believe.
struct ServerJudge {
    let identity: ReferenceIdentity
    let trust: TLSConfiguration.Trust

    /// Judges during the handshake; nil is acquittal, else why the certificate is refused (RFC 6120 13.7.2).
    func judge(_ store: OpaquePointer) -> String? {
        guard let leaf = X509_STORE_CTX_get0_cert(store) else { return "the server presented none" }
        let certificate = CertificateReading(x509: leaf)
        if case .fingerprint(let pinned) = trust {
            let refusal = refusalByPin(certificate, pinned)
            X509_STORE_CTX_set_error(store, refusal == nil ? X509_V_OK : X509_V_ERR_CERT_REJECTED)
            return refusal
        }
        if X509_verify_cert(store) != 1 {
            let refusal = chainRefusal(store, leaf: certificate)
            ERR_clear_error()
            return refusal
        }
        guard let refusal = refusalByName(certificate) else { return nil }
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH)
        return refusal
    }

    /// Judges the certificate of a resumed session again: the chain was verified by the same trust when the session
    /// began, but time has passed, and the identity must be the one we mean now.
    func judgeResumed(_ leaf: OpaquePointer) -> String? {
        let certificate = CertificateReading(x509: leaf)
        if case .fingerprint(let pinned) = trust { return refusalByPin(certificate, pinned) }
        if certificate.isExpired { return expired(certificate, isLeaf: true) }
        return refusalByName(certificate)
    }

    private func refusalByPin(_ certificate: CertificateReading, _ pinned: [UInt8]) -> String? {
        let found = certificate.fingerprint
        if found == pinned { return nil }
        return
            "its fingerprint is \(CertificateFingerprint.text(found)), not the pinned \(CertificateFingerprint.text(pinned))"
    }

    private func refusalByName(_ certificate: CertificateReading) -> String? {
        if identity.accepts(certificate.names) { return nil }
        return "\(misnamed(certificate)); if it is the right server, \(pin(certificate))"
    }

    private func misnamed(_ certificate: CertificateReading) -> String {
        let domain = String.quoted(identity.unicode)
        guard let names = certificate.namesInWords else {
            return "the certificate names no domain, so it is not for \(domain)"
        }
        return "the certificate is for \(names), not for \(domain)"
    }

    private func chainRefusal(_ store: OpaquePointer, leaf: CertificateReading) -> String {
        let error = X509_STORE_CTX_get_error(store)
        let isLeaf = X509_STORE_CTX_get_error_depth(store) == 0
        let failing = X509_STORE_CTX_get_current_cert(store).map(CertificateReading.init) ?? leaf
        switch error {
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            let also = identity.accepts(leaf.names) ? "" : ", and \(misnamed(leaf))"
            return "the certificate is self-signed\(also); if it is the right server, \(pin(leaf))"
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
            X509_V_ERR_CERT_UNTRUSTED:
            return "the issuer \(String.quoted(failing.issuer)) is not trusted; \(trustAdvice)"
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return expired(failing, isLeaf: isLeaf)
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "\(which(failing, isLeaf)) is not yet valid before \(failing.begin); is this machine's clock right?"
        case X509_V_ERR_INVALID_PURPOSE:
            return "\(which(failing, isLeaf)) was not issued for servers (extended key usage)"
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL:
            return "the key of \(which(failing, isLeaf)) is too small to be safe; it must be renewed"
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return "\(which(failing, isLeaf)) is signed with a hash too weak to be safe; it must be renewed"
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return "the signature on \(which(failing, isLeaf)) is wrong"
        case _:
            let words = X509_verify_cert_error_string(Int(error)).map { String(cString: $0) } ?? "error \(error)"
            return "\(which(failing, isLeaf)) failed its check: \(words)"
        }
    }

    private func expired(_ certificate: CertificateReading, isLeaf: Bool) -> String {
        "\(which(certificate, isLeaf)) expired on \(certificate.expiry); the server's operator must renew it"
    }

    private func which(_ certificate: CertificateReading, _ isLeaf: Bool) -> String {
        isLeaf ? "the certificate" : "the issuer's certificate \(String.quoted(certificate.subject))"
    }

    private func pin(_ certificate: CertificateReading) -> String {
        "pin it with --fingerprint \(CertificateFingerprint.text(certificate.fingerprint))"
    }

    private var trustAdvice: String {
        switch trust {
        case .system, .fingerprint: "give its certificate with --ca-file"
        case .file(let path): "\(path) does not hold its certificate"
        }
    }
}
