import Stanza

/// What was held back by a limit, as one message (`overflow: digest`): how many, the first, the last, and which came
/// most often. It keeps excerpts and counts, so its size does not follow what it counts.
struct Tally: Sendable {
    private var count: UInt64 = 0
    private var tokens = Tokens()
    private var first: [UInt8] = []
    private var last: [UInt8] = []
    private var counts: [[UInt8]: UInt64] = [:]
    private var countedBytes = 0
    /// Texts that found no place among the counts.
    private var uncounted: UInt64 = 0

    /// Named limits, unit last.
    enum Limits {
        /// Of each text that is shown.
        static let excerptBytesMax = 1_024
        /// Different texts that are counted.
        static let textsMax = 1_000
        /// What they may take together.
        static let countedBytesMax = 256 * 1_024
    }

    var isEmpty: Bool { count == 0 }
    var heldBytes: Int { first.count + last.count + countedBytes }

    mutating func take(_ parcel: Parcel) {
        tokens.append(parcel.tokens)
        if count == 0 { first = parcel.bytes }
        last = parcel.bytes
        count += 1
        if let known = counts[parcel.bytes] {
            counts[parcel.bytes] = known + 1
        } else if counts.count < Limits.textsMax, countedBytes + parcel.bytes.count <= Limits.countedBytesMax {
            counts[parcel.bytes] = 1
            countedBytes += parcel.bytes.count
        } else {
            uncounted += 1
        }
    }

    /// The message; of a single text, that text.
    mutating func flush() -> Parcel? {
        guard count > 0 else { return nil }
        defer { self = Tally() }
        return Parcel(text, tokens)
    }

    private var text: [UInt8] {
        if count == 1 { return first }
        if counts.count == 1, uncounted == 0 {
            return Array("\(count) messages were held back, all alike: ".utf8) + Tally.excerpt(first)
        }
        var bytes = Array("\(count) messages were held back\nfirst: ".utf8)
        bytes += Tally.excerpt(first)
        bytes += "\nlast: ".utf8
        bytes += Tally.excerpt(last)
        if let top = mostFrequent {
            bytes += "\nmost frequent (\(top.count) times): ".utf8
            bytes += Tally.excerpt(top.text)
        }
        return bytes
    }

    /// Where it is certain, and one came more than once. Of several that came as often, the one that sorts first.
    private var mostFrequent: (text: [UInt8], count: UInt64)? {
        var top: (text: [UInt8], count: UInt64)?
        for (text, count) in counts where count > 1 {
            if let best = top, best.count > count || best.count == count && best.text.lexicographicallyPrecedes(text) {
                continue
            }
            top = (text, count)
        }
        // What was not counted may be one text, as often as that.
        guard let top, top.count > uncounted else { return nil }
        return top
    }

    /// The beginning of a text, cut between characters.
    static func excerpt(_ text: [UInt8]) -> [UInt8] {
        guard text.count > Limits.excerptBytesMax else { return text }
        var end = Limits.excerptBytesMax
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(text[..<end]) + Array("…".utf8)
    }
}
