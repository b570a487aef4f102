public import Stanza

extension LoopbackServer {
    /// The number by which the driver knows a connection; never used twice.
    public typealias ConnectionID = UInt64

    /// What happened at the sockets.
    public enum Input: Sendable {
        /// A client connected; with `directTLS` the handshake is done already (XEP-0368).
        case connected(ConnectionID, directTLS: Bool)
        /// The TLS handshake asked for by ``Action/startTLS(_:)`` is done.
        case secured(ConnectionID)
        /// The client's stream header.
        case streamOpened(ConnectionID, Element)
        /// A whole element of the stream.
        case element(ConnectionID, Element)
        /// The client's `</stream:stream>`.
        case streamClosed(ConnectionID)
        /// The client's bytes cannot be read; `condition` is the stream error to tell (RFC 6120 4.9.3), for example
        /// `not-well-formed`.
        case streamBroken(ConnectionID, condition: String)
        /// The connection is gone. Comes once for every connection, whoever ended it.
        case disconnected(ConnectionID)
        /// ``LoopbackServer/deadline`` has come.
        case timeout
        /// A test wants the room service to do this wrong, now.
        case ordered(RoomFault)
        /// A test wants the client of that full address to be given these bytes as a stanza, whoever they say they are
        /// from; nothing happens where nobody is there.
        case forged(to: JID, [UInt8])
        /// A test wants the server to restart now, as ``Fault/Effect/restart`` or ``Fault/Effect/restartKeeping`` does.
        case restarted(keepsSessions: Bool)
    }

    /// What to do, in this order.
    public enum Action: Sendable, Equatable {
        /// Write these bytes.
        case write(ConnectionID, [UInt8])
        /// Flush what is written, then be the server of a TLS handshake; answer with ``Input/secured(_:)``.
        case startTLS(ConnectionID)
        /// The next byte read is parsed by a fresh parser (RFC 6120 4.3.3); also comes right behind ``startTLS(_:)``.
        case restartStream(ConnectionID)
        /// Flush what is written, then close.
        case close(ConnectionID)
        /// Reset the connection now; what is not flushed is lost.
        case abort(ConnectionID)
        /// Something to tell a person or a test; nothing to do.
        case observed(Observation)
    }

    /// What the server saw.
    public enum Observation: Sendable, Equatable {
        /// A client bound this address, or resumed the session of it.
        case login(JID, resumed: Bool)
        /// This session is over; a lost connection alone does not end a session that can be resumed.
        case logout(JID)
        /// An authentication failed with this condition.
        case refused(account: String, condition: String)
        /// A client sent a message, and this came of it.
        case message(SeenMessage)
        /// A fault struck on the connection with that number (the first is 1).
        case fault(Fault, connection: Int)
    }

    /// A message as the server saw it.
    public struct SeenMessage: Sendable, Equatable {
        /// The full address of the sender.
        public var from: JID
        /// The address as the sender wrote it; the sender's own where there was none.
        public var to: String
        /// `normal` where the stanza says nothing (RFC 6121 5.2.2).
        public var type: String
        /// The stanza's id.
        public var id: String?
        /// The first body.
        public var body: String?
        /// What came of it.
        public var outcome: Outcome

        /// A message as the server saw it.
        public init(from: JID, to: String, type: String, id: String?, body: String?, outcome: Outcome) {
            self.from = from
            self.to = to
            self.type = type
            self.id = id
            self.body = body
            self.outcome = outcome
        }

        /// What came of a message.
        public enum Outcome: Sendable, Equatable {
            /// It went to that many sessions.
            case delivered(sessions: Int)
            /// It waits in the offline store.
            case stored
            /// It went back with this condition.
            case bounced(condition: String)
            /// It was of a kind that goes nowhere without a word (RFC 6121 8.5).
            case ignored
        }
    }
}
