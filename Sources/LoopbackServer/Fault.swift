/// A fault on order: on which connection, when, and what goes wrong.
///
/// As text, for command lines and tests: `CONNECTION:[after-]TRIGGER[=N]:EFFECT`.
///
/// **CONNECTION** is `*` for each, `2` for the second that connects, `2+` for the second and all later ones.
///
/// **TRIGGER** with `=N` is the N-th time on that connection (default: the first), with `=*` every time. The fault
/// strikes in place of what the server would do, with `after-` once that is done. What arrives from the client:
/// `connect`, `header`, `starttls`, `secured`, `auth`, `response`, `bind`, `enable`, `resume`, `request` (`<r/>`),
/// `ack` (`<a/>`), `roster` (a query of it), `archive` (a query of one), `presence`, `join` (a presence that joins a room), `iq`, `messages`,
/// `groupchat` (a message to a room), `stanzas` (any presence, iq or message), `close` (`</stream:stream>`). What the server is about to write: `features`, `proceed`, `challenge`, `success`, `sent` (a
/// stanza to this client). And `bytes-in=N`, `bytes-out=N`, raw bytes that the driver counts: with `abort` only.
///
/// **EFFECT** is one of:
/// - `abort`: the connection is reset; `close=CONDITION`: a stream error, then the end of the stream;
/// - `stall`: from now on nothing is read or written; `pause=200ms` (or `2s`): what is written waits that long;
/// - `lose`: the thing does not happen, but counts as done; `refuse=CONDITION`: it is answered with an error (SASL,
///   TLS, stanza or stream management, whichever fits the trigger);
/// - `withhold-acks`: from now on no `<a/>`; `repeat-acks`: each comes twice; `ack=+3`, `ack=-3`, `ack=17`: from now on each `h` told is that wrong;
/// - `forget`: the session of this connection cannot be resumed; at `resume`: the one asked for is forgotten;
/// - `send=BYTES`: these are written as they are (`\n`, `\\`, `\xHH` understood; everything to the end of the text);
/// - `deliver=BYTES`: these are a stanza for this client, counted (XEP-0198) and repeated like any other;
/// - `inject` at `proceed`: an element in clear right behind `<proceed/>`; short for `after-proceed:send=...`;
/// - `restart`: every connection is reset, every session ends and none can be resumed; `restart-keeping`: every connection
///   is reset, and what could be resumed still can;
/// - `room-forget=ROOM` or `room-forget=ROOM/NICK` (ROOM is the part before the @): the room service forgets all occupants
///   of a room, or one, without a word; `rooms-silent`, `rooms-answer`: it takes and says nothing from now on, or does
///   again; `rooms-restart`: its rooms are as at the start, without a word; `rooms-shutdown`: so, with status 332;
///   `rooms-withhold=N`: the next N messages to rooms come to nobody, not to their sender either;
///   `rooms-limit=200ms` (or `2s`): sooner than that after its last message an occupant gets `policy-violation` (`wait`);
/// - `archives-off`, `archives-on`: from now on there are no archives, or there are again; `archives-silent`,
///   `archives-answer`: queries of them are not answered, or are again; `archives-forget`: they are empty.
///
/// Faults of one moment strike in the order given. Examples: `2:messages=100:abort`, `*:auth:refuse=not-authorized`,
/// `1:proceed:inject`, `1:features=2:stall`, `1:bytes-out=4096:abort`.
public struct Fault: Sendable, Equatable {
    /// On which connections.
    public var connection: Reach
    /// At what.
    public var trigger: Trigger
    /// The how-manieth time.
    public var occurrence: Occurrence
    /// Whether it strikes when the thing is done, not in place of it.
    public var isAfter: Bool
    /// What goes wrong.
    public var effect: Effect

    /// A fault; the text of ``init(parsing:)`` is checked for sense, this is not.
    public init(
        on connection: Reach, at trigger: Trigger, time occurrence: Occurrence = .nth(1), after isAfter: Bool = false,
        _ effect: Effect
    ) {
        self.connection = connection
        self.trigger = trigger
        self.occurrence = occurrence
        self.isAfter = isAfter
        self.effect = effect
    }

    /// Connections by the order in which they came, from 1.
    public enum Reach: Sendable, Equatable {
        /// Each of them.
        case every
        /// That one.
        case only(Int)
        /// That one and all later ones.
        case from(Int)

        func covers(_ ordinal: Int) -> Bool {
            switch self {
            case .every: true
            case .only(let one): one == ordinal
            case .from(let first): first <= ordinal
            }
        }
    }

    /// The moments at which a fault can strike; the words of the text form.
    public enum Trigger: String, Sendable, CaseIterable {
        case connect, header, features, starttls, proceed, secured, auth, challenge, response, success, bind, enable
        case resume, request, ack, roster, archive, presence, join, iq, messages, groupchat, stanzas, sent, close
        case bytesIn = "bytes-in"
        case bytesOut = "bytes-out"
    }

    /// The how-manieth time of a trigger.
    public enum Occurrence: Sendable, Equatable {
        /// That one, from 1; for bytes: that many.
        case nth(Int)
        /// Every one.
        case each
    }

    /// What goes wrong.
    public enum Effect: Sendable, Equatable {
        /// The connection is reset.
        case abort
        /// A stream error of this condition, then the end of the stream.
        case close(condition: String)
        /// Nothing is read or written any more.
        case stall
        /// What is written waits that long.
        case pause(Duration)
        /// The thing does not happen, but counts as done.
        case lose
        /// The thing is answered with an error of this condition.
        case refuse(condition: String)
        /// No `<a/>` any more.
        case withholdAcks
        /// Every `<a/>` comes twice.
        case repeatAcks
        /// Every `h` told is wrong by this much.
        case acknowledgeShifted(by: Int32)
        /// Every `h` told is this.
        case acknowledgeAlways(UInt32)
        /// The session cannot be resumed.
        case forget
        /// These bytes are written.
        case send([UInt8])
        /// These bytes are given to the client as a stanza, which it is asked to acknowledge like any other.
        case deliver([UInt8])
        /// The server restarts: every connection is reset and every session ends.
        case restart
        /// The same, but sessions that can be resumed outlive it.
        case restartKeeping
        /// The room service does this wrong.
        case rooms(RoomFault)
        /// The archives do this wrong.
        case archives(ArchiveFault)
    }

    func strikes(_ trigger: Trigger, count: Int, after: Bool) -> Bool {
        guard self.trigger == trigger, isAfter == after else { return false }
        switch occurrence {
        case .each: return true
        case .nth(let number): return number == count
        }
    }
}
