// Which rows are in memory, where there is a durable store: those that are next in their lanes, and never more than the
// limit, however many lanes there are.
extension Backlog {
    /// A lane that holds fewer rows in memory than this is not crowded.
    private static let crowdMin = 16

    /// Whether memory has room for another row.
    var hasRoom: Bool {
        residentRows + reservedRows < limits.memoryRowsMax && residentBytes + reservedBytes < limits.memoryBytesMax
    }

    /// What each lane may have in memory where all want some.
    private var laneShare: Int { max(1, limits.memoryRowsMax / max(1, activeLanes)) }

    // MARK: - Loading

    /// Puts a lane among those that want rows loaded, where it does.
    mutating func feed(_ slot: Int) {
        guard slots[slot].storedRows > 0, !slots[slot].isHungry, isHungry(slot) else { return }
        slots[slot].isHungry = true
        hungry.push(slots[slot].edge, slot)
    }

    private func isHungry(_ slot: Int) -> Bool {
        slots[slot].storedRows > 0 && slots[slot].load == nil && !slots[slot].isHeld
            && slots[slot].waiting.count < max(1, min(limits.loadRowsMax / 2, laneShare / 2))
    }

    /// What is to be loaded: to be asked for behind the orders of ``takeOrders()``, and answered in their order.
    public mutating func takeRequests() -> [StoreRequest] {
        var requests: [StoreRequest] = []
        while let top = hungry.first {
            let slot = top.slot
            guard isHungry(slot) else {
                hungry.popFirst()
                slots[slot].isHungry = false
                continue
            }
            guard top.key == slots[slot].edge else {
                hungry.popFirst()
                hungry.push(slots[slot].edge, slot)
                continue
            }
            // What is not committed cannot be loaded, and the other lanes want what came later still.
            guard top.key < committedNumber else { break }
            guard hasRoom || makeRoom() else { break }
            let rows = min(
                limits.loadRowsMax, laneShare, slots[slot].storedRows,
                limits.memoryRowsMax - residentRows - reservedRows)
            let bytes = min(
                limits.loadBytesMax, slots[slot].storedBytes, limits.memoryBytesMax - residentBytes - reservedBytes)
            hungry.popFirst()
            slots[slot].isHungry = false
            slots[slot].load = .init(rows: rows, bytes: bytes, committed: committedNumber)
            reservedRows += rows
            reservedBytes += bytes
            requests.append(
                StoreRequest(lane: slots[slot].lane, after: slots[slot].edge, rowsMax: rows, bytesMax: bytes))
        }
        return requests
    }

    /// The answer to a request.
    public mutating func loaded(_ lane: Lane, _ rows: [StoredRow]) {
        guard let slot = slot(ofKnown: lane), let load = slots[slot].load else { return }
        slots[slot].load = nil
        reservedRows -= load.rows
        reservedBytes -= load.bytes
        for row in rows where row.row.number > slots[slot].edge {
            let size = row.row.bytes
            slots[slot].edge = row.row.number
            slots[slot].storedRows -= 1
            slots[slot].storedBytes -= size
            keep(row, size, slot)
        }
        if rows.isEmpty { foundNone(slot, upTo: load.committed) }
        noteHeld(slot)
        feed(slot)
    }

    /// Nothing was there up to that number: where nothing can be behind it either, the count was wrong.
    private mutating func foundNone(_ slot: Int, upTo number: UInt64) {
        slots[slot].edge = max(slots[slot].edge, number)
        guard slots[slot].edge >= lastNumber else { return }
        count -= slots[slot].storedRows
        bytes -= slots[slot].storedBytes
        slots[slot].count -= slots[slot].storedRows
        if slots[slot].count == 0 { activeLanes -= 1 }
        slots[slot].storedRows = 0
        slots[slot].storedBytes = 0
    }

    // MARK: - Leaving memory

    /// Takes note of a lane that is held and has rows in memory.
    mutating func noteHeld(_ slot: Int) {
        guard isDurable, slots[slot].isHeld, !slots[slot].isListedAsHeld, !slots[slot].waiting.isEmpty else { return }
        slots[slot].isListedAsHeld = true
        heldSlots.append(slot)
    }

    /// Takes note of a lane that has many rows in memory, each time they have doubled.
    mutating func noteCrowd(_ slot: Int) {
        let count = slots[slot].waiting.count
        if count >= Self.crowdMin, count & (count - 1) == 0 { crowded.push(.max - UInt64(count), slot) }
        if slots[slot].isHeld { noteHeld(slot) }
    }

    /// Takes rows out of memory that others need the room of: all of a lane that is held, or what a lane has beyond
    /// its share, where that is much.
    /// - Returns: Whether there is room now.
    private mutating func makeRoom() -> Bool {
        while let slot = heldSlots.popLast() {
            slots[slot].isListedAsHeld = false
            if slots[slot].isHeld { evict(slot, keeping: 0) }
            if hasRoom { return true }
        }
        while let top = crowded.first {
            let count = slots[top.slot].waiting.count
            guard .max - UInt64(count) == top.key else {
                // As it was noted, it was more or less.
                crowded.popFirst()
                if count >= Self.crowdMin { crowded.push(.max - UInt64(count), top.slot) }
                continue
            }
            // A load may bring a lane half as much again.
            guard count > laneShare + laneShare / 2 else { return false }
            crowded.popFirst()
            evict(top.slot, keeping: laneShare)
            if slots[top.slot].waiting.count >= Self.crowdMin {
                crowded.push(.max - UInt64(slots[top.slot].waiting.count), top.slot)
            }
            if hasRoom { return true }
            if slots[top.slot].waiting.count == count { return false }
        }
        return false
    }

    /// Takes a lane's last rows out of memory: they are in the store.
    private mutating func evict(_ slot: Int, keeping rowsMax: Int) {
        // What is being loaded comes behind what is here.
        guard slots[slot].load == nil else { return }
        while slots[slot].waiting.count > rowsMax, let last = slots[slot].waiting.last,
            last.row.number > slots[slot].evictableAfter
        {
            let size = last.row.bytes
            slots[slot].waiting.popLast()
            slots[slot].storedRows += 1
            slots[slot].storedBytes += size
            slots[slot].edge = last.row.number - 1
            residentRows -= 1
            residentBytes -= size
        }
        feed(slot)
    }
}

// What is known of rows that wait.
extension Backlog {
    /// The first row of a lane that waits in memory.
    public func first(in lane: Lane) -> Row? { slot(ofKnown: lane).flatMap { slots[$0].waiting.first?.row } }

    /// Whether a row up to that number may be left. Costs a step for each lane and each flight.
    public func holdsRows(upTo number: UInt64) -> Bool {
        let mayWait = slots.contains { lane in
            if let first = lane.waiting.first { return first.row.number <= number }
            // Of what is in the store only nothing is known.
            return lane.count > lane.inFlight
        }
        var last: UInt64 = 0
        while !mayWait, let flight = flight(after: last) {
            if flight.row.number <= number { return true }
            last = flight.dispatch
        }
        return mayWait
    }

    /// Whether the row of that number may wait to go, in that lane or without one in any: of what is in the store only no more
    /// is known than where it lies. Costs a step for each row that waits.
    public func mayWait(_ number: UInt64, in lane: Lane?) -> Bool {
        let queues = lane.map { slot(ofKnown: $0).map { slots[$0...$0] } ?? [] } ?? slots[...]
        return queues.contains { $0.mayWait(number) }
    }
}
