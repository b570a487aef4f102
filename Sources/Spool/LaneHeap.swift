/// Lanes, the one with the lowest key first. An entry that is no longer true stays until it is the first: whoever looks
/// checks it. Every step is O(log n).
struct LaneHeap: Sendable {
    /// A lane's place, and where it stands.
    struct Entry: Sendable {
        var key: UInt64
        var slot: Int
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    var first: Entry? { entries.first }

    mutating func push(_ key: UInt64, _ slot: Int) {
        entries.append(Entry(key: key, slot: slot))
        var index = entries.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].key < entries[parent].key else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    mutating func popFirst() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        sink()
    }

    /// The same as taking the first out and putting its lane in under another key.
    mutating func replaceFirst(_ key: UInt64) {
        entries[0].key = key
        sink()
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if entries[child].key < entries[least].key { least = child }
            }
            if least == index { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
