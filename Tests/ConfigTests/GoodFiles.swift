import Config
import Routing
import Stanza
import Testing

@Suite struct GoodFiles {
    static let everything = #"""
        account:
          jid: bridge@example.org
          password: {file: /etc/p}
          server: tls://[::1]:5223
          ca_file: ca.pem
          fingerprint: sha256:00010203:0405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
          client_cert: c.pem
          client_key: k.pem
          resource: desk
          anonymous: false
          retry: 1h30m
          connect_timeout: 5s
        presence: {show: dnd, status: "3 bridges: up", priority: -1}
        bridges:
          - name: errors
            from: stdin
            match: '\[(?<level>error|it''s)\] (.*)'
            to: [xmpp:oncall@example.org, 'xmpp:ops@example.org/desk', stdout]
            body: "{level} on {host}: {2} {{}}"
            type: headline
          - {name: all, from: [events, xmpp:ops@example.org], to: stdout}
          - {from: stdin, to: commands}
        """#

    static let people = #"""
        contacts:
          accept: [ops@example.org, "*@Example.ORG"]
          block: spam.example
          invitations: "*"
        rooms:
          - {jid: ops@conference.example.org}
          - jid: room:Dev@conference.example.org
            nick: "the bridge"
            password: {env: ROOM}
            create: true
            history: 20
            nick_conflict: refuse
            rejoin: true
        receipts: {ask: true, answer: never}
        spool: {bytes_max: 64MiB, durability: process}
        presence: {invisible: true}
        bridges:
          - {from: room:dev@conference.example.org, to: [room:ops@conference.example.org, presence], body: x, show: dnd, hold: 5m}
        """#

    @Test func contactsAndRooms() throws {
        let plan = try Files.load(Self.people).get()
        #expect(plan.warnings == [])
        #expect(plan.contacts.accept.map(\.source) == ["ops@example.org", "*@Example.ORG"])
        #expect(plan.contacts.block == [try JID("spam.example")])
        #expect(plan.contacts.invitations == [try JIDGlob(parsing: "*")])
        var dev = Plan.Room(jid: try JID("dev@conference.example.org"))
        dev.nick = "the bridge"
        dev.password = .environment("ROOM")
        dev.create = true
        dev.history = 20
        dev.nickConflict = .refuse
        dev.rejoin = true
        #expect(plan.rooms == [Plan.Room(jid: try JID("ops@conference.example.org")), dev])
        #expect(plan.presence?.invisible == true)
        #expect(plan.receipts.ask && plan.receipts.answer == .never)
        #expect(plan.spool.bytesMax == 64 << 20 && plan.spool.durability == .process)
        #expect(plan.rules.map(\.to) == [[.room(try JID("ops@conference.example.org")), .presence]])
        #expect(plan.rules[0].shown == .init(show: .dnd, hold: .seconds(300)))
    }

    static let shaping = #"""
        bridges:
          - {from: stdin, to: xmpp:a@b, group: {continue: '^\s'}, limit: {rate: 10/min}}
          - from: stdin
            to: [xmpp:a@b, room:c@d]
            group: {start: '^\d', within: 2s, max_lines: 40, max_bytes: 4096}
            limit: {rate: 100/15m, burst: 20, overflow: digest, per: rule}
            repeat: 5m
            update: true
          - {from: xmpp:a@b, to: xmpp:c@d, group: {within: 1s}, limit: {rate: 1/s, overflow: queue, queue: 5}, update: false}
          - {from: stdin, to: stdout, limit: {rate: 20000/hour, overflow: drop, queue: 5}, update: true}
        """#

    @Test func shapings() throws {
        let plan = try Files.load(Self.shaping).get()
        let spaces = try Pattern(compiling: "^\\s")
        let digits = try Pattern(compiling: "^\\d")
        let all = plan.rules.map(\.shaping)
        #expect(
            all == [
                Shaping(
                    group: .init(.goesOn(spaces)), limit: .init(rate: .init(count: 10, period: .seconds(60)))),
                Shaping(
                    group: .init(.start(digits), within: .seconds(2), linesMax: 40, bytesMax: 4_096),
                    limit: .init(
                        rate: .init(count: 100, period: .seconds(900)), burst: 20, overflow: .digest, per: .rule),
                    repetition: .seconds(300), updates: true),
                Shaping(
                    group: .init(.none, within: .seconds(1)),
                    limit: .init(rate: .init(count: 1, period: .seconds(1)), queueMax: 5)),
                Shaping(
                    limit: .init(
                        rate: .init(count: 20_000, period: .seconds(3_600)), burst: 10_000, overflow: .drop,
                        queueMax: 5),
                    updates: true),
            ])
        #expect(all[0].limit?.burst == 10)
        #expect(
            plan.warnings.map { "\($0.line):\($0.column): \($0.what)" } == [
                "10:80: queue has no effect with overflow: drop",
                "10:92: update has no effect: only messages to xmpp: and room: can be edited",
            ])
    }

    @Test func everyKey() throws {
        let plan = try Files.load(Self.everything).get()
        let account = try #require(plan.account)
        #expect(account.jid == (try JID("bridge@example.org")))
        #expect(account.password == .file("/etc/p"))
        #expect(account.server == (try ServerAddress(parsing: "tls://[::1]:5223")))
        #expect(account.caFile == "ca.pem")
        #expect(account.fingerprint?.bytes == Array(0..<32))
        #expect(account.clientCertificate == "c.pem")
        #expect(account.clientKey == "k.pem")
        #expect(account.resource == "desk")
        #expect(!account.anonymous)
        #expect(account.retry == .within(.seconds(5_400)))
        #expect(account.connectTimeout == .seconds(5))
        #expect(plan.presence?.show == .dnd)
        #expect(plan.presence?.status == "3 bridges: up")
        #expect(plan.presence?.priority == -1)
        #expect(plan.warnings == [])
        #expect(
            plan.rules == [
                try Rule(
                    name: "errors", from: [.stdin],
                    match: try Pattern(compiling: #"\[(?<level>error|it's)\] (.*)"#),
                    body: "{level} on {host}: {2} {{}}",
                    to: [
                        .xmpp(try JID("oncall@example.org")), .xmpp(try JID("ops@example.org/desk")), .stdout,
                    ], type: .headline),
                try Rule(name: "all", from: [.events, .xmpp(try JID("ops@example.org"))], to: [.stdout]),
                try Rule(from: [.stdin], to: [.commands]),
            ])
    }

    @Test func nothingIsNeeded() throws {
        let plan = try Files.load("account: {}\n").get()
        #expect(plan.account == Plan.Account())
        #expect(plan.presence == nil)
        #expect(plan.rules == [])
        #expect(try Files.load("bridges: [{from: stdin, to: stdout}]").get().account == nil)
        #expect(try Files.load("presence: {}\n").get().presence == Plan.Presence())
    }

    @Test(arguments: [
        ("hunter2", PasswordSource.plain("hunter2")), ("12345", .plain("12345")), ("{env: P}", .environment("P")),
        ("{credential: xmpp}", .credential("xmpp")), ("{file: p}", .file("p")),
        ("{command: [pass, '', show x]}", .command(["pass", "", "show x"])),
    ])
    func passwords(_ yaml: String, _ expected: PasswordSource) throws {
        #expect(try Files.load("account: {password: \(yaml)}").get().account?.password == expected)
    }

    @Test func passwordsAreNotShown() throws {
        let plan = try Files.load("account: {password: hunter2}\nbridges: [{from: stdin, to: stdout}]").get()
        var dumped = ""
        dump(plan, to: &dumped)
        for shown in ["\(plan)", String(reflecting: plan), dumped, "\(PasswordSource.command(["p", "hunter2"]))"] {
            #expect(!shown.contains("hunter2"))
        }
        #expect(dumped.contains("the password in the configuration"))
    }

    @Test func linesEndAsTheyLike() throws {
        let expected = try Files.load(Self.everything).get()
        for end in ["\r\n", "\r"] {
            let yaml = Self.everything.split(separator: "\n").joined(separator: end)
            #expect(try Files.load(yaml).get() == expected)
        }
        #expect(try Files.load("\u{FEFF}" + Self.everything).get() == expected)
        #expect(try Files.load("%YAML 1.1\n---\n" + Self.everything + "\n...\n").get() == expected)
    }

    @Test func warnings() throws {
        let plan = try Files.load(
            """
            bridges:
              - {from: stdin, to: stdout, type: headline}
              - {from: xmpp:a@b/c, to: [stdout, xmpp:a@b]}
            account: {jid: example.org, password: x}
            """
        ).get()
        #expect(plan.rules.count == 2)
        #expect(
            plan.warnings.map { $0.line(in: "f") } == [
                "f:2:37: type has no effect: nothing here is sent to an xmpp: address; leave it out",
                "f:3:37: what a@b/c says is sent back to it; two bots that do so never stop",
                "f:4:16: the account \"example.org\" names no user; expected for example bridge@example.org",
                "f:4:39: the password stands in the file itself; password: {file: PATH} keeps it apart",
            ])
        #expect(try Files.load("account: {jid: example.org, anonymous: true}").get().warnings == [])
    }

    @Test func blocksOfText() throws {
        let plan = try Files.load(
            """
            bridges:
              - from: stdin
                to: xmpp:a@b
                body: |-
                  first {line}
                  second
            """
        ).get()
        #expect(plan.rules.first?.body?.source == "first {line}\nsecond")
    }
}
