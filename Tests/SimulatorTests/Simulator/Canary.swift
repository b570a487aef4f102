import Endpoints
import Spool
import Stanza
import Wire

/// A fault that is put between the bridge and its world, so that the bridge as a whole breaks a promise. Each must be
/// found: that shows that the oracle looks.
public enum Canary: String, Sendable, CaseIterable {
    /// A row is accepted with its acknowledgement, before the ping behind it is answered.
    case acceptedByAck = "accepted-by-ack"
    /// `h` counts a stanza more than is handled.
    case countAhead = "count-ahead"
    /// What is sent again has another id.
    case resentWithoutID = "resent-without-id"
    /// Behind a resumption two messages change places.
    case swappedAfterResumption = "swapped-after-resumption"
    /// A tailed file counts as read to its end.
    case positionAhead = "position-ahead"
    /// The driver reads sources whether the pump wants it or not.
    case forgottenGate = "forgotten-gate"
    /// Bytes for a sink count as written when they are handed over.
    case writtenAtOnce = "written-at-once"
    /// The store says that a batch is safe before it is.
    case answeredTooSoon = "answered-too-soon"
    /// The store forgets what sinks have not written.
    case spillForgotten = "spill-forgotten"
    /// The store forgets that rows have come to their end.
    case releaseForgotten = "release-forgotten"
    /// What is read of a pipe is gone from it at once.
    case consumedAtOnce = "consumed-at-once"
}

/// What a canary does to the bytes between the bridge and its world.
struct Saboteur {
    private let canary: Canary?
    /// Ids of messages that were written.
    private var written: Set<String> = []
    private var isResumed = false

    init(_ canary: Canary?) { self.canary = canary }

    /// An element of the server's comes.
    mutating func saw(_ element: Element) { if element.isNamed("resumed", NS.streamManagement) { isResumed = true } }

    /// The last row that the server has acknowledged by that element, where it is accepted at once.
    func acknowledgedRow(_ element: Element, _ tap: StreamTap) -> UInt64? {
        guard canary == .acceptedByAck, element.isNamed("a", NS.streamManagement) else { return nil }
        return element["h"].flatMap { Int($0) }.flatMap { tap.lastRow(ofFirst: $0) }
    }

    /// Bytes that the bridge writes.
    /// - Parameter received: how many stanzas it has received.
    mutating func spoil(_ bytes: inout [UInt8], received: Int?) {
        switch canary {
        case .countAhead: if let received { Self.raiseCount(&bytes, received) }
        case .resentWithoutID: bytes = renamed(bytes)
        case .swappedAfterResumption: if isResumed { bytes = swapped(bytes) }
        case .acceptedByAck, .positionAhead, .forgottenGate, .writtenAtOnce, .answeredTooSoon, .spillForgotten,
            .releaseForgotten, .consumedAtOnce, nil:
            break
        }
    }

    private static func raiseCount(_ bytes: inout [UInt8], _ received: Int) {
        let start = Array("<a xmlns='urn:xmpp:sm:3' h='".utf8)
        guard let range = bytes.find(start), let end = bytes[range.upperBound...].firstIndex(of: 0x27) else {
            return
        }
        let text = String(decoding: bytes[range.upperBound..<end], as: UTF8.self)
        guard let h = Int(text), h < received else { return }
        bytes.replaceSubrange(range.upperBound..<end, with: Array(String(h + 1).utf8))
    }

    /// The messages in a text, and what stands before and behind them.
    private static func pieces(_ bytes: [UInt8]) -> [(text: [UInt8], id: String?)] {
        var pieces: [(text: [UInt8], id: String?)] = []
        var rest = bytes[...]
        let start = Array("<message to=".utf8)
        let end = Array("</message>".utf8)
        while let from = rest.firstRange(of: start), let to = rest[from.lowerBound...].firstRange(of: end) {
            pieces.append((Array(rest[..<from.lowerBound]), nil))
            let message = Array(rest[from.lowerBound..<to.upperBound])
            pieces.append((message, attribute(" id='", of: message)))
            rest = rest[to.upperBound...]
        }
        return pieces + [(Array(rest), nil)]
    }

    private static func attribute(_ name: String, of bytes: [UInt8]) -> String? {
        guard let range = bytes.find(Array(name.utf8)),
            let end = bytes[range.upperBound...].firstIndex(of: 0x27)
        else { return nil }
        return String(decoding: bytes[range.upperBound..<end], as: UTF8.self)
    }

    private mutating func renamed(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for (text, id) in Self.pieces(bytes) {
            guard let id else {
                result += text
                continue
            }
            let isNew = written.insert(id).inserted
            result +=
                isNew ? text : Array(String(decoding: text, as: UTF8.self).replacing("'\(id)'", with: "'\(id)-r'").utf8)
        }
        return result
    }

    private mutating func swapped(_ bytes: [UInt8]) -> [UInt8] {
        var pieces = Self.pieces(bytes)
        let messages = pieces.indices.filter { pieces[$0].id != nil }
        for (index, first) in messages.enumerated() {
            let to = Self.attribute("to='", of: pieces[first].text)
            guard
                let second = messages[(index + 1)...].first(where: { Self.attribute("to='", of: pieces[$0].text) == to }
                )
            else { continue }
            pieces.swapAt(first, second)
            isResumed = false
            break
        }
        return pieces.flatMap(\.text)
    }

    /// What the store makes of a batch.
    static func spoiled(_ batch: StoreBatch, _ canary: Canary?, in folder: LogFolder) -> StoreBatch {
        var spoiled = batch
        switch canary {
        case .spillForgotten: spoiled.orders.removeAll { if case .spill = $0 { true } else { false } }
        case .releaseForgotten: spoiled.orders.removeAll { if case .release = $0 { true } else { false } }
        case .positionAhead:
            spoiled.orders = batch.orders.map { order in
                guard case .position(let path, let bytes?) = order, let positions = TailPositions.read(bytes) else {
                    return order
                }
                return .position(path: path, TailPositions.text(positions.map { folder.end(of: $0) }))
            }
        case .acceptedByAck, .countAhead, .resentWithoutID, .swappedAfterResumption, .forgottenGate, .writtenAtOnce,
            .answeredTooSoon, .consumedAtOnce, nil:
            break
        }
        return spoiled
    }
}
