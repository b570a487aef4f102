import Digest

/// What a server keeps of a password for SCRAM (RFC 5802 3).
struct SCRAMKeys: Sendable, CustomStringConvertible {
    let salt: [UInt8]
    let iterations: Int
    let stored: [UInt8]
    let server: [UInt8]

    init(password: String, salt: [UInt8], iterations: Int, hash: Hash) {
        let salted = hash.pbkdf2(password: Array(password.utf8), salt: salt, iterations: iterations)
        self.salt = salt
        self.iterations = iterations
        stored = hash.digest(hash.hmac(key: salted, Array("Client Key".utf8)))
        server = hash.hmac(key: salted, Array("Server Key".utf8))
    }

    var description: String { "(SCRAM keys)" }
}

/// The client's first message of SCRAM (RFC 5802 7), taken apart.
struct SCRAMClientFirst: Sendable {
    /// `n,,` or the like, as it stood there.
    let header: String
    /// Who the client wants to act as, where it says so.
    let authorization: String?
    let username: String
    let nonce: String
    /// The message without the header.
    let bare: String

    /// Reads the message.
    /// - Throws: the SASL condition: `malformed-request` where it cannot be read; `not-authorized` where it asks for a
    ///   channel binding, as no -PLUS mechanism was offered.
    init(_ message: [UInt8]) throws(SASLFailure) {
        let text = String(decoding: message, as: UTF8.self)
        let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw SASLFailure(condition: "malformed-request") }
        if parts[0].hasPrefix("p=") { throw SASLFailure(condition: "not-authorized") }
        guard parts[0] == "n" || parts[0] == "y", parts[1].isEmpty || parts[1].hasPrefix("a=") else {
            throw SASLFailure(condition: "malformed-request")
        }
        let fields = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count >= 2, fields[0].hasPrefix("n="), fields[1].hasPrefix("r="), fields[1].utf8.count > 2,
            let username = Self.unescaped(fields[0].dropFirst(2))
        else { throw SASLFailure(condition: "malformed-request") }
        header = "\(parts[0]),\(parts[1]),"
        if parts[1].isEmpty {
            authorization = nil
        } else {
            guard let name = Self.unescaped(parts[1].dropFirst(2)) else {
                throw SASLFailure(condition: "malformed-request")
            }
            authorization = name
        }
        self.username = username
        nonce = String(fields[1].dropFirst(2))
        bare = String(parts[2])
    }

    /// A saslname: `=2C` and `=3D` stand for a comma and an equals sign, no other `=` may stand there.
    private static func unescaped(_ text: Substring) -> String? {
        let pieces = text.split(separator: "=", omittingEmptySubsequences: false)
        var name = String(pieces[0])
        for piece in pieces.dropFirst() {
            if piece.hasPrefix("2C") {
                name += "," + piece.dropFirst(2)
            } else if piece.hasPrefix("3D") {
                name += "=" + piece.dropFirst(2)
            } else {
                return nil
            }
        }
        return name
    }
}

/// Why an authentication fails: the condition that the client is told (RFC 6120 6.5).
struct SASLFailure: Error, Equatable, Sendable {
    let condition: String
}

/// The server's side of SCRAM (RFC 5802) between its challenge and the client's proof.
struct SCRAMExchange: Sendable {
    /// The server's first message: the challenge.
    let serverFirst: String
    private let first: SCRAMClientFirst
    private let nonce: String
    private let keys: SCRAMKeys
    private let hash: Hash

    /// Answers a client's first message.
    /// - Parameter nonce: the server's part of the nonce: printable ASCII without a comma.
    init(_ first: SCRAMClientFirst, keys: SCRAMKeys, hash: Hash, nonce: String) {
        self.first = first
        self.keys = keys
        self.hash = hash
        self.nonce = first.nonce + nonce
        serverFirst = "r=\(self.nonce),s=\(Base64.encode(keys.salt)),i=\(keys.iterations)"
    }

    /// Checks the client's final message and gives the server's.
    /// - Throws: the SASL condition to tell.
    func finish(_ message: [UInt8]) throws(SASLFailure) -> String {
        let text = String(decoding: message, as: UTF8.self)
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count >= 3, fields[0].hasPrefix("c="), fields[1].hasPrefix("r="),
            let last = fields.last, last.hasPrefix("p="), let proof = Base64.decode(String(last.dropFirst(2))),
            proof.count == hash.byteCount
        else { throw SASLFailure(condition: "malformed-request") }
        guard Base64.decode(String(fields[0].dropFirst(2))) == Array(first.header.utf8),
            fields[1].dropFirst(2) == nonce
        else { throw SASLFailure(condition: "not-authorized") }
        let withoutProof = text.dropLast(last.count + 1)
        let authMessage = Array("\(first.bare),\(serverFirst),\(withoutProof)".utf8)
        let signature = hash.hmac(key: keys.stored, authMessage)
        let clientKey = zip(proof, signature).map { $0 ^ $1 }
        guard hash.digest(clientKey) == keys.stored else { throw SASLFailure(condition: "not-authorized") }
        return "v=" + Base64.encode(hash.hmac(key: keys.server, authMessage))
    }

    /// Random bytes as a nonce: printable ASCII, no comma (RFC 5802 7); what is such already stays.
    static func nonce(_ bytes: [UInt8]) -> String {
        let letters = bytes.map { byte in
            let letter = 0x21 + (byte &- 0x21) % 94
            return letter == UInt8(ascii: ",") ? UInt8(ascii: ".") : letter
        }
        return String(decoding: letters, as: UTF8.self)
    }
}

extension LoopbackServer.Configuration.Mechanism {
    /// The hash of a SCRAM mechanism; nil for one without.
    var hash: Hash? {
        switch self {
        case .scramSHA1: .sha1
        case .scramSHA256: .sha256
        case .scramSHA512: .sha512
        case .plain: nil
        }
    }
}
