import LoopbackServer
import Stanza
import Testing

@testable import Session

/// The session against the built-in server and its archives, over cut connections, sessions that expire and dead
/// processes.
@Suite struct ArchiveWorldTests {
    static let faults = [
        "3:archive:abort", "4:sent=9:abort", "5:after-messages=4:restart", "6:archive=2:abort", "2+:request=4:lose",
    ]

    /// Whatever breaks, and whatever the server forgets but its archives: all that was said arrives in order. Inbound only
    /// what was not committed comes twice, and outbound nothing does.
    @Test(arguments: 1...40) func nothingIsMissingAndNothingComesTwice(_ seed: Int) throws {
        let world = try ProcessWorld(seed: seed, faults: seed % 2 == 0 ? Self.faults : [], usesArchive: true) {
            $0.limits.windowStanzas = 20
            $0.limits.inboundUnacknowledgedStanzas = 12
            $0.limits.archivePageMessages = 5
            $0.limits.archiveDoubtPageMessages = 30
        }
        world.settle()
        try ProcessWorldTests.run(world, mayExpire: true)
        #expect(world.sentByPeer > 100 && world.lines > 100)
        #expect(ProcessWorld.firsts(world.sink) == Array(1...world.sentByPeer))
        #expect(ProcessWorld.repeated(world.sink).isSubset(of: world.mayRepeat))
        #expect(world.arrived == Array(1...world.lines))
        #expect(world.store.released == world.lines)
        #expect(world.replayed > 0 && world.gaps.isEmpty)
    }

    /// Where little may wait, what is too much while nothing is known of the archive is told at once, perhaps twice.
    @Test(arguments: 41...50) func nothingIsMissingWhereLittleMayWait(_ seed: Int) throws {
        let world = try ProcessWorld(seed: seed, faults: seed % 2 == 0 ? Self.faults : [], usesArchive: true) {
            $0.limits.archivePageMessages = 5
            $0.limits.archiveKeptStanzas = 4
        }
        world.settle()
        try ProcessWorldTests.run(world, mayExpire: true)
        #expect(Set(world.sink) == Set(1...world.sentByPeer))
        #expect(world.arrived == Array(1...world.lines))
    }

    /// Canaries: an archive that is emptied, or not there, is missed by the laws above.
    @Test func anArchiveThatForgetsIsNoticed() throws {
        let world = try ProcessWorld(seed: 3, usesArchive: true)
        world.settle()
        world.peerSays(3)
        world.settle()
        world.cut(world.bridge)
        world.now = world.now + .seconds(61)
        world.tell(.timeout)
        world.peerSays(3)
        world.tell(.orderedOfArchives(.forget))
        world.settle()
        #expect(world.gaps == ["the archive has forgotten the message that was told last; it was searched by time"])
    }
}
