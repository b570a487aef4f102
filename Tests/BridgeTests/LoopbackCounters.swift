@testable import LoopbackServer

extension LoopbackServer {
    /// The session of that account counts what it sends from there, as if so many had been sent and acknowledged; of the
    /// client it has handled that many.
    mutating func wind(_ account: String, to count: UInt32, handled: UInt32) {
        for (id, session) in sessions where session.account == account {
            var management = StreamManagement(acknowledged: count)
            management.resumptionID = session.management?.resumptionID
            management.handled = handled
            sessions[id]?.management = management
        }
    }
}
