import Stanza
import Testing

@testable import LoopbackServer

@Suite struct CounterTests {
    @Test func acknowledgementsWrapAt32Bits() {
        var management = StreamManagement(acknowledged: .max - 1)
        for _ in 1...4 { management.sent(Parcel(bytes: [], stamp: WallTime(milliseconds: 0))) }
        #expect(management.sentCount == 2)
        #expect(management.acknowledge(.max) != nil)
        #expect(management.unacknowledged.count == 3)
        #expect(management.acknowledge(1) != nil)
        #expect(management.unacknowledged.count == 1)
        #expect(management.acknowledge(0) == nil)  // it has gone back
        #expect(management.acknowledge(3) == nil)  // more than was sent
        #expect(management.acknowledge(2) != nil)
        #expect(management.unacknowledged.isEmpty)
    }

    @Test func aQueueKeepsItsOrder() {
        var queue = Queue<Int>()
        var next = 0
        var expected: [Int] = []
        for round in 1...200 {
            for _ in 0..<(round % 7) {
                queue.append(next)
                expected.append(next)
                next += 1
            }
            let gone = round % 5
            queue.dropFirst(gone)
            expected.removeFirst(min(gone, expected.count))
            #expect(queue.count == expected.count)
        }
        #expect(queue.items == expected)
        #expect(queue.takeAll() == expected)
        #expect(queue.isEmpty)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_795_340_400_123, "2026-11-22T09:40:00.123Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (-2_203_977_600_000, "1900-02-28T00:00:00.000Z"),
    ])
    func datesAreGregorian(_ milliseconds: Int64, _ text: String) {
        #expect(WallTime(milliseconds: milliseconds).stamp == text)
    }
}
