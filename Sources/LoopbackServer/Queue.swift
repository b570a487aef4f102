/// A queue in one array: taking from the front is cheap, the array is cut when half of it is behind us.
struct Queue<Item: Sendable>: Sendable {
    private var storage: [Item?] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { count == 0 }

    /// What is in it, first come first.
    var items: [Item] { storage[head...].compactMap { $0 } }

    mutating func append(_ item: Item) { storage.append(item) }

    /// Puts an item behind all that are not to come after it; where it belongs at the end this costs nothing more.
    mutating func insert(_ item: Item, before isLater: (Item) -> Bool) {
        var place = storage.count
        while place > head, let other = storage[place - 1], isLater(other) { place -= 1 }
        storage.insert(item, at: place)
    }

    /// Lets go of that many items at the front; never more than there are.
    mutating func dropFirst(_ number: Int) {
        let end = head + min(number, count)
        while head < end {
            storage[head] = nil
            head += 1
        }
        if head > 32 && head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
    }

    mutating func takeAll() -> [Item] {
        let all = items
        storage = []
        head = 0
        return all
    }
}
