import Routing

/// JSON objects, one a line; commas come by themselves.
struct JSONLine {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Takes what is written.
    mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// An object: the whole line, or an element of a list.
    mutating func object(_ members: (inout JSONLine) -> Void) { enclosed("{", "}", members) }

    /// A member that is an object.
    mutating func object(_ name: StaticString, _ members: (inout JSONLine) -> Void) {
        put(name)
        object(members)
    }

    /// A member that is a list.
    mutating func list(_ name: StaticString, _ elements: (inout JSONLine) -> Void) {
        put(name)
        enclosed("[", "]", elements)
    }

    /// A member that is text; none where there is none.
    mutating func add(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        add(name, Array(text.utf8))
    }

    /// A member that is text.
    mutating func add(_ name: StaticString, _ text: [UInt8]) {
        put(name)
        string(text)
    }

    /// A member that is a number.
    mutating func add(_ name: StaticString, _ number: some BinaryInteger) {
        put(name)
        bytes += String(number).utf8
        needsComma = true
    }

    /// A member that is true; none where it is not.
    mutating func add(whereTrue name: StaticString, _ value: Bool) {
        guard value else { return }
        put(name)
        bytes += "true".utf8
        needsComma = true
    }

    /// A member or an element that is JSON already.
    mutating func add(_ name: StaticString, json: some Sequence<UInt8>) {
        put(name)
        bytes += json
        needsComma = true
    }

    /// Two numbers as an element of a list.
    mutating func pair(_ range: ClosedRange<UInt64>) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes += "[\(range.lowerBound),\(range.upperBound)]".utf8
        needsComma = true
    }

    /// The line is over.
    mutating func end() {
        bytes.append(0x0A)
        needsComma = false
    }

    private mutating func put(_ name: StaticString) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        bytes += "\":".utf8
        needsComma = false
    }

    private mutating func enclosed(_ open: Character, _ close: Character, _ body: (inout JSONLine) -> Void) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes += open.utf8
        needsComma = false
        body(&self)
        bytes += close.utf8
        needsComma = true
    }

    private mutating func string(_ text: [UInt8]) {
        let bytesMax = text.count * JSONText.escapedBytesMax + 2
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytesMax) { room in
            // There is room for two quotes at least, so there is a base.
            guard let base = room.baseAddress else { return }
            var json = JSONText(writingTo: base)
            text.withUnsafeBufferPointer { json.string($0) }
            bytes += UnsafeBufferPointer(start: base, count: json.count)
        }
        needsComma = true
    }
}
