import Endpoints
import Routing

/// What becomes of a FIFO, or of the files of a `tail:`, while they are in use.
enum EndpointNews: Equatable, Sendable {
    /// What is at the path cannot be read, or a FIFO is not there any more, and why; it is tried again.
    case lost(String)
    /// It is back.
    case found
    /// Another was made there, and is used.
    case remade
}

extension Pump {
    mutating func tell(_ news: EndpointNews, of endpoint: Endpoint) {
        switch news {
        case .lost(let reason):
            let text = "reading \(endpoint) stopped: \(reason)"
            var isFIFO = false
            if case .fifo = endpoint { isFIFO = true }
            let hint = isFIFO ? "it is looked for, and made again at SIGHUP" : "it is tried again"
            actions.append(.say(.error, "\(text); \(hint)"))
            emit(.error(code: "source", text: text, source: "\(endpoint)"))
        case .found: actions.append(.say(.warning, "reading \(endpoint) works again"))
        case .remade: actions.append(.say(.warning, "\(endpoint) was made anew: the new one is used"))
        }
    }
}
