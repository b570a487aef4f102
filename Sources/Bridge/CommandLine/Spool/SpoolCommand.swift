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
            discussion: "They go behind what waits for the same destination, by the next run that begins.")
        @OptionGroup var selection: SelectionOptions
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (selection, session) = (selection, session)
            try ending { () throws(StartFailure) in
                try SpoolChange(try SpoolView(session, .process)).retry(try SpoolSelection(selection)).rawValue
            }
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop", abstract: "Forget messages, for ever; asks nothing.",
            discussion: "What waits in a part whose process lives is that process's: only refused messages go.")
        @OptionGroup var selection: SelectionOptions
        @Flag(name: .long, help: "Of those only what was refused for good.") var dead = false
        @OptionGroup(visibility: .hidden) var session: SessionOptions

        mutating func run() throws {
            let (selection, dead, session) = (selection, dead, session)
            try ending { () throws(StartFailure) in
                try SpoolChange(try SpoolView(session, .process)).drop(try SpoolSelection(selection), deadOnly: dead)
                    .rawValue
            }
        }
    }
}

/// Which messages are meant.
struct SelectionOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The messages.", valueName: "[part/]number")) var messages: [String] = []
    @Option(name: .long, help: ArgumentHelp("All for there.", valueName: "jid | room:jid")) var to: String?
    @Flag(name: .long, help: "All there are.") var all = false

    func validate() throws {
        if [!messages.isEmpty, to != nil, all].filter({ $0 }).count != 1 {
            throw ValidationError("name the messages, or give --to JID, or --all")
        }
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

    init(_ options: SelectionOptions) throws(StartFailure) {
        if options.all {
            self = .all
        } else if let to = options.to {
            let isRoom = to.hasPrefix("room:")
            let jid = try address(isRoom ? String(to.dropFirst(5)) : to, "--to")
            self = .lanes(isRoom ? ["room:\(jid)"] : ["xmpp:\(jid)", "room:\(jid)"])
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
