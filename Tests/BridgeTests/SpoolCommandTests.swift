import Glibc
import Spool
import Stanza
import Testing

@testable import Bridge

private let account = "bridge@example.org"

private func stanza(_ number: UInt64, to: String, _ body: String) -> StoreOrder {
    let text = "<message to='\(to)' type='chat' id='t\(number)'><body>\(body)</body></message>"
    let draft = RowDraft(
        lane: Lane(rawValue: to.hasPrefix("ops") ? 1 : 2), payload: Array(text.utf8), originID: "t\(number)")
    return .append(Row(draft, number: number))
}

private let lanes: [StoreOrder] = [
    .lane(Lane(rawValue: 1), name: "xmpp:ops@example.org"), .lane(Lane(rawValue: 2), name: "room:chat@example.org"),
]

/// `spool`, as a person uses it, beside processes that live and those that have ended.
@Suite struct SpoolCommandTests {
    private let scratch: Scratch
    private var path: String { scratch.path }

    init() throws { scratch = try Scratch() }

    /// A part with messages.
    private func fill(_ number: Int, _ orders: [StoreOrder], account: String = account) throws {
        let part = "\(path)/part-\(number)"
        mkdir(part, 0o700)
        let lock = open("\(part)/lock", O_RDWR | O_CREAT, 0o600)
        let text = Array("daemon\n\(account)\n4711\n".utf8)
        try #require(write(lock, text, text.count) == text.count)
        close(lock)
        try SQLiteStore(path: "\(part)/spool.db").carryOut([StoreBatch(number: 1, orders: lanes + orders)], at: 1_000)
    }

    /// A process takes the part.
    private func live(_ number: Int) throws -> FileLock {
        guard case .taken(let lock) = FileLock.attempt("\(path)/part-\(number)/lock") else { throw Unexpected() }
        return lock
    }

    private func view() throws -> SpoolView { try SpoolView(StateDirectory(existing: path)) }

    private func listing(_ body: (SpoolListing) throws -> ExitStatus) throws -> String {
        var text: [UInt8] = []
        let status = try body(SpoolListing(try view()) { text += $0 })
        #expect(status == .success)
        return String(decoding: text, as: UTF8.self)
    }

    private func change(_ body: (SpoolChange) throws -> ExitStatus) throws -> String {
        var text: [UInt8] = []
        let view = try view()
        defer { view.letOthersBegin() }
        #expect(try body(SpoolChange(view) { text += $0 }) == .success)
        return String(decoding: text, as: UTF8.self)
    }

    private func select(_ names: String...) throws -> SpoolSelection {
        .named(try names.map { try MessageName($0) })
    }

    private let refused = DeadLetter.Reason(condition: "forbidden", text: "not you", time: 5_000)

    @Test func listTellsWhatWaitsForWhomSinceWhenAndWhy() throws {
        #expect(try listing { try $0.lanes(json: false) } == "nothing waits in \(path)\n")
        try fill(
            1,
            [
                stanza(1, to: "ops@example.org", "one"), stanza(2, to: "ops@example.org", "two"),
                stanza(3, to: "chat@example.org", "three"), .bury(3, refused),
                .postpone(1, attempts: 2, until: 90_000, error: "resource-constraint"),
                .spill(SpilledBytes(sink: "file:/x", number: 1, time: 1, bytes: Array(repeating: 1, count: 2_048))),
                .hold(HeldInput(token: 1, rule: "r", place: "x", isLine: true, bytes: [1])),
            ])
        let lock = try live(1)
        let text = try listing { try $0.lanes(json: false) }
        let lines = text.split(separator: "\n").map { $0.split { $0 == " " }.joined(separator: " ") }
        #expect(
            lines == [
                "PART RUN PROCESS TO WAITING BYTES SINCE TRIED NEXT TRY REFUSED LAST REFUSAL",
                "1 daemon 4711 xmpp:ops@example.org 2 412 1970-01-01T00:00:01.000Z 2 1970-01-01T00:01:30.000Z - "
                    + "resource-constraint",
                "1 daemon 4711 room:chat@example.org 0 - - - - 1 -",
                "1 daemon 4711 (held back by rules) 1 - - - - - -",
                "1 daemon 4711 (not yet in file:/x) - 2K - - - - -",
            ])
        let json = try listing { try $0.lanes(json: true) }.split(separator: "\n")
        let head = #""part":1,"run":"daemon","account":"bridge@example.org","process":4711"#
        #expect(
            json == [
                "{\(head),\"lane\":\"xmpp:ops@example.org\",\"waiting\":2,\"bytes\":412,\"refused\":0,\"to_try_again\":0,"
                    + #""since":"1970-01-01T00:00:01.000Z","tried":2,"next_try":"1970-01-01T00:01:30.000Z","#
                    + #""last_refusal":"resource-constraint"}"#,
                "{\(head),\"lane\":\"room:chat@example.org\",\"waiting\":0,\"bytes\":0,\"refused\":1,\"to_try_again\":0}",
                "{\(head),\"held\":1}", "{\(head),\"sink\":\"file:/x\",\"bytes\":2048}",
            ])
        lock.release()
        #expect(try listing { try $0.lanes(json: false) }.contains("4711") == false)
    }

    @Test func messagesAreListedShownAndExported() throws {
        try fill(
            1, [stanza(1, to: "ops@example.org", "one\u{202E}"), stanza(2, to: "ops@example.org", "two\nlines")])
        try fill(2, [stanza(1, to: "chat@example.org", "three"), .bury(1, refused)], account: "other@example.org")
        let list = try listing { try $0.messages(json: false) }
        #expect(
            list.split(separator: "\n").map { $0.split { $0 == " " }.joined(separator: " ") } == [
                "MESSAGE TO SINCE STATE TEXT",
                #"1/1 xmpp:ops@example.org 1970-01-01T00:00:01.000Z waiting one\u{202e}"#,
                #"1/2 xmpp:ops@example.org 1970-01-01T00:00:01.000Z waiting two\u{a}lines"#,
                "2/1 room:chat@example.org 1970-01-01T00:00:01.000Z refused: forbidden: not you three",
            ])
        #expect(
            try listing { try $0.show(try MessageName("2"), json: false) } == """
                message   1/2
                to        ops@example.org
                type      chat
                id        t2
                since     1970-01-01T00:00:01.000Z
                state     waiting

                two
                lines

                <message to='ops@example.org' type='chat' id='t2'><body>two\\u{a}lines</body></message>

                """)
        let dead = try listing { try $0.messages(json: true, deadOnly: true) }
        let stanza = "<message to='chat@example.org' type='chat' id='t1'><body>three</body></message>"
        #expect(
            dead == #"{"message":"2/1","state":"refused","lane":"room:chat@example.org","to":"chat@example.org","#
                + #""type":"chat","body":"three","id":"t1","since":"1970-01-01T00:00:01.000Z","condition":"forbidden","#
                + #""reason":"not you","refused":"1970-01-01T00:00:05.000Z","stanza":""# + stanza + "\"}\n")
        #expect(try listing { try $0.messages(json: true) }.split(separator: "\n").count == 3)
        #expect(try listing { try $0.show(try MessageName("2/1"), json: true) } == dead)
        // Two parts have a message 1.
        for (name, status) in [("1", ExitStatus.usage), ("9", .noInput), ("3/1", .noInput)] {
            #expect {
                _ = try listing { try $0.show(try MessageName(name), json: false) }
            } throws: {
                ($0 as? StartFailure)?.status == status
            }
        }
    }

    @Test func refusedMessagesGoBack() throws {
        let messages = (1...4 as ClosedRange<UInt64>).map { stanza($0, to: "ops@example.org", "\($0)") }
        try fill(1, messages + [.bury(1, refused), .bury(2, refused), .bury(3, refused)])
        #expect(try change { try $0.retry(try select("2", "1/2")) } == "1 message is sent again by the next run\n")
        let store = try SQLiteStore(path: "\(path)/part-1/spool.db")
        #expect(try store.contents().lanes[0].rows == 2 && store.contents().lastNumber == 5)
        // Where the process lives, it gives the numbers.
        let lock = try live(1)
        #expect(
            try change { try $0.retry(.lanes(["xmpp:ops@example.org"])) }
                == "2 messages are sent again by the run after process 4711\n")
        #expect(try store.contents().lanes[0].rows == 2 && store.contents().deadLetters == 2)
        #expect(try listing { try $0.lanes(json: false) }.contains("2, 2 to try again"))
        lock.release()
        #expect(throws: StartFailure.self) { try change { try $0.retry(try select("4")) } }
    }

    @Test func messagesAreDropped() throws {
        let messages = (1...4 as ClosedRange<UInt64>).map { stanza($0, to: "ops@example.org", "\($0)") }
        try fill(1, messages + [stanza(5, to: "chat@example.org", "5"), .bury(1, refused)])
        let lock = try live(1)
        #expect {
            _ = try change { try $0.drop(.all, deadOnly: false) }
        } throws: {
            let failure = $0 as? StartFailure
            return failure?.status == .undelivered
                && failure?.lines.first?.hasPrefix("4 of these messages are in the hands of process 4711") == true
        }
        #expect(try change { try $0.drop(.all, deadOnly: true) } == "1 message is forgotten\n")
        lock.release()
        #expect(try change { try $0.drop(try select("1/2"), deadOnly: false) } == "1 message is forgotten\n")
        #expect(
            try change { try $0.drop(.lanes(["xmpp:ops@example.org"]), deadOnly: false) }
                == "2 messages are forgotten\n")
        #expect(try SQLiteStore(path: "\(path)/part-1/spool.db").contents().lanes.map(\.rows) == [0, 1])
        #expect(throws: StartFailure.self) { try change { try $0.drop(.lanes(["xmpp:x@y"]), deadOnly: false) } }
    }

    @Test func whatCannotBeReadIsTold() throws {
        try fill(1, [])
        try fill(2, [])
        try SQLiteStore(path: "\(path)/part-1/spool.db").pretendVersion(9)
        try scratch.write(String(repeating: "text", count: 2_000), to: "part-2/spool.db")
        for (name, status) in [("1/1", ExitStatus.configuration), ("2/1", .cannotCreate)] {
            #expect {
                _ = try listing { try $0.show(try MessageName(name), json: false) }
            } throws: {
                ($0 as? StartFailure)?.status == status && ($0 as? StartFailure)?.lines.count == 1
            }
        }
        #expect {
            _ = try StateDirectory(existing: "\(path)/nowhere")
        } throws: {
            ($0 as? StartFailure)?.status == .noInput
        }
    }

    /// Nobody who begins meanwhile takes our looking for a living process.
    @Test func lookingTakesNothingFromWhoBegins() throws {
        try fill(1, [])
        let view = try view()
        view.letOthersBegin()
        let part = try StatePart.take(directory: path, account: account, role: .daemon, host: "host")
        #expect(part.resource == "xmpp-bridge.host-1")
    }

    @Test func namesAndSelectionsAreRead() throws {
        #expect(try MessageName("12") == MessageName("12") && "\(try MessageName("3/12"))" == "3/12")
        for text in ["", "/", "a", "1/2/3", "-1", "0/1", "1/", "/1"] {
            #expect(throws: StartFailure.self) { try MessageName(text) }
        }
        // As a whole command line: the root command has --to as well.
        func read(_ arguments: [String]) throws -> SpoolSelection {
            let parsed = try RootCommand.parseAsRoot(["spool", "drop"] + arguments)
            let drop = try #require(parsed as? SpoolCommand.Drop)
            return try SpoolSelection(drop.selection, drop.filter)
        }
        func read(_ arguments: String...) throws -> SpoolSelection { try read(arguments) }
        for arguments in [
            [], ["1", "--all"], ["--to", "a@b", "--all"], ["1", "--to", "a@b"], ["--all", "--from", "a@b"],
        ] {
            #expect {
                _ = try read(arguments)
            } throws: {
                ($0 as? StartFailure)?.status == .usage
            }
        }
        #expect(try read("--all") == .all && read("1/2", "3") == select("1/2", "3"))
        #expect(try read("--to", "Ops@Example.org") == .lanes(["xmpp:ops@example.org", "room:ops@example.org"]))
        #expect(
            try read("--to", "room:ops@example.org", "--to", "room:a@b")
                == .lanes(["room:ops@example.org", "room:a@b"]))
        #expect(throws: StartFailure.self) { try read("--to", "@") }
    }
}

private struct Unexpected: Error {}
