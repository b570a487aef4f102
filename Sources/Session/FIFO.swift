/// A queue with cheap ends: what is taken from the front frees its slot at once, the array shrinks now and then.
struct FIFO<Item: Sendable>: Sendable {
    private var slots: [Item?] = []
    private var head = 0

    var count: Int { slots.count - head }
    var isEmpty: Bool { head == slots.count }
    var first: Item? { isEmpty ? nil : slots[head] }
    var last: Item? { isEmpty ? nil : slots[slots.count - 1] }

    /// The item that many places behind the front.
    subscript(_ offset: Int) -> Item {
        // Every slot from `head` on is filled: only `popFirst` empties one, and moves `head` past it.
        get { slots[head + offset]! }
        _modify { yield &slots[head + offset]! }
    }

    /// How many places behind the front the first such item is.
    func firstOffset(where isWanted: (Item) -> Bool) -> Int? {
        for position in head..<slots.count {
            if let item = slots[position], isWanted(item) { return position - head }
        }
        return nil
    }

    mutating func append(_ item: Item) { slots.append(item) }

    /// Puts an item in front of the one at `offset`; costs what lies behind it.
    mutating func insert(_ item: Item, at offset: Int) {
        if offset == count { slots.append(item) } else { slots.insert(item, at: head + offset) }
    }

    /// Takes the item at `offset` out; costs what lies behind it.
    mutating func remove(at offset: Int) {
        if offset == 0 { popFirst() } else { slots.remove(at: head + offset) }
    }

    @discardableResult
    mutating func popFirst() -> Item? {
        guard head < slots.count else { return nil }
        let item = slots[head]
        slots[head] = nil
        head += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: slots.count <= 4_096)
            head = 0
        } else if head >= 256 && head * 2 >= slots.count {
            slots.removeFirst(head)
            head = 0
        }
        return item
    }

    mutating func removeAll() {
        slots.removeAll()
        head = 0
    }
}
