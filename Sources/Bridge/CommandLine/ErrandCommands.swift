import ArgumentParser
import Endpoints
import Routing
import Stanza

/// What all subcommands that do something in one session share.
struct ErrandOptions: ParsableArguments {
    @Flag(name: .long, help: "Print events as JSON, one a line, instead of a table.")
    var json = false

    @OptionGroup(title: "The session") var session: SessionOptions
}

/// Runs a subcommand's commands in one session; ends the process with the status.
func runErrand(_ options: ErrandOptions, nick: String? = nil, _ make: () throws(StartFailure) -> Errand) throws {
    try ending { () throws(StartFailure) in
        var errand = try make()
        errand.json = options.json
        var request = Request(kind: .errand(errand), filter: FilterOptions.plain, session: options.session)
        request.filter.nick = nick
        return try Runner.run(try RunPlan(request, environment: .process))
    }
}

/// An address that a person typed.
func address(_ text: String, _ name: String) throws(StartFailure) -> JID {
    do { return try JID(text) } catch { throw StartFailure(.usage, "\(name) \(text): \(error)") }
}

/// The bare address that a person typed.
func bareAddress(_ text: String, _ name: String) throws(StartFailure) -> JID {
    let jid = try address(text, name)
    guard jid.isBare else {
        throw StartFailure(.usage, "\(name) \(text): expected an address without a resource, \(jid.bare)")
    }
    return jid
}

/// The address of a room that a person typed, with or without `room:`.
func roomAddress(_ text: String) throws(StartFailure) -> JID {
    let jid = try address(text.hasPrefix("room:") ? String(text.dropFirst(5)) : text, "the room")
    guard jid.isBare, jid.local != nil else {
        throw StartFailure(.usage, "the room \(text): expected for example ops@conference.example.org")
    }
    return jid
}

// MARK: - Roster

/// `roster`: the contact list.
struct RosterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roster", abstract: "Show or change the contact list.",
        subcommands: [List.self, Add.self, Rename.self, Groups.self, Remove.self, Export.self, Import.self],
        defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show all contacts.")
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            try runErrand(options) { Errand([.rosterGet(.init())], shows: .roster) }
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Put a contact on the list, or change its name and groups.")
        @Argument(help: ArgumentHelp("The contact.", valueName: "jid")) var contact: String
        @Option(name: .long, help: "What we call it.") var name: String?
        @Option(name: .long, help: ArgumentHelp("A group it is in; repeatable.", valueName: "name"))
        var group: [String] = []
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let (contact, name, groups) = (contact, name, group)
            try runErrand(options) { () throws(StartFailure) in
                try RosterCommand.set(contact, name: name, groups: groups.isEmpty ? nil : groups)
            }
        }
    }

    struct Rename: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rename", abstract: "Call a contact otherwise; its groups stay.")
        @Argument(help: ArgumentHelp("The contact.", valueName: "jid")) var contact: String
        @Argument(help: "The name; \"\" takes it away.") var name: String
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let (contact, name) = (contact, name)
            try runErrand(options) { () throws(StartFailure) in
                try RosterCommand.set(contact, name: name, groups: nil)
            }
        }
    }

    struct Groups: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "groups", abstract: "Put a contact into these groups and no others; its name stays.")
        @Argument(help: ArgumentHelp("The contact.", valueName: "jid")) var contact: String
        @Argument(help: "The groups; none takes it out of all.") var groups: [String] = []
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let (contact, groups) = (contact, groups)
            try runErrand(options) { () throws(StartFailure) in
                try RosterCommand.set(contact, name: nil, groups: groups)
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Take contacts off the list, and end what each may see of the other.")
        @Argument(help: ArgumentHelp("The contacts.", valueName: "jid")) var contacts: [String]
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let contacts = contacts
            try runErrand(options) { () throws(StartFailure) in
                Errand(
                    try contacts.map { text throws(StartFailure) in
                        let jid = try bareAddress(text, "the contact")
                        return .rosterRemove(.init(ref: "\(jid)", jid: jid))
                    })
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Print all contacts as JSON, one a line, for import.")
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            options.json = true
            try runErrand(options) { Errand([.rosterGet(.init())], shows: .roster) }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Put contacts on the list that export has printed, from standard input.")
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            try runErrand(options) { () throws(StartFailure) in
                Errand(try RosterImport.commands(try StandardInput.readAll()))
            }
        }
    }

    /// What is left out stays as it is.
    fileprivate static func set(_ contact: String, name: String?, groups: [String]?) throws(StartFailure) -> Errand {
        let jid = try bareAddress(contact, "the contact")
        return Errand([.rosterSet(.init(ref: "\(jid)", jid: jid, name: name, groups: groups))])
    }
}

// MARK: - Subscriptions

/// `subscription`: who sees whose presence.
struct SubscriptionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscription", abstract: "Ask to see a contact's presence, or answer who asks to see ours.",
        discussion: "Who sees whom is shown by: xmpp-bridge roster")

    enum Action: String, ExpressibleByArgument, CaseIterable { case request, approve, deny, revoke, unsubscribe }

    @Argument(help: "request, approve, deny, revoke or unsubscribe.") var action: Action
    @Argument(help: ArgumentHelp("The contact.", valueName: "jid")) var contact: String
    @Option(name: .long, help: "Words that go with a request.") var status: String?
    @OptionGroup var options: ErrandOptions

    mutating func run() throws {
        let (action, text, status) = (action, contact, status)
        try runErrand(options) { () throws(StartFailure) in
            let contact = Command.Contact(
                ref: text, jid: try bareAddress(text, "the contact"), status: status)
            let command: Command =
                switch action {
                case .request: .subscribe(contact)
                case .approve: .approve(contact)
                case .deny: .deny(contact)
                case .revoke: .revoke(contact)
                case .unsubscribe: .unsubscribe(contact)
                }
            return Errand([command])
        }
    }
}

// MARK: - Blocking

/// `block`: who cannot reach us.
struct BlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block", abstract: "Show or change who is blocked.",
        subcommands: [List.self, Add.self, Remove.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show who is blocked.")
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            try runErrand(options) { Errand([.blockList(.init())], shows: .blocked) }
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Block addresses: people, single devices, whole domains.")
        @Argument(help: ArgumentHelp("The addresses.", valueName: "jid")) var addresses: [String]
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let texts = addresses
            try runErrand(options) { () throws(StartFailure) in
                Errand([.block(.init(ref: texts.joined(separator: " "), jids: try BlockCommand.jids(texts)))])
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Unblock addresses, or all.")
        @Argument(help: ArgumentHelp("The addresses.", valueName: "jid")) var addresses: [String] = []
        @Flag(name: .long, help: "Everybody.") var all = false
        @OptionGroup var options: ErrandOptions

        func validate() throws {
            if addresses.isEmpty != all { throw ValidationError("name the addresses, or give --all") }
        }

        mutating func run() throws {
            let (texts, all) = (addresses, all)
            try runErrand(options) { () throws(StartFailure) in
                Errand([.unblock(.init(jids: try BlockCommand.jids(texts), all: all))])
            }
        }
    }

    fileprivate static func jids(_ texts: [String]) throws(StartFailure) -> [JID] {
        try texts.map { text throws(StartFailure) in try address(text, "the address") }
    }
}

// MARK: - Presence

/// `presence`: who is online now.
struct PresenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presence", abstract: "Show which contacts are online now.",
        discussion: """
            Contacts hear meanwhile that the account is online, with a priority of -1, which draws no messages.
            """)

    @Option(
        name: .long, help: ArgumentHelp("How long to listen after the server has answered.", valueName: "duration"))
    var wait = "1s"
    @OptionGroup var options: ErrandOptions

    mutating func run() throws {
        let wait = wait
        try runErrand(options) { () throws(StartFailure) in
            var errand = Errand([.ping(.init())], shows: .presence)
            errand.listens = try duration(wait, "--wait")
            errand.showsUs = true
            return errand
        }
    }
}
