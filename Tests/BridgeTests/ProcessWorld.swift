import LoopbackServer
import Stanza
import Testing

@testable import Session

/// Processes of one bridge, one after the other, against the built-in server: only what was committed outlives each. The
/// part of the pump is played as DESIGN 6 wants it: the count is safe before the session is told that stanzas are handled.
final class ProcessWorld: StreamWorld {
    /// What outlives a process.
    struct Store: Equatable {
        var stream: [UInt8]?
        var handled: UInt32 = 0
        /// Lines up to this one were accepted.
        var released = 0
        var cursors: [JID: [UInt8]] = [:]
    }

    /// What one commit makes safe.
    struct Batch {
        var stream: [UInt8]??
        var handled: UInt32?
        var handledUpTo: UInt64?
        var released: Int?
        var cursors: [JID: [UInt8]] = [:]
    }

    var store = Store()
    private var batches: [Batch] = []
    // Inbound: numbers of messages, as the peer sent them.
    var sentByPeer = 0
    private var unwritten: [(stanza: UInt64, message: Int)] = []
    private var written: [(stanza: UInt64, message: Int)] = []
    var sink: [Int] = []
    /// What an unclean end has left written and not committed: it may come again.
    var mayRepeat: Set<Int> = []
    private var committedUpTo: UInt64 = 0
    private var askedUpTo: UInt64 = 0
    // Outbound: lines, each a row until it is accepted.
    var lines = 0
    private var sentLines = 0
    private var dispatched: UInt64 = 0
    private var lineOfDispatch: [UInt64: Int] = [:]
    // Archives, where they are used: cursors are kept, and what may have arrived is asked for.
    private let usesArchive: Bool
    private var cursors: [(stanza: UInt64, archive: JID, bytes: [UInt8])] = []
    /// When each line was sent first, and which the dead may have sent.
    private var firstSent: [Int: WallTime] = [:]
    private var doubtfulUpTo = 0
    private var foundLines: Set<Int> = []
    var foundInArchive = 0
    var replayed = 0
    var gaps: [String] = []
    var arrived: [Int] = []
    /// The highest count that was said of each stream.
    private var said: [String: UInt32] = [:]
    var resumedBySuccessor = 0
    var boundAfresh = 0
    private var isFirstLogin = true

    var bridge: Machine { machines[1] }
    var peer: Machine { machines[0] }

    /// - Parameter adjust: for the bridge's configuration.
    init(
        seed: Int, faults: [String] = [], usesArchive: Bool = false,
        adjust: @escaping (inout Session.Configuration) -> Void = { _ in }
    ) throws {
        self.adjust = adjust
        self.usesArchive = usesArchive
        try super.init(seed: seed, faults: faults)
        machines.append(Machine(ClientSession(try Self.configuration("b"), random: random.take)))
        feed(.start, to: peer)
        deliverAll()
        machines.append(try newProcess())
        feed(.start, to: bridge)
    }

    private let adjust: (inout Session.Configuration) -> Void

    private func newProcess() throws -> Machine {
        var configuration = try Self.configuration("a")
        adjust(&configuration)
        configuration.messageIDPrefix = "line-"
        if usesArchive { configuration.cursors = store.cursors.compactMapValues { ArchiveCursor(bytes: $0) } }
        isFirstLogin = true
        let saved = store.stream.flatMap { SavedStream(bytes: $0) }
        #expect((saved == nil) == (store.stream == nil))
        return Machine(
            ClientSession(configuration, restoring: saved, handled: store.handled, random: random.take))
    }

    /// The process ends without a word; perhaps some of what it wrote still arrives, and some of what it asked for is
    /// committed.
    func die() throws {
        deliverToServer(bridge, random.roll(bridge.toServer.count + 1))
        commit(random.roll(batches.count + 1), tells: false)
        batches = []
        mayRepeat.formUnion(written.filter { $0.stanza > committedUpTo }.map(\.message))
        (unwritten, written, committedUpTo, askedUpTo) = ([], [], 0, 0)
        (cursors, foundLines, doubtfulUpTo) = ([], [], max(doubtfulUpTo, sentLines))
        (sentLines, dispatched, lineOfDispatch) = (store.released, 0, [:])
        cut(bridge, tells: false)
        machines[1] = try newProcess()
        feed(.start, to: bridge)
    }

    // MARK: - The pump's part

    override func observe(_ action: Session.Action, of machine: Machine) {
        if machine === peer {
            guard case .event(.message(let message)) = action, message.type != "error" else { return }
            return arrived.append(Int(message.stanza["id"] ?? "") ?? 0)
        }
        switch action {
        case .event(.message(let message)):
            unwritten.append((machine.session.inboundStanza, Int(message.stanza["id"] ?? "") ?? 0))
            if message.isReplayed { replayed += 1 }
        case .event(.cursor(let archive, let cursor)):
            if let cursor { cursors.append((machine.session.inboundStanza, archive, cursor.bytes)) }
        case .event(.caughtUp(_, _, let gap)): if let gap { gaps.append(gap) }
        case .foundInArchive(let row):
            foundInArchive += 1
            if let line = lineOfDispatch[row] { foundLines.insert(line) }
            release(upTo: releasedLine)
        case .event(.online(_, let resumed, _)):
            if isFirstLogin, resumed { resumedBySuccessor += 1 }
            if !resumed { boundAfresh += 1 }
            isFirstLogin = false
        case .keepStream(let saved):
            let count = saved.flatMap { _ in machine.session.handledCount(ifHandledUpTo: committedUpTo) }
            batches.append(Batch(stream: .some(saved?.bytes), handled: count ?? 0))
        case .spill(let number): write(upTo: number)
        case .accepted(let row):
            if let line = lineOfDispatch[row] { release(upTo: line) }
        case .ended(let ending): Issue.record("ended: \(ending)")
        case .event, .returned, .writable, .connect, .restartStream, .startTLS, .derive, .drained, .closeConnection,
            .abortConnection:
            break
        }
    }

    /// Lines up to this one are accepted, or will be with the next commit.
    private var releasedLine: Int { batches.compactMap(\.released).max() ?? store.released }

    private func release(upTo line: Int) {
        var last = max(line, releasedLine)
        while foundLines.contains(last + 1) { last += 1 }
        batches.append(Batch(released: last))
    }

    /// The sinks write so many of the messages that wait.
    func write(_ count: Int) { write(upTo: unwritten.prefix(count).last?.stanza ?? 0) }

    private func write(upTo number: UInt64) {
        let count = unwritten.prefix { $0.stanza <= number }.count
        written += unwritten.prefix(count)
        sink += unwritten.prefix(count).map(\.message)
        unwritten.removeFirst(count)
    }

    /// What the sinks have written is to be committed, with the count.
    func ask() {
        let session = bridge.session
        let number = unwritten.first.map { $0.stanza - 1 } ?? session.inboundStanza
        guard number > askedUpTo else { return }
        askedUpTo = number
        var batch = Batch(handled: session.handledCount(ifHandledUpTo: number), handledUpTo: number)
        while let first = cursors.first, first.stanza <= number {
            batch.cursors[first.archive] = first.bytes
            cursors.removeFirst()
        }
        batches.append(batch)
    }

    func commit(_ count: Int = .max, tells: Bool = true) {
        for _ in 0..<min(count, batches.count) {
            let batch = batches.removeFirst()
            if let stream = batch.stream { store.stream = stream }
            if let handled = batch.handled { store.handled = handled }
            if let released = batch.released { store.released = max(store.released, released) }
            store.cursors.merge(batch.cursors) { $1 }
            guard let number = batch.handledUpTo else { continue }
            committedUpTo = max(committedUpTo, number)
            written.removeAll { $0.stanza <= number }
            if tells { feed(.handled(upTo: number), to: bridge) }
        }
    }

    func type(_ count: Int) {
        lines += count
        sendLines()
    }

    func sendLines() {
        while bridge.session.canSend, sentLines < lines {
            sentLines += 1
            dispatched += 1
            lineOfDispatch[dispatched] = sentLines
            bridge.session.wall = wall
            let first = firstSent[sentLines] ?? wall
            firstSent[sentLines] = first
            let id = "line-\(sentLines)"
            let mark = usesArchive ? "<origin-id xmlns='urn:xmpp:sid:0' id='\(id)'/>" : ""
            let text = "<message to='b@localhost' type='chat' id='\(sentLines)'><body>x</body>\(mark)</message>"
            let isDoubtful = usesArchive && sentLines <= doubtfulUpTo
            bridge.session.send(
                Array(text.utf8), row: dispatched, doubt: isDoubtful ? Doubt(originID: id, since: first) : nil, at: now)
        }
        flush(bridge)
    }

    func peerSays(_ count: Int) {
        for _ in 0..<count where peer.session.canSend {
            sentByPeer += 1
            let text = "<message to='a@localhost/r' type='chat' id='\(sentByPeer)'><body>x</body></message>"
            peer.session.send(Array(text.utf8), row: UInt64(sentByPeer), at: now)
        }
        flush(peer)
        deliverToServer(peer)
        deliverToClient(peer)
    }

    // MARK: - The law

    /// `h` is never below what was said before on the stream, nor above what is committed.
    override func wrote(_ bytes: [UInt8], by machine: Machine) {
        if machine === peer { return }
        for piece in String(decoding: bytes, as: UTF8.self).split(separator: "<") {
            let isResumption = piece.hasPrefix("resume ")
            guard isResumption || piece.hasPrefix("a "), let h = Self.value("h", of: piece).flatMap({ UInt32($0) }),
                let id = isResumption ? Self.value("previd", of: piece) : machine.session.resumable?.id
            else { continue }
            let before = said[id] ?? h
            #expect(h &- before < 1 << 31, "\(h) after \(before)")
            let committed = store.stream.flatMap { SavedStream(bytes: $0) }?.id == id ? store.handled : 0
            #expect(committed &- h < 1 << 31, "\(h) is said, and \(committed) committed")
            said[id] = h
        }
    }

    private static func value(_ name: String, of piece: Substring) -> String? {
        piece.firstRange(of: " \(name)='").map { String(piece[$0.upperBound...].prefix { $0 != "'" }) }
    }

    /// All count from there, as if so many stanzas had come to the bridge before.
    func wind(to count: UInt32) {
        server.wind("a", to: count, handled: bridge.session.queue.sentCount)
        bridge.session.inbound.setCount(count)
        store.handled = count
        said = [:]
    }

    /// Everything arrives, is written, committed and accepted.
    func settle() {
        for _ in 0..<200 {
            sendLines()
            deliverAll()
            write(.max)
            ask()
            commit()
            pass(.milliseconds(250))
        }
        deliverAll()
    }

    /// The first arrivals of each, in order.
    static func firsts(_ numbers: [Int]) -> [Int] {
        var seen: Set<Int> = []
        return numbers.filter { seen.insert($0).inserted }
    }

    static func repeated(_ numbers: [Int]) -> Set<Int> {
        var seen: Set<Int> = []
        return Set(numbers.filter { !seen.insert($0).inserted })
    }
}
