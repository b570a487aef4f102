/// Numbered items in rising order, of which any may leave at any time.
///
/// A leaver leaves its place empty; when more places are empty than taken, all are moved together into a fresh array.
/// So a removal costs O(1) amortised beside the search, and memory follows the number of items down.
struct SparseQueue<Item: Sendable>: Sendable {
    private struct Place: Sendable {
        var number: UInt64
        var item: Item?
    }

    /// Empty places that are worth no move.
    private static var slackMax: Int { 64 }

    private var places: [Place] = []
    /// All places before it are empty.
    private var head = 0
    private var taken = 0

    var placeCount: Int { places.count }

    var isEmpty: Bool { taken == 0 }

    /// The first item and its number.
    var first: (number: UInt64, item: Item)? { entry(from: head) }

    /// The first item behind that number.
    func first(after number: UInt64) -> Item? { entry(from: index(after: number))?.item }

    /// - Precondition: `number` is above all that were appended.
    mutating func append(_ item: Item, number: UInt64) {
        places.append(Place(number: number, item: item))
        taken += 1
    }

    mutating func remove(_ number: UInt64) -> Item? {
        guard number > 0 else { return nil }
        let index = index(after: number - 1)
        guard index < places.count, places[index].number == number, let item = places[index].item else { return nil }
        places[index].item = nil
        taken -= 1
        while head < places.count && places[head].item == nil { head += 1 }
        if places.count - taken > taken + Self.slackMax {
            // A fresh array of just the size, so that the old one's memory goes back.
            var moved: [Place] = []
            moved.reserveCapacity(taken)
            for place in places[head...] where place.item != nil { moved.append(place) }
            places = moved
            head = 0
        }
        return item
    }

    private func entry(from start: Int) -> (number: UInt64, item: Item)? {
        var index = start
        while index < places.count {
            if let item = places[index].item { return (places[index].number, item) }
            index += 1
        }
        return nil
    }

    /// The first place with a number above that one.
    private func index(after number: UInt64) -> Int {
        guard head < places.count, places[head].number <= number else { return head }
        var low = head
        var high = places.count
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if places[middle].number <= number { low = middle } else { high = middle }
        }
        return high
    }
}
