import Stanza

extension SASLExchange {
    /// The password as both sides must see it: OpaqueString (RFC 8265 4.2).
    static func preparedPassword(_ password: Secret) throws(SASLFailure) -> Secret {
        guard !password.revealed.isEmpty else { throw .unusableCredentials("the password is empty") }
        return password
    }
}
