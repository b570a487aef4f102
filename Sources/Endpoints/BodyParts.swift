import Stanza

/// A body that is too long for one stanza of this server, as numbered parts.
public enum BodyParts {
    /// The least room that parts are cut for: below it the prefixes alone would fill them.
    public static let contentBytesMin = 128

    /// The body alone where it fits, or parts behind `(part N) ` as of an overlong line (``LineFramer``), each cut
    /// between characters.
    /// - Parameter contentBytesMax: what a part may take as XML character data, in bytes.
    public static func of(_ body: [UInt8], contentBytesMax: Int) -> [[UInt8]] {
        let room = max(contentBytesMax, contentBytesMin)
        // No byte takes more than five: most bodies are known to fit without a look at them.
        if body.count <= room / 5 || body.withUnsafeBufferPointer(XMLText.contentCount) <= room { return [body] }
        var parts: [[UInt8]] = []
        var rest = body
        while !rest.isEmpty {
            var part = Array("(part \(parts.count + 1)) ".utf8)
            let cut = end(of: rest, room - part.count)
            part += rest[..<cut]
            parts.append(part)
            rest = Array(rest[cut...])
        }
        return parts
    }

    /// How much of the bytes fits, at least one character.
    private static func end(of bytes: [UInt8], _ room: Int) -> Int {
        var taken = 0
        for (position, byte) in bytes.enumerated() {
            taken += XMLText.contentCount(of: byte)
            if taken > room { return PartCut.before(max(position, 4), in: bytes) }
        }
        return bytes.count
    }
}
