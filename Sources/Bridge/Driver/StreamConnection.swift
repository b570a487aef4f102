import NIOCore
import Session
import Stanza
import Wire

/// One connection of the client: a channel, its TLS and its parser. Confined to the channel's event loop.
///
/// What arrives is told to `deliver` as inputs of the session; the session's actions come back as calls, often from
/// inside `deliver`, so each that changes the parser waits until the parser has returned.
final class StreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Unsent bytes at which a peer that does not read is given up.
    static let unsentBytesMax = 8 * 1_024 * 1_024

    /// How long a close waits for the socket to take what is written.
    static let lingerMax: TimeAmount = .seconds(2)

    var deliver: (Session.Input) -> Void = { _ in }
    var batchEnded: () -> Void = {}

    private var context: ChannelHandlerContext?
    private var parser = StreamParser()
    private var isParsing = false
    /// What is to be written once the parser has returned.
    private var held: [UInt8] = []
    /// What came while the parser was at work; at most what one failing write drains from the socket.
    private var unread: [ByteBuffer] = []
    private var wantsRestart = false
    private var wantsTLS: TLSEngine?
    private var isOver = false
    private var unsentBytes = 0
    private var closesWhenSent = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Writes and flushes. While the parser is at work the bytes are held until it has returned: a write that fails
    /// makes NIO drain the socket at once, and the parser must not be called from inside of itself.
    func write(_ bytes: [UInt8]) {
        guard !isOver, !bytes.isEmpty else { return }
        if isParsing { return held.append(contentsOf: bytes) }
        send(bytes)
    }

    private func send(_ bytes: [UInt8]) {
        guard let context, !bytes.isEmpty else { return }
        unsentBytes += bytes.count
        guard unsentBytes <= Self.unsentBytesMax else { return over(.closed("the server takes no more data")) }
        let written = context.eventLoop.makePromise(of: Void.self)
        let count = bytes.count
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            unsentBytes -= count
            if closesWhenSent && unsentBytes == 0 { self.context?.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: written)
    }

    /// Begins TLS as soon as the parser has returned.
    func startTLS(_ engine: TLSEngine) {
        wantsTLS = engine
        if !isParsing { beginTLS(leftover: 0) }
    }

    /// The next byte belongs to a new stream.
    func restartStream() {
        wantsRestart = true
        if !isParsing { renewParser() }
    }

    /// Closes after what is written has gone, at the latest after ``lingerMax``; nothing more is delivered.
    func close() {
        sendHeld()
        isOver = true
        guard let context else { return }
        guard unsentBytes > 0 else { return context.close(promise: nil) }
        closesWhenSent = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerMax) { [self] in
            self.context?.close(promise: nil)
        }
    }

    /// Closes now.
    func abort() {
        isOver = true
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unread.append(unwrapInboundIn(data))
        // A read from inside of the parser's callback waits for the parser.
        while !isParsing, !isOver, !unread.isEmpty {
            let buffer = unread.removeFirst()
            buffer.withUnsafeReadableBytes { bytes in parse(bytes.bindMemory(to: UInt8.self)) }
            sendHeld()
        }
    }

    private func sendHeld() {
        guard !held.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &held)
        send(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        batchEnded()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        over(.closed("the server closed the connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        over(.closed(ConnectFailure.describe(error)))
        context.close(promise: nil)
    }

    /// Tells the end once and closes.
    func over(_ failure: TransportFailure) {
        guard !isOver else { return }
        isOver = true
        deliver(.disconnected(failure))
        batchEnded()
        context?.close(promise: nil)
    }

    // MARK: - Parsing

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes
        while !rest.isEmpty, !isOver {
            isParsing = true
            let consumed: Int
            do throws(StreamParser.Failure) {
                consumed = try parser.parse(rest) { event in
                    tell(event)
                    return isOver || wantsRestart || wantsTLS != nil ? .stop : .continue
                }
            } catch {
                isParsing = false
                return malformed(error)
            }
            isParsing = false
            rest = UnsafeBufferPointer(rebasing: rest[consumed...])
            if wantsTLS != nil { return beginTLS(leftover: rest.count) }
            if wantsRestart { renewParser() }
        }
    }

    private func tell(_ event: StreamParser.Event) {
        switch event {
        case .opened(let header):
            deliver(.streamOpened(StreamHeader(id: header["id"], from: header["from"], version: header["version"])))
        case .element(let element): deliver(.element(element))
        case .closed: deliver(.streamClosed)
        }
    }

    private func malformed(_ failure: StreamParser.Failure) {
        guard !isOver else { return }
        deliver(.disconnected(.malformed(condition: failure.condition, failure.text)))
        batchEnded()
        close()
    }

    private func renewParser() {
        wantsRestart = false
        parser = StreamParser()
    }

    private func beginTLS(leftover: Int) {
        guard let engine = wantsTLS, let context else { return }
        wantsTLS = nil
        sendHeld()
        guard leftover == 0 else { return over(.injected) }
        renewParser()
        let handler = TLSHandler(
            engine: engine,
            established: { [weak self] engine in self?.deliver(.secured(engine.sessionFacts)) },
            failed: { [weak self] failure in self?.over(failure.transportFailure) })
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
        } catch {
            over(.closed(ConnectFailure.describe(error)))
        }
    }
}

extension TLSEngine {
    /// What SASL needs of the connection. Ask only once it is established.
    var sessionFacts: Session.TLSFacts {
        Session.TLSFacts(
            version: facts?.version ?? "", exporter: facts?.exporter, serverEndPoint: facts?.serverEndPoint)
    }
}
