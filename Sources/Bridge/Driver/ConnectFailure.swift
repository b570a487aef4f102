import Glibc
import NIOCore
import NIOPosix
import Session
import Wire

/// Turns what NIO and TLS throw into words for a person.
enum ConnectFailure {
    /// What an attempt to reach one candidate came to.
    static func classify(_ error: any Error, _ candidate: Candidate) -> TransportFailure {
        if let failure = error as? NIOConnectionError {
            if failure.connectionErrors.isEmpty {
                return .name("no address found for \(failure.host); check the name, or give the server with --server")
            }
            let reasons = failure.connectionErrors.map { (address($0.target), describe($0.error)) }
            if let first = reasons.first, reasons.allSatisfy({ $0.1 == first.1 }) {
                let addresses = reasons.map(\.0).joined(separator: ", ")
                return .unreachable("\(candidate.host):\(candidate.port): \(first.1) (\(addresses))")
            }
            let each = reasons.map { "\($0.0): \($0.1)" }.joined(separator: "; ")
            return .unreachable("\(candidate.host):\(candidate.port): \(each)")
        }
        return .unreachable("\(candidate.host):\(candidate.port): \(describe(error))")
    }

    /// One clause for any error.
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError: return Diagnostics.describe(error.errnoCode).lowercasedFirst
        case let error as ChannelError:
            switch error {
            case .connectTimeout: return "no answer"
            case .eof, .inputClosed: return "the server closed the connection"
            case .ioOnClosedChannel, .alreadyClosed, .outputClosed: return "the connection is closed"
            case _: return "\(error)"
            }
        case let error as TLSFailure: return "\(error)"
        case _: return "\(error)"
        }
    }

    private static func address(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "?"
        let port = address.port ?? 0
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension TLSFailure {
    /// The failure as the session sees it.
    var transportFailure: TransportFailure {
        switch self {
        case .setup(let text), .handshake(let text): .handshake(text)
        case .certificate(let text): .certificate(text)
        case .truncated(let text), .broken(let text), .notOpen(let text): .closed(text)
        }
    }
}

extension String {
    /// "Connection refused" inside a sentence.
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
