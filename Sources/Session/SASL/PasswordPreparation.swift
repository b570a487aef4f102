import Stanza

extension SASLExchange {
    /// The password as both sides must see it: OpaqueString (RFC 8265 4.2).
    ///
    /// Printable ASCII is prepared as it stands. For the rest: the resource of a JID is prepared by the very same
    /// profile (RFC 7622 3.4), so it is made one and taken out again; that keeps PRECIS in one place.
    static func preparedPassword(_ password: Secret) throws(SASLFailure) -> Secret {
        let bytes = password.revealed.utf8
        guard !bytes.isEmpty else { throw .unusableCredentials("the password is empty") }
        if bytes.allSatisfy({ (0x20...0x7E).contains($0) }) { return password }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .unusableCredentials("the password holds a control character")
        }
        if let prepared = try? JID("a.invalid").with(resource: password.revealed).resource { return Secret(prepared) }
        throw .unusableCredentials("the password holds a character that RFC 8265 does not allow, or is too long")
    }
}
