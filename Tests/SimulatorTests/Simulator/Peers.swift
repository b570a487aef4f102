import Digest
import LoopbackServer
import Stanza

/// Another client of the server: it is there whenever the server is, and says what the story tells it to.
final class Peer {
    let name: String
    fileprivate(set) var connection: UInt64?
    /// What it could not say while the server was away.
    fileprivate var unsaid: [Int] = []

    init(_ name: String) { self.name = name }
}

extension World {
    /// Logs a peer in: bob as a contact, mia as an occupant of the room.
    func enter(_ peer: Peer) {
        let id = host.join(peer)
        peer.connection = id
        let secret = Base64.encode(Array("\u{0}\(peer.name)\u{0}\(Cast.password)".utf8))
        let header = Element("stream", NS.stream.description, ["to": Cast.domain, "version": "1.0"])
        host.feed(.streamOpened(id, header))
        host.feed(.element(id, Element("auth", NS.sasl.description, ["mechanism": "PLAIN"], text: secret)))
        host.feed(.streamOpened(id, header))
        let resource = Element("resource", NS.bind.description, text: "here")
        let bind = Element("bind", NS.bind.description, [:], [resource])
        host.feed(.element(id, Element("iq", NS.client.description, ["type": "set", "id": "b"], [bind])))
        host.feed(.element(id, Element("presence", NS.client.description)))
        if peer.name == "mia" { joinRoom(peer) }
        let unsaid = peer.unsaid
        peer.unsaid = []
        for number in unsaid { speak(peer, number) }
    }

    /// A room forgets its occupants, and a client that does not see it comes back by itself.
    func joinRoom(_ peer: Peer) {
        guard let id = peer.connection else { return }
        let wish = Element("x", NS.muc.description)
        let to = "\(cast.room)/\(peer.name)"
        host.feed(.element(id, Element("presence", NS.client.description, ["to": to], [wish])))
    }

    /// The server has ended a peer's session.
    func peerLost(_ peer: Peer) {
        peer.connection = nil
        add(.enters(peer), at: max(now + .milliseconds(1), isServerAway ? refusesUntil : now))
    }

    func speak(_ voice: Voice, _ number: Int) {
        if let peer = peers.first(where: { $0.name == voice.rawValue }) { speak(peer, number) }
    }

    private func speak(_ peer: Peer, _ number: Int) {
        guard let id = peer.connection, let voice = Voice(rawValue: peer.name) else {
            peer.unsaid.append(number)
            return
        }
        let mark = Mark(voice, number)
        let body = Element("body", NS.client.description, text: mark.text(paddingMax: setting.paddingMax))
        let isRoom = voice == .mia
        let attributes: KeyValuePairs = [
            "to": (isRoom ? cast.room : cast.account).text, "type": isRoom ? "groupchat" : "chat",
            "id": "\(peer.name)-\(number)",
        ]
        oracle.inbound.said(mark)
        host.feed(.element(id, Element("message", NS.client.description, attributes, [body])))
    }
}
