import Config
import Session
import Stanza
import Wire

/// Which account, by which proof, at which server, trusted how.
struct AccountChoice {
    var jid: JID
    var resource: String?
    var credentials: Session.Configuration.Credentials
    var server: ServerAddress?
    var tls: TLSConfiguration
    var retry: RetryPolicy?
    var connectTimeout: Duration?

    init(_ flags: SessionOptions, _ environment: Environment, _ file: Plan.Account?) throws(StartFailure) {
        let address = try Self.address(flags, environment, file)
        // What the file says of its account says nothing of another: above all not its password.
        let file = file?.jid == nil || file?.jid?.bare == address.bare ? file : nil
        jid = address.bare
        resource = flags.resource ?? address.resource ?? file?.resource
        server = try Self.server(flags, environment, file)
        tls = try Self.trust(flags, environment, file)
        retry = file?.retry
        connectTimeout = file?.connectTimeout
        let isAnonymous =
            flags.anonymous || (flags.jid == nil && environment["XMPP_BRIDGE_JID"] == nil && file?.anonymous == true)
        if isAnonymous {
            jid = address.server
            credentials = .anonymous
        } else if address.local == nil {
            throw StartFailure(
                .configuration, "the account \(address) has no part before @; give the whole JID, or --anonymous")
        } else if tls.clientCertificate != nil {
            credentials = .external
        } else {
            credentials = .password(try Self.password(jid, environment, file))
        }
    }

    /// Which account is meant.
    static func address(
        _ flags: SessionOptions, _ environment: Environment, _ file: Plan.Account?
    ) throws(StartFailure) -> JID {
        let given = flags.jid.map { ("--jid", $0) } ?? environment["XMPP_BRIDGE_JID"].map { ("XMPP_BRIDGE_JID", $0) }
        guard let (name, text) = given else {
            if let jid = file?.jid { return jid }
            throw StartFailure(
                .configuration, "no account; give --jid, or XMPP_BRIDGE_JID, or account: {jid: ...} in bridges.yaml")
        }
        do { return try JID(text) } catch { throw StartFailure(.usage, "\(name): \(error)") }
    }

    private static func server(
        _ flags: SessionOptions, _ environment: Environment, _ file: Plan.Account?
    ) throws(StartFailure) -> ServerAddress? {
        let given =
            flags.server.map { ("--server", $0) }
            ?? environment["XMPP_BRIDGE_SERVER"].map { ("XMPP_BRIDGE_SERVER", $0) }
        guard let (name, text) = given else { return file?.server }
        do throws(AddressProblem) { return try ServerAddress(parsing: text) } catch {
            throw StartFailure(.usage, "\(name) \(text): \(error)")
        }
    }

    private static func trust(
        _ flags: SessionOptions, _ environment: Environment, _ file: Plan.Account?
    ) throws(StartFailure) -> TLSConfiguration {
        var tls = TLSConfiguration()
        if let text = flags.fingerprint {
            do throws(AddressProblem) { tls.trust = .fingerprint(try Fingerprint(parsing: text).bytes) } catch {
                throw StartFailure(.usage, "--fingerprint \(text): \(error)")
            }
        } else if flags.caFile == nil, environment["XMPP_BRIDGE_CA_FILE"] == nil, let pinned = file?.fingerprint {
            tls.trust = .fingerprint(pinned.bytes)
        } else if let path = flags.caFile ?? environment["XMPP_BRIDGE_CA_FILE"] ?? file?.caFile {
            tls.trust = .file(path: path)
        }
        if let certificate = flags.clientCertificate ?? file?.clientCertificate {
            guard let key = flags.clientKey ?? file?.clientKey ?? flags.clientCertificate else {
                throw StartFailure(.usage, "--client-cert needs --client-key")
            }
            tls.clientCertificate = .init(certificatePath: certificate, keyPath: key)
        } else if flags.clientKey != nil {
            throw StartFailure(.usage, "--client-key needs --client-cert")
        }
        return tls
    }

    private static func password(_ jid: JID, _ environment: Environment, _ file: Plan.Account?) throws(StartFailure)
        -> Secret
    {
        if let password = environment["XMPP_BRIDGE_PASSWORD"] { return Secret(password) }
        if let path = environment["XMPP_BRIDGE_PASSWORD_FILE"] {
            return try SecretSource.read(.file(path), environment)
        }
        if let source = file?.password { return try SecretSource.read(source, environment) }
        throw StartFailure(
            .configuration,
            "no password for \(jid); set XMPP_BRIDGE_PASSWORD or XMPP_BRIDGE_PASSWORD_FILE, or account: {password: ...} "
                + "in bridges.yaml")
    }
}
