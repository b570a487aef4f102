public import Stanza

extension LoopbackServer {
    /// What a server is told once, before it starts.
    public struct Configuration: Sendable {
        /// The domain it serves, as an address.
        public let domain: JID
        /// Its accounts.
        public let accounts: [Account]
        /// Whether it can begin TLS when asked to (RFC 6120 5).
        public var offersSTARTTLS = true
        /// Whether it says so in its features; one that does not still begins TLS when asked.
        public var advertisesSTARTTLS = true
        /// Whether a client must have TLS before it may authenticate.
        public var requiresTLS = true
        /// The mechanisms it offers, in the order of its features.
        public var saslMechanisms: [Mechanism] = [.scramSHA256]
        /// Rounds of PBKDF2 behind SCRAM (RFC 7677 4 asks for 4096 at least).
        public var scramIterations = 4096
        /// Whether it offers stream management (XEP-0198).
        public var streamManagement = true
        /// How long a session without a connection waits to be resumed; zero: no resumption.
        public var resumptionTimeout: Duration = .seconds(60)
        /// The largest stanza it takes, announced by XEP-0478; measured as the bytes of names, values and text.
        public var stanzaBytesMax: Int?
        /// Whether every message is told as ``Observation/message(_:)``; a benchmark turns that off.
        public var observesMessages = true
        /// Whose habits it has.
        public var profile: Profile = .plain
        /// How an account can block somebody.
        public var blocking: Blocking = .command
        /// Whether sessions can have copies of messages (XEP-0280).
        public var carbons = true
        /// Whether accounts and rooms have archives (XEP-0313), and messages the ids they have there (XEP-0359).
        public var archives = true
        /// Whether it says that it takes approvals before they are asked for (RFC 6121 3.4); it takes them anyway.
        public var advertisesPreApproval = true
        /// The rooms at `conference.DOMAIN`.
        public var roomService = RoomService()
        /// The size of its stores and queues.
        public var limits = Limits()

        /// A configuration with its defaults.
        /// - Throws: ``Failure`` that names the domain or account that is no address.
        public init(domain: String, accounts: [(name: String, password: String)]) throws(Failure) {
            guard let parsed = try? JID(domain), parsed.local == nil, parsed.isBare else { throw .domain(domain) }
            var known: [Account] = []
            for (name, password) in accounts {
                guard let jid = try? JID("\(name)@\(parsed.domain)"), let local = jid.local, jid.isBare else {
                    throw .account(name)
                }
                if known.contains(where: { $0.name == local }) { throw .repeatedAccount(name) }
                known.append(Account(name: local, password: Password(revealed: password)))
            }
            self.domain = parsed
            self.accounts = known
        }
    }
}

extension LoopbackServer.Configuration {
    /// Why a configuration cannot be.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// This is no domain.
        case domain(String)
        /// This is no localpart of an address.
        case account(String)
        /// This is no localpart of a room's address.
        case room(String)
        /// This account is named twice.
        case repeatedAccount(String)

        /// One line for a person.
        public var description: String {
            switch self {
            case .domain(let text): "loopback server: '\(text)' is no domain; give a name like localhost"
            case .account(let text): "loopback server: '\(text)' is no account name; give the part before the @"
            case .room(let text): "loopback server: '\(text)' is no room name; give the part before the @"
            case .repeatedAccount(let text): "loopback server: the account '\(text)' is named twice; name it once"
            }
        }
    }

    /// An account; its password is shown by no description.
    public struct Account: Sendable {
        /// The localpart, prepared.
        public let name: String
        let password: Password
    }

    /// A SASL mechanism the server knows.
    public enum Mechanism: String, Sendable, CaseIterable {
        /// RFC 5802.
        case scramSHA1 = "SCRAM-SHA-1"
        /// RFC 7677.
        case scramSHA256 = "SCRAM-SHA-256"
        /// The same with SHA-512.
        case scramSHA512 = "SCRAM-SHA-512"
        /// RFC 4616.
        case plain = "PLAIN"
    }

    /// How an account can block somebody.
    public enum Blocking: Sendable, CaseIterable {
        /// By the blocking command (XEP-0191).
        case command
        /// By privacy lists alone (XEP-0016), as Openfire 4.2 has them.
        case privacyLists
        /// It cannot.
        case none
    }

    /// Whose habits the server has.
    public enum Profile: String, Sendable, CaseIterable {
        /// What the RFCs say.
        case plain
        /// Openfire 5.1: its features and their order, its bind result, pushes without `from` and before the result,
        /// errors with a legacy code, messages to nobody that vanish, a version query after login.
        case openfire
    }

    /// Named limits, unit last.
    public struct Limits: Sendable, Equatable {
        /// Connections at once; one more is aborted.
        public var connectionsMax = 1_024
        /// Sessions of one account, resumable ones too; one more gets `resource-constraint`.
        public var accountSessionsMax = 64
        /// Messages kept for an account without a session; one more bounces with `service-unavailable`.
        public var offlineStanzasMax = 10_000
        /// Stanzas a session may leave unacknowledged; one more ends it, its messages go to the offline store.
        public var unacknowledgedStanzasMax = 20_000
        /// Contacts of one account, requests included; one more gets `resource-constraint`.
        public var rosterItemsMax = 1_000
        /// Addresses that got directed presence of a session; those past it hear no goodbye.
        public var directedPresencesMax = 256
        /// Bytes held back by a pause (``Fault``); past it the connection is aborted.
        public var pausedBytesMax = 4 * 1_024 * 1_024
        /// Failed authentications of one connection before it is closed.
        public var authenticationFailuresMax = 3
        /// Ended sessions whose `h` is still told to who wants to resume them.
        public var endedSessionsMax = 64
        /// Addresses that an account can block; one more is refused with `resource-constraint`.
        public var blockedAddressesMax = 1_000
        /// Privacy lists of an account; one more is refused with `resource-constraint`.
        public var privacyListsMax = 64
        /// Messages in one archive; past it the oldest goes.
        public var archivedMessagesMax = 10_000
        /// Messages in one page of an archive, whatever was asked for.
        public var archivePageMessagesMax = 100
        /// Rooms at once; one more is refused with `resource-constraint`.
        public var roomsMax = 256

        /// The defaults.
        public init() {}
    }
}

/// A password that no description shows.
struct Password: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let revealed: String

    var description: String { "(password)" }
    var debugDescription: String { "(password)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
