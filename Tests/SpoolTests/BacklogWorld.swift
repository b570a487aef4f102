import Testing

@testable import Spool

struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) ^ (state << 31)
    }
}

/// A store whose answers come when they please, in their order, and a server that takes, refuses and postpones.
struct BacklogWorld {
    static let lanes: UInt32 = 12
    var dice: Dice
    var limits = Backlog.Limits()
    var backlog: Backlog
    var stored: [Lane: [StoredRow]] = [:]
    private var laneOf: [UInt64: Lane] = [:]
    var asked: [Ask] = []
    var now: Int64 = 0
    var appended: [Lane: [UInt64]] = [:]
    var ended: Set<UInt64> = []
    var held: Set<Lane> = []
    var flying: [Backlog.Flight] = []

    enum Ask {
        case batch([StoreOrder], last: UInt64)
        case load(StoreRequest)
    }

    init(seed: UInt64, durable: Bool) {
        dice = Dice(state: seed)
        limits.memoryRowsMax = 40
        limits.memoryBytesMax = 6_000
        limits.loadRowsMax = 10
        limits.loadBytesMax = 2_000
        backlog = Backlog(limits: limits, restoring: durable ? StoreContents() : nil)
    }

    mutating func lane() -> Lane { Lane(rawValue: UInt32.random(in: 0..<Self.lanes, using: &dice)) }

    mutating func append() {
        for _ in 0..<Int.random(in: 1...8, using: &dice) {
            append(to: lane(), bytes: Int.random(in: 0..<40, using: &dice))
        }
        seal()
    }

    mutating func append(to lane: Lane, bytes: Int = 0) {
        let payload = [UInt8](repeating: 1, count: bytes)
        appended[lane, default: []].append(backlog.append(RowDraft(lane: lane, payload: payload, originID: "i")))
    }

    /// What the pump does at the end of an input.
    mutating func seal() {
        let orders = backlog.takeOrders()
        guard backlog.isDurable else { return backlog.committed(upTo: backlog.lastNumber) }
        if !orders.isEmpty { asked.append(.batch(orders, last: backlog.lastNumber)) }
        for request in backlog.takeRequests() { asked.append(.load(request)) }
    }

    /// The store answers what it was asked first.
    mutating func answer() {
        guard !asked.isEmpty else { return }
        switch asked.removeFirst() {
        case .batch(let orders, let last):
            for order in orders { carryOut(order) }
            backlog.committed(upTo: last)
        case .load(let request):
            var rows: [StoredRow] = []
            var bytes = 0
            for row in stored[request.lane] ?? [] where row.row.number > request.after {
                guard rows.count < request.rowsMax, bytes < request.bytesMax else { break }
                rows.append(row)
                bytes += row.row.bytes
            }
            backlog.loaded(request.lane, rows)
        }
        seal()
    }

    private mutating func carryOut(_ order: StoreOrder) {
        switch order {
        case .append(let row):
            stored[row.lane, default: []].append(StoredRow(row))
            laneOf[row.number] = row.lane
        case .release(let number), .bury(let number, _):
            guard let (lane, index) = place(of: number) else { return }
            stored[lane]?.remove(at: index)
        case .postpone(let number, let attempts, let until, _):
            guard let (lane, index) = place(of: number) else { return }
            stored[lane]?[index].attempts = attempts
            stored[lane]?[index].until = until
        case .lane, .hold, .unhold, .position, .keep, .spill, .unspill: break
        }
    }

    private func place(of number: UInt64) -> (Lane, Int)? {
        guard let lane = laneOf[number], let index = stored[lane]?.firstIndex(where: { $0.row.number == number }) else {
            Issue.record("\(number) is not in the store")
            return nil
        }
        return (lane, index)
    }

    /// Some rows go: none that is not committed, of a lane that is held, or before one of its lane that waits.
    mutating func go() {
        for _ in 0..<Int.random(in: 1...6, using: &dice) where flying.count < 20 {
            guard let flight = backlog.next(at: now) else { break }
            if held.contains(flight.row.lane) { Issue.record("lane \(flight.row.lane) is held") }
            if flight.row.number > backlog.committedNumber { Issue.record("\(flight.row.number) is not committed") }
            let before = appended[flight.row.lane]?.prefix { $0 < flight.row.number } ?? []
            for number in before where !ended.contains(number) && !flying.contains(where: { $0.row.number == number }) {
                Issue.record("\(flight.row.number) goes before \(number)")
            }
            if ended.contains(flight.row.number) || flying.contains(where: { $0.row.number == flight.row.number }) {
                Issue.record("\(flight.row.number) goes twice")
            }
            flying.append(flight)
        }
        seal()
    }

    /// A row on its way comes to an end, or comes back.
    mutating func land() {
        guard !flying.isEmpty else { return }
        let flight = flying.remove(at: Int.random(in: 0..<min(flying.count, 3), using: &dice))
        switch Int.random(in: 0..<8, using: &dice) {
        case 0: backlog.postpone(flight.dispatch, until: now + Int64.random(in: 1..<50, using: &dice))
        case 1: backlog.putBack(flight.dispatch)
        case 2:
            backlog.bury(flight.dispatch, .init(text: "", time: 0))
            ended.insert(flight.row.number)
        case _:
            backlog.release(flight.dispatch)
            ended.insert(flight.row.number)
        }
        seal()
    }

    mutating func turnGate() {
        let lane = lane()
        if held.remove(lane) != nil {
            backlog.set(.open, lane)
        } else {
            held.insert(lane)
            backlog.set(.held, lane)
        }
        seal()
    }

    func check() {
        let all = appended.values.reduce(0) { $0 + $1.count }
        let resident = backlog.slots.reduce(0) { $0 + $1.waiting.count + $1.inFlight }
        if backlog.count != all - ended.count || backlog.slots.reduce(0, { $0 + $1.count }) != backlog.count
            || backlog.slots.filter({ $0.count > 0 }).count != backlog.activeLanes || resident != backlog.residentRows
        {
            Issue.record("counts")
        }
        guard backlog.isDurable else { return }
        // One row more at the most.
        if backlog.residentRows + backlog.reservedRows > limits.memoryRowsMax
            || backlog.residentBytes > limits.memoryBytesMax + 200
        {
            Issue.record("\(backlog.residentRows) rows, \(backlog.residentBytes) bytes in memory")
        }
    }
}
