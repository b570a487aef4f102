import ArgumentParser
import Config
import Glibc
import Routing
import Session
import Spool
import Testing

@testable import Bridge

/// What a run does, out of flags, environment and file.
@Suite struct RunPlanTests {
    private static let account = ["XMPP_BRIDGE_JID": "a@example.org", "XMPP_BRIDGE_PASSWORD": "x"]

    private func plan(
        _ flags: [String] = [], session: [String] = ["--no-state"], daemon: Bool = false, file: String? = nil,
        _ variables: [String: String] = account
    ) throws -> RunPlan {
        let scratch = try Scratch()
        var session = session
        if let file { session += ["--config", try scratch.write(file, to: "bridges.yaml")] }
        let request = Request(
            kind: daemon ? .daemon : .filter, filter: try FilterOptions.parse(flags),
            session: try SessionOptions.parse(session))
        return try RunPlan(request, environment: Environment(variables: variables, host: "host"))
    }

    private func failure(
        _ flags: [String] = [], session: [String] = ["--no-state"], daemon: Bool = false, file: String? = nil,
        _ variables: [String: String] = account
    ) -> StartFailure? {
        do {
            _ = try plan(flags, session: session, daemon: daemon, file: file, variables)
            return nil
        } catch { return error as? StartFailure }
    }

    private static let bridges = """
        bridges:
          - {name: in, from: stdin, to: "xmpp:ops@example.org"}
          - {name: out, from: events, to: stdout}
          - {name: relay, from: "xmpp:a@example.org", to: "xmpp:b@example.org", body: "{body}"}
        """

    // MARK: - Work

    @Test func flagsTakeThePlaceOfTheFilesRules() throws {
        let plan = try plan(["--to", "x@example.org"], file: Self.bridges)
        #expect(plan.rules.count == 1)
        #expect(plan.options.reads == .lines)
        #expect(!plan.options.prints)
        #expect(plan.session.presence == nil, "a filter that only sends is not seen")
    }

    @Test func aFilterTakesTheFilesRulesForItsPipes() throws {
        let plan = try plan(file: Self.bridges)
        #expect(plan.rules.map(\.name) == ["in", "out"])
        #expect(plan.options.reads == .lines && plan.options.prints)
        #expect(plan.session.presence != nil)
    }

    @Test func runTakesThemAll() throws {
        let plan = try plan(daemon: true, file: Self.bridges)
        #expect(plan.rules.map(\.name) == ["in", "out", "relay"])
        #expect(plan.options.endOfInput == .stay)
        #expect(plan.session.retry == .forever)
    }

    @Test func withoutAFileAFilterPrintsTheEvents() throws {
        let plan = try plan()
        #expect(plan.rules.count == 1)
        #expect(plan.options.reads == .nothing && plan.options.prints)
        #expect(plan.session.presence != nil)
    }

    @Test func theFormsOfAFilter() throws {
        #expect(try plan(["--events"]).options.reads == .nothing)
        #expect(try plan(["--from", "a@example.org"]).options.printsSession)
        #expect(try !plan(["--from", "a@example.org", "--events"]).options.printsSession)
        let commands = try plan(["--input", "ndjson"])
        #expect(commands.options.reads == .commands && commands.options.answersCommands && commands.options.prints)
        let both = try plan([
            "--to", "a@example.org", "--to", "b@example.org", "--from", "c@example.org", "--output", "text",
        ])
        #expect(both.rules.count == 2 && both.options.reads == .lines && both.options.output == .text)
        #expect(try plan(["--to", "a@example.org", "--overlong", "refuse"]).options.framing.overlong == .refuse)
    }

    @Test(arguments: [
        (["--to", "a@example.org"], EndOfInput.drain), (["--to", "a@example.org", "--on-eof", "stay"], .stay),
        (["--from", "a@example.org", "--count", "1"], .stay), (["--from", "a@example.org", "--timeout", "5s"], .stay),
        (["--input", "ndjson", "--count", "1", "--on-eof", "drain"], .drain),
    ])
    func theEndOfInput(_ flags: [String], _ end: EndOfInput) throws {
        #expect(try plan(flags).options.endOfInput == end)
    }

    // MARK: - Retry and deadlines

    private static let retryInFile = "account: {jid: a@example.org, retry: 30s, connect_timeout: 3s}\n"

    @Test func retryByFlagThenFileThenKind() throws {
        #expect(try plan(["--to", "b@example.org"]).session.retry == .within(.seconds(600)))
        #expect(try plan(["--to", "b@example.org"], file: Self.retryInFile).session.retry == .within(.seconds(30)))
        let flag = try plan(
            ["--to", "b@example.org"], session: ["--no-state", "--retry", "fail-fast"], file: Self.retryInFile)
        #expect(flag.session.retry == .failFast && flag.options.waitsForLogin)
        #expect(try plan(["--events"], session: ["--no-state", "--retry", "forever"]).session.retry == .forever)
        #expect(
            try plan(["--events"], session: ["--no-state", "--retry", "1m30s"]).session.retry == .within(.seconds(90)))
    }

    @Test func theConnectDeadlineByFlagThenFile() throws {
        #expect(try plan(["--events"]).session.connectTimeout == .seconds(10))
        #expect(try plan(["--events"], file: Self.retryInFile).session.connectTimeout == .seconds(3))
        let flag = try plan(["--events"], session: ["--no-state", "--connect-timeout", "2s"], file: Self.retryInFile)
        #expect(flag.session.connectTimeout == .seconds(2))
        #expect(flag.directions.connectTimeout == .seconds(2))
    }

    // MARK: - The resource

    @Test func theResourceIsNamedOrRandomOrLeased() throws {
        #expect(try plan(["--events"], session: ["--no-state", "--resource", "mine"]).session.resource == "mine")
        let first = try plan(["--events"]).session.resource
        let second = try plan(["--events"]).session.resource
        #expect(first?.hasPrefix("xmpp-bridge.host-") == true)
        #expect(first != second)
        let scratch = try Scratch()
        let own = try plan(["--events"], session: ["--state", "\(scratch.path)/a/b"])
        #expect(own.session.resource == "xmpp-bridge.host-2" && own.options.stateName == "\(scratch.path)/a/b")
        #expect(own.options.spool == StoreContents() && own.keeper != nil)
        var variables = Self.account
        variables["STATE_DIRECTORY"] = "\(scratch.path)/first:\(scratch.path)/second"
        #expect(try plan(["--events"], session: [], variables).session.resource == "xmpp-bridge.host-2")
        #expect(access("\(scratch.path)/first/part-2/spool.db", F_OK) == 0)
        variables["STATE_DIRECTORY"] = nil
        variables["XDG_STATE_HOME"] = scratch.path
        #expect(try plan(["--events"], session: [], variables).session.resource == "xmpp-bridge.host-2")
        #expect(access("\(scratch.path)/xmpp-bridge/a@example.org/part-2/spool.db", F_OK) == 0)
        // Without a place there is no durability, and no run that goes on without a word.
        variables["XDG_STATE_HOME"] = nil
        #expect { try plan(["--events"], session: [], variables) } throws: {
            ($0 as? StartFailure)?.status == .cannotCreate
        }
    }

    @Test func tokensDiffer() throws {
        #expect(try plan(["--events"]).token != (try plan(["--events"]).token))
    }

    // MARK: - Mistakes

    @Test func mistakesHaveTheirStatus() {
        let cases: [([String], [String], ExitStatus, String)] = [
            (["--to", "a b@example.org"], [], .usage, "--to a b@example.org: "),
            (["--from", "@"], [], .usage, "--from @: "),
            (["--events", "--type", "loud"], [], .usage, "--type loud: expected chat, normal or headline"),
            (["--input", "ndjson", "--to", "a@example.org"], [], .usage, "exclude each other"),
            (["--events", "--count", "0"], [], .usage, "--count must be 1 or more"),
            (["--events", "--timeout", "5"], [], .usage, "--timeout 5: "),
            (["--events"], ["--retry", "soon"], .usage, "--retry soon: "),
            (["--events"], ["--connect-timeout", "x"], .usage, "--connect-timeout x: "),
            (["--events"], ["--connect-timeout", "0s"], .usage, "--connect-timeout"),
            (
                ["--events"], ["--config", "/nonexistent.yaml"], .configuration,
                "cannot read the configuration /nonexistent.yaml"
            ),
            (["--events"], ["--state", "/proc/nowhere"], .cannotCreate, "/proc/nowhere"),
        ]
        for (flags, session, status, words) in cases {
            let failure = failure(flags, session: session.contains("--state") ? session : session + ["--no-state"])
            #expect(failure?.status == status, "\(flags) \(session): \(failure?.lines ?? [])")
            #expect(failure?.lines.count == 1)
            #expect(failure?.lines.first?.contains(words) == true, "\(failure?.lines ?? [])")
        }
    }

    @Test func aBrokenFileTellsEveryProblemWithItsPlace() {
        let failure = failure(["--events"], file: "account: {jdi: x}\nbridges: [{from: nowhere, to: stdout}]\n")
        #expect(failure?.status == .configuration)
        #expect((failure?.lines.count ?? 0) >= 2)
        for line in failure?.lines ?? [] { #expect(line.contains("bridges.yaml:"), "\(line)") }
    }

    @Test func runWithoutAFileHasNothingToDo() {
        #expect(failure(daemon: true)?.status == .configuration)
        #expect(
            failure(daemon: true, file: "account: {jid: a@example.org}\n")?.lines.first?.contains("bridges:") == true)
    }

    @Test func statusesAreThoseOfTheContract() {
        let numbers: [(ExitStatus, Int32)] = [
            (.success, 0), (.usage, 64), (.badInput, 65), (.noInput, 66), (.unreachable, 69), (.software, 70),
            (.cannotCreate, 73), (.io, 74), (.undelivered, 75), (.protocolFailure, 76), (.refused, 77),
            (.configuration, 78),
        ]
        for (status, number) in numbers { #expect(status.rawValue == number) }
    }
}

/// Where bridges.yaml is looked for.
@Suite struct ConfigurationFileTests {
    private func find(_ flag: String?, _ variables: [String: String]) -> String? {
        ConfigurationFile.find(flag: flag, Environment(variables: variables, host: "host"))
    }

    @Test func theFlagThenTheVariableThenTheUsersThenTheSystems() throws {
        let scratch = try Scratch()
        let xdg = try scratch.write("", to: "xdg/xmpp-bridge/bridges.yaml")
        let home = try scratch.write("", to: ".config/xmpp-bridge/bridges.yaml")
        let all = ["XMPP_BRIDGE_CONFIG": "/named.yaml", "XDG_CONFIG_HOME": "\(scratch.path)/xdg", "HOME": scratch.path]
        #expect(find("/flag.yaml", all) == "/flag.yaml")
        #expect(find(nil, all) == "/named.yaml")
        #expect(find(nil, all.filter { $0.key != "XMPP_BRIDGE_CONFIG" }) == xdg)
        #expect(find(nil, ["HOME": scratch.path]) == home)
        #expect(find(nil, ["HOME": scratch.path, "XDG_CONFIG_HOME": ""]) == home, "an empty variable is none")
    }

    @Test func aNamedFileIsTakenAtItsWordAndAPlaceOnlyIfThere() {
        #expect(find(nil, ["XMPP_BRIDGE_CONFIG": "/nonexistent.yaml"]) == "/nonexistent.yaml")
        let system = access("/etc/xmpp-bridge/bridges.yaml", F_OK) == 0 ? "/etc/xmpp-bridge/bridges.yaml" : nil
        #expect(find(nil, ["HOME": "/nonexistent"]) == system)
        #expect(find(nil, [:]) == system)
    }
}
