import LoopbackServer
import Stanza
import Synchronization
import Testing
import Wire

@testable import Session

/// Bytes from one seed, the same in every run; a class, since both machines and the world draw from it.
final class SeededBytes: Sendable {
    private let state: Mutex<UInt64>

    init(seed: Int) { state = Mutex(UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1) }

    func next() -> UInt64 {
        state.withLock {
            $0 &+= 0x9E37_79B9_7F4A_7C15
            let mixed = ($0 ^ ($0 >> 30)) &* 0xBF58_476D_1CE4_E5B9
            return mixed ^ (mixed >> 29)
        }
    }

    func roll(_ sides: Int) -> Int { Int(next() % UInt64(sides)) }
    func take(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 24) } }
}

/// A client session, its connection and the bytes on their way.
final class Machine {
    var session: ClientSession
    /// The number of its connection at the server; nil while it has none.
    var connection: UInt64?
    var toServer: [UInt8] = []
    var fromServer: [UInt8] = []
    /// The server has closed, behind what is still on its way.
    var isClosing = false
    fileprivate var clientEnd = End()
    fileprivate var serverEnd = End()

    /// Who reads at one end.
    fileprivate struct End {
        var parser = StreamParser()
        var wantsRestart = false

        mutating func renew() { self = End() }
    }

    init(_ session: ClientSession) { self.session = session }
}

/// Two accounts on the built-in server, each a session machine: bytes move when told, in one thread.
class StreamWorld {
    let random: SeededBytes
    var server: LoopbackServer
    var machines: [Machine] = []
    var now = Instant(nanoseconds: 1_000_000_000)
    private var lastConnection: UInt64 = 0

    init(seed: Int, faults: [String] = []) throws {
        let random = SeededBytes(seed: seed)
        self.random = random
        var configuration = try LoopbackServer.Configuration(
            domain: "localhost", accounts: ["a", "b"].map { ($0, "secret") })
        configuration.saslMechanisms = [.plain]
        configuration.limits.connectionsMax = 100_000
        server = LoopbackServer(configuration, faults: try faults.map { try Fault(parsing: $0) }) { random.take($0) }
    }

    static func configuration(_ name: String) throws -> Session.Configuration {
        var configuration = Configuration(
            account: try JID("\(name)@localhost"), resource: "r", credentials: .password(Secret("secret")),
            presence: .init())
        configuration.retry = .forever
        return configuration
    }

    /// What the bridge does about an action that is not the driver's.
    func observe(_ action: Session.Action, of machine: Machine) {}
    /// What goes to the server.
    func wrote(_ bytes: [UInt8], by machine: Machine) {}

    // MARK: - The driver

    func feed(_ input: Session.Input, to machine: Machine) {
        machine.session.wall = wall
        let actions = machine.session.handle(input, at: now)
        flush(machine)
        for action in actions { perform(action, of: machine) }
    }

    func flush(_ machine: Machine) {
        let bytes = machine.session.takeOutput()
        if machine.connection == nil || bytes.isEmpty { return }
        wrote(bytes, by: machine)
        machine.toServer += bytes
    }

    private func perform(_ action: Session.Action, of machine: Machine) {
        switch action {
        case .connect: connect(machine)
        case .restartStream: machine.clientEnd.wantsRestart = true
        case .closeConnection:
            deliverToServer(machine)
            cut(machine, tells: false)
        case .abortConnection: cut(machine, tells: false)
        case .startTLS, .derive: Issue.record("TLS stands, and PLAIN derives nothing")
        case .event, .accepted, .foundInArchive, .returned, .writable, .spill, .keepStream, .drained, .ended:
            observe(action, of: machine)
        }
    }

    private func connect(_ machine: Machine) {
        lastConnection += 1
        machine.connection = lastConnection
        (machine.toServer, machine.fromServer, machine.isClosing) = ([], [], false)
        machine.clientEnd.renew()
        machine.serverEnd.renew()
        tell(.connected(lastConnection, directTLS: true))
        let facts = TLSFacts(version: "TLSv1.3", exporter: nil, serverEndPoint: nil)
        feed(.connected(.tls(facts, peer: PeerName(host: "localhost", port: 5_222, isLoopback: true))), to: machine)
    }

    /// The connection is gone, with all that is on its way.
    func cut(_ machine: Machine, tells: Bool = true) {
        guard let id = machine.connection else { return }
        machine.connection = nil
        tell(.disconnected(id))
        if tells { feed(.disconnected(.closed("reset")), to: machine) }
    }

    // MARK: - Bytes

    func deliverToServer(_ machine: Machine, _ count: Int = .max) {
        guard let id = machine.connection else { return }
        let chunk = Array(machine.toServer.prefix(count))
        machine.toServer.removeFirst(chunk.count)
        read(chunk, at: \.serverEnd, of: machine) { event in
            switch event {
            case .opened(let header): self.tell(.streamOpened(id, header))
            case .element(let element): self.tell(.element(id, element))
            case .closed: self.tell(.streamClosed(id))
            }
            return machine.connection == id
        }
    }

    func deliverToClient(_ machine: Machine, _ count: Int = .max) {
        guard let id = machine.connection else { return }
        let chunk = Array(machine.fromServer.prefix(count))
        machine.fromServer.removeFirst(chunk.count)
        read(chunk, at: \.clientEnd, of: machine) { event in
            switch event {
            case .opened(let header):
                let read = StreamHeader(id: header["id"], from: header["from"], version: header["version"])
                self.feed(.streamOpened(read), to: machine)
            case .element(let element): self.feed(.element(element), to: machine)
            case .closed: self.feed(.streamClosed, to: machine)
            }
            return machine.connection == id
        }
        if machine.connection == id, machine.isClosing, machine.fromServer.isEmpty { cut(machine) }
    }

    private func read(
        _ chunk: [UInt8], at end: ReferenceWritableKeyPath<Machine, Machine.End>, of machine: Machine,
        _ tell: (StreamParser.Event) -> Bool
    ) {
        chunk.withUnsafeBufferPointer { bytes in
            var rest = bytes
            while !rest.isEmpty {
                var goesOn = true
                let parser = machine[keyPath: end].parser
                do throws(StreamParser.Failure) {
                    let consumed = try parser.parse(rest) { event in
                        goesOn = tell(event)
                        return goesOn && !machine[keyPath: end].wantsRestart ? .continue : .stop
                    }
                    rest = UnsafeBufferPointer(rebasing: rest[consumed...])
                } catch {
                    Issue.record("cannot be read: \(error)")
                    return
                }
                if !goesOn { return }
                if machine[keyPath: end].wantsRestart { machine[keyPath: end].renew() }
            }
        }
    }

    // MARK: - The server

    var wall: WallTime { WallTime(milliseconds: 1_795_340_400_000 + now.nanoseconds / 1_000_000) }

    func tell(_ input: LoopbackServer.Input) {
        for action in server.handle(input, at: now, wall: wall) {
            switch action {
            case .write(let id, let bytes): machine(id)?.fromServer += bytes
            case .restartStream(let id): machine(id)?.serverEnd.wantsRestart = true
            case .close(let id): machine(id)?.isClosing = true
            case .abort(let id):
                machine(id)?.fromServer = []
                machine(id)?.isClosing = true
            case .startTLS: Issue.record("TLS stands")
            case .observed: break
            }
        }
    }

    private func machine(_ id: UInt64) -> Machine? { machines.first { $0.connection == id } }

    // MARK: - Time

    func pass(_ span: Duration) {
        let end = now + span
        while let next = (machines.compactMap(\.session.deadline) + [server.deadline].compactMap { $0 }).min(),
            next <= end
        {
            now = max(now, next)
            if let due = server.deadline, due <= now { tell(.timeout) }
            for machine in machines {
                if let due = machine.session.deadline, due <= now { feed(.timeout, to: machine) }
            }
        }
        now = end
    }

    /// All bytes arrive until there are none.
    func deliverAll() {
        while machines.contains(where: {
            $0.connection != nil && !($0.toServer.isEmpty && $0.fromServer.isEmpty && !$0.isClosing)
        }) {
            for machine in machines {
                deliverToServer(machine)
                deliverToClient(machine)
            }
        }
    }
}
