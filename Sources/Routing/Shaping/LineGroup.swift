public import Stanza

/// Lines of one source, or of one file of a `tail:`, that are one record of a rule (`group` with `start` or `continue`), before the rule sees them: a
/// stack trace is one message, not forty.
///
/// A record ends with the line that begins the next, when none has come for ``Shaping/Group/within``, or at a cap.
public struct LineGroup {
    private let group: Shaping.Group
    private let matcher: Matcher?
    private var lines = 0
    private var bytes: [UInt8] = []
    private var number: UInt64 = 0
    private var source = ""
    private var tokens = Tokens()
    private var until: Instant?

    /// A record that is over.
    public struct Joined: Sendable, Equatable {
        /// Its lines with LF between them, and the number of the first.
        public var line: Record.Line
        /// What it was made of.
        public var tokens: Tokens

        /// A record.
        public init(line: Record.Line, tokens: Tokens) {
            self.line = line
            self.tokens = tokens
        }
    }

    /// A machine that holds nothing.
    public init(_ group: Shaping.Group) {
        self.group = group
        matcher =
            switch group.boundary {
            case .start(let pattern), .goesOn(let pattern): Matcher(pattern)
            case .none: nil
            }
    }

    /// Lines that are held.
    public var heldCount: Int { lines }
    /// Their bytes.
    public var heldBytes: Int { bytes.count }
    /// When to call ``expire(at:into:)``.
    public var deadline: Instant? { until }

    /// Takes a line.
    public mutating func take(_ line: Record.Line, token: UInt64, at now: Instant, into joined: inout [Joined]) {
        expire(at: now, into: &joined)
        let isFull = lines >= group.linesMax || bytes.count + 1 + line.bytes.count > group.bytesMax
        if lines > 0, isFull || begins(line.bytes) { flush(into: &joined) }
        if lines == 0 {
            number = line.number
            source = line.source
        } else {
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes += line.bytes
        lines += 1
        tokens.append(Tokens(token))
        until = now + group.within
    }

    /// Gives out the record that has waited long enough.
    public mutating func expire(at now: Instant, into joined: inout [Joined]) {
        if let until, until <= now { flush(into: &joined) }
    }

    /// Gives out what is held, at the end of the source or at a stop.
    public mutating func flush(into joined: inout [Joined]) {
        guard lines > 0 else { return }
        joined.append(Joined(line: .init(bytes: bytes, number: number, source: source), tokens: tokens))
        bytes.removeAll(keepingCapacity: true)
        tokens = Tokens()
        lines = 0
        until = nil
    }

    /// Whether a record begins with that line. A pattern that is given up at its limit has not matched.
    private func begins(_ line: [UInt8]) -> Bool {
        guard let matcher else { return true }
        let isMatch = line.withUnsafeBufferPointer(matcher.match) == .matched
        if case .start = group.boundary { return isMatch }
        return !isMatch
    }
}
