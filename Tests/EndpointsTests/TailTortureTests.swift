import Testing

@testable import Endpoints

/// Numbered lines by a writer who rotates in every way, between any two questions of the reader: each comes once.
@Suite struct TailTortureTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// The writer. What destroys a file waits until the reader holds it, or has read it.
    private final class Writer {
        let folder = ModelFolder()
        var random: Random
        var count = 0
        var targets = 0
        var isLink: Bool
        var held: () -> Set<FileKey> = { [] }
        private var unended = ""

        init(_ seed: UInt64, isLink: Bool) {
            random = Random(state: seed)
            self.isLink = isLink
            make()
        }

        var name: String { isLink ? "target-\(targets)" : "a.log" }

        func make() {
            if isLink { targets += 1 }
            folder.create(name)
            if isLink { folder.links["a.log"] = name }
        }

        /// Sometimes writes, now and then half a line.
        func scribble() {
            guard random.next() % 4 == 0, let file = folder.resolve("a.log") else { return }
            if !unended.isEmpty {
                folder.append(unended, to: file)
                unended = ""
                return
            }
            for _ in 0..<random.next() % 4 {
                folder.append("line \(count)\n", to: file)
                count += 1
            }
            guard random.next() % 8 == 0 else { return }
            let line = "line \(count)\n"
            count += 1
            folder.append(String(line.prefix(4)), to: file)
            unended = String(line.dropFirst(4))
        }

        /// What needs no consent of the reader.
        func rotate() {
            guard unended.isEmpty, random.next() % 40 == 0, let live = folder.resolve("a.log") else { return }
            if isLink {
                if held().contains(live.key) { make() }
                return
            }
            switch random.next() % 2 {
            case 0:
                folder.unlink("a.log.4")
                for number in [3, 2, 1] { folder.rename("a.log.\(number)", "a.log.\(number + 1)") }
                folder.rename("a.log", "a.log.1")
                folder.create("a.log")
            case _:
                guard held().contains(live.key) else { return }
                folder.unlink("a.log")
                folder.create("a.log")
            }
        }

        func end() {
            if let file = folder.resolve("a.log") { folder.append(unended, to: file) }
            unended = ""
        }
    }

    /// Each line once, in its order; of what is wrong only the first is shown.
    private func expectEach(_ lines: [String], _ count: Int) {
        let expected = (0..<count).map { "line \($0)" }
        let first = zip(lines, expected).enumerated().first { $1.0 != $1.1 }?.offset ?? min(lines.count, count)
        #expect(lines.count == count)
        #expect(lines.dropFirst(first).prefix(3) == expected.dropFirst(first).prefix(3))
    }

    @Test(arguments: 0..<60) func everyLineComesOnce(_ seed: Int) {
        let writer = Writer(UInt64(seed), isLink: seed % 3 == 0)
        var reader = TailReaderModel("a.log", writer.folder)
        reader.look()
        writer.held = { Set(writer.folder.openFiles.values.map(\.key)) }
        var rotations = 0
        for _ in 0..<400 {
            var budget = 30
            reader.files.before = {
                writer.scribble()
                // Four names are kept: who rotates more often between two looks takes away what nobody has seen.
                guard budget > 0 else { return }
                budget -= 1
                let before = writer.folder.resolve("a.log")?.key
                writer.rotate()
                if writer.folder.resolve("a.log")?.key != before {
                    rotations += 1
                    budget = max(0, budget - 15)
                }
            }
            reader.look()
            for _ in 0..<writer.random.next() % 40 where !reader.step(bytesMax: 1 + Int(writer.random.next() % 200)) {
                break
            }
            guard writer.random.next() % 8 == 0 else { continue }
            // A truncation: what is written is read before, and the next write comes after a look.
            reader.files.before = {}
            reader.drain()
            writer.end()
            reader.drain()
            if !writer.isLink { writer.folder.copy("a.log", "a.log.1") }
            writer.folder.truncate("a.log")
            if seed % 2 == 0 { reader.drain() }
            reader.now += Int64(writer.random.next() % 8) * 1_000_000_000
        }
        reader.files.before = {}
        writer.end()
        reader.drain()
        #expect(rotations > 20)
        #expect(writer.count > 1_000)
        #expect(reader.gaps == [])
        expectEach(reader.lines, writer.count)
    }

    @Test(arguments: 0..<60) func everyLineComesOnceOverRestarts(_ seed: Int) {
        let writer = Writer(UInt64(seed) + 1_000, isLink: false)
        var reader = TailReaderModel("a.log", writer.folder)
        reader.drain()
        var lines: [String] = []
        for round in 0..<60 {
            reader.files.before = { writer.scribble() }
            reader.look()
            while writer.random.next() % 20 != 0 { _ = reader.step(bytesMax: 1 + Int(writer.random.next() % 200)) }
            lines += reader.lines
            #expect(reader.gaps == [])
            // What it was, and what was not a whole line of it, is gone with it.
            for handle in writer.folder.openFiles.keys { writer.folder.close(handle) }
            reader.files.before = {}
            for _ in 0..<writer.random.next() % 3 {
                for _ in 0..<10 { writer.scribble() }
                writer.end()
                // Enough names that none is given up before it is read.
                for number in (1...120).reversed() {
                    writer.folder.rename("a.log.\(number)", "a.log.\(number + 1)")
                }
                writer.folder.rename("a.log", "a.log.1")
                writer.folder.create("a.log")
            }
            reader = TailReaderModel("a.log", writer.folder, saved: Array(reader.positions.values))
            if round == 59 {
                writer.end()
                reader.drain()
            }
        }
        lines += reader.lines
        #expect(reader.gaps == [])
        expectEach(lines, writer.count)
    }
}
