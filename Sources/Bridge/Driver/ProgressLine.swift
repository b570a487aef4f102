import Glibc
import Stanza

/// The line on a terminal that shows a long input on its way: drawn over itself, gone at the end.
struct ProgressLine {
    /// An input that is through before this time has passed shows no line at all.
    private static let patience: Duration = .milliseconds(1_500)
    private static let interval: Duration = .milliseconds(200)

    private let began: Instant
    private var drawn: Instant?

    init(began: Instant) { self.began = began }

    /// Whether a line belongs there: stderr is a terminal, and the input is not typed by hand.
    static var isWanted: Bool { isatty(STDERR_FILENO) == 1 && isatty(STDIN_FILENO) == 0 }

    /// Draws the line if it is time to.
    mutating func update(_ counters: Pump.Counters, at now: Instant) {
        guard now >= began + Self.patience, counters.linesRead > 0 else { return }
        if let drawn, now < drawn + Self.interval { return }
        drawn = now
        draw(counters, now)
    }

    /// Takes the line away, so that another can be written.
    mutating func clear() {
        guard drawn != nil else { return }
        drawn = nil
        Diagnostics.write("\r\u{1B}[K")
    }

    /// Leaves the last figures standing.
    mutating func finish(_ counters: Pump.Counters, at now: Instant) {
        guard drawn != nil else { return }
        draw(counters, now, isOver: true)
        Diagnostics.write("\n")
    }

    private func draw(_ counters: Pump.Counters, _ now: Instant, isOver: Bool = false) {
        let milliseconds = max((now.nanoseconds - began.nanoseconds) / 1_000_000, 1)
        let rate = counters.rowsAccepted * 1_000 / UInt64(milliseconds)
        let state = counters.isOnline || isOver ? "" : ", offline"
        Diagnostics.write(
            "\r\u{1B}[K\(counters.linesRead) lines, \(counters.rowsAccepted) acknowledged, \(rate)/s\(state)")
    }
}
