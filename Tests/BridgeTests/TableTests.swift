import Endpoints
import Routing
import Stanza
import Testing

@testable import Bridge

@Suite struct TableTests {
    static func text(_ table: Table, _ kind: Table.Kind) -> String {
        String(decoding: table.text(kind), as: UTF8.self)
    }

    @Test func theRoster() throws {
        var table = Table()
        var bob = EventRecord.RosterFields(jid: try JID("bob@example.org"), subscription: .both)
        bob.name = "Bob"
        bob.groups = ["ops", "night"]
        var alice = EventRecord.RosterFields(
            jid: try JID("alice@example.org"), subscription: EventRecord.RosterFields.Subscription.none)
        alice.ask = true
        table.add(.roster(bob, initial: false))
        table.add(.roster(alice, initial: false))
        #expect(
            Self.text(table, .roster) == """
                JID                NAME  SUBSCRIPTION  GROUPS
                alice@example.org  -     none (asked)  -
                bob@example.org    Bob   both          ops, night

                """)
    }

    /// Of one resource the last word counts, and who has gone is not shown; what others wrote cannot move a cursor.
    @Test func whoIsOnline() throws {
        var table = Table()
        var phone = EventRecord.PresenceFields(from: try JID("bob@example.org/phone"), available: true)
        table.add(.presence(phone))
        phone.show = .away
        phone.status = "lunch\n\u{1b}[31m"
        table.add(.presence(phone))
        let desk = try JID("bob@example.org/desk")
        table.add(.presence(.init(from: desk, available: true)))
        table.add(.presence(.init(from: desk, available: false)))
        #expect(
            Self.text(table, .presence) == """
                JID                    SHOW  PRIORITY  STATUS
                bob@example.org/phone  away  0         lunch\\u{a}\\u{1b}[31m

                """)
    }

    @Test func nobody() {
        #expect(Self.text(Table(), .blocked) == "JID\n")
    }
}
