import Config
import Testing

/// What is legal in a file, and likely not meant.
@Suite struct WarningTests {
    struct File: CustomTestStringConvertible, Sendable {
        var bridges: String
        var warnings: [String]
        var testDescription: String { String(reflecting: String(bridges.prefix(70))) }

        init(_ bridges: String, _ warnings: String...) {
            self.bridges = bridges
            self.warnings = warnings
        }
    }

    /// Conditions that contradict themselves or the sources, and patterns that no line can match.
    static let never: [File] = [
        File(
            "- {from: stdin, to: stdout, where: {json.a: {gt: 5, lt: 5}}}",
            "2:39: no number is both more than 5 and less than 5; the bridge takes nothing"),
        File(
            "- {from: stdin, to: stdout, where: {json.a: {ge: 5.0, le: 4}}}",
            "2:39: no number is both at least 5.0 and at most 4; the bridge takes nothing"),
        File("- {from: stdin, to: stdout, where: {json.a: {ge: 5, le: 5.0}}}"),
        File(
            "- {from: [xmpp:a@b, room:r@c], to: stdout, where: {from: [x@y, '*@d'], jid: 'a@*'}}",
            "2:54: no record from xmpp:a@b, room:r@c has such a from; the bridge takes nothing"),
        File("- {from: xmpp:a@b, to: stdout, where: {from: a@b/desk, jid: '*'}}"),
        File(
            "- {from: xmpp:a@b/phone, to: stdout, where: {from: a@b/desk}}",
            "2:48: no record from xmpp:a@b/phone has such a from; the bridge takes nothing"),
        File(
            "- {from: xmpp:a@b, to: stdout, where: {jid: a@b/desk}}",
            "2:42: no record from xmpp:a@b has such a jid; the bridge takes nothing"),
        File(
            "- {from: room:r@c, to: stdout, where: {room: s@c}}",
            "2:42: no record from room:r@c has such a room; the bridge takes nothing"),
        File("- {from: [room:r@c, events], to: stdout, where: {type: groupchat}}"),
        File("- {from: events, to: stdout, where: {room: s@c}}"),
        File("- {from: xmpp:r@c, to: stdout, where: {room: '*', from: {not: x@y}}}"),
        File(
            "- {from: events, to: stdout, where: {event: mesage}}",
            "2:40: no event is called \"mesage\"; did you mean message?"),
        File("- {from: events, to: stdout, where: {event: [message, presence]}}"),
        File(
            "- {from: stdin, to: stdout, match: 'a^b'}",
            "2:38: no text can match: ^ stands behind something, and before it nothing can be; the bridge takes nothing"
        ),
        File(
            "- from: stdin\n    to: stdout\n    match: |\n      ^error\n",
            "4:12: no line can match: it asks for a line break, and a line has none; behind match: | the break at the "
                + "end is part of it; write |- or quotes"),
        File("- from: stdin\n    to: stdout\n    match: |-\n      ^error\n"),
        File("- {from: stdin, to: stdout, match: 'a\\nb', group: {continue: '^b'}}"),
        File("- {from: xmpp:a@b, to: stdout, match: 'a\\nb'}"),
    ]

    /// Files that are written by several bridges.
    static let modes: [File] = [
        File(
            "- {from: stdin, to: file:/a, mode: 0640}\n  - {from: events, to: [stdout, file:/a], mode: 0600}",
            "3:49: file:/a has another mode already; an earlier bridge makes it with 0640, which counts"),
        File("- {from: stdin, to: file:/a, mode: 0640}\n  - {from: events, to: file:/a, mode: '640', fsync: false}"),
    ]

    private static let isStopped =
        "this takes nothing: bridge number 1 stops all of it; put this before it, or leave its stop out"

    /// Rules in the shadow of others.
    static let shadows: [File] = [
        File(
            "- {name: all, from: stdin, to: stdout, stop: true}\n  - {from: stdin, to: xmpp:a@b, match: x}",
            "3:5: this takes nothing: bridge all stops all of it; put this before it, or leave its stop out"),
        File(
            "- {from: stdin, to: stdout, match: x, where: {json.a: 1}, stop: true}\n"
                + "  - {from: stdin, to: xmpp:a@b, match: x, where: {json.b: 2, json.a: 1}}", "3:5: \(isStopped)"),
        File(
            "- {from: stdin, to: stdout, match: x, where: {json.a: 1}, stop: true}\n"
                + "  - {from: stdin, to: xmpp:a@b, match: x, where: {json.a: 2}}"),
        File(
            "- {from: stdin, to: stdout, match: x, stop: true}\n"
                + "  - {from: stdin, to: xmpp:a@b, match: x, on_error: pass}"),
        File("- {from: stdin, to: xmpp:a@b, match: x}\n  - {from: stdin, to: stdout, stop: true}"),
        File("- {from: stdin, to: stdout, stop: true}\n  - {from: [stdin, xmpp:a@b], to: stdout, body: x}"),
        File(
            "- {from: events, to: stdout, stop: true}\n  - {from: [xmpp:a@b, room:r@c], to: stdout}",
            "3:5: \(isStopped)"),
        File(
            "- {from: xmpp:a@b, to: stdout, stop: true}\n  - {from: xmpp:a@b/c, to: stdout}", "3:5: \(isStopped)"),
        File("- {from: stdin, to: stdout, stop: true}\n  - {from: stdin, to: xmpp:a@b, group: {start: x}}"),
        File(
            "- {from: stdin, to: stdout, default: true}\n  - {name: all, from: stdin, to: xmpp:a@b}",
            "2:5: this default takes nothing: bridge all takes all of it; give that one a match, or leave default out"),
        File("- {from: stdin, to: stdout, default: true}\n  - {from: stdin, to: xmpp:a@b, match: x}"),
        File("- {from: stdin, to: stdout, default: true, stop: true}\n  - {from: stdin, to: xmpp:a@b, match: x}"),
    ]

    /// Routes that feed themselves, and keys without effect.
    static let others: [File] = [
        File(
            "- {name: there, from: room:a@c, to: room:b@c}\n  - {name: back, from: room:b@c, to: [stdout, room:a@c]}",
            "3:47: what b@c says comes back to it from here over bridge there; two bots that do so never stop; a where "
                + "that leaves out bots breaks the circle"),
        File(
            "- {from: xmpp:a@c, to: room:b@c}\n  - {from: room:b@c, to: xmpp:d@c}\n"
                + "  - {from: xmpp:d@c/x, to: xmpp:a@c}",
            "4:28: what d@c says comes back to it from here over bridge number 1 and bridge number 2; two bots that do "
                + "so never stop; a where that leaves out bots breaks the circle"),
        File("- {from: xmpp:a@c, to: xmpp:b@c}\n  - {from: xmpp:a@c, to: room:b@c}"),
        File(
            "- {from: xmpp:a@c, to: xmpp:a@c}",
            "2:26: what a@c says is sent back to it; two bots that do so never stop"),
        File(
            "- {from: stdin, to: stdout, subject: a, thread: b, lang: de, on_error: pass}",
            "2:40: subject has no effect: nothing here is sent to a person or a room; leave it out",
            "2:51: thread has no effect: nothing here is sent to a person or a room; leave it out",
            "2:60: lang has no effect: nothing here is sent to a person or a room; leave it out",
            "2:74: on_error has no effect: this bridge has no match; leave it out"),
        File("- {from: stdin, to: room:a@b, subject: a, match: b, on_error: pass}"),
    ]

    @Test(arguments: never + modes + shadows + others)
    func warns(_ file: File) throws {
        let plan = try Files.load("bridges:\n  \(file.bridges)\n").get()
        #expect(plan.warnings.map { String($0.line(in: "").dropFirst()) } == file.warnings)
    }

    @Test(arguments: [
        ("account: {jid: a@b, password: x}", UInt32(0o100_644), true),
        ("account: {jid: a@b, password: x}", 0o604, true),
        ("account: {jid: a@b, password: x}", 0o640, false), ("account: {jid: a@b, password: {env: X}}", 0o644, false),
        ("rooms: [{jid: a@b, password: x}]", 0o644, true),
    ])
    func aFileThatEverybodyReads(_ yaml: String, _ mode: UInt32, _ isTold: Bool) throws {
        let problem = try Files.load(yaml).get().exposure(mode: mode)
        #expect((problem != nil) == isTold)
        if let problem, yaml.hasPrefix("account") {
            #expect(
                problem.line(in: "f")
                    == "f:1:31: everybody on this machine can read this password; chmod o-r the file, or keep the "
                    + "password apart: password: {file: PATH}")
        }
    }
}
