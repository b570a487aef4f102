import Digest
import Stanza

extension LoopbackServer {
    /// `<auth/>` (RFC 6120 6.4.2).
    mutating func authenticate(_ element: Element, on id: ConnectionID) {
        guard strike(.auth, on: id) else { return }
        do throws(SASLFailure) {
            guard connections[id]?.isSecure == true || !configuration.requiresTLS else {
                throw SASLFailure(condition: "encryption-required")
            }
            guard let name = element["mechanism"], let mechanism = Configuration.Mechanism(rawValue: name),
                configuration.saslMechanisms.contains(mechanism)
            else { throw SASLFailure(condition: "invalid-mechanism") }
            let message = try Self.decoded(element)
            if let hash = mechanism.hash {
                try challenge(SCRAMClientFirst(message), mechanism, hash, on: id)
            } else {
                try checkPlain(message, on: id)
            }
        } catch {
            refuseAuthentication(id, account: "", error.condition)
        }
        strikeAfter(.auth, on: id)
    }

    /// `<response/>` to our challenge.
    mutating func receivedResponse(_ element: Element, to exchange: SCRAMExchange, account: String, on id: ConnectionID)
    {
        guard element.isNamed("response", NS.sasl) else {
            let condition = element.isNamed("abort", NS.sasl) ? "aborted" : "malformed-request"
            refuseAuthentication(id, account: account, condition)
            return
        }
        guard strike(.response, on: id) else { return }
        do throws(SASLFailure) {
            let final = try exchange.finish(Self.decoded(element))
            guard accounts[account] != nil else { throw SASLFailure(condition: "not-authorized") }
            succeed(account, final, on: id)
        } catch {
            refuseAuthentication(id, account: account, error.condition)
        }
        strikeAfter(.response, on: id)
    }

    private mutating func challenge(
        _ first: SCRAMClientFirst, _ mechanism: Configuration.Mechanism, _ hash: Hash, on id: ConnectionID
    ) throws(SASLFailure) {
        let name = localpart(first.username) ?? first.username
        guard isOwn(first.authorization, account: name) else { throw SASLFailure(condition: "invalid-authzid") }
        let random = random
        let iterations = configuration.scramIterations
        // Somebody unknown gets a challenge too, so that names cannot be tried; the proof then never fits.
        let keys =
            accounts[name]?.scramKeys(mechanism, hash: hash, iterations: iterations) { random(16) }
            ?? SCRAMKeys(password: Hash.sha256.name(of: random(16)), salt: random(16), iterations: 1, hash: hash)
        let exchange = SCRAMExchange(first, keys: keys, hash: hash, nonce: SCRAMExchange.nonce(random(24)))
        connections[id]?.stage = .expectResponse(exchange, account: name)
        guard strike(.challenge, on: id) else { return }
        write(id) {
            $0.start("challenge", NS.sasl)
            $0.content()
            $0.raw(Base64.encode(Array(exchange.serverFirst.utf8)).utf8)
            $0.end("challenge")
        }
        strikeAfter(.challenge, on: id)
    }

    /// RFC 4616: authzid, NUL, authcid, NUL, password.
    private mutating func checkPlain(_ message: [UInt8], on id: ConnectionID) throws(SASLFailure) {
        let parts = message.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw SASLFailure(condition: "malformed-request") }
        let username = String(decoding: parts[1], as: UTF8.self)
        guard let name = localpart(username), accounts[name]?.hasPassword(parts[2]) == true else {
            throw SASLFailure(condition: "not-authorized")
        }
        let authorization = parts[0].isEmpty ? nil : String(decoding: parts[0], as: UTF8.self)
        guard isOwn(authorization, account: name) else { throw SASLFailure(condition: "invalid-authzid") }
        succeed(name, nil, on: id)
    }

    private mutating func succeed(_ account: String, _ additional: String?, on id: ConnectionID) {
        guard strike(.success, on: id) else { return }
        write(id) {
            $0.start("success", NS.sasl)
            guard let additional else {
                $0.endEmpty()
                return
            }
            $0.content()
            $0.raw(Base64.encode(Array(additional.utf8)).utf8)
            $0.end("success")
        }
        strikeAfter(.success, on: id)
        guard isAlive(id) else { return }
        flush(id)
        connections[id]?.stage = .expectHeader(account: account)
        emit(.restartStream(id), on: id)
        connections[id]?.isHeaderWritten = false
    }

    /// `<failure/>` (RFC 6120 6.4.5); the client may try again, but not for ever.
    mutating func refuseAuthentication(_ id: ConnectionID, account: String, _ condition: String) {
        actions.append(.observed(.refused(account: account, condition: condition)))
        write(id) {
            $0.start("failure", NS.sasl)
            $0.content()
            $0.raw("<")
            $0.raw(condition.utf8)
            $0.raw("/></failure>")
        }
        guard isAlive(id) else { return }
        connections[id]?.stage = .expectAuthentication
        connections[id]?.authenticationFailures += 1
        if (connections[id]?.authenticationFailures ?? 0) >= configuration.limits.authenticationFailuresMax {
            fail(id, "policy-violation")
        }
    }

    /// The content of a SASL element; `=` stands for nothing (RFC 6120 6.4.2).
    private static func decoded(_ element: Element) throws(SASLFailure) -> [UInt8] {
        let text = element.text
        if text == "=" { return [] }
        guard let bytes = Base64.decode(text) else { throw SASLFailure(condition: "incorrect-encoding") }
        return bytes
    }

    /// A username as the localpart of an account here.
    private func localpart(_ username: String) -> String? {
        guard let jid = try? JID("\(username)@\(configuration.domain)") else { return nil }
        return jid.local
    }

    /// Whether somebody who is that account may act as this: as itself alone.
    private func isOwn(_ authorization: String?, account: String) -> Bool {
        guard let authorization else { return true }
        return authorization == account || authorization == "\(account)@\(configuration.domain)"
    }
}
