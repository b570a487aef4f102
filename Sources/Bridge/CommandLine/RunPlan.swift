import Config
import Endpoints
import Glibc
import Routing
import Session
import Spool
import Stanza
import Wire

// Flags stand over the environment, the environment over the file (DESIGN 5.1).
extension RunPlan {
    /// Makes a plan, or tells what is missing or wrong.
    init(_ request: Request, environment: Environment) throws(StartFailure) {
        let flags = request.session
        let path = ConfigurationFile.find(flag: flags.config, environment)
        let file = try path.map { path throws(StartFailure) in try ConfigurationFile.load(path) }
        let work = try Work(request, file)
        command = request.command.map {
            ChildCommand(words: $0, hiddenVariables: SecretSource.variables(of: file))
        }
        if work.options.prints, command == nil, StandardDescriptors.closedAtStart.contains(STDOUT_FILENO) {
            throw StartFailure(.io, "standard output is closed, and this run is to print there")
        }
        let account = try AccountChoice(flags, environment, file?.account)
        session = Session.Configuration(
            account: account.jid, resource: nil, credentials: account.credentials,
            presence: work.listens ? work.presence : nil)
        let part = try Self.part(of: request, account, file?.spool, environment)
        session.resource = try Self.resource(account, part, environment)
        let nick = try RoomsOfRun.nick(request.filter, account: account.jid)
        session.receipts =
            switch file?.receipts.answer ?? .contacts {
            case .never: .never
            case .contacts: .contacts
            case .everybody: .everybody
            }
        session.security = flags.plaintext ? .plaintextAllowed : .required
        session.software.version = ProgramVersion.text
        session.retry = try Self.retry(flags.retry, account.retry, request)
        if let timeout = flags.connectTimeout {
            session.connectTimeout = try duration(timeout, "--connect-timeout")
        } else if let timeout = account.connectTimeout {
            session.connectTimeout = timeout
        }
        if session.connectTimeout <= .zero {
            throw StartFailure(.usage, "--connect-timeout must be longer than nothing")
        }

        directions = Connector.Directions(
            account: account.jid.server, server: account.server, resolver: try Self.resolver(environment),
            connectTimeout: session.connectTimeout)
        tls = account.tls
        rules = work.rules
        errand = request.errand
        options = work.options
        options.retry = session.retry
        options.nick = nick
        options.rooms = try RoomsOfRun.choices(
            work.rules, file, request, nick: nick, environment)
        reload = Self.reload(path, file, request, environment, nick: nick)
        options.waitsForLogin = session.retry == .failFast
        options.watchesInput = work.watchesInput && (command != nil || Self.inputMayBring())
        host = environment.host
        token = Self.randomToken()
        logLevel = flags.logLevel
        quiet = flags.quiet
        try keepState(in: part, work, file?.spool)
    }

    private static func reload(
        _ path: String?, _ file: Plan?, _ request: Request, _ environment: Environment, nick: String
    ) -> (@Sendable () throws(StartFailure) -> Reload)? {
        guard let path, let file, !request.filter.decide, request.errand == nil else { return nil }
        return { () throws(StartFailure) in
            try reloaded(from: path, after: file, request, environment, nick: nick)
        }
    }

    /// What the file says now. Its account is not looked at: that one is logged in.
    private static func reloaded(
        from path: String, after first: Plan, _ request: Request, _ environment: Environment, nick: String
    ) throws(StartFailure) -> Reload {
        let file = try ConfigurationFile.load(path)
        let work = try Work(request, file)
        let rooms = try RoomsOfRun.choices(work.rules, file, request, nick: nick, environment)
        var reload = Reload(rules: work.rules, rooms: rooms, presence: work.presence)
        reload.accepts = work.options.accepts
        reload.invitations = work.options.invitations
        reload.blocks = work.options.blocks
        reload.asksReceipts = work.options.asksReceipts
        if file.account != first.account { reload.lasting.append("account") }
        if file.spool != first.spool { reload.lasting.append("spool") }
        if file.receipts.answer != first.receipts.answer { reload.lasting.append("receipts: answer") }
        return reload
    }

    /// Everything that is accepted is kept in our part of the state, where there is one.
    private mutating func keepState(in part: StatePart?, _ work: Work, _ spool: Plan.Spool?) throws(StartFailure) {
        guard let part else { return }
        if !part.follows, work.rules.contains(where: { $0.from.contains(where: \.isTail) }) {
            let what = "another run follows files with the state directory \(part.state)"
            throw StartFailure(.cannotCreate, "\(what); end it, or give another with --state")
        }
        options.spool = part.contents
        options.stateName = part.state
        if command == nil, var place = FileReader.place(STDIN_FILENO) {
            let kept = part.contents.checkpoints
            if kept[Pump.Checkpoint.unclean] != nil, let step = kept[Pump.Checkpoint.input] {
                place.offset = place.offset(after: step)
            }
            options.input = place
            options.leftLineBytesMax = .max
        }
        if let spool { options.spoolBytesMax = spool.bytesMax }
        keeper = part.keeper
        notes = part.notes
    }

    /// The resource: the user's, or that of our part of the state, so that two processes never fight over it.
    private static func resource(
        _ account: AccountChoice, _ part: StatePart?, _ environment: Environment
    ) throws(StartFailure) -> String? {
        if let resource = account.resource {
            do { _ = try account.jid.with(resource: resource) } catch {
                throw StartFailure(.usage, "the resource \"\(resource)\" cannot be used: \(error)")
            }
            return resource
        }
        // The server of an anonymous login chooses the account, so there is nothing to be stable for.
        if case .anonymous = account.credentials { return nil }
        return part?.resource ?? "xmpp-bridge.\(environment.host)-\(randomToken())"
    }

    /// Our part of the state; nil where nothing is to be kept. What a subcommand does is over with it.
    private static func part(
        of request: Request, _ account: AccountChoice, _ spool: Plan.Spool?, _ environment: Environment
    ) throws(StartFailure) -> StatePart? {
        let flags = request.session
        guard request.errand == nil else { return nil }
        if flags.noState {
            if flags.logLevel <= .info, !flags.quiet {
                Diagnostics.say(
                    "--no-state: what is not sent when this run ends is gone, and the next one catches up with nothing")
            }
            return nil
        }
        let durability: SQLiteStore.Durability =
            switch spool?.durability ?? .power {
            case .power: .power
            case .process: .process
            }
        return try StatePart.take(
            directory: StatePlace.directory(flags, environment, account: account.jid), account: account.jid.text,
            role: request.isDaemon ? .daemon : .filter, host: environment.host, durability: durability)
    }

    private static func retry(
        _ flag: String?, _ file: RetryPolicy?, _ request: Request
    ) throws(StartFailure) -> Session.Configuration.Retry {
        var policy = file ?? (request.isDaemon ? .forever : .within(.seconds(600)))
        // Somebody sits and waits for it.
        if request.errand != nil { policy = .failFast }
        if let flag {
            do throws(DurationProblem) { policy = try RetryPolicy(parsing: flag) } catch {
                throw StartFailure(.usage, "--retry \(flag): \(error)")
            }
        }
        switch policy {
        case .failFast: return .failFast
        case .within(let duration): return .within(duration)
        case .forever: return .forever
        }
    }

    /// Tests name their own server of names: `ADDRESS:PORT`.
    private static func resolver(_ environment: Environment) throws(StartFailure) -> Resolver {
        guard let text = environment["XMPP_BRIDGE_NAMESERVER"] else { return Resolver() }
        let parts = text.split(separator: ":")
        var address = in_addr()
        guard parts.count == 2, let port = UInt16(parts[1]), inet_pton(AF_INET, String(parts[0]), &address) == 1 else {
            throw StartFailure(.configuration, "XMPP_BRIDGE_NAMESERVER=\(text): expected ADDRESS:PORT")
        }
        return Resolver(nameserver: (String(parts[0]), port))
    }

    /// Whether standard input is something that a producer may write to: not a terminal, not /dev/null.
    private static func inputMayBring() -> Bool {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0 else { return false }
        let kind = status.st_mode & S_IFMT
        return kind == S_IFIFO || (kind == S_IFREG && status.st_size > 0)
    }

    private static func randomToken() -> String {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        return String(decoding: Clock.randomBytes(8).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }
}

/// Parses a duration that a flag or a variable gives.
func duration(_ text: String, _ name: String) throws(StartFailure) -> Duration {
    do throws(DurationProblem) { return try Duration(parsing: text) } catch {
        throw StartFailure(.usage, "\(name) \(text): \(error)")
    }
}

extension Endpoint {
    /// Whether it is a file that is followed.
    fileprivate var isTail: Bool { if case .tail = self { true } else { false } }
}
