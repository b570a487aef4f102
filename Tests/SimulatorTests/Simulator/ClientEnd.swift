import Session
import Stanza
import Wire

/// The bridge's end of a connection, in the manner of the driver's `StreamConnection`: its parser, and what must wait
/// for the parser to return.
final class ClientEnd {
    var deliver: (Session.Input) -> Void = { _ in }
    var batchEnded: () -> Void = {}
    /// Takes what is written.
    var transmit: ([UInt8]) -> Void = { _ in }
    /// Everything written is on its way; nothing more comes.
    var shut: () -> Void = {}

    private var parser = StreamParser()
    private var isParsing = false
    private var held: [UInt8] = []
    private var wantsRestart = false
    private(set) var isOver = false

    func write(_ bytes: [UInt8]) {
        guard !isOver, !bytes.isEmpty else { return }
        if isParsing { held += bytes } else { transmit(bytes) }
    }

    /// The next byte belongs to a new stream.
    func restartStream() {
        wantsRestart = true
        if !isParsing { renewParser() }
    }

    func close() {
        sendHeld()
        isOver = true
        shut()
    }

    func abort() {
        isOver = true
        shut()
    }

    /// It is gone without a word.
    func vanish() { isOver = true }

    func over(_ failure: TransportFailure) {
        guard !isOver else { return }
        isOver = true
        deliver(.disconnected(failure))
        batchEnded()
    }

    /// One read of the socket.
    func received(_ bytes: [UInt8]) {
        guard !isOver else { return }
        bytes.withUnsafeBufferPointer(parse)
        sendHeld()
        batchEnded()
    }

    private func sendHeld() {
        guard !held.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &held)
        transmit(bytes)
    }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        var rest = bytes
        while !rest.isEmpty, !isOver {
            isParsing = true
            let consumed: Int
            do throws(StreamParser.Failure) {
                consumed = try parser.parse(rest) { event in
                    tell(event)
                    return isOver || wantsRestart ? .stop : .continue
                }
            } catch {
                isParsing = false
                return malformed(error)
            }
            isParsing = false
            rest = UnsafeBufferPointer(rebasing: rest[consumed...])
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
}
