import Stanza

// Archives of accounts and rooms (XEP-0313): what goes in, and what is asked of them.
extension LoopbackServer {
    // MARK: - In

    /// Keeps a message in the archive of an account.
    /// - Returns: What the account's clients are told with the message (XEP-0359 3): whoever claims to speak for the
    ///   archive is not believed, archived or not.
    mutating func archive(_ stanza: Element, from: JID, with: JID, of account: String) -> StanzaMark? {
        guard keepsArchives, let jid = accounts[account]?.jid else { return nil }
        guard Self.isArchived(stanza) else { return StanzaMark(by: jid, id: nil) }
        lastArchived += 1
        let written = Parcel(stanza, from: from, at: wall, mark: StanzaMark(by: jid, id: nil))
        let content = Array(written.bytes.dropFirst("<message".utf8.count))
        let item = Archive.Item(number: lastArchived, stamp: wall, with: with, content: content)
        accounts[account]?.archive.append(item, max: configuration.limits.archivedMessagesMax)
        return StanzaMark(by: jid, id: item.id)
    }

    /// Keeps a message of a room; its stanza-id is in it already.
    mutating func archive(_ message: RoomMessage, number: UInt64, in name: String, of room: JID) {
        guard keepsArchives else { return }
        let content = Array(message.bytes(to: nil, room: room).dropFirst("<message".utf8.count))
        let item = Archive.Item(number: number, stamp: wall, with: message.from, content: content)
        roomArchives[name, default: Archive()].append(item, max: configuration.limits.archivedMessagesMax)
    }

    /// Which messages an account's archive keeps (XEP-0313 5.1.1, with the hints of XEP-0334).
    private static func isArchived(_ stanza: Element) -> Bool {
        switch stanza["type"] {
        case "groupchat", "headline", "error": return false
        default: break  // a text, not one of our enums
        }
        if stanza.child("no-store", ServerNS.hints) != nil { return false }
        if stanza.child("no-permanent-store", ServerNS.hints) != nil { return false }
        return stanza.child("store", ServerNS.hints) != nil || stanza.child("body", NS.client) != nil
            || stanza.child("received", ServerNS.receipts) != nil
    }

    // MARK: - Out

    /// A query of an account's own archive.
    mutating func handleArchive(_ stanza: Element, _ query: Element, session: SessionID, on id: ConnectionID) {
        guard let account = sessions[session]?.account, let archive = accounts[account]?.archive else { return }
        answer(stanza, query, from: archive, of: nil, session: session, on: id)
    }

    /// A query of a room's archive: of who may be in the room (XEP-0313 7.1).
    mutating func handleArchive(
        _ stanza: Element, _ query: Element, in room: Room, session: SessionID, on id: ConnectionID
    ) {
        guard let asker = sessions[session]?.jid else { return }
        let affiliation = room.affiliation(of: asker)
        let mayEnter = affiliation.rank > 0 || (room.settings.password == nil && !room.settings.isMembersOnly)
        guard affiliation != .outcast, room.occupant(session) != nil || mayEnter else {
            return refuse(stanza, on: id, "forbidden", "auth", by: room.jid)
        }
        let archive = roomArchives[room.jid.local ?? ""] ?? Archive()
        answer(stanza, query, from: archive, of: room.jid, session: session, on: id)
    }

    private mutating func answer(
        _ stanza: Element, _ query: Element, from archive: Archive, of room: JID?, session: SessionID,
        on id: ConnectionID
    ) {
        if archiveMischief.isSilent { return }
        guard stanza.attribute("type", equals: "set") else { return bounce(stanza, on: id, "service-unavailable") }
        let wanted: ArchiveQuery
        do throws(ArchiveQuery.Refusal) { wanted = try ArchiveQuery(query) } catch {
            return bounce(stanza, on: id, error.condition)
        }
        guard let page = archive.page(wanted, max: configuration.limits.archivePageMessagesMax) else {
            return bounce(stanza, on: id, "item-not-found")
        }
        for item in page.items {
            guard let to = sessions[session]?.jid else { return }
            deliver(to: session) { $0.result(item, of: query["queryid"], from: room, to: to) }
        }
        self.answer(stanza, session) { $0.fin(page) }
    }
}

extension XMLWriter {
    /// A message out of an archive (XEP-0313 4.2).
    fileprivate mutating func result(_ item: Archive.Item, of queryID: String?, from room: JID?, to: JID) {
        start("message")
        attribute("from", ifPresent: room?.text)
        attribute("to", to.text)
        content()
        start("result", NS.archive)
        attribute("queryid", ifPresent: queryID)
        attribute("id", item.id)
        content()
        start("forwarded", ServerNS.forward)
        content()
        start("delay", NS.delay)
        attribute("stamp", item.stamp.stamp)
        endEmpty()
        start("message", NS.client)
        raw(item.content)
        end("forwarded")
        end("result")
        end("message")
    }

    /// The end of a page (XEP-0313 4.3).
    fileprivate mutating func fin(_ page: Archive.Page) {
        start("fin", NS.archive)
        if page.isComplete { attribute("complete", "true") }
        content()
        start("set", NS.resultSet)
        content()
        if let first = page.items.first, let last = page.items.last {
            start("first")
            attribute("index", ifPresent: page.index.map { String($0) })
            content()
            text(first.id)
            end("first")
            element("last", text: last.id)
        }
        element("count", text: String(page.count))
        end("set")
        end("fin")
    }
}

/// What an archive says of a message, as its clients get it (XEP-0359).
struct StanzaMark: Sendable {
    /// The archive.
    let by: JID
    /// nil: it is not in it; then it only takes out what others claim in the archive's name.
    let id: String?
}
