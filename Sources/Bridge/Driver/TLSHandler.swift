import NIOCore
import Wire

/// Our OpenSSL engine as a channel handler: ciphertext on the socket's side, plaintext on the stream's.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let engine: TLSEngine
    private let established: (TLSEngine) -> Void
    private let failed: (TLSFailure) -> Void
    private var wasEstablished = false
    private var isOver = false
    private var ciphertext: [UInt8] = []
    private var plaintext: [UInt8] = []

    init(engine: TLSEngine, established: @escaping (TLSEngine) -> Void, failed: @escaping (TLSFailure) -> Void) {
        self.engine = engine
        self.established = established
        self.failed = failed
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let buffer = unwrapInboundIn(data)
        plaintext.removeAll(keepingCapacity: true)
        var failure: TLSFailure?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(TLSFailure) { try engine.receive(bytes, plaintext: &plaintext) } catch { failure = error }
        }
        flushCiphertext(context)
        if engine.isEstablished, !wasEstablished {
            wasEstablished = true
            established(engine)
        }
        if !plaintext.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: plaintext))) }
        if let failure {
            end(failure, context)
        } else if engine.peerClosed {
            end(.truncated("the server ended TLS"), context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        do throws(TLSFailure) {
            var failure: TLSFailure?
            buffer.withUnsafeReadableBytes { bytes in
                do throws(TLSFailure) { try engine.send(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
            write(context, promise)
        } catch {
            promise?.fail(error)
            end(error, context)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if wasEstablished, !isOver {
            isOver = true
            engine.shutdown()
            flushCiphertext(context)
        }
        context.close(mode: mode, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !wasEstablished { end(.truncated("the server closed the connection during the TLS handshake"), context) }
        isOver = true
        context.fireChannelInactive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        do throws(TLSFailure) {
            try engine.start()
            flushCiphertext(context)
        } catch {
            end(error, context)
        }
    }

    private func end(_ failure: TLSFailure, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        flushCiphertext(context)
        failed(failure)
    }

    private func write(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        ciphertext.removeAll(keepingCapacity: true)
        engine.takeCiphertext(into: &ciphertext)
        context.write(wrapOutboundOut(ByteBuffer(bytes: ciphertext)), promise: promise)
    }

    private func flushCiphertext(_ context: ChannelHandlerContext) {
        ciphertext.removeAll(keepingCapacity: true)
        engine.takeCiphertext(into: &ciphertext)
        guard !ciphertext.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: ciphertext)), promise: nil)
    }
}
