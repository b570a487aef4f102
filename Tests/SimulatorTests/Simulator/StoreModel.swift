import Spool
import Stanza

/// The durable store: what is safe in it outlives every process, and nothing else does.
final class StoreModel {
    private(set) var image = StoreImage()
    /// Until when nothing can be written.
    var failsUntil = Instant(nanoseconds: 0)
    /// Rows that have come to their end, by what is safe.
    private(set) var released: Set<UInt64> = []
    /// Whether a position in the log is safe.
    private(set) var hasPosition = false

    /// One transaction.
    func carryOut(_ batches: [StoreBatch], spoiled: [StoreBatch]) {
        for order in batches.lazy.flatMap(\.orders) {
            switch order {
            case .release(let number), .bury(let number, _): released.insert(number)
            case .position: hasPosition = true
            case .lane, .append, .postpone, .hold, .unhold, .keep, .spill, .unspill: break
            }
        }
        for batch in spoiled {
            for order in batch.orders { note(order) }
            image.carryOut(batch)
        }
    }

    /// How many rows and dead letters there are of each line to each address.
    private var held: [Holding: Int] = [:]

    private struct Holding: Hashable {
        var mark: Mark
        var address: String

        /// What a row is of.
        init?(_ payload: [UInt8]) {
            guard let to = payload.find(Self.to), let end = payload[to.upperBound...].firstIndex(of: 0x27),
                let body = payload.find(Self.body), let mark = Mark(payload[body.upperBound...])
            else { return nil }
            self.init(mark: mark, address: String(decoding: payload[to.upperBound..<end], as: UTF8.self))
        }

        init(mark: Mark, address: String) { (self.mark, self.address) = (mark, address) }

        private static let to = Array("to='".utf8)
        private static let body = Array("<body>".utf8)
    }

    private func note(_ order: StoreOrder) {
        switch order {
        case .append(let row): if let holding = Holding(row.payload) { held[holding, default: 0] += 1 }
        case .release(let number):
            if let row = image.rows[number]?.row, let holding = Holding(row.payload) { held[holding]? -= 1 }
        // A dead letter is kept.
        case .bury, .lane, .postpone, .position, .hold, .unhold, .keep, .spill, .unspill: break
        }
    }

    /// Whether the text of a line waits in it for a sink.
    func holds(_ mark: Mark, for sink: Sink) -> Bool {
        image.spilled.contains { $0.sink == sink.endpoint && Self.holds($0.bytes, mark) }
    }

    private static func holds(_ bytes: [UInt8], _ mark: Mark) -> Bool {
        bytes.split(separator: 0x0A).contains { Mark($0) == mark }
    }

    /// Whether it holds a row, or a dead letter, of that line for that address.
    func holds(_ mark: Mark, to address: String) -> Bool {
        held[Holding(mark: mark, address: address), default: 0] > 0
    }

    /// The count of handled stanzas that is kept, where a stream is.
    var inboundCount: UInt32? {
        guard image.checkpoints["stream"] != nil, let bytes = image.checkpoints["inbound"] else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// The thread of a process that owns the store, in the manner of the driver's `StoreKeeper`: batches that wait are one
/// transaction, and answers come in the order of what they answer.
final class Keeper {
    private enum Order {
        case batch(StoreBatch)
        case load(StoreRequest)
    }

    /// Between two attempts, in milliseconds, as the driver's.
    private static let pauseFirst = 100
    private static let pauseMax = 5_000

    private unowned let world: World
    private let process: Int
    private var waiting: [Order] = []
    /// What is on its way: batches, or one load.
    private var underway: [Order] = []
    private var pause: Int?
    private var lastReply = Instant(nanoseconds: 0)

    init(_ world: World, process: Int) {
        self.world = world
        self.process = process
    }

    func post(_ batch: StoreBatch) {
        if world.canary == .answeredTooSoon { reply(.committed(batch: batch.number)) }
        waiting.append(.batch(batch))
        begin()
    }

    func load(_ request: StoreRequest) {
        waiting.append(.load(request))
        begin()
    }

    private func begin() {
        guard underway.isEmpty, let first = waiting.first else { return }
        switch first {
        case .load: underway = [waiting.removeFirst()]
        case .batch:
            underway = Array(waiting.prefix { if case .batch = $0 { true } else { false } })
            waiting.removeFirst(underway.count)
        }
        let wait = world.isKind ? 100 : world.chances.local.among(1...world.setting.storeDelay)
        world.add(.stored(process), at: world.now + .microseconds(wait))
    }

    private var batches: [StoreBatch] { underway.compactMap { if case .batch(let batch) = $0 { batch } else { nil } } }

    /// The time of what is on its way is over.
    func done() {
        guard world.now >= world.store.failsUntil else {
            if pause == nil { reply(.failing("database or disk is full")) }
            let length = pause.map { min($0 * 2, Self.pauseMax) } ?? Self.pauseFirst
            pause = length
            return world.add(.stored(process), at: world.now + .milliseconds(length))
        }
        let batches = batches
        if case .load(let request) = underway.first {
            reply(.loaded(request.lane, world.store.image.load(request)))
        } else if let last = batches.last {
            commit(batches)
            if world.canary != .answeredTooSoon { reply(.committed(batch: last.number)) }
        }
        if pause != nil { reply(.recovered) }
        pause = nil
        underway = []
        begin()
    }

    private func commit(_ batches: [StoreBatch]) {
        world.store.carryOut(batches, spoiled: batches.map { Saboteur.spoiled($0, world.canary, in: world.log) })
        world.trace.note(world.now, "  the store has \(batches.map(\.number)): \(Self.words(batches))")
        if world.store.hasPosition { world.oracle.outbound.followsLog() }
    }

    private static func words(_ batches: [StoreBatch]) -> String {
        batches.flatMap(\.orders).map { order in
            switch order {
            case .append(let row): "append \(row.number)"
            case .release(let number): "release \(number)"
            case .spill(let bytes): "spill \(bytes.sink) \(bytes.number)"
            case .unspill(let sink, let number): "unspill \(sink) \(number)"
            case .keep(let name, let bytes):
                "keep \(name) \(bytes?.suffix(8).map { String($0) }.joined(separator: ".") ?? "-")"
            case .position: "position"
            case .bury(let number, _): "bury \(number)"
            case .postpone(let number, _, _, _): "postpone \(number)"
            case .lane(let lane, let name): "lane \(lane.rawValue) \(name)"
            case .hold(let input): "hold \(input.token)"
            case .unhold(let tokens): "unhold \(tokens)"
            }
        }.joined(separator: ", ")
    }

    private func reply(_ reply: StoreReply) {
        let at = max(lastReply, world.now + .microseconds(world.chances.local.among(0...300)))
        lastReply = at
        world.add(.replied(process, reply), at: at)
    }

    /// The process is gone: the transaction on its way is in the store, or it is not.
    func crash() {
        guard !batches.isEmpty, world.now >= world.store.failsUntil, world.chances.local.oneIn(2) else { return }
        commit(batches)
    }
}
