import Config
import Session
import Testing

@testable import Bridge

/// Where passwords are kept; what no error shows.
@Suite(.serialized) struct SecretSourceTests {
    private static let secret = "s3kr3t-Passw0rd"

    private func read(_ source: PasswordSource, _ variables: [String: String] = [:]) throws(StartFailure) -> Secret {
        try SecretSource.read(source, Environment(variables: variables, host: "host"))
    }

    private func failure(_ source: PasswordSource, _ variables: [String: String] = [:]) -> StartFailure? {
        do throws(StartFailure) {
            _ = try read(source, variables)
            return nil
        } catch { return error }
    }

    @Test func itStandsInTheFileItself() throws {
        #expect(try read(.plain(Self.secret)) == Secret(Self.secret))
    }

    @Test(arguments: ["", "\n", "\r\n", "\nnext line\n", "\r\nnext line"])
    func theFirstLineOfAFile(_ end: String) throws {
        let scratch = try Scratch()
        let path = try scratch.write(Self.secret + end, to: "password")
        #expect(try read(.file(path)) == Secret(Self.secret))
    }

    @Test func spacesBelongToThePassword() throws {
        let scratch = try Scratch()
        #expect(try read(.file(try scratch.write("  a b \n", to: "password"))) == Secret("  a b "))
    }

    @Test func theEnvironment() throws {
        #expect(try read(.environment("PW"), ["PW": Self.secret]) == Secret(Self.secret))
    }

    @Test func aCredentialOfSystemd() throws {
        let scratch = try Scratch()
        try scratch.write(Self.secret + "\n", to: "xmpp")
        #expect(try read(.credential("xmpp"), ["CREDENTIALS_DIRECTORY": scratch.path]) == Secret(Self.secret))
    }

    @Test func aCommand() throws {
        #expect(
            try Spawning.alone { try read(.command(["printf", "%s\\nmore\\n", Self.secret])) } == Secret(Self.secret))
    }

    @Test func whatIsMissingOrEmptyIsNamed() throws {
        let scratch = try Scratch()
        let empty = try scratch.write("\nsecond", to: "empty")
        let long = try scratch.write(String(repeating: "x", count: SmallFile.bytesMax + 1), to: "long")
        let cases: [(PasswordSource, [String: String], String)] = [
            (.file("/nonexistent/pw"), [:], "cannot read the password file /nonexistent/pw: No such file"),
            (.file(scratch.path), [:], "Is a directory"),
            (.file(empty), [:], "the password file \(empty) is empty"),
            (.file(long), [:], "larger than"),
            (.environment("PW"), [:], "$PW, which is not set"),
            (.environment("PW"), ["PW": ""], "$PW, which is not set"),
            (.credential("xmpp"), [:], "$CREDENTIALS_DIRECTORY is not set"),
            (.credential("xmpp"), ["CREDENTIALS_DIRECTORY": scratch.path], "No such file"),
            (.credential("empty"), ["CREDENTIALS_DIRECTORY": scratch.path], "the credential empty is empty"),
            (.command([]), [:], "the password command is empty"),
            (.command(["/nonexistent/program"]), [:], "cannot run the password command /nonexistent/program"),
            (.command(["false"]), [:], "the password command false failed"),
            (.command(["true"]), [:], "the output of true is empty"),
        ]
        for (source, variables, words) in cases {
            let failure = Spawning.alone { self.failure(source, variables) }
            #expect(failure?.status == .configuration, "\(source)")
            #expect(failure?.lines.count == 1)
            #expect(failure?.lines.first?.contains(words) == true, "\(failure?.lines ?? [])")
        }
    }

    @Test func noErrorShowsASecret() throws {
        let said = Spawning.alone {
            failure(.command(["sh", "-c", "echo \(Self.secret); exit 1"]))
        }
        #expect(said != nil)
        #expect(!"\(String(describing: said))".contains(Self.secret))
        #expect(!"\(Secret(Self.secret)) \(String(reflecting: Secret(Self.secret)))".contains(Self.secret))
        #expect(!"\(PasswordSource.plain(Self.secret))".contains(Self.secret))
        var dumped = ""
        dump(Configuration.Credentials.password(Secret(Self.secret)), to: &dumped)
        #expect(!dumped.contains(Self.secret))
    }
}
