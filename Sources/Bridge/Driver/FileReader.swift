import Glibc

/// Reads standard input that is a file so that its offset, which others share (`(xmpp-bridge; cat) < file`), stays before
/// what is not safe yet. A chunk for each permission, on a thread of its own.
final class FileReader: SourceReader, @unchecked Sendable {
    private let descriptor: Int32
    private let start: off_t
    private let deliver: @Sendable (InputReader.Outcome) -> Void
    private let orders = Mailbox<Order>()
    // The thread's own.
    private var delivered: off_t = 0
    private var isOver = false

    private enum Order: Sendable {
        case permit
        case consume(UInt64)
    }

    /// Begins a thread that waits for the first ``permit()``; `deliver` is called on it.
    /// - Returns: Nil where the descriptor is no file with an offset.
    init?(descriptor: Int32, deliver: @escaping @Sendable (InputReader.Outcome) -> Void) {
        var status = stat()
        let start = lseek(descriptor, 0, SEEK_CUR)
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, start >= 0 else { return nil }
        self.descriptor = descriptor
        self.start = start
        self.deliver = deliver
        startThread(named: "file-in") { self.run() }
    }

    func permit() { orders.post(.permit) }
    func consume(upTo total: UInt64) { orders.post(.consume(total)) }

    private func run() {
        while true {
            for order in orders.take() {
                switch order {
                case .permit: if !isOver { readOnce() }
                case .consume(let total): lseek(descriptor, start + off_t(total), SEEK_SET)
                }
            }
        }
    }

    private func readOnce() {
        var failure: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: InputReader.chunkBytesMax) { buffer, count in
            var got = pread(descriptor, buffer.baseAddress, buffer.count, start + delivered)
            while got < 0 && errno == EINTR {
                got = pread(descriptor, buffer.baseAddress, buffer.count, start + delivered)
            }
            failure = got < 0 ? errno : 0
            count = max(got, 0)
        }
        delivered += off_t(chunk.count)
        isOver = failure != 0 || chunk.isEmpty
        if failure != 0 { deliver(.failed(failure)) } else { deliver(chunk.isEmpty ? .end : .chunk(chunk)) }
    }
}
