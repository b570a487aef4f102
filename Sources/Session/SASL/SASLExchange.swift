import Digest
import Stanza

/// One authentication (RFC 6120 6, RFC 4422), as a machine without I/O: from the choice of the mechanism to the
/// server's proof.
struct SASLExchange: Sendable {
    /// Random bytes to hand to ``begin(nonce:)``.
    static let nonceBytes = 24

    /// The name for `<auth mechanism=.../>`.
    let mechanism: String
    /// What to hand to the next ``select(offered:credentials:account:tls:bindingTypes:cachedKeys:plaintextAllowed:)``;
    /// set once the server has proven itself.
    private(set) var keyCache: SCRAMKeyCache?
    private var method: Method

    /// What to do next.
    enum Step: Equatable, Sendable {
        /// Send these bytes: first in `<auth/>` (nil: none), later in `<response/>`; see ``SASLExchange/text(_:)``.
        case respond([UInt8]?)
        /// Derive keys off the loop and hand them to ``SASLExchange/derived(_:)``.
        case derive(KeyDerivation)
        /// It is over.
        case failed(SASLFailure)
    }

    enum Method: Sendable {
        /// SCRAM in any of its kinds.
        case scram(SCRAMExchange)
        /// One message says all: PLAIN, EXTERNAL, ANONYMOUS.
        case single(SingleMessage)
    }

    /// A mechanism that has nothing to say behind its initial response.
    struct SingleMessage: Sendable {
        /// The initial response; nil: none, unless the server asks for one by an empty challenge.
        var initial: Secret?
        /// Whether an empty challenge was already answered.
        var asked = false
    }

    init(mechanism: String, method: Method) {
        self.mechanism = mechanism
        self.method = method
    }

    /// The first step.
    /// - Parameter nonce: ``nonceBytes`` random bytes; SCRAM's are never used twice.
    mutating func begin(nonce: [UInt8]) -> Step {
        switch method {
        case .single(let single): return .respond(single.initial.map { Array($0.revealed.utf8) })
        case .scram(var scram):
            let step = scram.begin(nonce: nonce)
            method = .scram(scram)
            return step
        }
    }

    /// Takes the bytes of a `<challenge/>`.
    mutating func challenge(_ data: [UInt8]) -> Step {
        switch method {
        case .scram(var scram):
            let step = scram.challenge(data)
            method = .scram(scram)
            return step
        case .single(var single):
            // RFC 4422 3: a server may send an empty challenge where it got no initial response, or ignored it.
            guard data.isEmpty, !single.asked else {
                return .failed(.malformed("a challenge that \(mechanism) does not have"))
            }
            single.asked = true
            method = .single(single)
            return .respond(single.initial.map { Array($0.revealed.utf8) } ?? [])
        }
    }

    /// Takes the keys that ``Step/derive(_:)`` asked for; nil: they belong to another exchange and change nothing.
    mutating func derived(_ keys: DerivedKeys) -> Step? {
        switch method {
        case .single: return nil
        case .scram(var scram):
            let step = scram.derived(keys)
            method = .scram(scram)
            return step
        }
    }

    /// Takes `<success/>` with its data, nil where it has none; nil: authenticated, and the server has proven itself
    /// where the mechanism lets it.
    mutating func success(_ data: [UInt8]?) -> SASLFailure? {
        switch method {
        case .single: return nil
        case .scram(var scram):
            let failure = scram.success(data)
            if failure == nil { keyCache = scram.provenKeys }
            method = .scram(scram)
            return failure
        }
    }
}

// MARK: - The text inside the elements

extension SASLExchange {
    /// The text of `<auth/>`, nil for none: `=` stands for an initial response of no bytes (RFC 6120 6.4.2). That of
    /// `<response/>` is the same but for no bytes, which leave it empty.
    static func text(_ data: [UInt8]?) -> String? {
        data.map { $0.isEmpty ? "=" : Base64.encode($0) }
    }

    /// The bytes of the text inside `<challenge/>` or `<success/>`; no text and `=` are no bytes.
    static func bytes(_ text: String) -> [UInt8]? {
        text == "=" ? [] : Base64.decode(text)
    }

    /// Takes the text of a `<challenge/>`.
    mutating func challenge(text: String) -> Step {
        guard let data = Self.bytes(text) else { return .failed(.malformed("a challenge that is no base64")) }
        return challenge(data)
    }

    /// Takes the text of `<success/>`.
    mutating func success(text: String) -> SASLFailure? {
        guard let data = Self.bytes(text) else { return .malformed("a success whose data is no base64") }
        return success(text.isEmpty ? nil : data)
    }
}

// MARK: - What shows

extension SASLExchange: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { mechanism }
    var debugDescription: String { mechanism }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension SASLExchange.Step: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String {
        switch self {
        case .respond(nil): "respond with nothing"
        case .respond(let data?): "respond with \(data.count) bytes"
        case .derive(let derivation): "derive \(derivation.hash.rawValue) keys, \(derivation.iterations) iterations"
        case .failed(let failure): "failed: \(failure)"
        }
    }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
