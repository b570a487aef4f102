import Glibc
import Testing

@testable import Bridge

/// A name server on 127.0.0.1 that answers by a table; gone with the value.
final class NameServer: @unchecked Sendable {
    /// What it says to a question.
    enum Answer: Sendable {
        /// These records, and that the name exists.
        case records([Record])
        /// A response code: 3 is NXDOMAIN, 2 SERVFAIL.
        case code(UInt8)
        /// By UDP that the answer is too long for it, by TCP the answer (RFC 7766).
        case overTCP([Record])
        /// The answer with only so many of its bytes.
        case cut([Record], bytes: Int)
        /// The answer's records replaced by these bytes, one record being announced.
        case garbage([UInt8])
        /// Nothing.
        case silence
    }

    enum Record: Sendable {
        case service(priority: UInt16, weight: UInt16, port: UInt16, target: String)
        case address([UInt8])
    }

    let port: UInt16
    private let answers: [String: Answer]
    private let udp: Int32
    private let tcp: Int32

    /// - Parameter answers: by name, in lower case and without the last dot; another name is answered NXDOMAIN.
    init(_ answers: [String: Answer]) throws {
        self.answers = answers
        let sockets = try #require(Self.listen())
        (udp, tcp, port) = sockets
        let udp = udp
        let tcp = tcp
        startThread(named: "dns-udp") { Self.serveUDP(udp, answers) }
        startThread(named: "dns-tcp") { Self.serveTCP(tcp, answers) }
    }

    deinit {
        shutdown(udp, Int32(SHUT_RDWR))
        shutdown(tcp, Int32(SHUT_RDWR))
    }

    /// Both protocols on one free port: the first that UDP gets may be taken by TCP, so some are tried.
    private static func listen() -> (Int32, Int32, UInt16)? {
        for _ in 0..<20 {
            let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            if let port = bind(udp, port: 0), bind(tcp, port: port) != nil, Glibc.listen(tcp, 4) == 0 {
                return (udp, tcp, port)
            }
            close(udp)
            close(tcp)
        }
        return nil
    }

    private static func bind(_ socket: Int32, port: UInt16) -> UInt16? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
            }
        }
        return isBound ? UInt16(bigEndian: address.sin_port) : nil
    }

    // MARK: - Serving

    private static func serveUDP(_ socket: Int32, _ answers: [String: Answer]) {
        var question = [UInt8](repeating: 0, count: 4_096)
        var count = 1
        while count > 0 {
            var peer = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    count = recvfrom(socket, &question, question.count, 0, peer, &size)
                    guard count > 0, let answer = reply(Array(question[..<count]), answers, isTCP: false) else {
                        return
                    }
                    sendto(socket, answer, answer.count, 0, peer, size)
                }
            }
        }
        close(socket)
    }

    private static func serveTCP(_ socket: Int32, _ answers: [String: Answer]) {
        while true {
            let client = accept(socket, nil, nil)
            if client < 0 { break }
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = read(client, &bytes, bytes.count)
            if count > 2, let answer = reply(Array(bytes[2..<count]), answers, isTCP: true) {
                let whole = pair(UInt16(answer.count)) + answer
                _ = write(client, whole, whole.count)
            }
            close(client)
        }
        close(socket)
    }

    // MARK: - Messages (RFC 1035 4)

    private static func reply(_ question: [UInt8], _ answers: [String: Answer], isTCP: Bool) -> [UInt8]? {
        var end = 12
        var labels: [String] = []
        while end < question.count, question[end] != 0 {
            let length = Int(question[end])
            labels.append(String(decoding: question[(end + 1)..<min(end + 1 + length, question.count)], as: UTF8.self))
            end += 1 + length
        }
        guard end + 5 <= question.count else { return nil }
        let asked = Array(question[12..<end + 5])
        let kind = UInt16(asked[asked.count - 4]) << 8 | UInt16(asked[asked.count - 3])
        func message(_ flags: UInt16, count: UInt16, _ records: [UInt8]) -> [UInt8] {
            Array(question[..<2]) + pair(flags) + pair(1) + pair(count) + pair(0) + pair(0) + asked + records
        }
        func answer(_ records: [Record]) -> [UInt8] {
            let mine = records.filter { $0.kind == kind }
            return message(0x8580, count: UInt16(mine.count), mine.flatMap(\.bytes))
        }
        switch answers[labels.joined(separator: ".").lowercased()] ?? .code(3) {
        case .records(let records): return answer(records)
        case .code(let code): return message(0x8580 | UInt16(code), count: 0, [])
        case .overTCP(let records): return isTCP ? answer(records) : message(0x8780, count: 0, [])
        case .cut(let records, let bytes): return Array(answer(records).prefix(bytes))
        case .garbage(let bytes): return message(0x8580, count: 1, bytes)
        case .silence: return nil
        }
    }

    static func pair(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}

extension NameServer.Record {
    fileprivate var kind: UInt16 {
        switch self {
        case .service: 33
        case .address: 1
        }
    }

    /// The record, its name being that of the question.
    var bytes: [UInt8] {
        var data: [UInt8]
        switch self {
        case .service(let priority, let weight, let port, let target):
            data = NameServer.pair(priority) + NameServer.pair(weight) + NameServer.pair(port)
            for label in target.split(separator: ".") { data += [UInt8(label.utf8.count)] + label.utf8 }
            data.append(0)
        case .address(let address): data = address
        }
        return [0xC0, 0x0C] + NameServer.pair(kind) + [0, 1, 0, 0, 0, 60] + NameServer.pair(UInt16(data.count)) + data
    }
}
