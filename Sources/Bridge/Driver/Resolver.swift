import CResolv
import Glibc
import Session

/// SRV look-ups through libresolv (RFC 2782). They block: call them off the loop.
struct Resolver: Sendable {
    /// The name server to ask instead of the system's: `ADDRESS:PORT`, for tests.
    var nameserver: (address: String, port: UInt16)?

    enum Answer: Sendable, Equatable {
        /// The name exists and these are its records (perhaps none).
        case records([ServiceRecord])
        /// No such name, or no such record.
        case none
        /// The resolver did not answer, or with a fault.
        case failed(String)
    }

    /// Seconds before a question is asked again, and how often it is asked: below the connect deadline.
    private static let retransSeconds: Int32 = 2
    private static let retries: Int32 = 2
    private static let answerBytesMax = 65_536

    /// Asks for `_service._tcp.domain`.
    func services(_ service: String, domain: String) -> Answer {
        withState { state in
            var answer = [UInt8](repeating: 0, count: Self.answerBytesMax)
            let length = xb_res_query(
                state, "_\(service)._tcp.\(domain)", xb_class_in(), xb_type_srv(), &answer, Int32(answer.count))
            guard length >= 0 else { return Self.failure(xb_res_error(state)) }
            return Self.parse(answer, length: min(Int(length), answer.count))
        } ?? .failed("the resolver cannot be set up")
    }

    /// The IPv4 addresses of a host by the tests' name server; nil where the system's resolver is to be asked.
    func addresses(of host: String) -> [String]? {
        guard nameserver != nil else { return nil }
        let found = withState { state -> [String]? in
            var answer = [UInt8](repeating: 0, count: Self.answerBytesMax)
            let length = xb_res_query(state, host, xb_class_in(), xb_type_a(), &answer, Int32(answer.count))
            guard length >= 0 else { return nil }
            var found: [String] = []
            Self.forEachRecord(answer, length: min(Int(length), answer.count)) { message, record in
                guard xb_record_type(&record) == xb_type_a(), xb_record_length(&record) == 4,
                    let data = xb_record_data(&record)
                else { return }
                found.append((0..<4).map { String(data[$0]) }.joined(separator: "."))
            }
            return found.isEmpty ? nil : found
        }
        return found ?? nil
    }

    /// Nil where the resolver's own configuration cannot be read.
    private func withState<R>(_ body: (UnsafeMutablePointer<__res_state>) -> R) -> R? {
        let state = UnsafeMutablePointer<__res_state>.allocate(capacity: 1)
        state.initialize(to: __res_state())
        defer { state.deallocate() }
        guard xb_res_init(state) == 0 else { return nil }
        defer { xb_res_close(state) }
        xb_res_limits(state, Self.retransSeconds, Self.retries)
        if let nameserver {
            var address = in_addr()
            inet_pton(AF_INET, nameserver.address, &address)
            xb_res_nameserver(state, address, nameserver.port)
        }
        return body(state)
    }

    private static func failure(_ code: Int32) -> Answer {
        switch code {
        case HOST_NOT_FOUND, NO_DATA: .none
        case TRY_AGAIN: .failed("the name server did not answer")
        case _: .failed("the name server answered with a failure")
        }
    }

    private static func parse(_ answer: [UInt8], length: Int) -> Answer {
        var records: [ServiceRecord] = []
        let whole = forEachRecord(answer, length: length) { message, record in
            guard xb_record_type(&record) == xb_type_srv(), xb_record_length(&record) > 6,
                let data = xb_record_data(&record)
            else { return }
            var name = [CChar](repeating: 0, count: Int(NS_MAXDNAME))
            guard xb_expand_name(&message, data + 6, &name, Int32(name.count)) >= 0 else { return }
            func number(_ offset: Int) -> UInt16 { UInt16(data[offset]) << 8 | UInt16(data[offset + 1]) }
            let end = name.firstIndex(of: 0) ?? name.endIndex
            let target = String(decoding: name[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            records.append(
                ServiceRecord(
                    priority: number(0), weight: number(2), port: number(4), target: target.isEmpty ? "." : target))
        }
        return whole ? (records.isEmpty ? .none : .records(records)) : .failed("the name server's answer is broken")
    }

    @discardableResult
    private static func forEachRecord(
        _ answer: [UInt8], length: Int, _ body: (inout ns_msg, inout ns_rr) -> Void
    ) -> Bool {
        // The message points into the answer, so both live inside this call.
        answer.withUnsafeBufferPointer { bytes in
            var message = ns_msg()
            guard ns_initparse(bytes.baseAddress, Int32(length), &message) == 0 else { return false }
            for index in 0..<xb_answer_count(&message) {
                var record = ns_rr()
                guard xb_parse_answer(&message, index, &record) == 0 else { return false }
                body(&message, &record)
            }
            return true
        }
    }
}
