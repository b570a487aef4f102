import ArgumentParser
import Config
import Session
import Stanza
import Testing
import Wire

@testable import Bridge

/// Flags stand over the environment, and that over the file (DESIGN 5.1).
@Suite struct AccountChoiceTests {
    private static let file = """
        account:
          jid: file@example.org
          resource: fileresource
          password: "from file"
          server: file.example.org
          ca_file: /file/ca.pem
        """

    private func choose(
        _ flags: [String] = [], _ variables: [String: String] = [:], _ yaml: String? = nil
    ) throws -> AccountChoice {
        let plan = try yaml.map { try Load.plan(yaml: Array($0.utf8), file: "bridges.yaml").get() }
        return try AccountChoice(
            try SessionOptions.parse(flags), Environment(variables: variables, host: "host"), plan?.account)
    }

    private func failure(
        _ flags: [String] = [], _ variables: [String: String] = [:], _ yaml: String? = nil
    ) -> StartFailure? {
        do {
            _ = try choose(flags, variables, yaml)
            return nil
        } catch {
            return error as? StartFailure
        }
    }

    private static let password = ["XMPP_BRIDGE_PASSWORD": "from env"]

    // MARK: - Precedence

    @Test func theFileAlone() throws {
        let choice = try choose([], [:], Self.file)
        #expect(choice.jid.text == "file@example.org")
        #expect(choice.resource == "fileresource")
        #expect(choice.credentials == .password(Secret("from file")))
        #expect(choice.server?.host == "file.example.org")
        #expect(choice.tls.trust == .file(path: "/file/ca.pem"))
    }

    @Test func theEnvironmentStandsOverTheFile() throws {
        let choice = try choose(
            [],
            [
                "XMPP_BRIDGE_JID": "env@example.org", "XMPP_BRIDGE_PASSWORD": "from env",
                "XMPP_BRIDGE_SERVER": "env.example.org:5299", "XMPP_BRIDGE_CA_FILE": "/env/ca.pem",
            ], Self.file)
        #expect(choice.jid.text == "env@example.org")
        #expect(choice.credentials == .password(Secret("from env")))
        #expect(choice.server == (try ServerAddress(parsing: "env.example.org:5299")))
        #expect(choice.tls.trust == .file(path: "/env/ca.pem"))
    }

    @Test func theFlagsStandOverTheEnvironment() throws {
        let choice = try choose(
            [
                "--jid", "flag@example.org", "--server", "tls://flag.example.org", "--ca-file", "/flag/ca.pem",
                "--resource", "mine",
            ],
            [
                "XMPP_BRIDGE_JID": "env@example.org", "XMPP_BRIDGE_PASSWORD": "from env",
                "XMPP_BRIDGE_SERVER": "env.example.org:5299", "XMPP_BRIDGE_CA_FILE": "/env/ca.pem",
            ], Self.file)
        #expect(choice.jid.text == "flag@example.org")
        #expect(choice.server?.description == "tls://flag.example.org")
        #expect(choice.tls.trust == .file(path: "/flag/ca.pem"))
        #expect(choice.resource == "mine")
    }

    @Test func anEmptyVariableIsNone() throws {
        let choice = try choose(
            [], ["XMPP_BRIDGE_JID": "", "XMPP_BRIDGE_PASSWORD": "", "XMPP_BRIDGE_SERVER": ""], Self.file)
        #expect(choice.jid.text == "file@example.org")
        #expect(choice.credentials == .password(Secret("from file")))
        #expect(choice.server?.host == "file.example.org")
    }

    @Test(
        arguments: [
            (["--resource", "flag"], "a@example.org/jid", "flag"), ([], "a@example.org/jid", "jid"),
            ([], "a@example.org", nil),
        ] as [([String], String, String?)])
    func theResource(_ flags: [String], _ jid: String, _ resource: String?) throws {
        #expect(try choose(["--jid", jid] + flags, Self.password).resource == resource)
    }

    // MARK: - Trust

    private static let pinned = "sha256:" + String(repeating: "ab", count: 32)

    @Test func aFingerprintOfTheFileYieldsToAnAuthorityNamedNearer() throws {
        let yaml = "account: {jid: a@example.org, password: x, fingerprint: \"\(Self.pinned)\"}\n"
        let bytes = [UInt8](repeating: 0xAB, count: 32)
        #expect(try choose([], [:], yaml).tls.trust == .fingerprint(bytes))
        #expect(try choose(["--ca-file", "/ca"], [:], yaml).tls.trust == .file(path: "/ca"))
        #expect(try choose([], ["XMPP_BRIDGE_CA_FILE": "/ca"], yaml).tls.trust == .file(path: "/ca"))
        #expect(
            try choose(["--fingerprint", Self.pinned, "--ca-file", "/ca"], [:], yaml).tls.trust == .fingerprint(bytes))
    }

    @Test func withoutAWordTheSystemIsTrusted() throws {
        #expect(try choose(["--jid", "a@example.org"], Self.password).tls.trust == .system)
    }

    // MARK: - Credentials

    @Test func passwordsComeFromTheNearestPlace() throws {
        let scratch = try Scratch()
        let path = try scratch.write("from path\n", to: "password")
        let jid = ["--jid", "a@example.org"]
        #expect(try choose(jid, ["XMPP_BRIDGE_PASSWORD_FILE": path]).credentials == .password(Secret("from path")))
        #expect(
            try choose(jid, ["XMPP_BRIDGE_PASSWORD_FILE": path], Self.file).credentials
                == .password(Secret("from path")))
        let both = ["XMPP_BRIDGE_PASSWORD_FILE": path, "XMPP_BRIDGE_PASSWORD": "from env"]
        #expect(try choose(jid, both, Self.file).credentials == .password(Secret("from env")))
    }

    @Test func aCertificateIsEnough() throws {
        let choice = try choose(["--jid", "a@example.org", "--client-cert", "/c.pem", "--client-key", "/k.pem"])
        #expect(choice.credentials == .external)
        #expect(choice.tls.clientCertificate == .init(certificatePath: "/c.pem", keyPath: "/k.pem"))
        let whole = try choose(["--jid", "a@example.org", "--client-cert", "/both.pem"])
        #expect(whole.tls.clientCertificate == .init(certificatePath: "/both.pem", keyPath: "/both.pem"))
    }

    @Test func anonymousNeedsADomainOnly() throws {
        let choice = try choose(["--anonymous", "--jid", "example.org"])
        #expect(choice.credentials == .anonymous)
        #expect(choice.jid.text == "example.org")
        let file = try choose([], [:], "account: {jid: example.org, anonymous: true}\n")
        #expect(file.credentials == .anonymous)
    }

    // MARK: - Mistakes

    @Test func whatIsMissingOrWrongIsNamed() {
        let cases: [([String], [String: String], ExitStatus, String)] = [
            ([], [:], .configuration, "no account; give --jid"),
            (["--jid", "a@example.org"], [:], .configuration, "no password for a@example.org"),
            (["--jid", "a@b@c"], Self.password, .usage, "--jid: "),
            ([], ["XMPP_BRIDGE_JID": "@example.org"], .usage, "XMPP_BRIDGE_JID: "),
            (["--jid", "example.org"], Self.password, .configuration, "no part before @"),
            (["--jid", "a@example.org", "--server", "a:99999"], Self.password, .usage, "--server a:99999: "),
            (["--jid", "a@example.org"], ["XMPP_BRIDGE_SERVER": "x:0"], .usage, "XMPP_BRIDGE_SERVER x:0: "),
            (["--jid", "a@example.org", "--fingerprint", "md5:1"], Self.password, .usage, "--fingerprint md5:1: "),
            (
                ["--jid", "a@example.org", "--client-key", "/k"], Self.password, .usage,
                "--client-key needs --client-cert"
            ),
        ]
        for (flags, variables, status, words) in cases {
            let failure = failure(flags, variables)
            #expect(failure?.status == status, "\(flags) \(variables)")
            #expect(failure?.lines.count == 1)
            #expect(failure?.lines.first?.contains(words) == true, "\(failure?.lines ?? [])")
        }
    }
}
