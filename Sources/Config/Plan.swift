public import Routing
public import Stanza

/// A configuration file, checked: what is in it fits together, and nothing in it was overlooked.
public struct Plan: Sendable, Equatable {
    /// The account, where the file gives one; flags and the environment stand over it.
    public var account: Account?
    /// How the session shows itself; nil is plainly available.
    public var presence: Presence?
    /// Standing policy about other people.
    public var contacts = Contacts()
    /// The rooms to be in, and how; a room that only a bridge names is joined as well.
    public var rooms: [Room] = []
    /// Receipts (XEP-0184).
    public var receipts = Receipts()
    /// Where accepted messages wait.
    public var spool = Spool()
    /// The bridges, in the order of the file.
    public var rules: [Rule] = []
    /// What is legal, and likely not meant.
    public var warnings: [Problem] = []
    /// Where the first password stands that the file itself holds; nil where it holds none.
    public var plainPassword: Place?

    /// An empty plan.
    public init() {}

    /// The account and how to reach it. What the file leaves out is nil.
    public struct Account: Sendable, Equatable {
        /// The account: a bare JID; a domain alone with ``anonymous``.
        public var jid: JID?
        /// Where the password is; never read here.
        public var password: PasswordSource?
        /// The server to connect to, where SRV records shall not say.
        public var server: ServerAddress?
        /// Certificates of authorities to trust, PEM, instead of the system's; as written in the file.
        public var caFile: String?
        /// The certificate that the server must show, instead of the checks by authorities and names.
        public var fingerprint: Fingerprint?
        /// The client's certificate, PEM, for EXTERNAL; as written in the file.
        public var clientCertificate: String?
        /// The key of ``clientCertificate``, PEM; as written in the file.
        public var clientKey: String?
        /// The resource to bind, prepared.
        public var resource: String?
        /// Whether to log in without an account (XEP-0175).
        public var anonymous = false
        /// When to give up.
        public var retry: RetryPolicy?
        /// From the start of one attempt to its being online.
        public var connectTimeout: Duration?

        /// An account of which nothing is known.
        public init() {}
    }

    /// Our own presence (RFC 6121 4.7).
    public struct Presence: Sendable, Equatable {
        /// Nil is plainly available.
        public var show: Show?
        /// Words for a person.
        public var status: String?
        /// -128...127.
        public var priority: Int = 0
        /// Whether nobody is told that we are there, until a command says otherwise.
        public var invisible = false

        /// Plain availability.
        public init() {}

        /// How available (RFC 6121 4.7.2.1).
        public enum Show: String, Sendable, CaseIterable {
            /// Gone for a moment.
            case away
            /// Open for a chat.
            case chat
            /// Do not disturb.
            case dnd
            /// Gone for longer.
            case xa
        }
    }
}

extension Plan {
    /// A place in the file.
    public struct Place: Sendable, Equatable {
        /// The line, from 1.
        public var line: Int
        /// The column in characters, from 1.
        public var column: Int
    }

    /// What is to be said where the file holds a password and others than its owner and group may read it.
    /// - Parameter mode: the file's permissions (`st_mode`).
    public func exposure(mode: UInt32) -> Problem? {
        guard let place = plainPassword, mode & 0o004 != 0 else { return nil }
        return Problem(
            line: place.line, column: place.column, what: "everybody on this machine can read this password",
            hint: "chmod o-r the file, or keep the password apart: password: {file: PATH}")
    }

    /// Standing policy about other people.
    public struct Contacts: Sendable, Equatable {
        /// Whose subscription requests are approved at once; the others wait as events.
        public var accept: [JIDGlob] = []
        /// Who is blocked (XEP-0191); whoever is blocked already stays so.
        public var block: [JID] = []
        /// Whose invitations into rooms are followed.
        public var invitations: [JIDGlob] = []

        /// Nobody.
        public init() {}
    }

    /// A room to be in (XEP-0045).
    public struct Room: Sendable, Equatable {
        /// Its bare address.
        public var jid: JID
        /// How we are called in it; nil: as the account is.
        public var nick: String?
        /// Where its password is.
        public var password: PasswordSource?
        /// Whether it is made where it is not there.
        public var create = false
        /// Messages of before that are asked for.
        public var history = 0
        /// What to do where somebody has our nick.
        public var nickConflict = NickConflict.alter
        /// Whether we come back when we are kicked.
        public var rejoin = false

        /// A room with its defaults.
        public init(jid: JID) { self.jid = jid }

        /// What to do where somebody has our nick.
        public enum NickConflict: String, Sendable, CaseIterable {
            /// Take one like it.
            case alter
            /// Stay out.
            case refuse
        }

        /// The most messages of before that may be asked for.
        public static let historyMax = 1_000
    }

    /// Receipts (XEP-0184).
    public struct Receipts: Sendable, Equatable {
        /// Whether our messages ask for one.
        public var ask = false
        /// Who gets one that asks.
        public var answer = Answer.contacts

        /// Asked of nobody, given to contacts.
        public init() {}

        /// Who gets a receipt.
        public enum Answer: String, Sendable, CaseIterable {
            /// Nobody.
            case never
            /// Those who may see our presence.
            case contacts
            /// Everybody who asks.
            case everybody
        }
    }
}

/// Where the password of an account, or of a room, is. No description, log or dump shows more than its kind and place.
public enum PasswordSource: Sendable, Equatable {
    /// It stands in the file itself.
    case plain(String)
    /// The first line of that file.
    case file(String)
    /// That variable of the environment.
    case environment(String)
    /// That credential of the service (systemd `LoadCredential=`).
    case credential(String)
    /// The first line that this program prints, run without a shell.
    case command([String])
}

extension PasswordSource: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Its kind and place, without the secret; of a command the program alone.
    public var description: String {
        switch self {
        case .plain: "the password in the configuration"
        case .file(let path): "the password in the file \(path)"
        case .environment(let name): "the password in the variable \(name)"
        case .credential(let name): "the password in the credential \(name)"
        case .command(let words): "the password that \(words.first ?? "a command") prints"
        }
    }

    /// As ``description``.
    public var debugDescription: String { description }
    /// Nothing: a mirror shows what it reflects.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// When to give up reconnecting (DESIGN 5.1).
public enum RetryPolicy: Sendable, Equatable {
    /// One attempt; its failure ends the run.
    case failFast
    /// That long without being online; more than zero.
    case within(Duration)
    /// Never.
    case forever

    /// Parses `fail-fast`, `forever` or a length of time.
    /// - Throws: ``DurationProblem`` that says what was expected.
    public init(parsing text: String) throws(DurationProblem) {
        switch text {
        case "fail-fast": self = .failFast
        case "forever": self = .forever
        case _:
            let hint = "expected fail-fast, forever or a length of time such as 10m"
            let duration: Duration
            do {
                duration = try Duration(parsing: text)
            } catch {
                let near = Wording.nearest(to: text, among: ["fail-fast", "forever"])
                throw DurationProblem(what: error.what, hint: near.map { "did you mean \($0)?" } ?? hint)
            }
            if duration == .zero { throw DurationProblem(what: "no time to retry in", hint: "did you mean fail-fast?") }
            self = .within(duration)
        }
    }
}
