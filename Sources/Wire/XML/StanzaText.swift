public import Stanza

extension StreamParser {
    /// Parses one whole stanza that stands alone, as a person wrote it: an element without a namespace of its own is in
    /// `jabber:client`.
    /// - Throws: ``Failure`` where it is not well-formed, breaks a limit, is cut short, or more stands behind it.
    public static func stanza(_ text: [UInt8], limits: Limits = Limits()) throws(Failure) -> Element {
        let parser = StreamParser(limits: limits)
        var found: Element?
        var isClosed = false
        var bytes = Array("<s:stream xmlns:s='\(NS.stream)' xmlns='\(NS.client)'>".utf8)
        bytes += text
        bytes += Array("</s:stream>".utf8)
        var count = 0
        var failure: Failure?
        bytes.withUnsafeBufferPointer { whole in
            do throws(Failure) {
                _ = try parser.parse(whole) { event in
                    switch event {
                    case .opened: break
                    case .element(let element):
                        count += 1
                        found = element
                    case .closed: isClosed = true
                    }
                    return .continue
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard let found, count == 1, isClosed else {
            let what = count > 1 ? "\(count) elements stand where one belongs" : "the element is not whole"
            throw Failure(condition: "not-well-formed", text: what)
        }
        return found
    }
}
