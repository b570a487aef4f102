import Stanza

extension SASLExchange {
    /// Chooses the mechanism for what the server offers *inside* TLS; what it offered before must not be passed.
    ///
    /// - Parameters:
    ///   - bindingTypes: those of XEP-0440; nil where the server names none.
    ///   - cachedKeys: ``keyCache`` of an earlier exchange with the same account and password.
    ///   - plaintextAllowed: the user's word that PLAIN may go without TLS, on loopback.
    static func select(
        offered: [String], credentials: Configuration.Credentials, account: JID, tls: TLSFacts?,
        bindingTypes: [String]?, cachedKeys: SCRAMKeyCache?, plaintextAllowed: Bool = false
    ) -> Result<SASLExchange, SASLFailure> {
        let offer = Offer(mechanisms: offered, tls: tls, bindingTypes: bindingTypes)
        do throws(SASLFailure) {
            switch credentials {
            case .external: return .success(try offer.external())
            case .anonymous: return .success(try offer.anonymous())
            case .password(let password):
                guard let username = account.local else {
                    throw SASLFailure.unusableCredentials("\(account) has no name before the @ to log in with")
                }
                let prepared = try preparedPassword(password)
                if let scram = try offer.scram(username: username, password: prepared, cached: cachedKeys) {
                    return .success(scram)
                }
                return .success(try offer.plain(username, prepared, plaintextAllowed: plaintextAllowed))
            }
        } catch { return .failure(error) }
    }
}

/// What the server offers, and what may be made of it.
private struct Offer {
    let mechanisms: [String]
    let tls: TLSFacts?
    let bindingTypes: [String]?

    /// The best SCRAM mechanism; nil where none can be used.
    ///
    /// -PLUS comes before the strength of the hash: SHA-1 inside HMAC and PBKDF2 is not broken, while only binding
    /// keeps out who holds a certificate for the domain. And without binding we would have to say `n` to a server that
    /// offers it, which gives the protection against a shortened list away (RFC 5802 6).
    func scram(username: String, password: Secret, cached: SCRAMKeyCache?) throws(SASLFailure) -> SASLExchange? {
        let scram = Set(mechanisms.filter { $0.hasPrefix("SCRAM-") })
        if scram.isEmpty { return nil }
        let binding = try ChannelBinding.decide(
            scram: scram, tls: tls, types: bindingTypes, earlier: cached?.boundBy)
        func strongest(plus: Bool) -> SCRAMHash? {
            SCRAMHash.allCases.last { scram.contains($0.mechanism(plus: plus)) }
        }
        func exchange(_ hash: SCRAMHash, _ binding: ChannelBinding, plus: Bool) -> SASLExchange {
            let run = SCRAMExchange(
                hash: hash, binding: binding, username: username, password: password, cached: cached)
            return SASLExchange(mechanism: hash.mechanism(plus: plus), method: .scram(run))
        }
        switch binding {
        case .bound:
            if let hash = strongest(plus: true) { return exchange(hash, binding, plus: true) }
            // -PLUS exists only with hashes that are not ours.
            return strongest(plus: false).map { exchange($0, .unsupported, plus: false) }
        case .unsupported, .notOffered: return strongest(plus: false).map { exchange($0, binding, plus: false) }
        }
    }

    /// PLAIN (RFC 4616), where nothing stronger is offered. A server that offers SCRAM in a form that we cannot use
    /// has still said that it needs no password in clear: we stop and say why, and a person decides.
    func plain(
        _ username: String, _ password: Secret, plaintextAllowed: Bool
    ) throws(SASLFailure) -> SASLExchange {
        guard mechanisms.contains("PLAIN"), tls != nil || plaintextAllowed,
            !mechanisms.contains(where: { $0.hasPrefix("SCRAM-") })
        else { throw unused(passwordReason) }
        return SASLExchange(
            mechanism: "PLAIN",
            method: .single(.init(initial: Secret("\u{0}\(username)\u{0}\(password.revealed)"))))
    }

    /// EXTERNAL without an authzid: the certificate names the account (XEP-0178 2).
    func external() throws(SASLFailure) -> SASLExchange {
        guard mechanisms.contains("EXTERNAL"), tls != nil else {
            throw unused { mechanism in
                mechanism == "EXTERNAL"
                    ? "the certificate is shown only inside TLS" : "not by a client certificate, which is configured"
            }
        }
        return SASLExchange(mechanism: "EXTERNAL", method: .single(.init(initial: Secret(""))))
    }

    /// ANONYMOUS without a trace (RFC 4505 2).
    func anonymous() throws(SASLFailure) -> SASLExchange {
        guard mechanisms.contains("ANONYMOUS") else { throw unused { _ in "not anonymous, which is configured" } }
        return SASLExchange(mechanism: "ANONYMOUS", method: .single(.init(initial: nil)))
    }

    private func unused(_ reason: (String) -> String) -> SASLFailure {
        .noSharedMechanism(
            mechanisms.map { .init(mechanism: SASLFailure.printable($0), reason: reason($0)) })
    }

    private func passwordReason(_ mechanism: String) -> String {
        if mechanism == "PLAIN" {
            return tls == nil
                ? "the password would go in clear"
                : "not used where the server can do better"
        }
        if mechanism.hasPrefix("SCRAM-") {
            let known = SCRAMHash.allCases.contains { $0.mechanism(plus: true) == mechanism }
            if !known { return "not known here" }
            return tls == nil ? "needs TLS to bind to" : "the TLS connection gives nothing to bind to"
        }
        if mechanism == "EXTERNAL" { return "no client certificate is configured" }
        if mechanism == "ANONYMOUS" { return "anonymous login is not asked for" }
        return "not known here"
    }
}
