import Stanza
import Wire

/// Hears both directions at the bridge's end of its connections, and knows what stream management (XEP-0198) makes of
/// them, by itself.
struct StreamTap {
    /// A stanza of the server's in the session that can be resumed.
    struct Arrival {
        var mark: Mark?
        var at: Instant
    }

    /// What the bridge has claimed to have handled.
    struct Claim {
        /// The stanzas that `h` covers now, and did not before.
        var covered: ArraySlice<Arrival> = []
        /// What is wrong with it, whatever the sinks say.
        var fault: String?
        /// Stanzas that have come and are not covered.
        var uncovered = 0
        /// The count itself.
        var count: UInt32?
        /// A message that has come.
        var heard: Mark?
        /// The id of a message of ours.
        var wrote: String?
        /// The id of one of ours that has come back.
        var refused: String?
    }

    private var parser = StreamParser()
    /// The stanzas of the session since `<enabled/>`.
    private var arrivals: [Arrival] = []
    /// How many of them came on this connection, or were claimed at its resumption.
    private var position = 0
    private var isManaged = false
    /// What the server calls the session.
    private var id: String?
    /// The highest `h` that was written in this session.
    private var claimed: UInt32 = 0
    private var resumption: UInt32?
    /// Our stanzas of the session, each with its row where it has one.
    private var rows: [UInt64?] = []
    /// How many of them the server has, by its own word at the resumption.
    private var written = 0

    /// How many stanzas have come in the session and on this connection; nil where nobody counts.
    var receivedCount: Int? { isManaged ? position : nil }

    /// The row of the last message of ours among the first stanzas of ours in the session.
    func lastRow(ofFirst count: Int) -> UInt64? { rows.prefix(count).last { $0 != nil } ?? nil }

    // MARK: - Hearing

    /// An element of the server's.
    mutating func read(_ element: Element, at now: Instant) -> Claim? {
        if element.hasNamespace(NS.streamManagement) {
            if element.hasName("enabled") {
                (arrivals, position, claimed, isManaged) = ([], 0, 0, true)
                (rows, written) = ([], 0)
                id = element["id"]
            } else if element.hasName("resumed") {
                guard let resumption else { return Claim(fault: "a session is resumed that was given up") }
                position = Int(resumption)
                written = element["h"].flatMap { Int($0) } ?? 0
            }
            return nil
        }
        guard element.hasNamespace(NS.client) else { return nil }
        if element.child("bind", NS.bind) != nil {
            isManaged = false
            return nil
        }
        let refused = element.hasName("message") && element.attribute("type", equals: "error") ? element["id"] : nil
        let mark = element.child("body", NS.client).flatMap { Mark($0.text.utf8) }
        let news = mark == nil && refused == nil ? nil : Claim(heard: mark, refused: refused)
        guard isManaged else { return news }
        position += 1
        if position > arrivals.count {
            arrivals.append(Arrival(mark: mark, at: now))
        } else if arrivals[position - 1].mark != mark {
            return Claim(fault: "the server repeats another stanza than it sent: the simulator is wrong")
        }
        return news
    }

    /// Bytes of the bridge's, and what they claim.
    mutating func wrote(_ bytes: [UInt8]) -> [Claim] {
        // A stream begins with its declaration; it stands in no text.
        guard let start = bytes.find(Self.declaration)?.lowerBound else { return parse(bytes) }
        let claims = start > 0 ? parse(Array(bytes[..<start])) : []
        parser = StreamParser()
        return claims + parse(Array(bytes[start...]))
    }

    private static let declaration = Array("<?xml".utf8)

    private mutating func parse(_ bytes: [UInt8]) -> [Claim] {
        var claims: [Claim] = []
        do throws(StreamParser.Failure) {
            _ = try bytes.withUnsafeBufferPointer { buffer throws(StreamParser.Failure) in
                try parser.parse(buffer) { event in
                    if case .element(let element) = event, let claim = hear(element) { claims.append(claim) }
                    return .continue
                }
            }
        } catch {
            claims.append(Claim(fault: "the bridge writes what is no XML of a stream: \(error.text)"))
        }
        return claims
    }

    private mutating func hear(_ element: Element) -> Claim? {
        if element.hasNamespace(NS.client), isManaged {
            written += 1
            let row = element["id"].flatMap { id in id.lastIndex(of: "-").flatMap { UInt64(id[id.index(after: $0)...]) }
            }
            if written > rows.count { rows.append(element.hasName("message") ? row : nil) }
        }
        if element.hasNamespace(NS.client), element.hasName("message") { return Claim(wrote: element["id"]) }
        guard element.hasNamespace(NS.streamManagement) else { return nil }
        let isResumption = element.hasName("resume")
        guard isResumption || element.hasName("a") else { return nil }
        guard let h = element["h"].flatMap({ UInt32($0) }) else { return Claim(fault: "an answer without a count") }
        if isResumption {
            // A store that could not be written may name an older session; the server knows nothing of it.
            let isCurrent = element["previd"] == id
            resumption = isCurrent ? h : nil
            if !isCurrent { return nil }
        }
        if h < claimed { return Claim(fault: "h falls from \(claimed) to \(h)") }
        guard Int(h) <= arrivals.count, isResumption || Int(h) <= position else {
            return Claim(fault: "h is \(h), and \(min(arrivals.count, position)) stanzas have come")
        }
        let covered = arrivals[Int(claimed)..<Int(h)]
        claimed = h
        return Claim(covered: covered, uncovered: arrivals.count - Int(h), count: h)
    }
}
