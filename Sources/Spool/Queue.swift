/// Items in a row that mostly leave at the front. Every step is O(1), amortised, but an insertion, which costs a step for
/// each item before its place.
public struct Queue<Element: Sendable>: Sendable {
    /// Empty places at the front that are worth no move.
    private static var slackMax: Int { 64 }

    private var places: [Element?] = []
    /// All places before it are empty.
    private var head = 0

    /// An empty queue.
    public init() {}

    /// How many items there are.
    public var count: Int { places.count - head }
    /// Whether there is none.
    public var isEmpty: Bool { head == places.count }
    /// The item that leaves next.
    public var first: Element? { isEmpty ? nil : places[head] }
    /// The item that came last.
    public var last: Element? { isEmpty ? nil : places[places.count - 1] }

    /// The item at that distance from the front.
    public subscript(_ offset: Int) -> Element? {
        get { places[head + offset] }
        set { places[head + offset] = newValue }
    }

    /// Puts an item at the end.
    public mutating func append(_ item: Element) { places.append(item) }

    /// Puts an item so that so many are before it.
    public mutating func insert(_ item: Element, at offset: Int) {
        guard head > 0 else { return places.insert(item, at: offset) }
        for place in head..<head + offset { places[place - 1] = places[place] }
        head -= 1
        places[head + offset] = item
    }

    /// Takes the first item out.
    @discardableResult
    public mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let item = places[head]
        places[head] = nil
        head += 1
        if isEmpty {
            // What a flood has taken goes back; what a trickle needs stays.
            places.removeAll(keepingCapacity: places.count <= Self.slackMax)
            head = 0
        } else if head > Self.slackMax, head * 2 > places.count {
            places = Array(places[head...])
            head = 0
        }
        return item
    }

    /// Takes the last item out.
    @discardableResult
    public mutating func popLast() -> Element? {
        guard !isEmpty else { return nil }
        let item = places.removeLast()
        if isEmpty {
            places.removeAll(keepingCapacity: places.capacity <= 2 * Self.slackMax)
            head = 0
        }
        return item
    }
}
