import Config
import Endpoints
import Routing
import Session
import Stanza

/// What a run does: its rules, and how it takes input and gives output.
struct Work {
    var rules: [Rule]
    var options = Pump.Options()
    /// Whether any rule listens to the session; a run that only sends announces no presence.
    var listens: Bool
    var presence: Session.Configuration.Presence
    /// Whether lines that come on standard input are a mistake to tell.
    var watchesInput = false

    init(_ request: Request, _ file: Plan?) throws(StartFailure) {
        let flags = request.filter
        presence =
            file?.presence.map { .init(show: $0.show?.rawValue, status: $0.status, priority: $0.priority) } ?? .init()
        if let errand = request.errand {
            rules = []
            options.prints = errand.shows != nil || errand.json
            options.endOfInput = .stay
            // Whoever looks who is there draws no messages.
            presence.priority = -1
            listens = errand.showsUs
            return
        }
        presence.isHeldBack = file?.presence?.invisible ?? false
        if flags.decide {
            rules = try Self.rules(of: flags, talks: request.command != nil)
        } else {
            rules = try Self.rules(of: file, isDaemon: request.isDaemon)
        }
        watchesInput = !request.isDaemon && !rules.contains { $0.from.contains(.stdin) }
        let router = Router(rules: rules, host: "")
        let readers = rules.filter { $0.from.contains(.stdin) }
        let commands = readers.allSatisfy { $0.to == [.commands] && $0.takesAll }
        options.reads =
            flags.input == .ndjson ? .commands : readers.isEmpty ? .nothing : commands ? .commands : .lines
        options.answersCommands = options.reads == .commands || router.usesCommands
        options.prints = router.usesStdout || options.answersCommands
        options.hasChild = request.command != nil
        // A command that talks with somebody reads what a person would.
        let talks = options.hasChild && flags.decide && !flags.events && flags.input == .lines
        options.output = flags.output ?? (talks ? .text : .ndjson)
        options.printsSession = !flags.from.isEmpty && !rules.contains { $0.from.contains(.events) }
        options.count = flags.count
        options.timeout = try flags.timeout.map { text throws(StartFailure) in try duration(text, "--timeout") }
        if let count = flags.count, count < 1 { throw StartFailure(.usage, "--count must be 1 or more") }
        let waits = flags.count != nil || flags.timeout != nil
        options.endOfInput = flags.onEOF ?? (waits || request.isDaemon || options.hasChild ? .stay : .drain)
        options.framing = LineFramer.Limits()
        options.framing.overlong = flags.overlong == .split ? .split : .refuse
        options.isDaemon = request.isDaemon
        options.asksReceipts = flags.receipts || file?.receipts.ask == true
        // Standing policy is for those who hear of others: not for a filter that only sends.
        listens =
            router.usesEvents || options.answersCommands || router.showsPresence || request.isDaemon
        if listens, let contacts = file?.contacts {
            options.accepts = contacts.accept
            options.invitations = contacts.invitations
            options.blocks = contacts.block
        }
    }

    /// The rules that flags stand for; they take the place of the file's.
    /// - Parameter talks: whether those who are sent to are heard as well, where nothing is said of it.
    private static func rules(of flags: FilterOptions, talks: Bool) throws(StartFailure) -> [Rule] {
        guard let type = Rule.MessageType(rawValue: flags.type) else {
            throw StartFailure(.usage, "--type \(flags.type): expected chat, normal or headline")
        }
        var rules: [Rule] = []
        let recipients = try flags.to.map { text throws(StartFailure) in try endpoint(text, "--to") }
        var senders = try flags.from.map { text throws(StartFailure) in try endpoint(text, "--from") }
        if talks, senders.isEmpty { senders = recipients }
        if flags.input == .ndjson, !recipients.isEmpty {
            throw StartFailure(.usage, "--to and --input ndjson exclude each other: a command names its own recipient")
        }
        if !recipients.isEmpty { rules.append(try rule(from: [.stdin], to: recipients, type)) }
        if flags.events || (flags.input == .ndjson && senders.isEmpty) {
            rules.append(try rule(from: [.events], to: [.stdout], type))
        } else if !senders.isEmpty {
            rules.append(try rule(from: senders, to: [.stdout], type))
        }
        return rules
    }

    private static func endpoint(_ text: String, _ flag: String) throws(StartFailure) -> Endpoint {
        do throws(EndpointProblem) {
            let named = text.hasPrefix("xmpp:") || text.hasPrefix("room:") ? text : "xmpp:" + text
            return try Endpoint(parsing: named)
        } catch {
            throw StartFailure(.usage, "\(flag) \(text): \(error)")
        }
    }

    private static func rule(from: [Endpoint], to: [Endpoint], _ type: Rule.MessageType) throws(StartFailure) -> Rule {
        do throws(Rule.Problems) { return try Rule(from: from, to: to, type: type) } catch {
            throw StartFailure(.usage, error.list.map { "\($0.what); \($0.hint)" }.joined(separator: "; "))
        }
    }

    /// A rule as the filter runs it: files and FIFOs that others write are the daemon's, and so is what goes into a file
    /// without coming from our standard input.
    private static func ofFilter(_ rule: Rule) -> Rule? {
        guard rule.from.contains(.stdin) || rule.to.contains(.stdout) else { return nil }
        return rule.between({ !$0.isFile }, { rule.from.contains(.stdin) || !$0.isFile })
    }

    /// The file's rules: all of them for the daemon, those that touch standard input or output for the filter; without
    /// any, a filter prints the events.
    private static func rules(of file: Plan?, isDaemon: Bool) throws(StartFailure) -> [Rule] {
        let all = file?.rules ?? []
        if isDaemon {
            guard !all.isEmpty else {
                throw StartFailure(
                    .configuration,
                    "there is nothing to run; write bridges: in the configuration file, or give --config")
            }
            return all
        }
        let mine = all.compactMap(ofFilter)
        return mine.isEmpty ? [try rule(from: [.events], to: [.stdout], .chat)] : mine
    }
}
