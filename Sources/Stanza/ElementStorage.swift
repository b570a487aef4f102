/// The arena of one received element: all text in one byte array, all nodes in preorder, read lazily.
///
/// It is written by ``ElementBuilder`` alone, and never again once an ``Element`` refers to it; that is what makes
/// the `@unchecked Sendable` true.
final class ElementStorage: @unchecked Sendable {
    /// A run of `bytes`.
    struct Run {
        var start: UInt32
        var count: UInt32
        static let empty = Run(start: 0, count: 0)
    }

    struct Attribute {
        var name: Run
        var namespace: Run
        var value: Run
    }

    /// An element, or (with an empty name) a run of character data, which `namespace` then holds.
    struct Node {
        var name: Run
        var namespace: Run
        var firstAttribute: UInt32
        var attributeCount: UInt32
        /// The index behind the last node of this subtree.
        var end: UInt32

        var isText: Bool { name.count == 0 }
    }

    // Checked at run time, the exclusive access to these was a quarter of what parsing a stanza costs. The builder,
    // their one writer, calls nobody while it writes.
    @exclusivity(unchecked) var bytes: [UInt8] = []
    @exclusivity(unchecked) var nodes: [Node] = []
    @exclusivity(unchecked) var attributes: [Attribute] = []

    func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        nodes.removeAll(keepingCapacity: true)
        attributes.removeAll(keepingCapacity: true)
    }

    func append(_ content: UnsafeBufferPointer<UInt8>) -> Run {
        let run = Run(start: UInt32(bytes.count), count: UInt32(content.count))
        bytes.append(contentsOf: content)
        return run
    }

    func string(_ run: Run) -> String {
        String(decoding: bytes[Int(run.start)..<Int(run.start + run.count)], as: UTF8.self)
    }

    func equals(_ run: Run, _ literal: StaticString) -> Bool {
        guard Int(run.count) == literal.utf8CodeUnitCount else { return false }
        let other = UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        return bytes.withUnsafeBufferPointer { mine in
            var index = Int(run.start)
            for byte in other {
                if mine[index] != byte { return false }
                index += 1
            }
            return true
        }
    }

    func equals(_ run: Run, _ content: UnsafeBufferPointer<UInt8>) -> Bool {
        guard Int(run.count) == content.count else { return false }
        return bytes[Int(run.start)..<Int(run.start + run.count)].elementsEqual(content)
    }
}
