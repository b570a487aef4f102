import Stanza
import Testing

@testable import Session

// Archives as the other side of a dialogue.
extension Dialogue {
    static let mam = "urn:xmpp:mam:2"
    static let sid = "urn:xmpp:sid:0"
    /// 2026-11-22T09:40:00.000Z
    static let began = WallTime(milliseconds: 1_795_340_400_000)

    static func cursor(_ id: String = "c") -> ArchiveCursor { ArchiveCursor(id: id, time: began) }

    /// Online with a presence and cursors; our account has not yet said what it can do.
    static func listening(
        cursors: [String: ArchiveCursor] = [:], managed: Bool = true, _ adjust: (inout Configuration) -> Void = { _ in }
    ) throws -> Dialogue {
        var talk = try Dialogue(presence: .init()) {
            $0.limits.idleBeforePing = .seconds(1_000_000)
            for (archive, cursor) in cursors { if let jid = try? JID(archive) { $0.cursors[jid] = cursor } }
            adjust(&$0)
        }
        talk.session.wall = began
        talk.feed(.start)
        talk.logIn(managed: managed)
        try #require(talk.session.isOnline)
        talk.actions = []
        return talk
    }

    /// The same, and the first page is asked for.
    static func catchingUp(
        _ cursor: ArchiveCursor = Dialogue.cursor(), managed: Bool = true,
        _ adjust: (inout Configuration) -> Void = { _ in }
    ) throws -> Dialogue {
        var talk = try listening(cursors: [account: cursor], managed: managed, adjust)
        talk.output = talk.output.split(separator: "<iq").filter { $0.contains("archive") }.map { "<iq" + $0 }.joined()
        talk.features(of: account, mam, sid)
        return talk
    }

    /// What our account, or whoever was asked, can do.
    mutating func features(of jid: String, _ features: String..., kind: String = "archive") {
        let list = features.map { "<feature var='\($0)'/>" }.joined()
        server(
            "<iq type='result' from='\(jid)' id='\(lastIQ(kind))'>"
                + "<query xmlns='http://jabber.org/protocol/disco#info'>\(list)</query></iq>")
    }

    /// The id of the iq, no query id, that was written last with this in it.
    func lastIQ(_ kind: String) -> String {
        let ids = output.split(separator: " id='").dropFirst().map { String($0.prefix { $0 != "'" }) }
        return ids.last { $0.contains(kind) } ?? "none"
    }

    /// The query id of the page that was asked for last.
    func lastQuery() -> String {
        let ids = output.split(separator: "queryid='").dropFirst().map { String($0.prefix { $0 != "'" }) }
        return ids.last ?? "none"
    }

    /// A message out of an archive: by default one to us, in the page that was asked for last.
    mutating func result(
        _ id: String, _ inner: String? = nil, at seconds: Int64 = 1, from archive: String? = nil, query: String? = nil
    ) {
        let stamp = WallTime(milliseconds: Self.began.milliseconds + seconds * 1_000).stamp
        let message =
            inner
            ?? "<message xmlns='jabber:client' from='ann@example.org/x' to='\(Self.account)' type='chat'><body>\(id)</body></message>"
        let sender = archive.map { " from='\($0)'" } ?? ""
        server(
            "<message\(sender)><result xmlns='\(Self.mam)' queryid='\(query ?? lastQuery())' id='\(id)'>"
                + "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='\(stamp)'/>"
                + "\(message)</forwarded></result></message>")
    }

    /// The end of the page that was asked for last.
    mutating func fin(_ last: String? = nil, complete: Bool = false, from archive: String? = nil) {
        let set = last.map { "<last>\($0)</last>" } ?? ""
        let isComplete = complete ? " complete='true'" : ""
        let sender = archive.map { " from='\($0)'" } ?? ""
        server(
            "<iq type='result'\(sender) id='\(lastIQ("archive"))'><fin xmlns='\(Self.mam)'\(isComplete)>"
                + "<set xmlns='http://jabber.org/protocol/rsm'>\(set)</set></fin></iq>")
    }

    mutating func refusePage(_ condition: String, type: String = "cancel", from archive: String? = nil) {
        let sender = archive.map { " from='\($0)'" } ?? ""
        server(
            "<iq type='error'\(sender) id='\(lastIQ("archive"))'><error type='\(type)'>"
                + "<\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
    }

    /// A live message to us, with the id that our archive gave it.
    mutating func live(
        _ id: String?, _ body: String? = nil, by archive: String = Dialogue.account, type: String = "chat"
    ) {
        let mark = id.map { "<stanza-id xmlns='\(Self.sid)' by='\(archive)' id='\($0)'/>" } ?? ""
        server(
            "<message from='ann@example.org/x' to='\(Self.account)' type='\(type)'><body>\(body ?? id ?? "?")</body>\(mark)</message>"
        )
    }

    /// Everything that came is handled.
    mutating func handleAll() { feed(.handled(upTo: session.inboundStanza)) }

    /// What the archives did, as words: messages by their bodies (`~` before what is replayed), cursors by their ids,
    /// catch-ups by count and gap; nothing else is looked at.
    mutating func told() -> [String] {
        did().compactMap { action in
            switch action {
            case .event(.message(let message)):
                let body = message.stanza.child("body", NS.client)?.text ?? message.type
                return (message.isReplayed ? "~" : "") + (message.carbon == .sent ? "sent " : "") + body
            case .event(.cursor(let archive, let cursor)):
                let room = archive.text == Self.account ? "" : "\(archive.local ?? "") "
                return "|\(room)\(cursor?.id ?? "nil")"
            case .event(.caughtUp(let archive, let count, let gap)):
                let room = archive.text == Self.account ? "" : "\(archive.local ?? "") "
                return "caught up \(room)\(count)" + (gap.map { ": \($0)" } ?? "")
            case .event(.forged(let what, let from)): return "forged \(what) from \(from)"
            case .foundInArchive(let row): return "found \(row)"
            case .returned(let row): return "returned \(row)"
            case .event, .connect, .startTLS, .restartStream, .derive, .accepted, .writable, .spill, .keepStream,
                .drained, .closeConnection, .abortConnection, .ended:
                return nil
            }
        }
    }

    /// Loses the connection and logs in afresh: the server has forgotten the stream.
    /// - Returns: What the login was about.
    @discardableResult
    mutating func logInAfresh(managed: Bool = true) -> [Action] {
        feed(.disconnected(.closed("reset")))
        while !actions.contains(.connect(.account)) { passToDeadline() }
        actions = []
        output = ""
        authenticate()
        features(Self.bind, managed ? Self.sm : "")
        if managed { server("<failed xmlns='urn:xmpp:sm:3'/>") }
        bound()
        if managed { server(Self.enabled) }
        return did()
    }
}
