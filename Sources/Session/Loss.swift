import Stanza

/// Why a stream, or an attempt at one, is lost, and what that means for the next.
struct Loss: Error, Equatable, Sendable {
    enum Verdict: Equatable, Sendable {
        /// The retry policy decides.
        case transient
        /// A fault that no retry mends before the first login; after one it is retried, since it worked before.
        case protocolFault
        /// The credentials are refused: ends the session.
        case credentials
        /// Another client took our place: ends the session, since two that reconnect would fight for ever.
        case conflict
        /// Our resource is taken, and the server lets whoever has it keep it: before the first login a conflict;
        /// later it may be the ghost of our own last stream, and asking again disturbs nobody.
        case occupied
        /// The server sends us to another (RFC 6120 4.9.3.19).
        case elsewhere(HostPort)
    }

    var verdict: Verdict
    /// One line for a person.
    var reason: String
    /// The condition of a stream error.
    var condition: String?

    init(_ verdict: Verdict, _ reason: String) {
        self.verdict = verdict
        self.reason = reason
    }
}

extension Loss {
    /// The driver's word that the connection, or the attempt, is over.
    init(_ failure: TransportFailure, peer: String, phase: String?) {
        let during = phase.map { " while \($0)" } ?? ""
        switch failure {
        case .name(let words), .unreachable(let words): self.init(.transient, words)
        case .handshake(let words): self.init(.protocolFault, "TLS with \(peer) failed: \(words)")
        case .certificate(let words): self.init(.protocolFault, "the certificate of \(peer) is refused: \(words)")
        case .closed(let words): self.init(.transient, "the connection to \(peer) was lost\(during): \(words)")
        case .malformed(_, let words): self.init(.protocolFault, "\(peer) does not speak XMPP\(during): \(words)")
        case .injected:
            self.init(
                .protocolFault,
                "\(peer) sent bytes in clear behind <proceed/>: somebody may be tampering with the connection")
        }
    }

    /// A stream error (RFC 6120 4.9.3).
    init(streamError error: Element, peer: String, account: JID, resource: String?) {
        var condition = "undefined-condition"
        var detail = ""
        for child in error.children where child.hasNamespace(NS.streams) {
            if child.hasName("text") {
                detail = child.text
            } else {
                condition = SASLFailure.printable(child.name)
                if child.hasName("see-other-host"), let location = try? HostPort(child.text) {
                    self.init(.elsewhere(location), "\(peer) sends us to \(location)")
                    return
                }
            }
        }
        let said =
            "\(peer) ended the stream: \(condition)" + (detail.isEmpty ? "" : " (\(SASLFailure.printable(detail)))")
        switch condition {
        case "conflict":
            let named = resource.map { "the resource \($0)" } ?? "our resource"
            self.init(
                .conflict,
                "conflict: another client bound \(named) of \(account.bare); stop it, or give this one a resource of its own"
            )
        // What we are, say or ask for is wrong for this server; asking again changes nothing.
        case "host-unknown", "host-gone", "improper-addressing", "unsupported-version", "unsupported-encoding",
            "unsupported-feature", "unsupported-stanza-type", "invalid-namespace", "invalid-xml", "not-well-formed",
            "bad-format", "bad-namespace-prefix", "restricted-xml", "not-authorized", "invalid-from":
            self.init(.protocolFault, said)
        // The others pass: connection-timeout, reset, resource-constraint, system-shutdown, internal-server-error,
        // remote-connection-failed, and policy-violation, which servers say of rates and of bans that expire.
        case _: self.init(.transient, said)
        }
        self.condition = condition
    }
}
