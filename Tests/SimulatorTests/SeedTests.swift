import Simulator
import Testing

@Suite struct SeedTests {
    @Test(arguments: 1...200 as ClosedRange<UInt64>) func aSeedKeepsEveryPromise(_ seed: UInt64) {
        #expect(Simulation.run(Story(seed: seed)).faults == [])
    }
}
