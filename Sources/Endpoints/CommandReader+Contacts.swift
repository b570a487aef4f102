import Routing
import Stanza

// Contacts, blocking, and questions to an entity.
extension CommandReader {
    static func rosterSet(_ object: inout CommandObject) throws(CommandProblem) -> Command.RosterSet {
        try object.allow(["jid", "name", "groups"])
        var item = Command.RosterSet(ref: object.ref, jid: try object.requiredBareAddress("jid"))
        item.name = try object.visibleText("name")
        if let name = item.name { try object.bound(name, "name", nameBytesMax) }
        item.groups = try object.visibleTexts("groups", atMost: groupsMax, bytesMax: nameBytesMax)
        return item
    }

    static func contact(_ object: CommandObject) throws(CommandProblem) -> Command.Contact {
        try object.allow(["jid"])
        return Command.Contact(ref: object.ref, jid: try object.requiredBareAddress("jid"))
    }

    static func subscribe(_ object: inout CommandObject) throws(CommandProblem) -> Command.Contact {
        try object.allow(["jid", "status"])
        let jid = try object.requiredBareAddress("jid")
        return Command.Contact(ref: object.ref, jid: jid, status: try object.visibleText("status"))
    }

    static func block(_ object: CommandObject) throws(CommandProblem) -> Command.Blocking {
        try object.allow(["jid"])
        return Command.Blocking(ref: object.ref, jids: try object.addresses("jid", atMost: blockedMax))
    }

    static func unblock(_ object: CommandObject) throws(CommandProblem) -> Command.Blocking {
        try object.allow(["jid", "all"])
        guard let all = try object.flag("all") else {
            return Command.Blocking(ref: object.ref, jids: try object.addresses("jid", atMost: blockedMax))
        }
        if object.has("jid") {
            throw object.problem(.badValue, "all", "expected either \"jid\" or \"all\", not both")
        }
        if !all { throw object.problem(.badValue, "all", "expected true; or say in \"jid\" whom to unblock") }
        return Command.Blocking(ref: object.ref, jids: [], all: true)
    }

    static func disco(_ object: inout CommandObject) throws(CommandProblem) -> Command.Disco {
        try object.allow(["jid", "node", "items"])
        var disco = Command.Disco(ref: object.ref, jid: try object.address("jid"))
        disco.node = try object.visibleText("node")
        if disco.node?.isEmpty == true {
            throw object.problem(.badValue, "node", "expected a node that is not empty")
        }
        disco.items = try object.flag("items") ?? false
        return disco
    }

    static func ping(_ object: CommandObject) throws(CommandProblem) -> Command.Target {
        try object.allow(["jid"])
        return Command.Target(ref: object.ref, jid: try object.address("jid"))
    }

    static func version(_ object: CommandObject) throws(CommandProblem) -> Command.Target {
        try object.allow(["jid"])
        return Command.Target(ref: object.ref, jid: try object.requiredAddress("jid"))
    }
}
