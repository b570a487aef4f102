import Endpoints
import Routing

/// What becomes of a FIFO while it is in use.
enum FIFONews: Equatable, Sendable {
    /// What is read is not at its path any more, and why; it is still read, and another is looked for.
    case lost(String)
    /// It is back.
    case found
    /// Another was made there, and is used.
    case remade
}

extension Pump {
    mutating func tell(_ news: FIFONews, of endpoint: Endpoint) {
        switch news {
        case .lost(let reason):
            let text = "reading \(endpoint) stopped: \(reason)"
            actions.append(.say(.error, "\(text); it is looked for, and made again at SIGHUP"))
            emit(.error(code: "source", text: text, source: "\(endpoint)"))
        case .found: actions.append(.say(.warning, "reading \(endpoint) works again"))
        case .remade: actions.append(.say(.warning, "\(endpoint) was made anew: the new one is used"))
        }
    }
}
