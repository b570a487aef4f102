import Stanza

/// A TCP connection between the bridge and the server, as its ends see it.
final class Link {
    /// One direction.
    struct Pipe {
        /// When the last of what is on its way arrives.
        var lastArrival = Instant(nanoseconds: 0)
        /// So many bytes more, and the connection breaks.
        var bytesLeft: Int?
        /// Nothing more is sent that way: the sender has closed or is gone.
        var isShut = false
    }

    let number: UInt64
    var up = Pipe()
    var down = Pipe()
    /// What is on its way is lost, and what is written too.
    var isCut = false
    /// Who hears of the cut, once it comes.
    var hearing = Hearing()
    /// Whether the server's end is told to be over.
    var isServerTold = false
    weak var client: ClientEnd?

    init(_ number: UInt64) { self.number = number }

    subscript(_ way: Way) -> Pipe {
        get { way == .up ? up : down }
        set { if way == .up { up = newValue } else { down = newValue } }
    }
}

extension World {
    /// Bytes set out.
    func transmit(_ bytes: [UInt8], _ way: Way, on link: Link) {
        guard !link.isCut, !link[way].isShut, !bytes.isEmpty else { return }
        var rest = bytes[...]
        var isLast = false
        if let left = link[way].bytesLeft {
            rest = rest.prefix(left)
            isLast = rest.count < bytes.count || left == bytes.count
            link[way].bytesLeft = left - rest.count
        }
        while !rest.isEmpty {
            let size = setting.isChopped && !isKind ? chances.pieces.magnitude(1...max(rest.count, 1)) : rest.count
            let chunk = rest.prefix(size)
            rest = rest.dropFirst(size)
            add(.arrived(link, way, Array(chunk)), at: arrival(way, on: link))
        }
        if isLast {
            add(.cut(link), at: link[way].lastArrival)
            link[way].isShut = true
        }
    }

    /// When what sets out now arrives: never before what set out earlier.
    private func arrival(_ way: Way, on link: Link) -> Instant {
        let wait = isKind ? 1_000 : chances.latency.among(setting.latency)
        let at = max(now + .microseconds(wait), link[way].lastArrival)
        link[way].lastArrival = at
        return at
    }

    /// That end has closed: the other hears of it behind all that was sent.
    func shut(_ way: Way, on link: Link) {
        guard !link.isCut, !link[way].isShut else { return }
        link[way].isShut = true
        add(.over(link, way), at: arrival(way, on: link))
    }

    /// The connection breaks.
    func cut(_ link: Link) {
        guard !link.isCut else { return }
        trace.note(now, "  the connection \(link.number) breaks")
        link.isCut = true
        if let wait = link.hearing.client { add(.over(link, .down), at: now + .milliseconds(wait)) }
        if let wait = link.hearing.server { add(.over(link, .up), at: now + .milliseconds(wait)) }
    }

    /// The bridge wants a connection.
    func connect(_ process: BridgeProcess, attempt: Int) {
        let wait = Duration.microseconds(isKind ? 1_000 : chances.latency.among(setting.latency) * 2)
        if now < refusesUntil {
            if isSilent { return }
            return add(.refused(process.number, attempt), at: now + wait)
        }
        add(.connected(process.number, attempt), at: now + wait)
    }

    /// A connection stands.
    func open(for process: BridgeProcess, attempt: Int) {
        guard now >= refusesUntil else {
            if !isSilent { process.refused(attempt) }
            return
        }
        lastLink += 1
        let link = Link(lastLink)
        links.append(link)
        trace.note(now, "  connection \(link.number) stands")
        host.accept(link)
        process.connected(link, attempt)
    }

    /// What was on its way has arrived.
    func arrived(_ bytes: [UInt8], _ way: Way, on link: Link) {
        guard !link.isCut else { return }
        switch way {
        case .up: host.received(bytes, on: link)
        case .down: link.client?.received(bytes)
        }
    }

    /// One end hears that it is over.
    func over(_ link: Link, _ way: Way) {
        switch way {
        case .up: host.lost(link)
        case .down: link.client?.over(.closed("connection reset by peer"))
        }
    }
}
