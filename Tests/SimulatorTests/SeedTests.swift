import Testing

/// The whole bridge in simulated worlds: a fixed number of them here, as many as you like by `contrib/simulate`.
@Suite struct SeedTests {
    /// As many as take some twenty seconds in a debug build.
    static let seeds: ClosedRange<UInt64> = 1...120

    @Test(arguments: seeds) func aSeedKeepsEveryPromise(_ seed: UInt64) {
        let story = Story(seed: seed)
        let faults = Simulation.run(story).faults
        guard !faults.isEmpty else { return }
        let short = Simulation.shorten(story, runsMax: 300)
        Issue.record(
            """
            seed \(seed): \(faults[0])
            \(short)
            \(Simulation.run(short, isTraced: true).trace.joined(separator: "\n"))
            """)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>) func aSeedReplaysExactly(_ seed: UInt64) {
        let first = Simulation.run(Story(seed: seed), isTraced: true)
        let second = Simulation.run(Story(seed: seed), isTraced: true)
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.trace == second.trace)
    }

    @Test func seedsDiffer() {
        let fingerprints = (1...20 as ClosedRange<UInt64>).map { Simulation.run(Story(seed: $0)).fingerprint }
        #expect(Set(fingerprints).count == 20)
    }

    @Test(arguments: Canary.allCases) func aCanaryIsFound(_ canary: Canary) {
        let stories = (1...1_000 as ClosedRange<UInt64>).lazy.map { Story(seed: $0) }
        let found = stories.first {
            Self.mayMatter(canary, in: $0) && !Simulation.run($0, canary: canary).faults.isEmpty
        }
        #expect(found != nil)
    }

    /// Whether a fault can show in a story at all: a debug build has no time for the others.
    private static func mayMatter(_ canary: Canary, in story: Story) -> Bool {
        let setting = story.setting
        switch canary {
        case .forgottenGate: return story.inputBytesMax > 400_000
        case .positionAhead: return setting.isDurable && setting.routes[.log] != nil
        case .spillForgotten: return setting.isDurable && !setting.sinks.isEmpty
        case .answeredTooSoon, .releaseForgotten, .consumedAtOnce: return setting.isDurable
        case .acceptedByAck, .countAhead, .resentWithoutID, .swappedAfterResumption: return setting.managesStreams
        case .writtenAtOnce: return !setting.sinks.isEmpty
        }
    }

    /// A failing story becomes short, and fails as before.
    @Test func aStoryIsShortened() throws {
        let story = try #require(
            (1...1_000 as ClosedRange<UInt64>).lazy.map { Story(seed: $0) }.first { story in
                !Simulation.run(story, canary: .countAhead).faults.isEmpty
            })
        let short = Simulation.shorten(story, canary: .countAhead, runsMax: 400)
        #expect(!Simulation.run(short, canary: .countAhead).faults.isEmpty)
        #expect(short.description.split(separator: "\n").count < story.description.split(separator: "\n").count)
    }
}
