/// What came of a run.
public struct Verdict: Sendable {
    /// The broken promises, in the order in which they showed; none in a good run.
    public var faults: [String]
    /// A number that stands for everything that happened: the same seed gives the same.
    public var fingerprint: UInt64
    /// What happened, line by line, where it was asked for.
    public var trace: [String]
    /// How often a message came again to the server.
    public var repetitions: Int
    /// Sessions at the server, those that were resumed counted once.
    public var sessions: Int
}

/// Runs stories.
public enum Simulation {
    /// Runs a story.
    /// - Parameters:
    ///   - canary: a fault that is to be found.
    ///   - isTraced: whether every step is told.
    public static func run(_ story: Story, canary: Canary? = nil, isTraced: Bool = false) -> Verdict {
        guard let world = try? World(story, canary: canary, isTraced: isTraced) else {
            let words = "the simulator's world cannot be"
            return Verdict(faults: [words], fingerprint: 0, trace: [], repetitions: 0, sessions: 0)
        }
        world.run()
        return Verdict(
            faults: world.oracle.faults, fingerprint: world.trace.fingerprint, trace: world.trace.lines,
            repetitions: world.oracle.outbound.repetitions, sessions: world.oracle.sessions)
    }
}
