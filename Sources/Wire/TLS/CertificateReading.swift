import COpenSSL

/// A certificate that OpenSSL holds for as long as this value is used.
struct CertificateReading {
    let x509: OpaquePointer

    /// SHA-256 of the DER.
    var fingerprint: [UInt8] { digest(EVP_sha256()) }

    /// RFC 5929 4.1: the hash by the signature's own hash function, SHA-256 where that is MD5 or SHA-1; nil where the
    /// signature has no single hash function, as Ed25519.
    var serverEndPoint: [UInt8]? {
        var nid: Int32 = 0
        guard X509_get_signature_info(x509, &nid, nil, nil, nil) == 1, nid != NID_undef else { return nil }
        if nid == NID_md5 || nid == NID_sha1 { return digest(EVP_sha256()) }
        guard let method = EVP_get_digestbyname(OBJ_nid2sn(nid)) else { return nil }
        return digest(method)
    }

    var subject: String { oneLine(X509_get_subject_name(x509)) }
    var issuer: String { oneLine(X509_get_issuer_name(x509)) }
    /// The last day of its validity, as `2026-01-02`.
    var expiry: String { isoDate(X509_get0_notAfter(x509)) }
    /// The first day of its validity.
    var begin: String { isoDate(X509_get0_notBefore(x509)) }
    var isExpired: Bool { X509_cmp_current_time(X509_get0_notAfter(x509)) <= 0 }
    var isNotYetValid: Bool { X509_cmp_current_time(X509_get0_notBefore(x509)) >= 0 }

    /// The names that may stand for a server.
    var names: PresentedNames {
        var result = PresentedNames()
        result.commonName = commonName
        var critical: Int32 = 0
        guard let list = shim_subject_names(x509, &critical) else {
            result.isDamaged = critical != -1  // -1: the extension is absent (X509V3_get_d2i)
            return result
        }
        defer { GENERAL_NAMES_free(list) }
        for index in 0..<shim_names_count(list) {
            var start: UnsafePointer<UInt8>?
            var count: Int32 = 0
            let kind = shim_names_at(list, index, &start, &count)
            let bytes = Array(UnsafeBufferPointer(start: start, count: Int(count)))
            switch kind {
            case SHIM_NAME_DNS: result.dns.append(bytes)
            case SHIM_NAME_SRV: result.srv.append(bytes)
            case SHIM_NAME_XMPP: result.xmpp.append(bytes)
            case SHIM_NAME_ADDRESS: result.addresses.append(bytes)
            case _: break
            }
        }
        return result
    }

    /// The names for a person, each quoted and once, at most `namesShownMax`; nil if there is none.
    var namesInWords: String? {
        let names = names
        var shown: [String] = []
        for bytes in names.dns + names.xmpp + names.srv {
            let text = String.quoted(String(decoding: bytes, as: UTF8.self))
            if !shown.contains(text) { shown.append(text) }
        }
        shown += names.addresses.map { String.quoted($0.map(String.init).joined(separator: $0.count == 4 ? "." : ":")) }
        if !names.holdsAny, let name = names.commonName { shown.append(.quoted(String(decoding: name, as: UTF8.self))) }
        guard shown.count > namesShownMax else { return shown.isEmpty ? nil : shown.joined(separator: ", ") }
        return shown.prefix(namesShownMax).joined(separator: ", ") + " and \(shown.count - namesShownMax) more"
    }

    private var commonName: [UInt8]? {
        guard let subject = X509_get_subject_name(x509) else { return nil }
        let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, X509_NAME_get_index_by_NID(subject, NID_commonName, index) < 0,
            let value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index))
        else { return nil }
        var utf8: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&utf8, value)
        guard count >= 0, let utf8 else { return nil }
        defer { CRYPTO_free(utf8, #fileID, #line) }
        return Array(UnsafeBufferPointer(start: utf8, count: Int(count)))
    }

    private func digest(_ method: OpaquePointer?) -> [UInt8] {
        var count: UInt32 = 0
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        guard X509_digest(x509, method, &bytes, &count) == 1 else { return [] }
        return Array(bytes.prefix(Int(count)))
    }
}

private let namesShownMax = 4

/// A name as `CN=Test CA,O=Example` (RFC 4514).
private func oneLine(_ name: OpaquePointer?) -> String {
    guard let name, let memory = MemoryBIO() else { return "" }
    _ = X509_NAME_print_ex(memory.bio, name, 0, shim_XN_FLAG_ONE_LINE_UTF8)
    return String(decoding: memory.contents(), as: UTF8.self)
}

/// The day in UTC; OpenSSL's own arithmetic, no clock and no time zone.
private func isoDate(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return "an unreadable date" }
    func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
}

/// A growing buffer that OpenSSL writes texts into.
final class MemoryBIO {
    let bio: OpaquePointer

    init?() {
        guard let bio = BIO_new(BIO_s_mem()) else { return nil }
        self.bio = bio
    }

    /// One that holds these bytes to read.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Int(Int32.max), let bio = BIO_new(BIO_s_mem()) else { return nil }
        self.bio = bio
        guard bytes.isEmpty || BIO_write(bio, bytes, Int32(bytes.count)) == Int32(bytes.count) else { return nil }
    }

    deinit { BIO_free(bio) }

    /// Everything not read yet; reads it.
    func contents() -> [UInt8] {
        let count = BIO_ctrl_pending(bio)
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0, BIO_read(bio, &bytes, Int32(count)) == Int32(count) else { return [] }
        return bytes
    }
}

/// The IP address that a text is: 4 or 16 bytes, else nil.
func parseIPAddress(_ text: String) -> [UInt8]? {
    guard !text.utf8.contains(0), let octets = a2i_IPADDRESS(text) else {
        ERR_clear_error()
        return nil
    }
    defer { ASN1_OCTET_STRING_free(octets) }
    return Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(octets), count: Int(ASN1_STRING_length(octets))))
}
