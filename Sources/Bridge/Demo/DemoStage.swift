import Glibc
import LoopbackServer
import Stanza
import Wire

/// The built-in server with its certificate in a file, and the play that shows the main job on it.
final class DemoStage {
    let accounts: [(name: String, password: String)]
    let domain: String
    let address: LoopbackDriver.Address
    /// Holds the certificate, the log and the rules; removed at the end.
    let directory: String
    private let driver: LoopbackDriver

    init(
        domain: String, accounts: [(name: String, password: String)], rooms: [(name: String, password: String?)],
        faults: [Fault], port: Int
    ) throws(StartFailure) {
        Signals.claim()
        self.domain = domain
        self.accounts = accounts
        var configuration: LoopbackServer.Configuration
        do throws(LoopbackServer.Configuration.Failure) {
            configuration = try LoopbackServer.Configuration(domain: domain, accounts: accounts)
            configuration.roomService.rooms = try Self.rooms(rooms, of: configuration)
        } catch {
            throw StartFailure(.usage, "\(error)")
        }
        do {
            driver = try LoopbackDriver(configuration, faults: faults, observe: { _ in })
            address = try driver.listen(port: port)
        } catch {
            throw StartFailure(
                .cannotCreate, "the built-in server cannot listen on port \(port): \(ConnectFailure.describe(error))")
        }
        var template = Array("\(Environment.process["TMPDIR"] ?? "/tmp")/xmpp-bridge-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StartFailure(.cannotCreate, "cannot make a temporary directory: \(Diagnostics.describe(errno))")
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        write(address.certificatePEM, to: "certificate.pem")
    }

    private static func rooms(
        _ rooms: [(name: String, password: String?)], of configuration: LoopbackServer.Configuration
    ) throws(LoopbackServer.Configuration.Failure) -> [LoopbackServer.Configuration.Room] {
        var made: [LoopbackServer.Configuration.Room] = []
        for (name, password) in rooms {
            var room = try LoopbackServer.Configuration.Room(name)
            room.settings.password = password
            if let owner = configuration.accounts.first?.name, let jid = try? JID("\(owner)@\(configuration.domain)") {
                room.affiliations = [(jid, .owner)]
            }
            made.append(room)
        }
        return made
    }

    /// Writes one line to standard output, at once and whole.
    static func show(_ text: String) {
        var line = text + "\n"
        _ = line.withUTF8 { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Writes a file of the stage, or appends to it.
    func write(_ text: String, to name: String, append: Bool = false) {
        let descriptor = open(path(name), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0o600)
        guard descriptor >= 0 else { return }
        var copy = text
        _ = copy.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    func strike() {
        for name in ["certificate.pem", "app.log", "bridges.yaml"] { unlink(path(name)) }
        rmdir(directory)
    }

    /// Serves until a signal comes.
    func serve() -> ExitStatus {
        Self.show(
            "{\"domain\":\"\(domain)\",\"port\":\(address.port),\"direct_tls_port\":\(address.directTLSPort),"
                + "\"fingerprint\":\"\(address.fingerprint)\",\"ca_file\":\"\(path("certificate.pem"))\"}")
        let stopped = Gate()
        Signals.listen { order in if case .stop = order { stopped.open() } }
        stopped.wait()
        strike()
        return .success
    }
}

/// A door that one thread waits at until another opens it.
final class Gate: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    func open() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }

    /// - Returns: Whether it was opened before the time was over.
    @discardableResult
    func wait(until deadline: Instant) -> Bool {
        // sem_timedwait would follow the wall clock, which may jump.
        while sem_trywait(semaphore) != 0 {
            if Clock.monotonic() >= deadline { return false }
            usleep(2_000)
        }
        return true
    }
}
