import Routing
import Stanza

extension Reading {
    mutating func account(_ node: Node) -> Plan.Account? {
        let keys = Keys(
            of: "account",
            known: [
                "jid", "password", "server", "ca_file", "fingerprint", "client_cert", "client_key", "resource",
                "anonymous", "retry", "connect_timeout",
            ])
        guard let fields = fields(node, keys) else { return nil }
        var account = Plan.Account()
        account.anonymous = fields["anonymous"].flatMap { boolean($0, "anonymous") } ?? false
        account.jid = fields["jid"].flatMap { jid($0, isAnonymous: account.anonymous) }
        account.password = fields["password"].flatMap { password($0) }
        account.resource = fields["resource"].flatMap { resource($0) }
        account.caFile = fields["ca_file"].flatMap { string($0, "ca_file") }
        account.clientCertificate = fields["client_cert"].flatMap { string($0, "client_cert") }
        account.clientKey = fields["client_key"].flatMap { string($0, "client_key") }
        reach(fields, &account)
        if account.anonymous, let node = fields["password"] {
            report(node, "a password beside anonymous: true", "leave one of them out")
        }
        if let node = fields["client_key"], fields.isMissing("client_cert") {
            report(node, "client_key without client_cert", "add client_cert, or leave client_key out")
        }
        return account
    }

    /// The keys that say how to reach the server, and for how long to try.
    private mutating func reach(_ fields: Fields, _ account: inout Plan.Account) {
        if let node = fields["server"], let text = string(node, "server") {
            do { account.server = try ServerAddress(parsing: text) } catch { report(node, error.what, error.hint) }
        }
        if let node = fields["fingerprint"], let text = string(node, "fingerprint") {
            do { account.fingerprint = try Fingerprint(parsing: text) } catch { report(node, error.what, error.hint) }
        }
        if let node = fields["retry"], let text = string(node, "retry") {
            do { account.retry = try RetryPolicy(parsing: text) } catch { report(node, error.what, error.hint) }
        }
        if let node = fields["connect_timeout"] { account.connectTimeout = length(node, "connect_timeout") }
    }

    /// A length of time that is more than nothing; nil, and reported, where it is none.
    mutating func length(_ node: Node, _ key: String) -> Duration? {
        guard let text = string(node, key) else { return nil }
        do {
            let duration = try Duration(parsing: text)
            if duration > .zero { return duration }
            report(node, "\(key) is zero", "expected for example 10s")
        } catch {
            report(node, error.what, error.hint)
        }
        return nil
    }

    private mutating func jid(_ node: Node, isAnonymous: Bool) -> JID? {
        guard let text = string(node, "jid") else { return nil }
        do {
            let jid = try JID(text)
            if let resource = jid.resource {
                report(
                    node, "the account \(Wording.quote(text)) has a resource",
                    "write jid: \(jid.bare) and resource: \(resource)")
                return nil
            }
            if jid.local == nil && !isAnonymous {
                warn(
                    node.start, "the account \(Wording.quote(text)) names no user", "expected for example bridge@\(jid)"
                )
            }
            return jid
        } catch {
            report(node, "no address: \(error)", "expected for example bridge@example.org")
            return nil
        }
    }

    private mutating func resource(_ node: Node) -> String? {
        guard let text = string(node, "resource") else { return nil }
        do {
            // Any domain serves to prepare a resource.
            return try JID("example.org").with(resource: text).resource
        } catch {
            report(node, "\(Wording.quote(text)) is no resource: it \(error.rule)", "expected for example bridge")
            return nil
        }
    }

    mutating func password(_ node: Node) -> PasswordSource? {
        let kinds = ["file", "env", "credential", "command"]
        switch node.kind {
        case .broken: return nil
        case .scalar:
            guard let text = string(node, "password") else { return nil }
            plainPassword = min(node.start, plainPassword ?? node.start)
            warn(node.start, "the password stands in the file itself", "password: {file: PATH} keeps it apart")
            return .plain(text)
        case .list, .mapping: break
        }
        guard let fields = fields(node, Keys(of: "password", known: kinds, isSecret: true)) else { return nil }
        let present = kinds.filter { fields[$0] != nil }
        if present.count > 1 {
            report(node, "password has \(Wording.all(present))", "one of them is enough")
            return nil
        }
        guard let kind = present.first, let value = fields[kind] else {
            if !fields.hasUnknown && !fields.isBroken {
                report(node, "password has no source", "expected \(Wording.alternatives(kinds))")
            }
            return nil
        }
        switch kind {
        case "command": return command(value)
        case "file": return string(value, "file").map { .file($0) }
        case "env": return variable(value)
        case _: return credential(value)
        }
    }

    private mutating func variable(_ node: Node) -> PasswordSource? {
        guard let name = string(node, "env") else { return nil }
        // POSIX forbids nothing but these two; who writes a $ means the name behind it.
        if name.hasPrefix("$") || name.contains("=") {
            report(node, "env is not the name of a variable", "expected a name alone, as in {env: XMPP_PASSWORD}")
            return nil
        }
        return .environment(name)
    }

    private mutating func credential(_ node: Node) -> PasswordSource? {
        guard let name = string(node, "credential") else { return nil }
        if name.contains("/") || name == "." || name == ".." {
            report(node, "credential \(Wording.quote(name)) is a path", "expected the name given to LoadCredential=")
            return nil
        }
        return .credential(name)
    }

    private mutating func command(_ node: Node) -> PasswordSource? {
        switch node.kind {
        case .broken: return nil
        case .scalar, .mapping:
            report(node, "\(node.word) where a command belongs", "expected a list: [PROGRAM, ARGUMENT, ...]")
            return nil
        case .list: break
        }
        guard let items = items(node, "command") else { return nil }
        let words = items.enumerated().compactMap { index, item -> String? in
            // An argument may be empty, the program not.
            if index > 0, case .scalar(let text, _) = item.kind { return text }
            return string(item, "command")
        }
        return words.count == items.count ? .command(words) : nil
    }
}

extension Wording {
    /// `a and b`, `a, b and c`.
    static func all(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "nothing" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}
