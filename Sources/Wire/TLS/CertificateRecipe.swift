import COpenSSL

/// What a certificate made in memory says.
public struct CertificateRecipe: Sendable, Equatable {
    /// The kind of key.
    public enum Key: Sendable, Equatable {
        /// ECDSA on P-256: small and fast.
        case p256
        /// RSA with 2048 bits.
        case rsa2048
        /// Ed25519, whose signatures have no single hash function.
        case ed25519
    }

    /// The hash of the issuer's signature; an issuer with an Ed25519 key uses none.
    public enum Hash: Sendable, Equatable {
        /// SHA-1, for tests.
        case sha1
        /// SHA-256.
        case sha256
        /// SHA-384.
        case sha384
    }

    /// What the certificate may be used for.
    public enum Use: Sendable, Equatable {
        /// By a server.
        case server
        /// By a client.
        case client
        /// To issue certificates.
        case authority
    }

    /// dNSName entries: domains in A-labels, wildcards allowed.
    public var dnsNames: [String] = []
    /// SRVName entries (RFC 4985), as `_xmpp-client.example.org`.
    public var srvNames: [String] = []
    /// XmppAddr entries (RFC 6120 13.7.1.4), domains in U-labels.
    public var xmppAddresses: [String] = []
    /// iPAddress entries in text.
    public var ipAddresses: [String] = []
    /// The subject's common name.
    public var commonName: String
    /// The key.
    public var key = Key.p256
    /// The hash of the signature.
    public var hash = Hash.sha256
    /// What for.
    public var use = Use.server
    /// The begin of its validity, from the moment it is made; whole seconds.
    public var validFrom: Duration = .seconds(-3_600)
    /// The end of its validity, from the moment it is made; whole seconds.
    public var validUntil: Duration = .seconds(30 * 86_400)

    /// For a server of these domains, as dNSName and XmppAddr.
    public init(domains: [String]) {
        dnsNames = domains
        xmppAddresses = domains
        commonName = domains.first ?? ""
    }

    /// With a common name and nothing else.
    public init(commonName: String, use: Use = .server) {
        self.commonName = commonName
        self.use = use
    }
}

extension ServerIdentity {
    /// Makes a key and a certificate for it, signed by an issuer, or by itself where there is none.
    /// - Throws: ``TLSFailure/setup(_:)`` where a name does not fit into a certificate.
    public init(making recipe: CertificateRecipe, issuer: ServerIdentity? = nil) throws(TLSFailure) {
        ERR_clear_error()
        let key = try recipe.key.generate()
        guard let x509 = X509_new() else { throw failed("a certificate") }
        let certificate = X509Handle(owning: x509)
        try recipe.fill(x509, key: key, issuer: issuer)
        let signer = issuer?.key ?? key
        guard X509_sign(x509, signer.pkey, recipe.hash.method(for: signer)) > 0 else { throw failed("the signature") }
        self.init(
            certificate: certificate, key: key,
            chain: issuer.map { $0.isSelfSigned ? [] : [$0.certificate] + $0.chain } ?? [],
            origin: "the certificate made for \(String.quoted(recipe.commonName))")
    }

    private var isSelfSigned: Bool { X509_get_extension_flags(certificate.x509) & UInt32(EXFLAG_SS) != 0 }
}

extension CertificateRecipe.Key {
    fileprivate func generate() throws(TLSFailure) -> KeyHandle {
        let pkey =
            switch self {
            case .p256: shim_generate_p256()
            case .rsa2048: shim_generate_rsa(2_048)
            case .ed25519: shim_generate_ed25519()
            }
        guard let pkey else { throw failed("a key") }
        return KeyHandle(owning: pkey)
    }
}

extension CertificateRecipe.Hash {
    fileprivate func method(for signer: KeyHandle) -> OpaquePointer? {
        if EVP_PKEY_get_base_id(signer.pkey) == EVP_PKEY_ED25519 { return nil }
        return switch self {
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        }
    }
}

extension CertificateRecipe {
    fileprivate func fill(_ x509: OpaquePointer, key: KeyHandle, issuer: ServerIdentity?) throws(TLSFailure) {
        guard X509_set_version(x509, 2) == 1, X509_set_pubkey(x509, key.pkey) == 1,
            X509_gmtime_adj(X509_getm_notBefore(x509), Int(validFrom.components.seconds)) != nil,
            X509_gmtime_adj(X509_getm_notAfter(x509), Int(validUntil.components.seconds)) != nil
        else { throw failed("the dates") }
        try number(x509)
        let subject = X509_get_subject_name(x509)
        let name = Array(commonName.utf8)
        guard
            name.isEmpty
                || X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, name, Int32(name.count), -1, 0)
                    == 1,
            X509_set_issuer_name(x509, issuer.map { X509_get_subject_name($0.certificate.x509) } ?? subject) == 1
        else { throw failed("the name \(String.quoted(commonName))") }
        try add(NID_basic_constraints, use == .authority ? "critical,CA:TRUE" : "critical,CA:FALSE", to: x509)
        switch use {
        case .server: try add(NID_ext_key_usage, "serverAuth", to: x509)
        case .client: try add(NID_ext_key_usage, "clientAuth", to: x509)
        case .authority: try add(NID_key_usage, "critical,keyCertSign,cRLSign", to: x509)
        }
        try addNames(to: x509)
    }

    /// A serial number out of the key's hash: different for each key, without another source of randomness.
    private func number(_ x509: OpaquePointer) throws(TLSFailure) {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        guard X509_pubkey_digest(x509, EVP_sha256(), &bytes, nil) == 1 else { throw failed("the serial number") }
        bytes[0] = bytes[0] & 0x3F | 0x40  // positive, and never short
        guard let number = BN_bin2bn(bytes, 16, nil) else { throw failed("the serial number") }
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nil else { throw failed("the serial number") }
    }

    private func add(_ nid: Int32, _ value: String, to x509: OpaquePointer) throws(TLSFailure) {
        guard let part = X509V3_EXT_conf_nid(nil, nil, nid, value) else { throw failed("an extension") }
        defer { X509_EXTENSION_free(part) }
        guard X509_add_ext(x509, part, -1) == 1 else { throw failed("an extension") }
    }

    private func addNames(to x509: OpaquePointer) throws(TLSFailure) {
        guard let names = GENERAL_NAMES_new() else { throw failed("the names") }
        defer { GENERAL_NAMES_free(names) }
        for name in dnsNames {
            try push(GEN_DNS, string(name, V_ASN1_IA5STRING).map(UnsafeMutableRawPointer.init), name, onto: names)
        }
        for text in ipAddresses {
            try push(GEN_IPADD, a2i_IPADDRESS(text).map(UnsafeMutableRawPointer.init), text, onto: names)
        }
        for name in srvNames { try pushOther(NID_SRVName, V_ASN1_IA5STRING, name, onto: names) }
        for name in xmppAddresses { try pushOther(NID_XmppAddr, V_ASN1_UTF8STRING, name, onto: names) }
        guard shim_names_count(names) > 0 else { return }
        guard X509_add1_ext_i2d(x509, NID_subject_alt_name, UnsafeMutableRawPointer(names), 0, 0) == 1 else {
            throw failed("the names")
        }
    }

    private func string(_ text: String, _ type: Int32) -> UnsafeMutablePointer<ASN1_STRING>? {
        let bytes = Array(text.utf8)
        guard type != V_ASN1_IA5STRING || bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        guard let string = ASN1_STRING_type_new(type) else { return nil }
        guard ASN1_STRING_set(string, bytes, Int32(bytes.count)) == 1 else {
            ASN1_STRING_free(string)
            return nil
        }
        return string
    }

    private func push(
        _ kind: Int32, _ value: UnsafeMutableRawPointer?, _ text: String, onto names: OpaquePointer
    ) throws(TLSFailure) {
        guard let value, let name = GENERAL_NAME_new() else { throw failed("the name \(String.quoted(text))") }
        GENERAL_NAME_set0_value(name, kind, value)
        guard shim_names_push(names, name) > 0 else { throw failed("the names") }
    }

    private func pushOther(_ nid: Int32, _ type: Int32, _ text: String, onto names: OpaquePointer) throws(TLSFailure) {
        guard let value = string(text, type), let typed = ASN1_TYPE_new(), let name = GENERAL_NAME_new() else {
            throw failed("the name \(String.quoted(text))")
        }
        ASN1_TYPE_set(typed, type, value)
        guard GENERAL_NAME_set0_othername(name, OBJ_nid2obj(nid), typed) == 1, shim_names_push(names, name) > 0 else {
            throw failed("the name \(String.quoted(text))")
        }
    }
}

private func failed(_ what: String) -> TLSFailure {
    .setup("cannot make a certificate: \(what) does not fit in or could not be made (\(OpenSSLError.take().text))")
}
