import Endpoints
import LoopbackServer
import Routing
import Session
import Stanza

@testable import Bridge

// What happens in the world.
extension World {
    func perform(_ deed: Deed) {
        trace.note(now, "\(deed)")
        switch deed {
        case .write(let voice, let numbers): write(voice, numbers)
        case .speak(let voice, let number): speak(voice, number)
        case .cut(let bytes, let way, let hearing):
            for link in links where !link.isCut {
                link.hearing = hearing
                if bytes == 0 { cut(link) } else { link[way].bytesLeft = bytes }
            }
        case .refuse(let span, let isSilent): refuse(span, isSilent: isSilent)
        case .restart(let span, let forgets): restart(span, forgets: forgets)
        case .acks(let span, let areLost):
            let until = now + .milliseconds(span)
            if areLost { acksLostUntil = until } else { acksDoubledUntil = until }
        case .block(let sink, let span): sinks[sink.rawValue].blockedUntil = now + .milliseconds(span)
        case .spoil(let sink, let span): sinks[sink.rawValue].spoiledUntil = now + .milliseconds(span)
        case .rooms(let fault): host.feed(.ordered(fault))
        case .jump(let span): wallShift += Int64(span)
        case .stop: process?.stop()
        case .kill(0, let isSilent): kill(isSilent: isSilent)
        case .kill(let steps, let isSilent): process?.death = (steps, isSilent)
        case .loseReader: process?.loseReader()
        case .rotate: log.rotate()
        case .failStore(let span): store.failsUntil = now + .milliseconds(span)
        }
    }

    private func write(_ voice: Voice, _ numbers: ClosedRange<Int>) {
        for number in numbers {
            let mark = Mark(voice, number)
            guard let source = sources.first(where: { $0.voice == voice }) else {
                log.append(Array((mark.text(paddingMax: setting.paddingMax) + "\n").utf8))
                oracle.outbound.logged(mark)
                continue
            }
            source.write(mark, paddingMax: setting.paddingMax)
            oracle.outbound.piped(mark)
        }
        process?.written(voice)
    }

    private func refuse(_ span: Int, isSilent: Bool) {
        refusesUntil = max(refusesUntil, now + .milliseconds(span))
        self.isSilent = isSilent
    }

    private func restart(_ span: Int, forgets: Bool) {
        refuse(span, isSilent: false)
        host.restart(forgets: forgets)
    }

    /// The server's acknowledgements, as the story has them: lost or told twice.
    func spoilAcks(_ bytes: [UInt8]) -> [UInt8] {
        guard now < acksLostUntil || now < acksDoubledUntil else { return bytes }
        let isLost = now < acksLostUntil
        var result: [UInt8] = []
        var done = 0
        let start = Array("<a xmlns='urn:xmpp:sm:3' h='".utf8)
        while let range = bytes.find(start, from: done), let end = bytes[range.upperBound...].firstIndex(of: 0x3E) {
            result += bytes[done..<range.lowerBound]
            if !isLost { result += bytes[range.lowerBound...end] + bytes[range.lowerBound...end] }
            done = end + 1
        }
        return result + bytes[done...]
    }

    /// What the contact's server will say of a message that it takes.
    func fate(of message: LoopbackServer.SeenMessage, in lane: Lane) -> ServerHost.Fate {
        guard let mark = message.body.flatMap({ Mark($0.utf8) }), mark.number % setting.moodiness == 0 else {
            return .taken
        }
        if lane == .moody { return .bounced }
        guard lane == .busy, setting.isDurable, !isKind, refusals[mark, default: 0] < 2 else { return .taken }
        refusals[mark, default: 0] += 1
        return .postponed
    }

    // MARK: - Processes

    func options() -> Pump.Options {
        var options = Pump.Options()
        options.reads = setting.routes[.stdin] == nil ? .nothing : .lines
        options.prints = setting.uses(.stdout)
        options.output = .text
        // The first to run is the filter; the next takes what it has left with the server.
        options.endOfInput = setting.endsWithInput && processCount == 1 ? .drain : .stay
        options.retry = cast.session(setting).retry
        options.isDaemon = !setting.endsWithInput
        options.nick = "bridge"
        if setting.isDurable { options.spool = store.image.contents }
        for source in sources { open(source, &options) }
        // A pipe of the usual size, or a file.
        if setting.isDurable { options.leftLineBytesMax = setting.stdinIsFile ? .max : 32_768 }
        if setting.usesRoom { options.rooms = [RoomChoice(room: cast.room, nick: "bridge")] }
        return options
    }

    /// Where a source is read on, in the manner of the driver's `RunPlan`.
    private func open(_ source: LocalSource, _ options: inout Pump.Options) {
        guard source.isFile, setting.isDurable else { return source.open() }
        var place = FilePlace(key: FileKey(device: 1, inode: 1), offset: UInt64(source.taken))
        let kept = store.image.checkpoints
        if kept[Pump.Checkpoint.unclean] != nil, let step = kept[Pump.Checkpoint.input] {
            place.offset = place.offset(after: step)
        }
        source.open(at: Int(place.offset))
        options.input = place
    }

    /// The reader of a source.
    func input(of endpoint: Endpoint, positions: [TailPosition]) -> SourceInput? {
        func pipe(_ voice: Voice) -> SourceInput? {
            sources.first { $0.voice == voice }.map { SourceInput(.pipe($0)) }
        }
        switch endpoint {
        case .stdin: return pipe(.stdin)
        case .fifo: return pipe(.fifo)
        case .tail(let path): return SourceInput(.tail(TailSet(TailPattern(path), saved: positions)))
        case .stdout, .file, .xmpp, .room, .events, .presence, .commands: return nil
        }
    }

    func kill(isSilent: Bool) {
        guard let process else { return }
        process.kill(isSilent: isSilent)
        oracle.outbound.ended(process.number, isKilled: true, .software, sources)
        self.process = nil
        add(.begins, at: now + .milliseconds(chances.local.among(1...3_000)))
    }

    func sink(of endpoint: Endpoint) -> LocalSink? {
        switch endpoint {
        case .stdout: sinks[Sink.stdout.rawValue]
        case .file: sinks[Sink.file.rawValue]
        case .fifo: sinks[Sink.fifo.rawValue]
        case .stdin, .xmpp, .room, .events, .presence, .commands, .tail: nil
        }
    }

    func begin() {
        processCount += 1
        trace.note(now, "process \(processCount) begins")
        oracle.began(processCount)
        guard let next = try? BridgeProcess(processCount, self) else {
            return oracle.accuse("the simulator's rules are no rules")
        }
        process = next
        next.begin()
    }

    /// A process has ended by itself.
    func finished(_ process: BridgeProcess, _ status: Bridge.ExitStatus) {
        trace.note(now, "process \(process.number) ends with \(status)")
        trace.mix(UInt64(status.rawValue))
        oracle.judge(process, status, sources)
        self.process = nil
        if isKind, isAllDone { return finish() }
        add(.begins, at: now + .milliseconds(chances.local.among(1...3_000)))
    }

    // MARK: - The end

    /// All trouble is over: from here on everything must come right.
    func heal() {
        trace.note(now, "all trouble is over")
        isKind = true
        refusesUntil = now
        acksLostUntil = now
        acksDoubledUntil = now
        store.failsUntil = now
        host.feed(.ordered(.limit(.zero)))
        for link in links where !link.isServerTold && link.isCut { host.lost(link) }
        for sink in sinks {
            sink.blockedUntil = now
            sink.spoiledUntil = now
        }
        process?.death = nil
        process?.unblock()
        for link in links {
            link.up.bytesLeft = nil
            link.down.bytesLeft = nil
        }
        if setting.endsWithInput {
            for source in sources where source.voice == .stdin {
                source.isEnded = true
                process?.written(source.voice)
            }
        }
        look()
    }

    /// From the end of all trouble until all must be done.
    private static let healingSeconds = 1_800

    /// Looks whether all is done: then a process that stays is told to stop.
    func look() {
        let limit = setting.chaosEnd / 1_000 + Self.healingSeconds
        guard now.nanoseconds / 1_000_000_000 < Int64(limit) else {
            return oracle.accuse(
                "it does not come to an end: \(oracle.missing() ?? process?.pump.statusLine ?? "no process")")
        }
        // What is kept for a reader that has gone is for the next run.
        if let process, isAllDone || process.hasLostReader, process.pump.waitingCount == 0, process.isOnline,
            process.pump.isAllWritten
        {
            process.stop()
        }
        add(.looks, at: now + .seconds(1))
    }

    /// Whether every source is read and every promise kept.
    private var isAllDone: Bool {
        sources.allSatisfy { setting.routes[$0.voice] == nil || $0.isEmpty } && oracle.missing() == nil
    }

    private func finish() {
        oracle.judgeAll()
        isOver = true
    }
}
