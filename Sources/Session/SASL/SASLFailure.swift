import Stanza

/// Why authentication did not succeed; one line for a person each.
enum SASLFailure: Error, Equatable {
    /// The server refused the credentials: the condition (RFC 6120 6.5, RFC 5802 7) and its words.
    case refused(condition: String, text: String?)
    /// The account is switched off (RFC 6120 6.5.2).
    case accountDisabled(text: String?)
    /// The password must be renewed first (RFC 6120 6.5.3).
    case credentialsExpired(text: String?)
    /// The server cannot say now (RFC 6120 6.5.11): the same credentials may do later.
    case temporary(condition: String, text: String?)
    /// The server did not like how we asked, whoever we are.
    case faulty(condition: String, text: String?)
    /// The credentials given to us cannot be used with any mechanism.
    case unusableCredentials(String)
    /// Nothing that the server offers can be used: each mechanism with the reason.
    case noSharedMechanism([Unused])
    /// The server's signature is missing or wrong: it does not know the password (RFC 5802 5, `verifier`).
    case serverNotProven(Proof)
    /// The server's nonce does not extend ours (RFC 5802 5.1, `r`).
    case nonceChanged
    /// The iteration count is none, or so high that it is an attack on us.
    case iterations(String)
    /// What is offered contradicts channel binding (XEP-0440 3, RFC 5802 6): somebody may sit in between.
    case channelBinding(String)
    /// A mandatory extension that we do not know (RFC 5802 5.1, `m`).
    case mandatoryExtension
    /// A message of the server's breaks the mechanism's grammar or order.
    case malformed(String)

    /// A mechanism that is offered but was not chosen.
    struct Unused: Equatable, Sendable {
        /// Its name.
        var mechanism: String
        /// Why not.
        var reason: String
    }

    /// What is wrong with the server's proof.
    enum Proof: Equatable, Sendable {
        /// It sent none, yet calls the authentication a success.
        case missing
        /// It is not made with this password.
        case wrong
    }

    /// What to do about it.
    enum Disposition: Equatable, Sendable {
        /// A person must mend the credentials: exit 77.
        case credentials
        /// No retry mends it: exit 76.
        case protocolFault
        /// Try again later.
        case temporary
    }

    /// What to do about it.
    var disposition: Disposition {
        switch self {
        case .refused, .accountDisabled, .credentialsExpired, .unusableCredentials: .credentials
        case .temporary: .temporary
        case .faulty, .noSharedMechanism, .serverNotProven, .nonceChanged, .iterations, .channelBinding,
            .mandatoryExtension, .malformed:
            .protocolFault
        }
    }
}

extension SASLFailure {
    /// Reads a `<failure/>` of the SASL namespace (RFC 6120 6.5); an unknown condition counts as a refusal.
    init(refusal: Element) {
        var condition = "not-authorized"
        for child in refusal.children where !child.hasName("text") {
            condition = Self.printable(child.name)
            break
        }
        let text = refusal.child("text", NS.sasl).map { Self.printable($0.text) }.flatMap { $0.isEmpty ? nil : $0 }
        switch condition {
        case "account-disabled": self = .accountDisabled(text: text)
        case "credentials-expired": self = .credentialsExpired(text: text)
        case "temporary-auth-failure": self = .temporary(condition: condition, text: text)
        case "aborted", "encryption-required", "incorrect-encoding", "invalid-mechanism", "malformed-request",
            "mechanism-too-weak":
            self = .faulty(condition: condition, text: text)
        case _: self = .refused(condition: condition, text: text)
        }
    }

    /// Reads the value of SCRAM's attribute `e` (RFC 5802 7).
    init(serverError value: String) {
        let condition = Self.printable(value)
        switch condition {
        case "channel-bindings-dont-match", "server-does-support-channel-binding":
            self = .channelBinding("the server says \(condition)")
        case "no-resources": self = .temporary(condition: condition, text: nil)
        case "invalid-encoding", "extensions-not-supported", "channel-binding-not-supported",
            "unsupported-channel-binding-type":
            self = .faulty(condition: condition, text: nil)
        case _: self = .refused(condition: condition, text: nil)
        }
    }

    /// The bytes of a peer's word that are shown.
    private static let shownBytesMax = 200

    /// A peer's word as a person's terminal may see it: one line, without control characters, not endless.
    static func printable(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if shown.utf8.count >= shownBytesMax { return shown + "..." }
            if ShownText.isHidden(scalar) { shown.append(" ") } else { shown.unicodeScalars.append(scalar) }
        }
        return shown
    }
}

extension SASLFailure: CustomStringConvertible {
    var description: String {
        switch self {
        case .refused(let condition, let text):
            "authentication refused (\(condition)\(Self.tail(text))); check the account's name and its password or certificate"
        case .accountDisabled(let text):
            "authentication refused (account-disabled\(Self.tail(text))); ask the server's administrator"
        case .credentialsExpired(let text):
            "authentication refused (credentials-expired\(Self.tail(text))); renew the password"
        case .temporary(let condition, let text):
            "the server cannot authenticate anybody now (\(condition)\(Self.tail(text)))"
        case .faulty(let condition, let text):
            "the server did not accept how we authenticate (\(condition)\(Self.tail(text)))"
        case .unusableCredentials(let why): "the credentials cannot be used: \(why)"
        case .noSharedMechanism(let unused): "no way to authenticate: \(Self.list(unused))"
        case .serverNotProven(.missing):
            "the server did not prove that it knows the password: it may be an impostor"
        case .serverNotProven(.wrong):
            "the server's proof that it knows the password is wrong: it may be an impostor"
        case .nonceChanged: "the server answered with a nonce that is not ours: the exchange is replayed or broken"
        case .iterations(let why): "the server's SCRAM iteration count \(why)"
        case .channelBinding(let why): "channel binding failed: \(why); somebody may sit between us and the server"
        case .mandatoryExtension: "the server demands a SCRAM extension that is not known here"
        case .malformed(let what): "the server broke the rules of authentication: \(what)"
        }
    }

    private static func tail(_ text: String?) -> String { text.map { ": \($0)" } ?? "" }

    /// The mechanisms that are named before the rest is only counted.
    private static let namedMechanismsMax = 12

    private static func list(_ unused: [Unused]) -> String {
        if unused.isEmpty { return "the server offers no mechanism" }
        let named = unused.prefix(namedMechanismsMax).map { "\($0.mechanism) (\($0.reason))" }.joined(separator: ", ")
        let more = unused.count - namedMechanismsMax
        return "the server offers " + named + (more > 0 ? " and \(more) more" : "")
    }
}
