import Digest

/// What a reconnect needs so that no key must be derived again, as long as the server names the same salt and
/// iterations (RFC 5802 5.1 permits it). As good as the password: it shows itself nowhere.
struct SCRAMKeyCache: Sendable, Equatable {
    /// The hash of the mechanism.
    var hash: SCRAMHash
    /// The server's salt.
    var salt: [UInt8]
    /// The server's iteration count.
    var iterations: Int
    /// `SaltedPassword` of RFC 5802 3.
    var saltedPassword: [UInt8]
    /// How that login was bound to its channel, nil where it was not: what the server took once, it takes again.
    var boundBy: ChannelBinding.Kind?
}

extension SCRAMKeyCache: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "(SCRAM keys)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension DerivedKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Not the keys.
    public var description: String { "(derived keys)" }
    /// Not the keys.
    public var debugDescription: String { description }
    /// Not the keys.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension KeyDerivation {
    /// Derives the keys: `Hi()` of RFC 5802 2.2. Takes milliseconds to seconds: not for the event loop.
    public func run() -> DerivedKeys {
        DerivedKeys(
            saltedPassword: hash.digest.pbkdf2(
                password: Array(password.revealed.utf8), salt: salt, iterations: iterations),
            of: self)
    }
}

extension SCRAMHash {
    /// The function itself.
    var digest: Hash {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha512: .sha512
        }
    }
}
