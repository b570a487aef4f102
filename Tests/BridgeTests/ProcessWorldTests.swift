import LoopbackServer
import Stanza
import Testing

@testable import Session

/// The session against the built-in server, over cut connections and dead processes.
@Suite struct ProcessWorldTests {
    static let faults = [
        "2+:request=3:repeat-acks", "2+:request=4:lose", "3:after-messages=9:restart-keeping", "5:sent=7:abort",
    ]

    /// Connections break at any byte and processes end at any step; where the server keeps the session all that was said
    /// arrives in order, and only what was not committed comes twice.
    @Test(arguments: 1...40) func nothingIsMissing(_ seed: Int) throws {
        let world = try ProcessWorld(seed: seed, faults: seed % 2 == 0 ? Self.faults : []) {
            $0.limits.windowStanzas = 20
            $0.limits.inboundUnacknowledgedStanzas = 12
        }
        try Self.run(world, mayExpire: false)
        #expect(world.sentByPeer > 100 && world.lines > 100)
        #expect(ProcessWorld.firsts(world.sink) == Array(1...world.sentByPeer))
        #expect(ProcessWorld.repeated(world.sink).isSubset(of: world.mayRepeat))
        #expect(ProcessWorld.firsts(world.arrived) == Array(1...world.lines))
        #expect(world.store.released == world.lines && world.resumedBySuccessor > 0)
    }

    /// The same where the server sometimes forgets the session: nothing is missing, but more may come twice.
    @Test(arguments: 41...60) func nothingIsMissingWhereSessionsExpire(_ seed: Int) throws {
        let world = try ProcessWorld(seed: seed) { $0.limits.windowStanzas = 20 }
        try Self.run(world, mayExpire: true)
        #expect(world.boundAfresh > 1)
        #expect(Set(world.sink) == Set(1...world.sentByPeer))
        #expect(ProcessWorld.firsts(world.arrived) == Array(1...world.lines))
        #expect(world.store.released == world.lines)
    }

    static func run(_ world: ProcessWorld, mayExpire: Bool) throws {
        let random = world.random
        for _ in 0..<600 {
            switch random.roll(16) {
            case 0, 1: world.type(random.roll(6))
            case 2, 3: world.peerSays(random.roll(6))
            case 4, 5: world.deliverToServer(world.bridge, random.roll(1_500))
            case 6, 7: world.deliverToClient(world.bridge, random.roll(1_500))
            case 8: world.deliverAll()
            case 9: world.write(random.roll(8))
            case 10: world.ask()
            case 11: world.commit(random.roll(4))
            case 12, 13: world.pass(.milliseconds(random.roll(600)))
            case 14:
                guard random.roll(4) == 0 else { break }
                world.deliverToServer(world.bridge, random.roll(world.bridge.toServer.count + 1))
                world.cut(world.bridge)
                if mayExpire, random.roll(3) == 0 { world.pass(.seconds(61)) }
            case _:
                guard random.roll(4) == 0 else { break }
                if mayExpire, random.roll(3) == 0 {
                    world.cut(world.bridge)
                    world.now = world.now + .seconds(61)
                    world.tell(.timeout)
                }
                try world.die()
            }
        }
        world.settle()
    }

    /// Nine hundred stanzas that no sink has written, and the connection is cut, or the process ends.
    @Test(arguments: [false, true], [0, UInt32.max - 400])
    func nineHundredUnacknowledged(_ dies: Bool, _ count: UInt32) throws {
        let world = try ProcessWorld(seed: 7) {
            $0.limits.inboundUnacknowledgedStanzas = 10_000
            $0.limits.inboundUnacknowledgedAge = .seconds(1_000)
        }
        world.settle()
        if count > 0 { world.wind(to: count) }
        for _ in 0..<90 {
            world.peerSays(10)
            world.pass(.milliseconds(10))
            world.deliverAll()
        }
        #expect(world.sentByPeer == 900 && world.sink.isEmpty)
        world.write(500)
        world.ask()
        if dies {
            try world.die()
        } else {
            world.cut(world.bridge)
        }
        world.settle()
        #expect(ProcessWorld.firsts(world.sink) == Array(1...900))
        if dies {
            #expect(ProcessWorld.repeated(world.sink).isSubset(of: world.mayRepeat) && world.resumedBySuccessor == 1)
        } else {
            #expect(world.sink.count == 900 && world.boundAfresh == 1)
        }
    }
}
