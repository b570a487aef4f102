public import Routing
public import Stanza

/// Events → NDJSON (DESIGN 5.3): one object a line, `event`, `time` and `seq` first, then the fields in their order.
public struct EventWriter: Sendable {
    /// The `seq` of the next event.
    public private(set) var nextSequence: UInt64

    /// A writer whose first event has that `seq`.
    public init(firstSequence: UInt64 = 1) { nextSequence = firstSequence }

    /// Appends the event as one line. Text that is no UTF-8 has U+FFFD in place of each broken sequence.
    public mutating func append(_ event: EventRecord, at time: WallTime, to output: inout [UInt8]) {
        Self.reserve(Self.headBytesMax, in: &output)
        output.append(contentsOf: #"{"event":""#.utf8)
        output.append(contentsOf: event.kind.rawValue.utf8)
        output.append(contentsOf: #"","time":""#.utf8)
        time.append(to: &output)
        output.append(contentsOf: #"","seq":"#.utf8)
        output.append(contentsOf: String(nextSequence).utf8)
        Self.append(event.fields, to: &output)
        output.append(0x0A)
        nextSequence += 1
    }

    /// Appends the event as an object with `event` and its fields alone: one that is not written as it happens.
    public static func append(bare event: EventRecord, to output: inout [UInt8]) {
        output.append(contentsOf: #"{"event":""#.utf8)
        output.append(contentsOf: event.kind.rawValue.utf8)
        output.append(UInt8(ascii: "\""))
        append(event.fields, to: &output)
    }

    /// Appends the fields, each behind a comma, and what closes the object.
    private static func append(_ fields: [EventRecord.Field], to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytesMax(fields)) { bytes in
            // There is room for the closing `}` at least, so there is a base.
            guard let base = bytes.baseAddress else { return }
            var text = JSONText(writingTo: base)
            put(fields, to: &text)
            reserve(text.count, in: &output)
            output.append(contentsOf: UnsafeBufferPointer(start: base, count: text.count))
        }
    }

    /// More than any `event`, `time` and `seq` take.
    private static let headBytesMax = 128

    /// Geometric growth over many events: `reserveCapacity` alone would be exact.
    private static func reserve(_ more: Int, in output: inout [UInt8]) {
        let needed = output.count + more
        if output.capacity < needed { output.reserveCapacity(max(needed, 2 * output.capacity)) }
    }

    /// What the fields and the end of the line take at most.
    private static func bytesMax(_ fields: [EventRecord.Field]) -> Int {
        // `,"name":` and the quotes of a string; a number has 20 digits at most.
        let frame = 24
        var total = 2
        for field in fields {
            total += field.name.utf8.count + frame
            switch field.value {
            case .string(let value): total += value.utf8.count * JSONText.escapedBytesMax
            case .bytes(let value): total += value.count * JSONText.escapedBytesMax
            case .int, .bool: break
            case .strings(let values):
                for value in values { total += value.utf8.count * JSONText.escapedBytesMax + 3 }
            }
        }
        return total
    }

    private static func put(_ fields: [EventRecord.Field], to text: inout JSONText) {
        for field in fields {
            text.nextMember(field.name)
            switch field.value {
            case .string(let value): text.string(value)
            case .bytes(let value): value.withUnsafeBufferPointer { text.string($0) }
            case .int(let value): text.raw(String(value))
            case .bool(true): text.raw("true")
            case .bool(false): text.raw("false")
            case .strings(let values):
                var separator: StaticString = "["
                if values.isEmpty { text.raw(separator) }
                for value in values {
                    text.raw(separator)
                    text.string(value)
                    separator = ","
                }
                text.raw("]")
            }
        }
        text.raw("}")
    }
}
