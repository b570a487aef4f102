import Stanza

/// A stanza as it is written to a client, and what becomes of it when the session dies before it is acknowledged.
struct Parcel: Sendable {
    /// The whole stanza.
    var bytes: [UInt8]
    /// When the server took it.
    var stamp: WallTime
    /// Whether it is a message for another session or the offline store; anything else dies with its session.
    var isStorable = false
    /// Whether it says already when it was taken.
    private(set) var isDelayed = false
    /// Who waits for an answer, where it is an iq of another client that asks.
    var question: Question?

    /// The sender of an iq and its id.
    struct Question: Sendable {
        let from: JID
        let id: String
    }

    /// The stanza with a delay (XEP-0203) in it that says when the server took it.
    ///
    /// Only for storable ones: those have a child, so their text ends in `</message>`.
    func delayed(by domain: JID) -> Parcel {
        guard isStorable && !isDelayed else { return self }
        var writer = XMLWriter(capacity: bytes.count + 96)
        writer.raw(bytes.dropLast(Self.end.utf8CodeUnitCount))
        writer.start("delay", NS.delay)
        writer.attribute("from", domain.text)
        writer.attribute("stamp", stamp.text)
        writer.endEmpty()
        writer.raw(Self.end)
        var late = self
        late.bytes = writer.bytes
        late.isDelayed = true
        return late
    }

    private static let end: StaticString = "</message>"
}

extension Parcel {
    /// A client's stanza as it is passed on: with the sender's address, everything else as it came (RFC 6120 8.1.2.1).
    init(_ stanza: Element, from: JID, at stamp: WallTime) {
        var writer = XMLWriter(capacity: stanza.byteCount * 2)
        let name = stanza.name
        writer.raw("<")
        writer.raw(name.utf8)
        writer.attribute("from", from.text)
        for (key, namespace, value) in stanza.attributes {
            let isLanguage = namespace == NS.xml.description && key == "lang"
            guard isLanguage || (namespace.isEmpty && key != "from") else { continue }
            writer.raw(isLanguage ? " xml:" : " ")
            writer.raw(key.utf8)
            writer.raw("='")
            writer.text(value)
            writer.raw("'")
        }
        var isEmpty = true
        for child in stanza.children {
            if isEmpty { writer.content() }
            isEmpty = false
            writer.element(child, inside: NS.client.description)
        }
        if isEmpty {
            writer.endEmpty()
        } else {
            writer.raw("</")
            writer.raw(name.utf8)
            writer.content()
        }
        self.init(bytes: writer.bytes, stamp: stamp, isStorable: Self.isStorable(stanza))
        let type = stanza["type"]
        if stanza.hasName("iq") && (type == "get" || type == "set") {
            question = stanza["id"].map { Question(from: from, id: $0) }
        }
    }

    /// Whether a stanza is a message that waits for its reader: chat or normal, and more than a chat state
    /// (XEP-0160 3).
    static func isStorable(_ stanza: Element) -> Bool {
        guard stanza.hasName("message") else { return false }
        switch stanza["type"] {
        case "chat", "normal", nil: break
        default: return false  // a text, not one of our enums
        }
        for child in stanza.children where !child.hasNamespace("http://jabber.org/protocol/chatstates") { return true }
        return false
    }
}

extension WallTime {
    /// As XEP-0082 writes it, in UTC with milliseconds.
    var text: String {
        let (days, ofDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let isBefore = ofDay < 0
        let (year, month, day) = Self.date(days - (isBefore ? 1 : 0))
        let rest = ofDay + (isBefore ? 86_400_000 : 0)
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2) + "T"
            + Self.padded(rest / 3_600_000, 2) + ":" + Self.padded(rest / 60_000 % 60, 2) + ":"
            + Self.padded(rest / 1_000 % 60, 2) + "." + Self.padded(rest % 1_000, 3) + "Z"
    }

    /// The Gregorian date that many days after 1970-01-01, counted in eras of 400 years that begin in March.
    private static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468  // days from 0000-03-01 to the epoch
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
