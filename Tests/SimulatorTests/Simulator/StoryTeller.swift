import LoopbackServer

extension Story {
    /// The story of a seed.
    public init(seed: UInt64) {
        var teller = StoryTeller(seed: seed)
        self = teller.tell()
    }
}

/// Makes up stories: each has some kinds of trouble and not others, so that rare company is met too.
private struct StoryTeller {
    let seed: UInt64
    var chance: Chance
    var setting = Setting()
    var happenings: [Happening] = []

    init(seed: UInt64) {
        self.seed = seed
        chance = Chance(seed: seed).branch(1)
    }

    mutating func tell() -> Story {
        setting.chaosEnd = chance.pick([5_000, 20_000, 60_000, 200_000])
        chooseServer()
        choosePeople()
        setting.isChopped = chance.oneIn(2)
        setting.latency = chance.pick([0...100, 200...2_000, 20_000...60_000, 100_000...1_500_000])
        setting.sinkDelay = chance.pick([50, 1_000, 30_000, 700_000])
        setting.paddingMax = chance.pick([0, 40, 40, 400, 6_000])
        setting.storeDelay = chance.pick([100, 5_000, 50_000, 800_000])
        if chance.oneIn(8) { setting.patienceSeconds = chance.pick([20, 600]) }
        tellTraffic()
        tellTrouble()
        happenings.sort { $0.at < $1.at }
        return Story(seed: seed, setting: setting, happenings: happenings)
    }

    // MARK: - Who is there

    private mutating func chooseServer() {
        setting.managesStreams = !chance.oneIn(6)
        setting.resumptionSeconds = chance.pick([0, 5, 60, 300, 300])
        setting.moodiness = chance.pick([1, 3, 10])
    }

    private mutating func choosePeople() {
        setting.endsWithInput = chance.oneIn(3)
        setting.isDurable = !chance.oneIn(3)
        setting.stdinIsFile = setting.endsWithInput && chance.oneIn(3)
        var voices: [Voice] = setting.endsWithInput ? [.stdin] : chance.some([.stdin, .fifo, .log])
        if voices.isEmpty { voices = [.log] }
        for voice in voices {
            var lanes = chance.some(Lane.allCases.filter { $0 != .ghost })
            if chance.oneIn(8) { lanes.append(.ghost) }
            setting.routes[voice] = lanes.isEmpty ? [.carol] : lanes
        }
        if chance.oneIn(3) { return }
        let sinks: [Sink] = setting.endsWithInput ? [.stdout] : chance.some(Sink.allCases)
        setting.sinks[.bob] = sinks.isEmpty ? [.file] : sinks
        if chance.oneIn(3) { setting.sinks[.mia] = setting.sinks[.bob] }
        if chance.oneIn(4) { setting.routes[.bob] = [.carol] }
    }

    // MARK: - What is said

    private mutating func tellTraffic() {
        let volume = chance.pick([5, 40, 40, 200])
        for voice in Voice.allCases {
            if voice.isLocal {
                if setting.routes[voice] != nil { writeLines(of: voice, volume) }
            } else if setting.routes[voice] != nil || setting.sinks[voice]?.isEmpty == false {
                for (index, at) in times(chance.among(0...volume)).enumerated() {
                    add(at, .speak(voice, index + 1))
                }
            }
        }
    }

    private mutating func writeLines(of voice: Voice, _ volume: Int) {
        let count = chance.among(1...volume)
        if voice == .stdin, setting.stdinIsFile { return add(0, .write(voice, 1...count)) }
        let bursts = times(chance.among(1...max(1, min(count, 30))))
        var written = 0
        for (index, at) in bursts.enumerated() {
            let rest = count - written
            let size = index == bursts.count - 1 ? rest : chance.among(0...max(0, min(rest, 2 * count / bursts.count)))
            if size > 0 { add(at, .write(voice, written + 1...written + size)) }
            written += size
        }
    }

    // MARK: - What goes wrong

    private mutating func tellTrouble() {
        for kind in Trouble.allCases where chance.oneIn(kind.rarity) {
            if !setting.isDurable, kind == .kill || kind == .fullDisk { continue }
            if kind == .rotation, setting.routes[.log] == nil { continue }
            if kind == .loseReader, !setting.uses(.stdout) { continue }
            for at in times(chance.magnitude(1...kind.countMax)) { add(at, deed(kind)) }
        }
    }

    private enum Trouble: CaseIterable {
        case cut, halfOpen, refusal, restart, lostAcks, doubleAcks, block, spoil, rooms, jump, stop, kill, rotation,
            fullDisk,
            loseReader

        var rarity: Int {
            switch self {
            case .cut: 2
            case .halfOpen, .refusal, .restart, .block, .kill, .rotation: 3
            case .lostAcks, .doubleAcks, .spoil, .rooms, .stop, .fullDisk: 4
            case .jump, .loseReader: 6
            }
        }

        var countMax: Int {
            switch self {
            case .cut: 12
            case .halfOpen, .refusal, .restart, .lostAcks, .doubleAcks: 3
            case .block, .spoil, .rooms, .jump, .fullDisk: 4
            case .stop, .loseReader: 2
            case .kill, .rotation: 8
            }
        }
    }

    private mutating func deed(_ trouble: Trouble) -> Deed {
        switch trouble {
        case .cut:
            let bytes = chance.oneIn(3) ? 0 : chance.magnitude(1...20_000)
            let hearing = Hearing(client: chance.magnitude(0...2_000), server: chance.magnitude(0...5_000))
            return .cut(after: bytes, chance.oneIn(2) ? .up : .down, hearing)
        case .halfOpen:
            let server = chance.oneIn(2) ? nil : chance.magnitude(0...200_000)
            let client = server != nil && chance.oneIn(2) ? chance.magnitude(0...100_000) : nil
            return .cut(
                after: chance.magnitude(0...20_000), chance.oneIn(2) ? .up : .down,
                Hearing(client: client, server: server))
        case .refusal: return .refuse(chance.magnitude(100...60_000), isSilent: chance.oneIn(2))
        case .restart: return .restart(chance.magnitude(0...30_000), forgets: chance.oneIn(2))
        case .lostAcks: return .acks(chance.magnitude(100...60_000), areLost: true)
        case .doubleAcks: return .acks(chance.magnitude(100...60_000), areLost: false)
        case .block: return .block(chance.pick(Sink.allCases), chance.magnitude(100...60_000))
        case .spoil: return .spoil(.file, chance.magnitude(100...60_000))
        case .rooms: return .rooms(roomFault())
        case .jump: return .jump((chance.oneIn(2) ? 1 : -1) * chance.magnitude(1...100_000_000))
        case .stop: return .stop
        case .kill: return .kill(after: chance.oneIn(2) ? 0 : chance.magnitude(1...200), isSilent: chance.oneIn(4))
        case .loseReader: return .loseReader
        case .rotation: return .rotate
        case .fullDisk: return .failStore(chance.magnitude(100...30_000))
        }
    }

    private mutating func roomFault() -> RoomFault {
        switch chance.below(4) {
        case 0: .forget(room: "den", nick: "bridge")
        case 1: .restart(isTold: chance.oneIn(2))
        case 2: .limit(.milliseconds(chance.magnitude(100...5_000)))
        case _: .forget(room: "den", nick: nil)
        }
    }

    // MARK: - When

    /// So many moments of the chaos; half of the time they crowd.
    private mutating func times(_ count: Int) -> [Int] {
        let crowd = chance.oneIn(2) ? chance.among(0...setting.chaosEnd) : nil
        return (0..<count).map { _ in
            guard let crowd, !chance.oneIn(3) else { return chance.among(0...setting.chaosEnd) }
            return min(crowd + chance.magnitude(0...2_000), setting.chaosEnd)
        }
        .sorted()
    }

    private mutating func add(_ at: Int, _ deed: Deed) { happenings.append(Happening(at: at, deed: deed)) }
}
