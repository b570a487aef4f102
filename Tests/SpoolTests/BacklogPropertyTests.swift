import Testing

@testable import Spool

@Suite struct BacklogPropertyTests {
    /// Order in each lane, nothing lost and nothing twice, memory within its limit, whatever comes when.
    @Test(arguments: 0..<UInt64(60)) func keepsItsPromises(_ seed: UInt64) {
        var world = BacklogWorld(seed: seed, durable: seed % 4 != 0)
        for _ in 0..<1_500 {
            switch Int.random(in: 0..<12, using: &world.dice) {
            case 0, 1: if world.backlog.count < 600 { world.append() }
            case 2...4: world.answer()
            case 5, 6: world.go()
            case 7...9: world.land()
            case 10: world.turnGate()
            case _: world.now += Int64.random(in: 0..<20, using: &world.dice)
            }
            world.check()
        }
        for lane in world.held { world.backlog.set(.open, lane) }
        world.held = []
        // Everything goes in the end.
        for _ in 0..<50_000 where world.backlog.count > 0 {
            world.now += 1
            world.seal()
            world.answer()
            world.go()
            world.land()
        }
        world.check()
        #expect(world.backlog.count == 0 && world.backlog.bytes == 0 && world.backlog.residentBytes == 0)
        while !world.asked.isEmpty { world.answer() }
        #expect(world.stored.values.allSatisfy { $0.isEmpty })
    }

    /// Lets all rows go that may, and counts them, until that many have gone or nothing happens any more.
    private static func drain(_ world: inout BacklogWorld, _ count: Int) -> [Row] {
        var rows: [Row] = []
        for _ in 0..<100_000 where rows.count < count {
            world.seal()
            world.answer()
            while let flight = world.backlog.next(at: 0) {
                rows.append(flight.row)
                world.backlog.release(flight.dispatch)
            }
            if world.backlog.residentRows > world.limits.memoryRowsMax { Issue.record("too many in memory") }
        }
        return rows
    }

    /// A lane that is held and has filled memory gives its room to the others.
    @Test func tenThousandLanesBehindOneThatIsHeld() {
        var world = BacklogWorld(seed: 1, durable: true)
        let first = Lane(rawValue: 0)
        for _ in 0..<500 { world.append(to: first) }
        world.backlog.set(.held, first)
        for lane in UInt32(1)...10_000 { world.append(to: Lane(rawValue: lane)) }
        #expect(Set(Self.drain(&world, 10_000).map(\.lane)).count == 10_000)
        #expect(world.backlog.count(of: first) == 500 && world.backlog.count == 500)
        world.backlog.set(.open, first)
        #expect(Self.drain(&world, 500).map(\.number) == Array(1...500))
    }

    /// Slow lanes share the memory, so that none waits until another is empty.
    @Test func aSlowLaneGivesOthersTheirShare() {
        var world = BacklogWorld(seed: 2, durable: true)
        let slow = Lane(rawValue: 0)
        for _ in 0..<200 { world.append(to: slow) }
        world.seal()
        for _ in 0..<10 { world.answer() }
        #expect(world.backlog.next(at: 0)?.row.lane == slow)
        world.backlog.set(.busy, slow)
        for _ in 0..<50 { world.append(to: Lane(rawValue: 1)) }
        #expect(Self.drain(&world, 50).count == 50)
    }
}
