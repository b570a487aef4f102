import COpenSSL

/// Comparisons that take the same time wherever the first difference stands.
public enum ConstantTime {
    /// Whether both are the same bytes. Only the lengths may show in the time it takes.
    public static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }
}
