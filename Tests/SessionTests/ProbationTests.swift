import Stanza
import Testing

@testable import Session

/// The server ends the stream over one of our rows, whenever it comes: it is found, given up, and told.
@Suite struct ProbationTests {
    static let tooBig = "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"

    /// A server that ends the stream over row 3, and acknowledges and accepts everything else.
    /// - Returns: The rows that it has taken, in order, each once.
    private func serve(_ talk: inout Dialogue, poison: String, managed: Bool) -> [String] {
        var taken: [String] = []
        for _ in 0..<200 where talk.session.unacceptedRows > 0 {
            if !talk.session.isOnline {
                talk.passToDeadline()
                talk.output = ""
                talk.logIn(managed: managed)
            }
            let said = talk.written()
            let rows = said.split(separator: "<message id='", omittingEmptySubsequences: false).dropFirst().map {
                String($0.prefix { $0 != "'" })
            }
            let before = rows.prefix { $0 != poison }
            taken += before.filter { !taken.contains($0) }
            if before.count < rows.count {
                talk.server(Self.tooBig)
                continue
            }
            talk.output = said
            if said.isEmpty { talk.passToDeadline() }
            if managed { talk.ack(talk.session.queue.sentCount) }
            talk.pong()
            talk.output.removeFirst(said.count)
        }
        return taken
    }

    @Test(arguments: [true, false])
    func oneBadRowStopsNoOther(_ managed: Bool) throws {
        var talk = try Dialogue.online(managed: managed)
        talk.send(rows: 1...6)
        let taken = serve(&talk, poison: "3", managed: managed)
        #expect(taken == ["1", "2", "4", "5", "6"])
        let rejected = talk.actions.events.compactMap { event -> UInt64? in
            if case .rejected(let row, _) = event { row } else { nil }
        }
        #expect(rejected == [3])
        #expect(talk.session.unacceptedRows == 0)
        #expect(talk.session.probation == nil)
    }

    @Test func theLastRowMayBeTheBadOne() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...3)
        #expect(serve(&talk, poison: "3", managed: true) == ["1", "2"])
        #expect(talk.session.unacceptedRows == 0)
        // It is over with the next row.
        talk.passToDeadline()
        talk.output = ""
        talk.logIn()
        talk.send(rows: 4...5)
        #expect(serve(&talk, poison: "none", managed: true) == ["4", "5"] && talk.session.probation == nil)
    }

    @Test func aStreamErrorAboutUsAccusesNoRow() throws {
        var talk = try Dialogue.online()
        talk.send(rows: 1...3)
        talk.server(
            "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        #expect(talk.session.probation == nil)
        talk.passToDeadline()
        talk.authenticate()
        talk.features(Dialogue.bind, Dialogue.sm)
        #expect(talk.output.contains("<resume "))
    }
}
