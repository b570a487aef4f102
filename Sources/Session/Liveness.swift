import Stanza

/// Whether the peer still answers: after silence we ask, and after a question without any byte it counts as dead.
struct Liveness: Sendable {
    private(set) var lastReceived: Instant
    private var lastSent: Instant
    /// Since when an answer is owed, and nothing was received.
    private(set) var awaitingSince: Instant?

    init(at now: Instant) {
        lastReceived = now
        lastSent = now
    }

    /// Something was received; whether more is owed.
    mutating func received(at now: Instant, isOwed: Bool) {
        lastReceived = now
        awaitingSince = isOwed ? now : nil
    }

    /// Something is owed from now on, or still.
    mutating func owed(_ isOwed: Bool, at now: Instant) {
        if !isOwed { awaitingSince = nil } else if awaitingSince == nil { awaitingSince = now }
    }

    mutating func sent(at now: Instant) { lastSent = now }

    /// When the peer counts as dead.
    func deathDeadline(_ limits: Configuration.Limits) -> Instant? {
        awaitingSince.map { $0 + limits.answerTimeout }
    }

    /// When to ask, where nothing is owed.
    /// - Parameter peerIdle: the silence that the peer bears from us (XEP-0478); half of it is ours.
    func probeDeadline(_ limits: Configuration.Limits, peerIdle: Duration?) -> Instant? {
        guard awaitingSince == nil else { return nil }
        let heard = lastReceived + limits.idleBeforePing
        return peerIdle.map { min(heard, lastSent + $0 / 2) } ?? heard
    }
}

/// Pings (XEP-0199) and the other questions of ours that wait for an answer.
struct PendingQuestions: Sendable {
    struct Acceptance: Sendable {
        let id: String
        /// What its answer accepts: rows below this index of the queue.
        let limit: UInt64
        var at: Instant
        let inFlightBytes: Int
    }

    /// Between two pings that nothing hurries.
    static let acceptanceInterval: Duration = .milliseconds(200)

    var rosterID: String?
    var livenessID: String?
    var acceptance: Acceptance?
    private var lastAcceptance: Instant?
    private var counter = 0

    var awaitsPing: Bool { livenessID != nil || acceptance != nil }

    /// When the next ping for acceptance may go.
    func acceptanceDue(hurried: Bool, at now: Instant) -> Instant {
        guard !hurried, let lastAcceptance else { return now }
        return lastAcceptance + Self.acceptanceInterval
    }

    /// An id nobody can guess, since `prefix` is random.
    mutating func id(_ prefix: String, _ kind: StaticString) -> String {
        counter += 1
        return "\(prefix)\(kind)-\(counter)"
    }

    mutating func asked(_ question: Acceptance) {
        acceptance = question
        lastAcceptance = question.at
    }

    /// A fresh session: nobody will answer what was asked in the old one.
    mutating func forget() {
        rosterID = nil
        livenessID = nil
        acceptance = nil
    }
}

/// XEP-0199: a ping to our server.
enum Ping {
    static func write(to server: String, id: String, into writer: inout XMLWriter) {
        writer.start("iq")
        writer.attribute("type", "get" as StaticString)
        writer.attribute("id", id)
        writer.attribute("to", server)
        writer.content()
        writer.empty("ping", NS.ping)
        writer.end("iq")
    }
}
