import ArgumentParser

/// `spool`: what waits on disk, for a person.
struct SpoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool", abstract: "Show what waits to be sent, and decide about what was refused.",
        discussion: """
            The state directory is that of --state DIR, $STATE_DIRECTORY, or the account's: --jid, $XMPP_BRIDGE_JID, or \
            that of bridges.yaml (--config). No password is needed, and no server.

            A message is named as list --messages prints it: PART/NUMBER, or the number alone where no other part has it. \
            Processes that use the spool meanwhile are not held up.

            Exit status: 66 there is no such message, or no such directory; 73 the state cannot be used, or is damaged; 75 \
            the messages are in the hands of a process that lives; 78 a newer version has made it.
            """,
        subcommands: [List.self, Show.self, Retry.self, Drop.self, Export.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show what waits: how much, for whom, since when, and why.")
        @Flag(name: .long, help: "Each message, instead of each destination.") var messages = false
        @Flag(name: .long, help: "Print JSON, an object a line, instead of a table.") var json = false
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (messages, json, session) = (messages, json, session)
            try ending { () throws(StartFailure) in
                let view = try SpoolView(session, .process)
                if messages { return try SpoolListing(view).messages(json: json).rawValue }
                return try SpoolListing(view).lanes(json: json).rawValue
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show one message whole: its text, its state, its stanza.")
        @Argument(help: ArgumentHelp("The message.", valueName: "[part/]number")) var message: String
        @Flag(name: .long, help: "Print a JSON object.") var json = false
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (message, json, session) = (message, json, session)
            try ending { () throws(StartFailure) in
                let view = try SpoolView(session, .process)
                return try SpoolListing(view).show(try MessageName(message), json: json).rawValue
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Print all messages as JSON, an object a line.")
        @Flag(name: .long, help: "Only those that were refused for good.") var dead = false
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (dead, session) = (dead, session)
            try ending { () throws(StartFailure) in
                try SpoolListing(try SpoolView(session, .process)).messages(json: true, deadOnly: dead).rawValue
            }
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry", abstract: "Have messages sent again that were refused for good.",
            usage: SelectionOptions.usage("retry"),
            discussion: "They go behind what waits for the same destination, by the next run that begins.")
        @OptionGroup var selection: SelectionOptions
        @OptionGroup(visibility: .hidden) var filter: FilterOptions
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (selection, filter, session) = (selection, filter, session)
            try ending { () throws(StartFailure) in
                let chosen = try SpoolSelection(selection, filter)
                return try SpoolChange(try SpoolView(session, .process)).retry(chosen).rawValue
            }
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop", abstract: "Forget messages, for ever; asks nothing.",
            usage: SelectionOptions.usage("drop") + " [--dead]",
            discussion: "What waits in a part whose process lives is that process's: only refused messages go.")
        @OptionGroup var selection: SelectionOptions
        @OptionGroup(visibility: .hidden) var filter: FilterOptions
        @Flag(name: .long, help: "Of those only what was refused for good.") var dead = false
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (selection, filter, dead, session) = (selection, filter, dead, session)
            try ending { () throws(StartFailure) in
                let chosen = try SpoolSelection(selection, filter)
                return try SpoolChange(try SpoolView(session, .process)).drop(chosen, deadOnly: dead).rawValue
            }
        }
    }
}

/// Which messages are meant: those that are named, all, or all for a destination. That one is `--to`, which the parser
/// gives to the options of the filter, wherever it stands.
struct SelectionOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The messages; or --to JID or --to room:JID: all for there.", valueName: "[part/]number"))
    var messages: [String] = []
    @Flag(name: .long, help: "All there are.") var all = false

    static func usage(_ deed: String) -> String {
        "xmpp-bridge spool \(deed) ([<part>/]<number> ... | --to <jid | room:jid> ... | --all)"
    }
}

/// A message by its number, and its part where that is said.
struct MessageName: Equatable, CustomStringConvertible {
    var part: Int?
    var number: UInt64

    init(_ text: String) throws(StartFailure) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count <= 2, let number = UInt64(words[words.count - 1]) else { throw Self.problem(text) }
        self.number = number
        guard words.count == 2 else { return }
        guard let part = Int(words[0]), part > 0 else { throw Self.problem(text) }
        self.part = part
    }

    private static func problem(_ text: String) -> StartFailure {
        StartFailure(.usage, "the message \(text): expected a number, or PART/NUMBER as in 1/17")
    }

    var description: String { (part.map { "\($0)/" } ?? "") + "\(number)" }
}

/// Which messages are meant, read.
enum SpoolSelection: Equatable {
    case named([MessageName])
    /// The names of their lanes.
    case lanes(Set<String>)
    case all

    init(_ options: SelectionOptions, _ filter: FilterOptions) throws(StartFailure) {
        var others = filter
        others.to = []
        guard others.isPlain else {
            throw StartFailure(.usage, "of the filter's options, only --to chooses messages of the spool")
        }
        guard [!options.messages.isEmpty, !filter.to.isEmpty, options.all].filter({ $0 }).count == 1 else {
            throw StartFailure(.usage, "name the messages, or give --to JID, or --all")
        }
        if options.all {
            self = .all
        } else if !filter.to.isEmpty {
            var names: Set<String> = []
            for to in filter.to {
                let isRoom = to.hasPrefix("room:")
                let jid = try address(isRoom ? String(to.dropFirst(5)) : to, "--to")
                names.formUnion(isRoom ? ["room:\(jid)"] : ["xmpp:\(jid)", "room:\(jid)"])
            }
            self = .lanes(names)
        } else {
            var names: [MessageName] = []
            for text in options.messages { names.append(try MessageName(text)) }
            self = .named(names)
        }
    }

    /// Whether the message is one of them, wherever it is not named.
    func takes(lane: String) -> Bool {
        switch self {
        case .named: false
        case .lanes(let names): names.contains(lane)
        case .all: true
        }
    }
}
