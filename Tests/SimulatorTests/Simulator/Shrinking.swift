extension Simulation {
    /// The shortest story found that breaks a promise as this one does: happenings are left out while it still does.
    /// - Parameter runsMax: after so many runs the shortest so far is good enough.
    public static func shorten(_ story: Story, canary: Canary? = nil, runsMax: Int = 2_000) -> Story {
        var search = Search(story: story, canary: canary, runsLeft: runsMax)
        search.simplify()
        search.thin()
        search.simplify()
        search.thin()
        return search.story
    }

    /// What kind of promise a story breaks: its numbers and names are left out.
    static func kind(of fault: String) -> String {
        fault.split { !$0.isLetter }.filter { word in !Voice.allCases.contains { $0.rawValue == word } }
            .prefix(3).joined(separator: " ")
    }

    private struct Search {
        var story: Story
        let canary: Canary?
        var runsLeft: Int
        private var wanted = ""

        init(story: Story, canary: Canary?, runsLeft: Int) {
            self.story = story
            self.canary = canary
            self.runsLeft = runsLeft
            wanted = Simulation.run(story, canary: canary).faults.first.map(Simulation.kind) ?? ""
        }

        /// Whether another story does the same; then it takes this one's place.
        private mutating func `try`(_ other: Story) -> Bool {
            guard runsLeft > 0, other != story else { return false }
            runsLeft -= 1
            guard let fault = Simulation.run(other, canary: canary).faults.first, Simulation.kind(of: fault) == wanted
            else { return false }
            story = other
            return true
        }

        /// Leaves happenings out: halves first, then ever smaller pieces.
        mutating func thin() {
            var size = max(story.happenings.count / 2, 1)
            while size >= 1 {
                var start = 0
                while start < story.happenings.count {
                    var other = story
                    other.happenings.removeSubrange(start..<min(start + size, story.happenings.count))
                    if !self.try(other) { start += size }
                }
                size /= 2
            }
        }

        /// Makes what is around plainer.
        mutating func simplify() {
            for change in Self.changes {
                var other = story
                change(&other.setting)
                _ = self.try(other)
            }
            for voice in Voice.allCases {
                for lane in story.setting.lanes(of: voice) {
                    var other = story
                    other.setting.routes[voice]?.removeAll { $0 == lane }
                    if other.setting.routes[voice]?.isEmpty == true { other.setting.routes[voice] = nil }
                    _ = self.try(other)
                }
                for sink in story.setting.sinks(of: voice) {
                    var other = story
                    other.setting.sinks[voice]?.removeAll { $0 == sink }
                    _ = self.try(other)
                }
            }
        }

        private static let changes: [@Sendable (inout Setting) -> Void] = [
            { $0.isChopped = false }, { $0.paddingMax = 0 }, { $0.latency = 1_000...1_000 }, { $0.sinkDelay = 50 },
            { $0.patienceSeconds = nil }, { $0.resumptionSeconds = 300 }, { $0.managesStreams = true },
        ]
    }
}
