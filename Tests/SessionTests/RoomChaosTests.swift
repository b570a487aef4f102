import Stanza
import Testing

@testable import Session

/// A room that says anything in any order, from one seed; then one that is honest, but has perhaps forgotten us: the
/// session neither runs in circles nor believes for long to be where it is not.
@Suite struct RoomChaosTests {
    struct World {
        var random: WorldTests.Random
        var talk: Dialogue
        /// Whether the room takes us for an occupant.
        var isInside = false

        init(seed: UInt64) throws {
            random = WorldTests.Random(state: seed)
            talk = try Dialogue.online(managed: false) { $0.limits.idleBeforePing = .seconds(1_000_000) }
            talk.join(try choice())
        }

        mutating func choice() throws -> RoomChoice {
            let nick = chance(5) ? "bot" : "bridge"
            return try Dialogue.choice(nick) {
                $0.creates = chance(2)
                $0.rejoinsAfterKick = true
                if chance(4) { $0.nickConflict = .refuse }
            }
        }

        mutating func chance(_ one: UInt64) -> Bool { random.next() % one == 0 }
        mutating func pick<T>(_ choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }

        // MARK: - Chaos

        mutating func stir() throws {
            let nick = pick(["bridge", "bridge_", "bot", "ann", "\u{1FAE8}"])
            switch random.next() % 9 {
            case 0, 1: talk.occupant(nick, codes: codes())
            case 2: talk.gone(nick, codes(), item: chance(2) ? "<item nick='bot'/>" : "<item/><destroy/>")
            case 3: talk.notLetIn(condition(), type: pick(["wait", "cancel"]), id: chance(2) ? "x" : nil)
            case 4: talk.groupchat(chance(3) ? nil : nick, pick(["<subject/>", "<body>a</body>", ""]))
            case 5: talk.answerCheck(chance(2) ? nil : condition(), type: pick(["wait", "cancel"]))
            case 6: chance(2) ? talk.hint() : talk.info()
            case 7: if chance(3) { talk.session.leave(room: try JID(Dialogue.room), status: nil, at: talk.now) }
            case _: talk.pass(.milliseconds(Int64(random.next() % 40_000)))
            }
            if chance(6) { talk.join(try choice()) }
            if chance(20) { reconnect() }
            talk.flush()
        }

        private mutating func codes() -> [Int] {
            [110, 110, 110, 201, 301, 303, 307, 321, 332, 333].filter { _ in chance(4) }
        }

        private mutating func condition() -> String {
            pick(["conflict", "forbidden", "item-not-found", "not-acceptable", "service-unavailable", "gone"])
        }

        private mutating func reconnect() {
            talk.feed(.disconnected(.closed("reset")))
            for _ in 0..<20 where !talk.session.isOnline {
                talk.passToDeadline()
                if case .connecting = talk.session.life { talk.logIn(managed: false) }
            }
        }

        // MARK: - Honesty

        /// Answers what was written as a room does.
        mutating func answer() {
            for stanza in talk.written().split(separator: "<iq ").flatMap({ $0.split(separator: "<presence ") }) {
                let text = String(stanza)
                guard text.contains("to='\(Dialogue.room)") else { continue }
                let id = text.split(separator: "id='").dropFirst().first?.prefix { $0 != "'" } ?? ""
                let nick = String(
                    text.split(separator: "\(Dialogue.room)/").dropFirst().first?.prefix { $0 != "'" } ?? "")
                if text.contains("<history") {
                    isInside = true
                    talk.occupant(nick, codes: [110])
                } else if text.contains("type='unavailable'") {
                    isInside = false
                    talk.gone(nick, [110])
                } else if text.contains("urn:xmpp:ping"), !isInside {
                    talk.output = "<iq id='\(id)'"
                    talk.answerCheck("not-acceptable", nick: nick)
                } else if text.hasPrefix("type=") {
                    talk.server("<iq type='result' from='\(Dialogue.room)' id='\(id)'/>")
                }
            }
        }
    }

    @Test(arguments: 0..<40)
    func heals(_ seed: Int) throws {
        var world = try World(seed: UInt64(seed))
        for _ in 0..<300 {
            try world.stir()
            var turns = 0
            while let deadline = world.talk.session.deadline, deadline <= world.talk.now {
                world.talk.passToDeadline()
                turns += 1
                try #require(turns < 10, "it runs in circles")
            }
        }
        world.isInside = world.chance(2)
        world.talk.output = ""
        world.talk.join(try Dialogue.choice { $0.nickConflict = .alter })
        _ = world.talk.did()
        var questions = 0
        // Twenty minutes, however many timeouts these are.
        let end = world.talk.now + .seconds(1_200)
        while world.talk.now < end {
            world.answer()
            world.talk.passToDeadline()
            questions += 1
            try #require(questions < 1_000, "it asks too much")
        }
        world.answer()
        #expect(world.isInside)
        guard case .joined = world.talk.standing else {
            Issue.record("\(String(describing: world.talk.standing))")
            return
        }
    }
}
