import ArgumentParser
import Endpoints
import Stanza

/// `room`: who is in a room, who belongs to it, and what a moderator does.
struct RoomCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "room", abstract: "Show or change who is in a room.",
        discussion: """
            A room's password comes from rooms: in bridges.yaml, or from $XMPP_BRIDGE_ROOM_PASSWORD.
            """,
        subcommands: [
            Occupants.self, Affiliations.self, Affiliate.self, Kick.self, Ban.self, Invite.self, Subject.self,
            Create.self,
        ])

    struct Options: ParsableArguments {
        @Argument(help: ArgumentHelp("The room.", valueName: "room")) var room: String
        @Option(name: .long, help: ArgumentHelp("Our name there (default: the account's).", valueName: "name"))
        var nick: String?
    }

    /// Enters the room first, where `enters`, then does the rest.
    fileprivate static func run(
        _ target: Options, _ options: ErrandOptions, enters: Bool = true, creates: Bool = false,
        shows: Table.Kind? = nil, _ make: (JID) throws(StartFailure) -> [Command]
    ) throws {
        try runErrand(options, nick: target.nick) { () throws(StartFailure) in
            let room = try roomAddress(target.room)
            var commands: [Command] = []
            if enters {
                commands.append(
                    .join(
                        .init(
                            ref: "\(room)", room: room, password: Environment.process["XMPP_BRIDGE_ROOM_PASSWORD"],
                            creates: creates))
                )
            }
            return Errand(commands + (try make(room)), shows: shows)
        }
    }

    struct Occupants: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "occupants", abstract: "Show who is in a room.")
        @OptionGroup var target: Options
        @OptionGroup var options: ErrandOptions

        mutating func run() throws { try RoomCommand.run(target, options, shows: .occupants) { _ in [] } }
    }

    struct Affiliations: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "affiliations", abstract: "Show who belongs to a room: owners, admins, members, outcasts.")
        @OptionGroup var target: Options
        @Argument(help: "owner, admin, member or outcast; all of them where it is left out.")
        var affiliation: AffiliationChoice?
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let wanted = affiliation.map { [$0.affiliation] } ?? [.owner, .admin, .member, .outcast]
            try RoomCommand.run(target, options, enters: false, shows: .affiliations) { room in
                wanted.map { .affiliate(.init(ref: "\(room)", room: room, affiliation: $0)) }
            }
        }
    }

    struct Affiliate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "affiliate", abstract: "Say what somebody is in a room.")
        @OptionGroup var target: Options
        @Argument(help: "Who.") var jid: String
        @Argument(help: "owner, admin, member, none or outcast.") var affiliation: AffiliationChoice
        @Option(name: .long, help: "Words for a person.") var reason: String?
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            try RoomCommand.affiliate(target, options, jid, affiliation.affiliation, reason)
        }
    }

    struct Ban: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ban", abstract: "Put somebody out of a room for good.")
        @OptionGroup var target: Options
        @Argument(help: "Who.") var jid: String
        @Option(name: .long, help: "Words for a person.") var reason: String?
        @OptionGroup var options: ErrandOptions

        mutating func run() throws { try RoomCommand.affiliate(target, options, jid, .outcast, reason) }
    }

    fileprivate static func affiliate(
        _ target: Options, _ options: ErrandOptions, _ jid: String, _ affiliation: Command.Affiliation,
        _ reason: String?
    ) throws {
        try run(target, options, enters: false) { room throws(StartFailure) in
            [
                .affiliate(
                    .init(
                        ref: "\(jid)", room: room, jid: try bareAddress(jid, "the address"), affiliation: affiliation,
                        reason: reason)
                )
            ]
        }
    }

    struct Kick: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kick", abstract: "Put an occupant out of a room; it may come back.")
        @OptionGroup var target: Options
        @Argument(help: "Its name in the room.") var occupant: String
        @Option(name: .long, help: "Words for a person.") var reason: String?
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let (nick, reason) = (occupant, reason)
            try RoomCommand.run(target, options) { room in
                [.kick(.init(ref: nick, room: room, nick: nick, reason: reason))]
            }
        }
    }

    struct Invite: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "invite", abstract: "Ask somebody into a room.")
        @OptionGroup var target: Options
        @Argument(help: "Whom.") var jid: String
        @Option(name: .long, help: "Words for a person.") var reason: String?
        @Flag(name: .long, help: "Write to them directly, not by way of the room.") var direct = false
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let (jid, reason, direct) = (jid, reason, direct)
            try RoomCommand.run(target, options, enters: !direct) { room throws(StartFailure) in
                [.invite(.init(room: room, jid: try address(jid, "the address"), reason: reason, direct: direct))]
            }
        }
    }

    struct Subject: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "subject", abstract: "Set a room's subject.")
        @OptionGroup var target: Options
        @Argument(help: "The subject; \"\" takes it away.") var subject: String
        @OptionGroup var options: ErrandOptions

        mutating func run() throws {
            let subject = subject
            try RoomCommand.run(target, options) { room in [.subject(.init(room: room, subject: subject))] }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Make a room, with the service's own settings.")
        @OptionGroup var target: Options
        @OptionGroup var options: ErrandOptions

        mutating func run() throws { try RoomCommand.run(target, options, creates: true) { _ in [] } }
    }
}

/// What somebody is in a room, as a person types it.
enum AffiliationChoice: String, ExpressibleByArgument, CaseIterable {
    case owner, admin, member, none, outcast

    var affiliation: Command.Affiliation {
        switch self {
        case .owner: .owner
        case .admin: .admin
        case .member: .member
        case .none: .none
        case .outcast: .outcast
        }
    }
}
