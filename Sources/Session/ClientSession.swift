public import Stanza

/// The client's side of one XMPP session over all its connections, as a machine without I/O.
public struct ClientSession: Sendable {
    /// A session that has not begun.
    /// - Parameter random: gives random bytes; for nonces, ids and jitter.
    public init(_ configuration: Configuration, random: @escaping @Sendable (_ count: Int) -> [UInt8]) {}

    /// Takes one input and returns what to do.
    public mutating func handle(_ input: Input, at now: Instant) -> [Action] { [] }

    /// When to call with ``Input/timeout`` if nothing else comes before.
    public var deadline: Instant? { nil }

    /// The bytes to write now; the machine keeps none of them.
    public mutating func takeOutput() -> [UInt8] { [] }

    /// Whether the session is online and the window has room for another row.
    public var canSend: Bool { false }

    /// Sends a stanza that must arrive: `payload` is the whole serialised stanza, `row` its number in the spool, which
    /// rises from call to call. It is kept until accepted, and resent after a resumption or a fresh bind.
    /// Call it only while ``canSend``.
    public mutating func send(_ payload: [UInt8], row: UInt64, at now: Instant) {}

    /// Sends a stanza for which nobody waits (presence, an iq of the user's): lost where the stream is.
    public mutating func sendUnreliably(_ payload: [UInt8], at now: Instant) {}

    /// The number of the inbound stanza that the last ``handle(_:at:)`` was about: events of it are handled when this
    /// number is named by ``Input/handled(upTo:)``. Every stanza is numbered, whether it makes an event or not.
    public var inboundStanza: UInt64 { 0 }

    /// The phase in words for a person ("waiting for stream features"), for messages about deadlines.
    public var phase: String { "" }
}
