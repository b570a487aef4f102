import Config
import NIOCore
import NIOPosix
import Session
import Stanza
import Wire

/// Finds the server and opens a connection to it: SRV, candidates in order, IPv4 and IPv6 raced (RFC 8305, by NIO).
///
/// Confined to its event loop. One attempt runs at a time; `abandon` makes all that is under way count for nothing.
final class Connector {
    /// What of the run decides where we go.
    struct Directions: Sendable {
        /// The account's domain, as JID.
        var account: JID
        /// The server the user named, instead of SRV.
        var server: ServerAddress?
        var resolver: Resolver
        var connectTimeout: Duration
    }

    /// Where a candidate after the first may still be tried, none waits longer than this for an answer.
    private static let patienceBesideOthers: TimeAmount = .seconds(3)

    private let loop: any EventLoop
    private let directions: Directions
    private let tls: TLSPolicy
    private var generation = 0
    /// Whose direct TLS does not stand yet: nobody else holds it.
    private var handshaking: StreamConnection?
    /// How many candidates the next attempt leaves out at the front, since they failed behind their TCP handshake.
    private var rotation = 0

    init(loop: any EventLoop, directions: Directions, tls: TLSPolicy) {
        self.loop = loop
        self.directions = directions
        self.tls = tls
    }

    /// Makes an engine for our side of TLS.
    func engine(direct: Bool) throws(TLSFailure) -> TLSEngine {
        try TLSEngine(
            client: tls, domain: directions.account.asciiDomain, unicodeDomain: directions.account.domain,
            direct: direct)
    }

    /// Forgets the attempt under way: its outcome will not be told.
    func abandon() {
        generation += 1
        guard let stream = handshaking else { return }
        handshaking = nil
        rotate()
        stream.abort()
    }

    /// The connection stood and failed before the session was online: begin with the next candidate next time.
    func rotate() { rotation += 1 }

    /// Begins an attempt; exactly one of the outcomes follows on the loop unless it is abandoned.
    func connect(
        _ target: ConnectTarget,
        opened: @escaping (StreamConnection, Transport) -> Void,
        failed: @escaping (TransportFailure) -> Void
    ) {
        generation += 1
        let attempt = Attempt(number: generation, opened: opened, failed: failed)
        switch target {
        case .location(let host, let port):
            // XEP-0198 5: a hint without a port means the usual one; it names a host, so the way there is the user's.
            let usual = directions.server?.portOrUsual ?? ServerCandidates.port
            let isDirect = directions.server?.directTLS ?? false
            begin(attempt, [Candidate(host: host, port: port ?? usual, directTLS: isDirect)])
        case .account:
            if let server = directions.server {
                begin(attempt, [Candidate(host: server.host, port: server.portOrUsual, directTLS: server.directTLS)])
            } else {
                discover(attempt)
            }
        }
    }

    private struct Attempt {
        var number: Int
        var opened: (StreamConnection, Transport) -> Void
        var failed: (TransportFailure) -> Void
        var failures: [TransportFailure] = []
    }

    // MARK: - SRV

    private func discover(_ attempt: Attempt) {
        let domain = directions.account.asciiDomain
        guard Self.hasServices(domain) else {
            return begin(attempt, [Candidate(host: domain, port: 5_222, directTLS: false)])
        }
        let plain = ask { $0.services("xmpp-client", domain: domain) }
        let direct = ask { $0.services("xmpps-client", domain: domain) }
        plain.and(direct).assumeIsolated().whenSuccess { [self] plain, direct in
            guard attempt.number == generation else { return }
            order(attempt, plain: plain, direct: direct, domain: domain)
        }
    }

    /// Runs a question to the name server, which blocks, on a thread of its own.
    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (Resolver) -> Answer
    ) -> EventLoopFuture<Answer> {
        let resolver = directions.resolver
        let answer = loop.makePromise(of: Answer.self)
        startThread(named: "resolver") { answer.succeed(question(resolver)) }
        return answer.futureResult
    }

    private func order(_ attempt: Attempt, plain: Resolver.Answer, direct: Resolver.Answer, domain: String) {
        do throws(ServerCandidates.Failure) {
            let candidates = try ServerCandidates.order(
                xmpp: plain.records, xmpps: direct.records, domain: domain, random: Clock.randomBytes)
            let skip = rotation % candidates.count
            begin(attempt, Array(candidates[skip...] + candidates[..<skip]))
        } catch {
            attempt.failed(.name("\(error)"))
        }
    }

    /// RFC 6761: localhost is never asked of a name server; an IP address has no services.
    private static func hasServices(_ domain: String) -> Bool {
        if domain == "localhost" || domain.hasSuffix(".localhost") || domain.hasPrefix("[") { return false }
        return (try? SocketAddress(ipAddress: domain, port: 0)) == nil
    }

    // MARK: - TCP

    private func begin(_ attempt: Attempt, _ candidates: [Candidate]) {
        guard let candidate = candidates.first else {
            return attempt.failed(Self.summary(attempt.failures))
        }
        let rest = Array(candidates.dropFirst())
        open(candidate, patience: rest.isEmpty ? nil : Self.patienceBesideOthers) { [self] outcome in
            guard attempt.number == generation else {
                if case .success(let channel) = outcome { channel.close(promise: nil) }
                return
            }
            switch outcome {
            case .success(let channel):
                hand(channel, candidate, attempt, rest)
            case .failure(let error):
                var next = attempt
                next.failures.append(ConnectFailure.classify(error, candidate))
                begin(next, rest)
            }
        }
    }

    private func open(
        _ candidate: Candidate, patience: TimeAmount?, _ done: @escaping (Result<any Channel, any Error>) -> Void
    ) {
        let whole = TimeAmount.nanoseconds((Instant(nanoseconds: 0) + directions.connectTimeout).nanoseconds)
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(patience ?? whole)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamConnection())
                }
            }
        guard directions.resolver.nameserver != nil else {
            return bootstrap.connect(host: candidate.host, port: candidate.port)
                .hop(to: loop).assumeIsolated().whenComplete(done)
        }
        ask { $0.addresses(of: candidate.host) }.assumeIsolated().whenSuccess { addresses in
            let known = addresses?.first.flatMap { try? SocketAddress(ipAddress: $0, port: candidate.port) }
            let channel =
                known.map { bootstrap.connect(to: $0) }
                ?? bootstrap.connect(host: candidate.host, port: candidate.port)
            channel.assumeIsolated().whenComplete(done)
        }
    }

    private func hand(_ channel: any Channel, _ candidate: Candidate, _ attempt: Attempt, _ rest: [Candidate]) {
        // The initializer above has put exactly this handler in.
        guard let stream = try? channel.pipeline.syncOperations.handler(type: StreamConnection.self) else {
            return attempt.failed(.closed("the connection closed at once"))
        }
        let peer = PeerName(
            host: candidate.host, port: candidate.port, isLoopback: channel.remoteAddress?.isLoopback ?? false)
        guard candidate.directTLS else { return attempt.opened(stream, .plain(peer: peer)) }
        handshaking = stream
        stream.deliver = { [self] input in
            guard attempt.number == generation else { return }
            switch input {
            case .secured(let facts):
                handshaking = nil
                attempt.opened(stream, .tls(facts, peer: peer))
            case .disconnected(let failure):
                handshaking = nil
                var next = attempt
                next.failures.append(failure)
                begin(next, rest)
            // Before TLS stands there is no plaintext, so nothing else can arrive.
            case _: break
            }
        }
        do throws(TLSFailure) {
            stream.startTLS(try engine(direct: true))
            if !rest.isEmpty { watch(stream) }
        } catch {
            handshaking = nil
            stream.abort()
            attempt.failed(error.transportFailure)
        }
    }

    /// Beside others a candidate's handshake has no more patience than its TCP had.
    private func watch(_ stream: StreamConnection) {
        loop.assumeIsolated().scheduleTask(in: Self.patienceBesideOthers) { [self] in
            if handshaking === stream { stream.over(.closed("no answer to TLS")) }
        }
    }

    /// One failure for all candidates: a certificate's refusal stands over a refused port, since it says more.
    private static func summary(_ failures: [TransportFailure]) -> TransportFailure {
        if failures.count == 1 { return failures[0] }
        var words: [String] = []
        for failure in failures {
            switch failure {
            case .certificate, .handshake: return failure
            case .unreachable(let text), .name(let text), .closed(let text): words.append(text)
            case .malformed(_, let text): words.append(text)
            case .injected: return failure
            }
        }
        return words.isEmpty ? .name("no server to try") : .unreachable(words.joined(separator: "; "))
    }
}

extension Resolver.Answer {
    /// The records; nil where there are none, and where no answer came: RFC 6120 3.2.1 (7) then falls back to the
    /// domain itself, whose address the same resolver has to find.
    fileprivate var records: [ServiceRecord]? {
        switch self {
        case .records(let records): records
        case .none, .failed: nil
        }
    }
}

extension SocketAddress {
    /// 127.0.0.0/8, ::1, and IPv4-mapped 127/8.
    fileprivate var isLoopback: Bool {
        guard let address = ipAddress else { return false }
        return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
    }
}
