import Endpoints
import Glibc

/// Reads standard input that is a file so that its offset, which others share (`(xmpp-bridge; cat) < file`), stays before
/// what is not safe yet. A chunk for each permission, on a thread of its own.
final class FileReader: SourceReader, @unchecked Sendable {
    private let descriptor: Int32
    private let start: off_t
    private let deliver: @Sendable (InputReader.Outcome) -> Void
    private let permissions = Mailbox<Void>()
    // The thread's own.
    private var delivered: off_t = 0
    private var isOver = false

    /// Where a file stands that is on a descriptor; nil where it is none, or has no offset.
    static func place(_ descriptor: Int32) -> FilePlace? {
        var status = stat()
        let offset = lseek(descriptor, 0, SEEK_CUR)
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, offset >= 0 else { return nil }
        let key = FileKey(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        return FilePlace(key: key, offset: UInt64(offset))
    }

    /// Begins a thread that waits for the first ``permit()``; `deliver` is called on it.
    init(descriptor: Int32, at place: FilePlace, deliver: @escaping @Sendable (InputReader.Outcome) -> Void) {
        self.descriptor = descriptor
        start = off_t(place.offset)
        self.deliver = deliver
        startThread(named: "file-in") { self.run() }
    }

    func permit() { permissions.post(()) }
    func consume(upTo total: UInt64) { lseek(descriptor, start + off_t(total), SEEK_SET) }

    private func run() {
        while !isOver { for _ in permissions.take() where !isOver { readOnce() } }
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
