import Stanza

/// Many texts in one message (`group` with `within` alone): those that come within that time of the first, each on lines
/// of its own.
struct Window {
    private let within: Duration
    private let linesMax: Int
    private let bytesMax: Int
    private var held = Parcel()
    private var until: Instant?

    init(_ group: Shaping.Group) {
        within = group.within
        linesMax = group.linesMax
        bytesMax = group.bytesMax
    }

    var heldCount: Int { held.texts }
    var heldBytes: Int { held.bytes.count }
    var deadline: Instant? { until }

    /// Takes a text; returns what it leaves no room for, and what is full with it.
    mutating func take(_ parcel: Parcel, at now: Instant) -> [Parcel] {
        var full: [Parcel] = []
        if held.texts > 0, held.bytes.count + 1 + parcel.bytes.count > bytesMax, let one = flush() { full.append(one) }
        if held.texts == 0 {
            held = parcel
            until = now + within
        } else {
            held.bytes.append(UInt8(ascii: "\n"))
            held.bytes += parcel.bytes
            held.texts += parcel.texts
            held.tokens.append(parcel.tokens)
        }
        if held.texts >= linesMax || held.bytes.count >= bytesMax, let one = flush() { full.append(one) }
        return full
    }

    /// What its time has made ready.
    mutating func expire(at now: Instant) -> Parcel? {
        guard let until, until <= now else { return nil }
        return flush()
    }

    mutating func flush() -> Parcel? {
        guard held.texts > 0 else { return nil }
        defer { held = Parcel() }
        until = nil
        return held
    }
}

/// A text on its way through the shaping, and the input that it was made of.
struct Parcel: Sendable, Equatable {
    var bytes: [UInt8] = []
    var tokens = Tokens()
    /// How many texts stand in it.
    var texts = 0

    init() {}

    init(_ bytes: [UInt8], _ tokens: Tokens) {
        self.bytes = bytes
        self.tokens = tokens
        texts = 1
    }
}
