import Stanza

/// A page that is asked of an archive (XEP-0313 4, XEP-0059).
struct ArchiveQuery: Equatable, Sendable {
    /// Where the page lies.
    enum Place: Equatable, Sendable {
        /// Behind a message; from the beginning where no id is given.
        case after(String?)
        /// At the end.
        case end
    }

    /// No message before that time.
    var start: WallTime?
    var place: Place
    /// Messages in the page, at the most.
    var max: Int

    /// The iq, without an id.
    /// - Parameters:
    ///   - archive: a room; nil for our own account.
    ///   - id: what each result carries, so that nobody else can answer.
    func iq(to archive: JID?, id: String) -> Element {
        var query: [Element] = []
        if let start {
            query.append(
                Element(
                    "x", NS.dataForms.description, ["type": "submit"],
                    [
                        Self.field("FORM_TYPE", NS.archive.description, type: "hidden"),
                        Self.field("start", start.stamp),
                    ]))
        }
        query.append(Element("set", NS.resultSet.description, [:], set))
        let payload = Element("query", NS.archive.description, ["queryid": id], query)
        let iq = Element("iq", NS.client.description, ["type": "set"], [payload])
        return archive.map { iq.with("to", $0.text) } ?? iq
    }

    private var set: [Element] {
        var set = [Element("max", NS.resultSet.description, text: String(max))]
        switch place {
        case .after(let id?): set.append(Element("after", NS.resultSet.description, text: id))
        case .after(nil): break
        case .end: set.append(Element("before", NS.resultSet.description))
        }
        return set
    }

    private static func field(_ name: String, _ value: String, type: String? = nil) -> Element {
        let field = Element(
            "field", NS.dataForms.description, ["var": name],
            [Element("value", NS.dataForms.description, text: value)])
        return type.map { field.with("type", $0) } ?? field
    }
}

/// The end of a page (XEP-0313 4.3).
struct ArchivePageEnd: Equatable, Sendable {
    /// Whether nothing that was asked for lies behind it.
    let isComplete: Bool
    /// The last message in it.
    let last: String?

    /// - Parameter iq: the result.
    init?(_ iq: Element) {
        guard let fin = iq.child("fin", NS.archive) else { return nil }
        isComplete = fin.attribute("complete", equals: "true") || fin.attribute("complete", equals: "1")
        let last = fin.child("set", NS.resultSet)?.child("last", NS.resultSet)?.text
        self.last = last.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// A message that an archive sends us (XEP-0313 4.2).
struct ArchivedMessage: Sendable {
    /// What the archive calls it.
    let id: String
    /// When the archive got it.
    let time: WallTime?
    /// The same, as written.
    let stamp: String?
    /// The message; nil where something else is forwarded.
    let stanza: Element?

    /// - Parameter result: what the stanza of the archive holds.
    init?(_ result: Element) {
        guard let id = result["id"], !id.isEmpty, id.utf8.count <= ArchiveCursor.idBytesMax else { return nil }
        self.id = id
        let forwarded = result.child("forwarded", NS.forward)
        stamp = forwarded.flatMap { Delay.stamp(of: $0) }
        time = stamp.flatMap { WallTime(stamp: $0) }
        stanza = forwarded?.child("message", NS.client)
    }
}
