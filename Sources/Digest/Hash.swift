import COpenSSL

/// A hash function (FIPS 180-4) with what is built upon it.
public enum Hash: Sendable, CaseIterable {
    /// SHA-1: for SCRAM-SHA-1 and XEP-0115 only.
    case sha1
    /// SHA-256.
    case sha256
    /// SHA-384.
    case sha384
    /// SHA-512.
    case sha512

    /// The size of a digest in bytes.
    public var byteCount: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of a message.
    public func digest(_ bytes: [UInt8]) -> [UInt8] {
        var written: UInt32 = 0
        let result = filled { EVP_Digest(bytes, bytes.count, $0, &written, algorithm, nil) }
        precondition(written == byteCount)  // each algorithm above has a fixed size
        return result
    }

    /// The HMAC of a message (RFC 2104).
    public func hmac(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var written: UInt32 = 0
        let result = filled {
            HMAC(algorithm, key, Int32(key.count), bytes, bytes.count, $0, &written) == nil ? 0 : 1
        }
        precondition(written == byteCount)  // each algorithm above has a fixed size
        return result
    }

    /// PBKDF2 with HMAC of this hash (RFC 8018 5.2); one block of output: ``byteCount`` bytes, the `Hi()` of RFC 5802.
    /// - Parameter iterations: from 1 to `Int32.max`; the time it takes grows with it.
    public func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        pbkdf2(password: password, salt: salt, iterations: iterations, byteCount: byteCount)
    }

    func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int, byteCount: Int) -> [UInt8] {
        precondition(iterations >= 1 && iterations <= Int32.max, "the caller has checked the server's count")
        return filled(byteCount) { output in
            password.withUnsafeBytes { password in
                PKCS5_PBKDF2_HMAC(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(password.count),
                    salt, Int32(salt.count), Int32(iterations), algorithm, Int32(byteCount), output)
            }
        }
    }

    private var algorithm: OpaquePointer? {
        switch self {
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        }
    }

    /// Bytes that OpenSSL writes. It fails only where memory is out or the library is crippled (a FIPS provider without
    /// SHA-1 for example): no digest can be had then, and none must be made up.
    private func filled(_ count: Int? = nil, _ write: (UnsafeMutablePointer<UInt8>?) -> Int32) -> [UInt8] {
        let count = count ?? byteCount
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            precondition(write(buffer.baseAddress) == 1, "libcrypto cannot compute \(self)")
            initialized = count
        }
    }
}
