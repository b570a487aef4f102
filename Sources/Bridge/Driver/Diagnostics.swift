import Glibc

/// Lines for a person on stderr, never blocking: where stderr takes nothing, a line is dropped rather than the bridge
/// stopped.
enum Diagnostics {
    /// Writes `xmpp-bridge: text` and a line end.
    static func say(_ text: String) { write("xmpp-bridge: \(oneLine(text))\n") }

    /// Writes text as it is.
    static func write(_ text: String) {
        var bytes = text
        bytes.withUTF8 { buffer in
            var rest = UnsafeRawBufferPointer(buffer)[...]
            while !rest.isEmpty {
                // POLLOUT on a pipe promises room for PIPE_BUF bytes, so a piece of that size does not block.
                var poll = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                guard Glibc.poll(&poll, 1, patienceMilliseconds) > 0, poll.revents & Int16(POLLOUT) != 0 else { return }
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(PIPE_BUF)))
                let count = Glibc.write(STDERR_FILENO, piece.baseAddress, piece.count)
                if count < 0 && errno != EINTR { return }
                rest = rest.dropFirst(max(count, 0))
            }
        }
    }

    /// What the system says of an errno.
    static func describe(_ code: Int32) -> String { String(cString: strerror(code)) }

    private static let patienceMilliseconds: Int32 = 50

    /// What a peer sent may hold line ends and terminal escapes: neither reaches the terminal.
    private static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            line.unicodeScalars.append(isControl ? " " : scalar)
        }
        return line
    }
}
