import Routing
import Stanza

// Rooms (XEP-0045).
extension CommandReader {
    static func join(_ object: CommandObject) throws(CommandProblem) -> Command.Join {
        try object.allow(["room", "nick", "password", "create", "history"])
        var join = Command.Join(ref: object.ref, room: try object.room())
        join.nick = try object.nick(in: join.room, isReceived: false)
        join.password = try object.secret("password")
        join.creates = try object.flag("create") ?? false
        join.history = try object.integer("history", in: 0...historyMax)
        return join
    }

    static func leave(_ object: inout CommandObject) throws(CommandProblem) -> Command.Leave {
        try object.allow(["room", "status"])
        return Command.Leave(ref: object.ref, room: try object.room(), status: try object.visibleText("status"))
    }

    static func subject(_ object: inout CommandObject) throws(CommandProblem) -> Command.Subject {
        try object.allow(["room", "subject"])
        let room = try object.room()
        guard let subject = try object.visibleText("subject") else { throw object.missing("subject") }
        return Command.Subject(ref: object.ref, room: room, subject: subject)
    }

    static func invite(_ object: inout CommandObject) throws(CommandProblem) -> Command.Invite {
        try object.allow(["room", "jid", "reason", "direct"])
        var invite = Command.Invite(ref: object.ref, room: try object.room(), jid: try object.requiredAddress("jid"))
        invite.reason = try object.visibleText("reason")
        invite.direct = try object.flag("direct") ?? false
        return invite
    }

    static func affiliate(_ object: inout CommandObject) throws(CommandProblem) -> Command.Affiliate {
        try object.allow(["room", "affiliation", "jid", "reason"])
        let room = try object.room()
        let jid = try object.bareAddress("jid")
        // XEP-0045 9.2, 9.5, 10.5, 10.8: each has its list, but for those who do not belong to the room.
        let choices = jid == nil ? Command.Affiliation.allCases.filter { $0 != .none } : Command.Affiliation.allCases
        guard let affiliation = try object.oneOf("affiliation", choices) else { throw object.missing("affiliation") }
        if jid == nil && object.has("reason") {
            throw object.problem(.badValue, "reason", "a list has no reason; leave the key out, or name a \"jid\"")
        }
        return Command.Affiliate(
            ref: object.ref, room: room, jid: jid, affiliation: affiliation, reason: try object.visibleText("reason"))
    }

    static func kick(_ object: inout CommandObject) throws(CommandProblem) -> Command.Kick {
        try object.allow(["room", "nick", "reason"])
        let room = try object.room()
        guard let nick = try object.nick(in: room, isReceived: true) else { throw object.missing("nick") }
        return Command.Kick(ref: object.ref, room: room, nick: nick, reason: try object.visibleText("reason"))
    }
}
