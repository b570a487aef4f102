import Digest

/// One run of SCRAM, the client's side (RFC 5802 3 and 5).
struct SCRAMExchange: Sendable {
    let hash: SCRAMHash
    let binding: ChannelBinding
    let username: String
    let password: Secret
    let cached: SCRAMKeyCache?
    private var state = State.ready

    init(
        hash: SCRAMHash, binding: ChannelBinding, username: String, password: Secret, cached: SCRAMKeyCache?
    ) {
        self.hash = hash
        self.binding = binding
        self.username = username
        self.password = password
        self.cached = cached
    }

    private enum State {
        /// Nothing is sent; next ``expectServerFirst(nonce:bare:)``.
        case ready
        /// `client-first-message` is sent; next ``deriving(_:_:)``, or ``expectServerFinal(_:_:)`` with known keys.
        case expectServerFirst(nonce: [UInt8], bare: [UInt8])
        /// The keys are computed elsewhere; next ``expectServerFinal(_:_:)``.
        case deriving(KeyDerivation, Unproven)
        /// The proof is sent; next ``proven(_:)``, or the end.
        case expectServerFinal(signature: [UInt8], SCRAMKeyCache)
        /// The server has proven that it knows the password; only the outcome is missing.
        case proven(SCRAMKeyCache)
        /// Over, well or not.
        case over
    }

    /// The parts of the proof that do not need the keys.
    private struct Unproven {
        var withoutProof: [UInt8]
        var authMessage: [UInt8]
    }

    /// The keys, once the server has proven itself.
    var provenKeys: SCRAMKeyCache? {
        guard case .proven(var keys) = state else { return nil }
        keys.boundBy = binding.kind
        return keys
    }

    /// `client-first-message`.
    mutating func begin(nonce: [UInt8]) -> SASLExchange.Step {
        guard case .ready = state else { return fail(.malformed("authentication began twice")) }
        let nonce = Base64.encoded(nonce)  // its letters are printable and hold no comma
        let bare = Array("n=\(Self.saslName(username)),r=".utf8) + nonce
        state = .expectServerFirst(nonce: nonce, bare: bare)
        return .respond(binding.gs2Header + bare)
    }

    mutating func challenge(_ message: [UInt8]) -> SASLExchange.Step {
        switch state {
        case .expectServerFirst(let nonce, let bare): return serverFirst(message, nonce: nonce, bare: bare)
        case .expectServerFinal:
            // Some servers send it ahead of <success/>; RFC 6120 6.4.6 allows both.
            if let failure = serverFinal(message) { return fail(failure) }
            return .respond([])
        case .ready, .deriving, .proven, .over: return fail(.malformed("a challenge out of turn"))
        }
    }

    /// nil: keys of another derivation, which belong to a connection that is gone.
    mutating func derived(_ keys: DerivedKeys) -> SASLExchange.Step? {
        guard case .deriving(let derivation, let unproven) = state, keys.derivation == derivation else { return nil }
        return prove(
            unproven,
            with: SCRAMKeyCache(
                hash: hash, salt: derivation.salt, iterations: derivation.iterations,
                saltedPassword: keys.saltedPassword))
    }

    mutating func success(_ data: [UInt8]?) -> SASLFailure? {
        switch state {
        case .expectServerFinal:
            guard let failure = serverFinal(data ?? []) else { return nil }
            state = .over
            return failure
        case .proven:
            guard let data, !data.isEmpty else { return nil }
            state = .over
            return .malformed("data after the last SCRAM message")
        case .ready, .expectServerFirst, .deriving, .over:
            state = .over
            return .serverNotProven(.missing)
        }
    }

    private mutating func serverFirst(_ message: [UInt8], nonce: [UInt8], bare: [UInt8]) -> SASLExchange.Step {
        let first: SCRAMMessage.ServerFirst
        do { first = try SCRAMMessage.ServerFirst(message, extending: nonce) } catch { return fail(error) }
        let channel = Base64.encoded(binding.gs2Header + binding.data)
        let withoutProof = Array("c=".utf8) + channel + Array(",r=".utf8) + first.nonce
        let comma = [UInt8(ascii: ",")]
        let unproven = Unproven(
            withoutProof: withoutProof, authMessage: bare + comma + message + comma + withoutProof)
        if let cached, cached.hash == hash, cached.salt == first.salt, cached.iterations == first.iterations {
            return prove(unproven, with: cached)
        }
        let derivation = KeyDerivation(
            hash: hash, password: password, salt: first.salt, iterations: first.iterations)
        state = .deriving(derivation, unproven)
        return .derive(derivation)
    }

    /// `client-final-message`.
    private mutating func prove(_ unproven: Unproven, with keys: SCRAMKeyCache) -> SASLExchange.Step {
        let digest = hash.digest
        let clientKey = digest.hmac(key: keys.saltedPassword, Array("Client Key".utf8))
        let clientSignature = digest.hmac(key: digest.digest(clientKey), unproven.authMessage)
        let proof = zip(clientKey, clientSignature).map { $0 ^ $1 }
        let serverKey = digest.hmac(key: keys.saltedPassword, Array("Server Key".utf8))
        state = .expectServerFinal(signature: digest.hmac(key: serverKey, unproven.authMessage), keys)
        return .respond(unproven.withoutProof + Array(",p=".utf8) + Base64.encoded(proof))
    }

    private mutating func serverFinal(_ message: [UInt8]) -> SASLFailure? {
        guard case .expectServerFinal(let signature, let keys) = state else { return .serverNotProven(.missing) }
        do {
            let verifier = try SCRAMMessage.verifier(message)
            guard ConstantTime.equal(verifier, signature) else { return .serverNotProven(.wrong) }
            state = .proven(keys)
            return nil
        } catch { return error }
    }

    private mutating func fail(_ failure: SASLFailure) -> SASLExchange.Step {
        state = .over
        return .failed(failure)
    }

    /// `saslname`: the two characters with a meaning are written as `=2C` and `=3D`.
    private static func saslName(_ name: String) -> String {
        var escaped = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case ",": escaped += "=2C"
            case "=": escaped += "=3D"
            case _: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
