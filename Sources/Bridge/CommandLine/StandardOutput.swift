import Glibc

/// Standard output of a command that prints and ends.
enum StandardOutput {
    /// Writes all of it.
    /// - Throws: status 74, without a word where the reader has left: it has what it wanted.
    static func write(_ bytes: [UInt8]) throws(StartFailure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { whole in
                let rest = UnsafeRawBufferPointer(rebasing: whole[written...])
                return Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                let line = "writing to standard output failed: \(Diagnostics.describe(errno))"
                throw errno == EPIPE ? StartFailure(.io, lines: []) : StartFailure(.io, line)
            }
        }
    }
}
