import Routing
import Stanza
import Testing

@Suite struct RuleTests {
    static func problems(
        _ from: [Endpoint?], _ to: [Endpoint?], match: Vocabulary.Groups = .none, body: String? = nil,
        type: Rule.MessageType? = nil
    ) -> [String] {
        let draft = Rule.Draft(name: nil, from: from, match: match, body: body, to: to, type: type)
        let (rule, problems) = draft.checked()
        let isUnknown = from.contains(nil) || to.contains(nil)
        let isRefused = isUnknown || problems.contains { !$0.isWarning }
        if (rule == nil) != isRefused { return ["rule \(rule == nil ? "refused" : "accepted") against its problems"] }
        return problems.map { "\($0.isWarning ? "warning " : "")\($0.part): \($0.what); \($0.hint)" }
    }

    static let ops = Endpoint.xmpp(JIDs.ops)
    static let bot = Endpoint.xmpp(JIDs.bot)

    @Test func endsThatGoTogether() {
        for from in [Endpoint.stdin, Self.ops] {
            for to in [Endpoint.stdout, Self.bot] { #expect(Self.problems([from], [to]) == []) }
        }
        #expect(Self.problems([.stdin], [.commands]) == [])
        #expect(Self.problems([.stdin, Self.ops], [Self.bot, .stdout]) == [])
        #expect(Self.problems([.events], [.stdout]) == [])
        #expect(Self.problems([.events], [Self.bot], body: "{event} {state}{json.a}") == [])
        #expect(Self.problems([.events, Self.ops], [.stdout], body: "{from} {body}") == [])
    }

    @Test func endsTheWrongWayRound() {
        for from in [Endpoint.stdout, .commands] {
            #expect(
                Self.problems([from], [.stdout])
                    == [
                        "from(0): \(from) is no source: records only go there; expected stdin, fifo:PATH, tail:PATH, xmpp:JID, room:JID or events"
                    ])
        }
        for to in [Endpoint.stdin, .events] {
            #expect(
                Self.problems([.stdin], [to])
                    == [
                        "to(0): \(to) is no destination: records only come from there; "
                            + "expected stdout, xmpp:JID, room:JID, file:PATH, fifo:PATH, presence or commands"
                    ])
        }
    }

    @Test func endsThatDoNotGoTogether() {
        let only = "only lines, as from: stdin or fifo:PATH, can go to commands, a JSON object a line"
        #expect(
            Self.problems([Self.ops], [.commands]) == ["to(0): commands cannot come from xmpp:ops@example.org; \(only)"]
        )
        #expect(Self.problems([.stdin, .events], [.commands]) == ["to(0): commands cannot come from events; \(only)"])
        #expect(
            Self.problems([.stdin], [.commands], body: "{line}")
                == [
                    "body(offset: 0): a body has no place in a bridge to commands; "
                        + "the line itself is the command; leave body out"
                ])
        #expect(
            Self.problems([.events], [Self.ops])
                == [
                    "to(0): events are no text that could be sent to xmpp:ops@example.org; add a body, as in "
                        + "body: \"{event}: {from} {body}\", or a match on the messages' bodies"
                ])
    }

    @Test func repetitions() {
        #expect(Self.problems([.stdin, .stdin], [.stdout]) == ["from(1): stdin stands here twice; leave one out"])
        #expect(
            Self.problems([.stdin], [Self.ops, .stdout, Self.ops])
                == ["to(2): xmpp:ops@example.org stands here twice; leave one out"])
    }

    @Test func warnings() {
        #expect(
            Self.problems([.stdin], [.stdout], type: .headline)
                == ["warning type: type has no effect: nothing here is sent to an xmpp: address; leave it out"])
        #expect(Self.problems([.stdin], [.stdout, Self.ops], type: .headline) == [])
        #expect(
            Self.problems([.xmpp(JIDs.desk)], [Self.ops])
                == ["warning to(0): what ops@example.org/desk says is sent back to it; two bots that do so never stop"])
    }

    @Test func unknownPartsAreNotToldTwice() {
        #expect(
            Self.problems([nil], [.stdout], body: "{anything} {1}")
                == Self.problems([nil], [.stdout], body: "{anything} {1}"))
        let (rule, problems) = Rule.Draft(
            name: nil, from: [.stdin], match: .unknown, body: "{level} {3} {", to: [nil], type: nil
        ).checked()
        #expect(rule == nil)
        #expect(problems.map(\.what) == ["a { without its }"])
        let (none, nothing) = Rule.Draft(
            name: nil, from: [.stdin], match: .unknown, body: "{level} {3}", to: [Self.ops], type: nil
        ).checked()
        #expect(none == nil)
        #expect(nothing == [])
        #expect(Self.problems([nil], [.stdout], body: "{body} {line}") == [])
    }

    @Test func throwsWhatIsWrong() throws {
        #expect(throws: Rule.Problems.self) { _ = try Rule(from: [.stdout], to: [.stdout]) }
        let rule = try Rule(name: "n", from: [.stdin], to: [Self.ops])
        #expect(rule.type == .chat)
        #expect(rule.name == "n")
    }
}
