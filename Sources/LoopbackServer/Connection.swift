import Stanza

/// One connection of a client, from accept to its end.
struct Connection: Sendable {
    /// What it awaits.
    enum Stage: Sendable {
        /// A stream header; then ``expectAuthentication`` or, with an account, ``expectBind(account:)``.
        case expectHeader(account: String?)
        /// `<starttls/>` or `<auth/>`; then ``expectHandshake``, ``expectResponse(_:account:)`` or a new header.
        case expectAuthentication
        /// The end of the TLS handshake; then a new header.
        case expectHandshake
        /// The client's SCRAM proof; then a new header, or ``expectAuthentication`` again.
        case expectResponse(SCRAMExchange, account: String)
        /// A resource to bind or a session to resume; then ``online(_:)``.
        case expectBind(account: String)
        /// Stanzas.
        case online(SessionID)
        /// Nothing: the end is written, or the connection was reset.
        case over
    }

    let id: LoopbackServer.ConnectionID
    /// Its place in the order of connections, from 1.
    let ordinal: Int
    var isSecure: Bool
    var stage = Stage.expectHeader(account: nil)
    /// What is to be written at the end of this input.
    var output = XMLWriter()
    /// Whether it is in the list of connections to flush.
    var isDirty = false
    var isHeaderWritten = false
    /// The id of the stream; Openfire keeps it over restarts.
    var streamID: String?
    var authenticationFailures = 0
    var mischief: Mischief
    /// What the last recipient's address was parsed to: most clients write to the same again.
    var lastRecipient: (text: String, jid: JID)?

    init(id: LoopbackServer.ConnectionID, ordinal: Int, isSecure: Bool, faults: [Fault]) {
        self.id = id
        self.ordinal = ordinal
        self.isSecure = isSecure
        mischief = Mischief(faults: faults.filter { $0.connection.covers(ordinal) })
    }

    var session: SessionID? {
        switch stage {
        case .online(let session): session
        case .expectHeader, .expectAuthentication, .expectHandshake, .expectResponse, .expectBind, .over: nil
        }
    }

    var isOver: Bool {
        switch stage {
        case .over: true
        case .expectHeader, .expectAuthentication, .expectHandshake, .expectResponse, .expectBind, .online: false
        }
    }

    /// Whether it still takes part: neither over nor hung.
    var isAlive: Bool { !isOver && !mischief.isStalled }

    mutating func takeOutput() -> [UInt8] {
        defer { output.bytes = [] }
        return output.bytes
    }

    mutating func recipient(_ text: String) -> JID? {
        if let last = lastRecipient, last.text == text { return last.jid }
        guard let jid = try? JID(text) else { return nil }
        lastRecipient = (text, jid)
        return jid
    }
}

/// The faults of one connection and what they have done to it so far.
struct Mischief: Sendable {
    let faults: [Fault]
    /// How often each trigger has come, by its place among all of them.
    private var counts: [Int]
    /// Nothing is read or written any more.
    var isStalled = false
    var withholdsAcks = false
    var repeatsAcks = false
    var acknowledgement: Acknowledgement = .honest
    /// What a pause holds back.
    var held: [LoopbackServer.Action] = []
    var heldBytes = 0

    /// The `h` that is told.
    enum Acknowledgement: Sendable {
        case honest
        case shifted(by: Int32)
        case always(UInt32)
    }

    init(faults: [Fault]) {
        self.faults = faults
        counts = faults.isEmpty ? [] : Array(repeating: 0, count: Fault.Trigger.allCases.count)
    }

    /// Counts one more of a trigger and gives the faults that strike in its place.
    mutating func arrive(_ trigger: Fault.Trigger) -> [Fault] {
        guard !faults.isEmpty, let place = Self.places[trigger] else { return [] }
        counts[place] += 1
        let count = counts[place]
        return faults.filter { $0.strikes(trigger, count: count, after: false) }
    }

    /// The faults that strike once the thing counted last is done.
    func done(_ trigger: Fault.Trigger) -> [Fault] {
        guard !faults.isEmpty, let place = Self.places[trigger] else { return [] }
        return faults.filter { $0.strikes(trigger, count: counts[place], after: true) }
    }

    /// The lowest number of bytes at which that trigger strikes.
    func byteLimit(_ trigger: Fault.Trigger) -> Int? {
        var least: Int?
        for fault in faults where fault.trigger == trigger {
            switch fault.occurrence {
            case .nth(let number): least = min(least ?? number, number)
            case .each: break
            }
        }
        return least
    }

    /// The `h` to tell where the true one is this.
    func told(_ h: UInt32) -> UInt32 {
        switch acknowledgement {
        case .honest: h
        case .shifted(let shift): h &+ UInt32(bitPattern: shift)
        case .always(let value): value
        }
    }

    private static let places = Dictionary(uniqueKeysWithValues: zip(Fault.Trigger.allCases, 0...))
}
