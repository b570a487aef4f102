import Session
import Spool
import Stanza
import Testing

@testable import Bridge

/// What archives have told, and what may have arrived, over the end of a process.
@Suite struct PumpArchiveTests {
    private static let prints = ["--events"]
    private static let archive = ["urn:xmpp:mam:2"]
    private static let cursor = "cursor:\(PumpDialogue.account)"

    private static func live(_ body: String, id: String) -> String {
        "<message from='bob@example.org/phone' to='bridge@example.org' type='chat'><body>\(body)</body>"
            + "<stanza-id xmlns='urn:xmpp:sid:0' by='\(PumpDialogue.account)' id='\(id)'/></message>"
    }

    private static func archived(_ body: String, id: String, query: String, stamp: String) -> String {
        "<message><result xmlns='urn:xmpp:mam:2' queryid='\(query)' id='\(id)'>"
            + "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='\(stamp)'/>"
            + "<message xmlns='jabber:client' from='bob@example.org/phone' to='bridge@example.org' type='chat'>"
            + "<body>\(body)</body></message></forwarded></result></message>"
    }

    private static func kept(_ talk: PumpDialogue) -> String? {
        talk.store?.contents.checkpoints[cursor].flatMap { ArchiveCursor(bytes: $0) }?.id
    }

    /// The page that was asked for last ends.
    private static func end(_ talk: inout PumpDialogue, _ kind: String) throws {
        let iq = talk.socket.pieces(by: "<iq ").last { $0.contains("queryid='") && $0.contains(kind) } ?? ""
        let id = iq.from(" id='").upTo("'", keeping: false)
        try talk.server("<iq type='result' id='\(id)'><fin xmlns='urn:xmpp:mam:2' complete='true'/></iq>")
    }

    private static func begin(_ arguments: [String] = prints) throws -> PumpDialogue {
        var talk = try PumpDialogue(arguments, store: StoreImage())
        try talk.logIn(account: archive)
        try end(&talk, "end")
        talk.feed(.batchEnded)
        return talk
    }

    @Test func theCursorMovesWithWhatIsWritten() throws {
        var talk = try Self.begin()
        #expect(Self.kept(talk) == "")
        talk.readerWaits = true
        try talk.server(Self.live("one", id: "a-1"))
        talk.feed(.batchEnded)
        #expect(Self.kept(talk) == "", "nobody has it yet")
        talk.readerWaits = false
        talk.read()
        #expect(Self.kept(talk) == "a-1")
        // Killed here: the next run asks for what lies behind it.
        var next = try PumpDialogue(Self.prints, store: talk.store)
        try next.authenticate()
        if next.socket.contains("<resume ") { try next.server("<failed xmlns='urn:xmpp:sm:3'/>") }
        try next.bound()
        try next.account(has: Self.archive)
        #expect(next.socket.contains("<after>a-1</after>"))
        let query = next.lastID("page")
        try next.server(Self.archived("two", id: "a-2", query: query, stamp: "2026-11-22T09:00:00Z"))
        try Self.end(&next, "page")
        let event = try #require(next.events.first { $0.contains("\"body\":\"two\"") })
        #expect(event.contains("\"replayed\":true"))
        #expect(event.contains("\"redelivered\":true"), "the run before was killed: it may have told it")
        #expect(Self.kept(next) == "a-2")
    }

    @Test func whoHearsNothingMovesNoCursor() throws {
        var talk = try Self.begin(["--to", "ops@example.org"])
        try talk.server(Self.live("one", id: "a-1"))
        talk.feed(.batchEnded)
        #expect(Self.kept(talk) == nil)
    }

    @Test func whatADeadRunMayHaveSentIsLookedFor() throws {
        var first = try Self.begin(["--to", "ops@example.org"])
        first.type("one\ntwo\n")
        let said = first.messages
        #expect(said.count == 2)
        var next = try PumpDialogue(["--to", "ops@example.org"], store: first.store)
        next.type("three\n")
        try next.logIn(account: Self.archive)
        #expect(next.messages == [])
        let copy = said[0].replacing(
            "<message ", with: "<message xmlns='jabber:client' from='\(PumpDialogue.account)/r' ")
        try next.server(
            "<message><result xmlns='urn:xmpp:mam:2' queryid='\(next.lastID("doubt"))' id='1'>"
                + "<forwarded xmlns='urn:xmpp:forward:0'>\(copy)</forwarded></result></message>")
        try Self.end(&next, "doubt")
        next.settle()
        #expect(next.bodies == ["two", "three"])
        #expect(next.store?.rows.isEmpty == true)
    }

    /// A run that is never idle keeps since when it may have sent what is not accepted: it is asked from then on.
    @Test func sinceWhenRowsMayHaveBeenSentMovesOn() throws {
        func kept(_ talk: PumpDialogue) -> Int64? {
            talk.store?.contents.checkpoints["sent"].flatMap(Pump.number(of:))
        }
        var talk = try Self.begin(["--to", "ops@example.org"])
        let first = try #require(kept(talk))
        for number in 1...4 {
            if number > 1 { talk.settle() }
            talk.type("line \(number)\n")
            // One is on its way whenever that time is looked at.
            talk.now = talk.now + .seconds(12)
            talk.type("more \(number)\n")
        }
        #expect(try #require(kept(talk)) >= first + 24_000)
        // What a dead run has left stays asked for from its own time, for as long as it waits.
        var next = try PumpDialogue(["--to", "ops@example.org"], store: talk.store)
        next.now = talk.now + .seconds(600)
        let left = kept(next)
        next.type("later\n")
        #expect(left != nil && kept(next) == left)
    }

    /// Of what was refused for a time the archive has the first attempt, which never arrived.
    @Test func aRefusedRowIsNotTakenForOneThatArrived() throws {
        var first = try Self.begin(["--to", "ops@example.org"])
        first.type("one\n")
        let id = first.lastID("xb-")
        try first.server(PumpSpoolTests.bounce(id, "remote-server-timeout", type: "wait"))
        var next = try PumpDialogue(["--to", "ops@example.org"], store: first.store)
        next.now = first.now + .seconds(60)
        try next.logIn(account: Self.archive)
        next.wait(.seconds(31))
        #expect(next.bodies == ["one"] && !next.socket.contains("doubt"))
        // The stream is lost before it is accepted.
        next.cut()
        next.forget()
        next.wait(.seconds(2))
        try next.logIn(account: Self.archive)
        #expect(next.bodies == ["one"] && !next.socket.contains("doubt"))
    }

    /// What a room has shown after a stream was lost is not said again.
    @Test func whatADeadRunHasSaidInARoomIsKnownByItsID() throws {
        let arguments = ["--to", "room:\(PumpRoomTests.room)", "--nick", "bridge"]
        var first = try PumpDialogue(arguments, store: StoreImage())
        try first.logIn()
        try first.enterRoom()
        first.type("one\ntwo\n")
        let said = try #require(first.messages.first)
        #expect(first.bodies == ["one"])
        var next = try PumpDialogue(arguments, store: first.store)
        try next.logIn()
        try next.enterRoom()
        #expect(next.bodies == ["one"], "nobody has said that it was said")
        try next.server(
            said.replacing("<message ", with: "<message from='\(PumpRoomTests.room)/bridge' "))
        #expect(next.bodies == ["one", "two"])
    }
}
