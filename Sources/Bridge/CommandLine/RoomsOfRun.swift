import Config
import Endpoints
import Routing
import Session
import Stanza

/// The rooms that a run is in, and how: those of the file that it has to do with, and those that its rules name.
enum RoomsOfRun {
    static func choices(
        _ rules: [Rule], _ file: Plan?, _ request: Request, nick: String, _ environment: Environment
    ) throws(StartFailure) -> [RoomChoice] {
        let flags = request.filter
        let named = Router(rules: rules, host: "").rooms
        let hearsAll = rules.contains { $0.from.contains(.events) }
        // A filter that sends to a person need not show itself in the file's rooms.
        let kept = (file?.rooms ?? []).filter { named.contains($0.jid) || request.isDaemon || hearsAll }
        var choices: [RoomChoice] = []
        for room in kept {
            var choice = RoomChoice(room: room.jid, nick: flags.nick ?? room.nick ?? nick)
            if let source = room.password { choice.password = try SecretSource.read(source, environment) }
            choice.creates = room.create
            choice.history = room.history
            choice.nickConflict = room.nickConflict == .alter ? .alter : .refuse
            choice.rejoinsAfterKick = room.rejoin
            choices.append(choice)
        }
        for jid in named where !kept.contains(where: { $0.jid == jid }) {
            let password = environment["XMPP_BRIDGE_ROOM_PASSWORD"].map { Secret($0) }
            choices.append(RoomChoice(room: jid, nick: nick, password: password))
        }
        return choices
    }

    /// What we are called where nothing else is said: the flag's word, or the account's name.
    static func nick(_ flags: FilterOptions, account: JID) throws(StartFailure) -> String {
        guard let nick = flags.nick else { return account.local ?? "xmpp-bridge" }
        do { return try account.with(resource: nick).resource ?? nick } catch {
            throw StartFailure(.usage, "--nick \(nick): \(error)")
        }
    }
}
