import CLinux
import Glibc

/// What of a pipe was read and is in it still: tee(2) copies, and what is safe is taken away. So whoever reads on after a
/// kill finds what was not safe yet. The pipe may block or not, and is left as it is: others may share it.
///
/// While whole lines are on their way into safety nothing more is read: what comes gathers in the pipe.
struct PipeCopy {
    private let descriptor: Int32
    private let copy: Pipe
    private let nothing: Int32
    private let capacity: Int
    /// An epoll that is readable once something has come.
    private let news: Int32
    /// Bytes in all that were read, and those of them that were taken out.
    private var delivered: UInt64
    private var taken: UInt64
    /// Bytes at the end of what was read that are no whole line.
    private var unended = 0

    static func isPipe(_ descriptor: Int32) -> Bool { xb_pipe_size(descriptor) > 0 }

    /// - Parameter start: how many bytes count as read before.
    /// - Returns: Nil where the process has no descriptors left; errno says so.
    init?(of descriptor: Int32, from start: UInt64) {
        guard let copy = Pipe(isBlocking: false) else { return nil }
        nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
        news = xb_watch_news(descriptor)
        guard nothing >= 0, news >= 0 else { return nil }
        // What the copy has no room for is seen once the pipe is emptier.
        _ = xb_resize_pipe(copy.write, xb_pipe_size(descriptor))
        capacity = Int(xb_pipe_size(copy.write))
        self.copy = copy
        self.descriptor = descriptor
        delivered = start
        taken = start
    }

    func close() { for end in [copy.read, copy.write, nothing, news] { Glibc.close(end) } }

    /// Bytes that were read, in all.
    var readBytes: UInt64 { delivered }
    /// Those that are in the pipe still.
    private var pending: Int { Int(delivered - taken) }
    /// Whether all whole lines that were read are safe.
    var mayRead: Bool { pending <= unended }
    /// Whether all that is there was read.
    var isEmpty: Bool { Int(xb_readable(descriptor)) == pending }

    /// What becomes readable when there is something new.
    var poll: pollfd { pollfd(fd: news, events: Int16(POLLIN), revents: 0) }
    func takeNews() { xb_take_news(news) }

    /// What has come since it was looked at last; nil where nothing has.
    mutating func readNew() -> InputReader.Outcome? {
        let count = xb_tee(descriptor, copy.write, capacity)
        if count < 0 { return errno == EAGAIN || errno == EINTR ? nil : .failed(errno) }
        guard count > pending else {
            drop(count, from: copy.read)
            return count == pending && isLeft ? .end : nil
        }
        drop(pending, from: copy.read)
        let chunk = [UInt8](unsafeUninitializedCapacity: count - pending) { buffer, filled in
            while filled < buffer.count {
                let got = read(copy.read, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
                // What was copied is there.
                guard got > 0 else { break }
                filled += got
            }
        }
        delivered += UInt64(chunk.count)
        unended = chunk.lastIndex(of: 0x0A).map { chunk.count - $0 - 1 } ?? unended + chunk.count
        return .chunk(chunk)
    }

    /// Whether nobody writes any more, and nothing is there that was not read.
    private var isLeft: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) == 1 && poll.revents & Int16(POLLHUP) != 0 && isEmpty
    }

    /// So many bytes in all are safe: they are taken out.
    mutating func consume(upTo safe: UInt64) {
        let count = Int64(clamping: min(safe, delivered)) - Int64(clamping: taken)
        guard count > 0 else { return }
        drop(Int(count), from: descriptor)
        taken += UInt64(count)
        unended = min(unended, pending)
    }

    /// The longest line without its end that is certainly in the pipe still.
    var leftLineBytesMax: Int {
        let size = Int(xb_pipe_size(descriptor))
        return size <= 4_096 ? 0 : min(size, capacity) / 2
    }

    /// A pipe that is full of one line would never bring its end: its beginning is kept in memory alone.
    mutating func makeWay() {
        let size = Int(xb_pipe_size(descriptor))
        // A full pipe is more than half full of bytes, for all that its pages are not; one of a single page may be less.
        guard pending > 0, pending * 2 > min(size, capacity) || size <= 4_096 else { return }
        consume(upTo: delivered)
        unended = 0
    }

    /// Bytes count as read that no pipe held.
    mutating func count(_ bytes: Int) {
        delivered += UInt64(bytes)
        taken += UInt64(bytes)
        unended = 0
    }

    private func drop(_ count: Int, from pipe: Int32) {
        var rest = count
        while rest > 0 {
            let gone = xb_splice(pipe, nothing, rest)
            // Somebody else has taken it who reads the same pipe.
            guard gone > 0 || (gone < 0 && errno == EINTR) else { return }
            if gone > 0 { rest -= gone }
        }
    }
}
