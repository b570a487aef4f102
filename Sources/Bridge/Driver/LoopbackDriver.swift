import Glibc
import LoopbackServer
import NIOCore
import NIOPosix
import Stanza
import Wire

/// Gives the loopback server its sockets. Confined to its event loop once it listens.
final class LoopbackDriver: @unchecked Sendable {
    /// Where it listens, and how to trust it.
    struct Address: Sendable {
        var port: Int
        var directTLSPort: Int
        var fingerprint: String
        var certificatePEM: String
    }

    private let loop: any EventLoop
    private let tls: TLSPolicy
    private let identity: ServerIdentity
    private var server: LoopbackServer
    private var connections: [LoopbackServer.ConnectionID: LoopbackConnection] = [:]
    private var lastID: LoopbackServer.ConnectionID = 0
    private var timer: (at: Instant, task: Scheduled<Void>)?
    private var waiting: [LoopbackServer.Input] = []
    private var isFeeding = false
    private let observe: @Sendable (LoopbackServer.Observation) -> Void

    /// A server for a configuration, with a certificate of its own making.
    /// - Parameter observe: is told what the server sees, on its loop.
    init(
        _ configuration: LoopbackServer.Configuration, faults: [Fault],
        observe: @escaping @Sendable (LoopbackServer.Observation) -> Void
    ) throws(TLSFailure) {
        identity = try ServerIdentity(making: CertificateRecipe(domains: [configuration.domain.asciiDomain]))
        tls = try TLSPolicy(server: identity)
        server = LoopbackServer(configuration, faults: faults, random: Clock.randomBytes)
        loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        self.observe = observe
    }

    /// Listens on 127.0.0.1; port 0 lets the system choose.
    func listen(port: Int) throws -> Address {
        let plain = try bind(port: port, directTLS: false)
        let direct = try bind(port: 0, directTLS: true)
        return Address(
            port: plain, directTLSPort: direct, fingerprint: CertificateFingerprint.text(identity.fingerprint),
            certificatePEM: identity.certificatePEM)
    }

    private func bind(port: Int, directTLS: Bool) throws -> Int {
        let channel = try ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel, directTLS: directTLS) }
            }
            .bind(host: "127.0.0.1", port: port).wait()
        return channel.localAddress?.port ?? 0
    }

    private func accept(_ channel: any Channel, directTLS: Bool) throws {
        lastID += 1
        let id = lastID
        let connection = LoopbackConnection(id: id, driver: self)
        connections[id] = connection
        if directTLS {
            connection.announceWhenSecured = true
            try channel.pipeline.syncOperations.addHandler(connection)
            try connection.secure(TLSEngine(server: tls))
        } else {
            try channel.pipeline.syncOperations.addHandler(connection)
            feed(.connected(id, directTLS: false))
            limit(connection, id)
        }
    }

    /// Asks after how many bytes a fault resets the connection.
    func limit(_ connection: LoopbackConnection, _ id: LoopbackServer.ConnectionID) {
        connection.limits = server.byteLimit(for: id)
    }

    /// Gives the server an input and does what it says.
    func feed(_ input: LoopbackServer.Input) {
        waiting.append(input)
        guard !isFeeding else { return }
        isFeeding = true
        var next = 0
        while next < waiting.count {
            let actions = server.handle(waiting[next], at: Clock.monotonic(), wall: Clock.wall())
            next += 1
            for action in actions { perform(action) }
        }
        waiting.removeAll(keepingCapacity: true)
        isFeeding = false
        schedule()
    }

    private func perform(_ action: LoopbackServer.Action) {
        switch action {
        case .write(let id, let bytes): connections[id]?.write(bytes)
        case .startTLS(let id):
            do throws(TLSFailure) { connections[id]?.startTLS(try TLSEngine(server: tls)) } catch {
                connections[id]?.abort()
            }
        case .restartStream(let id): connections[id]?.restartStream()
        case .close(let id): connections[id]?.close()
        case .abort(let id): connections[id]?.abort()
        case .observed(let observation): observe(observation)
        }
    }

    /// The connection is gone.
    func forget(_ id: LoopbackServer.ConnectionID) {
        guard connections.removeValue(forKey: id) != nil else { return }
        feed(.disconnected(id))
    }

    private func schedule() {
        guard server.deadline != timer?.at else { return }
        timer?.task.cancel()
        timer = nil
        guard let deadline = server.deadline else { return }
        let delay = max(deadline.nanoseconds - Clock.monotonic().nanoseconds, 0)
        let task = loop.assumeIsolated().scheduleTask(in: .nanoseconds(delay)) { [self] in
            timer = nil
            feed(.timeout)
        }
        timer = (deadline, task)
    }
}

/// One connection to the loopback server: socket, TLS, parser, and the byte counts that some faults need.
final class LoopbackConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Set where the server learns of the connection only once TLS stands.
    var announceWhenSecured = false
    /// Raw bytes after which a fault resets the connection.
    var limits: (in: Int?, out: Int?) = (nil, nil)

    private let id: LoopbackServer.ConnectionID
    private unowned let driver: LoopbackDriver
    private var context: ChannelHandlerContext?
    private var parser = StreamParser()
    private var isParsing = false
    /// What came while the parser was at work; at most what one failing write drains from the socket.
    private var unread: [ByteBuffer] = []
    private var wantsRestart = false
    private var wantsTLS: TLSEngine?
    private var isOver = false
    private var bytesIn = 0
    private var bytesOut = 0

    init(id: LoopbackServer.ConnectionID, driver: LoopbackDriver) {
        self.id = id
        self.driver = driver
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func write(_ bytes: [UInt8]) {
        guard let context, !isOver else { return }
        var allowed = bytes[...]
        bytesOut += bytes.count
        if let limit = limits.out, bytesOut >= limit { allowed = allowed.dropLast(bytesOut - limit) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: allowed)), promise: nil)
        if allowed.count < bytes.count || bytesOut == limits.out { abort() }
    }

    func startTLS(_ engine: TLSEngine) {
        wantsTLS = engine
        if !isParsing { secure(engine) }
    }

    func restartStream() {
        wantsRestart = true
        if !isParsing { renewParser() }
    }

    func close() {
        isOver = true
        context?.close(promise: nil)
    }

    /// Resets: with SO_LINGER of zero the peer sees a reset, not an end.
    func abort() {
        guard let context, !isOver else { return }
        isOver = true
        if let socket = context.channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(mode: .all, promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unread.append(unwrapInboundIn(data))
        // A write that fails makes NIO drain the socket at once, also from inside of the parser's callback: what comes
        // then waits for the parser.
        while !isParsing, !isOver, !unread.isEmpty { take(unread.removeFirst()) }
    }

    private func take(_ chunk: ByteBuffer) {
        var buffer = chunk
        bytesIn += buffer.readableBytes
        var isLast = false
        if let limit = limits.in, bytesIn >= limit {
            buffer.moveWriterIndex(to: buffer.writerIndex - (bytesIn - limit))
            isLast = true
        }
        buffer.withUnsafeReadableBytes { parse($0.bindMemory(to: UInt8.self)) }
        if isLast { abort() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        driver.forget(id)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes
        while !rest.isEmpty, !isOver {
            isParsing = true
            let consumed: Int
            do throws(StreamParser.Failure) {
                consumed = try parser.parse(rest) { event in
                    switch event {
                    case .opened(let header): driver.feed(.streamOpened(id, header))
                    case .element(let element): driver.feed(.element(id, element))
                    case .closed: driver.feed(.streamClosed(id))
                    }
                    return isOver || wantsRestart || wantsTLS != nil ? .stop : .continue
                }
            } catch {
                isParsing = false
                return driver.feed(.streamBroken(id, condition: error.condition))
            }
            isParsing = false
            rest = UnsafeBufferPointer(rebasing: rest[consumed...])
            if let engine = wantsTLS { return secure(engine) }
            if wantsRestart { renewParser() }
        }
    }

    private func renewParser() {
        wantsRestart = false
        parser = StreamParser()
    }

    /// Becomes the server of a TLS handshake.
    func secure(_ engine: TLSEngine) {
        wantsTLS = nil
        renewParser()
        let handler = TLSHandler(
            engine: engine,
            established: { [weak self] _ in
                guard let self else { return }
                driver.feed(announceWhenSecured ? .connected(id, directTLS: true) : .secured(id))
                // Behind direct TLS the server knows of the connection, and of its faults, only now.
                if announceWhenSecured { driver.limit(self, id) }
            },
            failed: { [weak self] _ in self?.close() })
        try? context?.pipeline.syncOperations.addHandler(handler, position: .first)
    }
}
