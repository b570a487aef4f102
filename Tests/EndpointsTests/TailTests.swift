import Endpoints
import Testing

@Suite struct TailTests {
    private let folder = ModelFolder()

    private func write(_ text: String, _ name: String = "a.log") {
        if folder.resolve(name) == nil { folder.create(name) }
        if let file = folder.resolve(name) { folder.append(text, to: file) }
    }

    // MARK: - Where it begins

    @Test func aFileThatWasThereIsReadFromItsEndAndOneThatComesFromItsBeginning() {
        write("old\nhal")
        var reader = TailReaderModel("a.log", folder)
        reader.drain()
        write("f\nnew\n")
        reader.drain()
        #expect(reader.lines == ["half", "new"], "a line is not torn where the reading begins")
        var later = TailReaderModel("b.log", folder)
        later.drain()
        write("first\n", "b.log")
        later.drain()
        #expect(later.lines == ["first"])
    }

    @Test func theReadingGoesOnWhereItStood() {
        write("1\n2\n3")
        var reader = TailReaderModel("a.log", folder)
        reader.look()
        write("\n4\nhal")
        reader.drain()
        #expect(reader.lines == ["3", "4"])
        var again = TailReaderModel("a.log", folder, saved: Array(reader.positions.values))
        write("f\n5\n")
        again.drain()
        #expect(again.lines == ["half", "5"])
        #expect(again.gaps.isEmpty)
    }

    /// What happens while nobody reads, with the lines that come then and the gaps.
    static let away: [(String, @Sendable (ModelFolder) -> Void, [String], Int)] = [
        (
            "renamed",
            {
                $0.add("x\n"); $0.rename("a.log", "a.log.1"); $0.create("a.log"); $0.add("y\n")
            }, ["x", "y"], 0
        ),
        (
            "renamed twice",
            {
                $0.add("x\n")
                $0.rename("a.log", "a.log.1")
                $0.create("a.log")
                $0.add("y\n")
                $0.rename("a.log.1", "a.log.2")
                $0.rename("a.log", "a.log.1")
                $0.create("a.log")
                $0.add("z\n")
            }, ["x", "y", "z"], 0
        ),
        (
            "copied and truncated",
            {
                $0.add("x\n"); $0.copy("a.log", "a.log.1"); $0.truncate("a.log"); $0.add("y\n")
            }, ["x", "y"], 0
        ),
        (
            "deleted",
            {
                $0.add("x\n"); $0.unlink("a.log"); $0.create("a.log"); $0.add("y\n")
            }, ["y"], 1
        ),
        (
            "the inode used again, and longer",
            {
                $0.unlink("a.log"); $0.create("a.log"); $0.add("0123456\n")
            }, ["0123456"], 1
        ),
        (
            "the inode used again, with the same first bytes",
            {
                $0.unlink("a.log"); $0.create("a.log"); $0.add("#head\n2\n3\n4\n")
            }, ["#head", "2", "3", "4"], 1
        ),
        (
            "truncated",
            {
                $0.truncate("a.log"); $0.add("y\n")
            }, ["y"], 1
        ),
    ]

    @Test(arguments: away.indices) func rotatedWhileDown(_ index: Int) {
        let (name, change, expected, gaps) = Self.away[index]
        write("#head\n0\n")
        var reader = TailReaderModel("a.log", folder)
        reader.look()
        write("1\n")
        reader.drain()
        #expect(reader.lines == ["1"])
        for handle in folder.openFiles.keys { folder.close(handle) }
        change(folder)
        var again = TailReaderModel("a.log", folder, saved: Array(reader.positions.values))
        again.drain()
        #expect(again.lines == expected, "\(name)")
        #expect(again.gaps.count == gaps, "\(name): \(again.gaps)")
    }

    // MARK: - While it reads

    @Test func theOldFileIsReadToItsEndFirst() {
        var reader = TailReaderModel("a.log", folder)
        reader.drain()
        write("1\n2\n")
        reader.look()
        folder.rename("a.log", "a.log.1")
        write("3\n", "a.log.1")
        reader.drain()
        folder.create("a.log")
        reader.drain()
        write("4\n", "a.log.1")
        reader.drain()
        write("5\n")
        reader.drain()
        write("late\n", "a.log.1")
        reader.drain()
        #expect(reader.lines == ["1", "2", "3", "4", "5", "late"])
        reader.now += 11_000_000_000
        reader.drain()
        #expect(folder.openFiles.count == 1, "nobody writes there any more")
    }

    @Test func aTruncationThatWasNotNoticedInTimeIsAGap() {
        write("#head\n")
        var reader = TailReaderModel("a.log", folder)
        reader.drain()
        write("1\n22\n333\n")
        let hasRead = reader.step(bytesMax: 3)
        #expect(hasRead)
        folder.truncate("a.log")
        write("#head\nnew, and longer than before\n")
        reader.drain()
        #expect(reader.lines == ["1", "2", "#head", "new, and longer than before"])
        #expect(reader.gaps == [.gap(path: "a.log", reason: .truncated, bytes: 6)])
    }

    @Test func aCopyHoldsWhatATruncationTook() {
        write("#head\n")
        var reader = TailReaderModel("a.log", folder)
        reader.drain()
        write("1\n22\n333\n")
        let hasRead = reader.step(bytesMax: 3)
        #expect(hasRead)
        folder.copy("a.log", "a.log.1")
        folder.truncate("a.log")
        write("4\n")
        reader.drain()
        #expect(reader.lines == ["1", "22", "333", "4"])
        #expect(reader.gaps.isEmpty)
    }

    @Test func aDeletedFileIsLetGo() {
        write("")
        var reader = TailReaderModel("*.log", folder)
        reader.drain()
        write("1\nunended")
        reader.drain()
        folder.unlink("a.log")
        reader.drain()
        reader.now += 11_000_000_000
        reader.drain()
        #expect(reader.lines == ["1", "unended"])
        #expect(folder.openFiles.isEmpty)
    }

    // MARK: - Globs

    @Test func aGlobTakesWhatComesAndLeavesRotatedAndCompressedOnesAlone() {
        write("old\n", "a.log")
        write("old\n", "a.log.1")
        write("old\n", "b.log.2.gz")
        var reader = TailReaderModel("*.log*", folder)
        reader.drain()
        write("a\n", "a.log")
        write("no\n", "a.log.1")
        write("no\n", "b.log.3.gz")
        write("c\n", "c.log")
        reader.drain()
        folder.rename("c.log", "c.log.1")
        write("d\n", "c.log")
        reader.drain()
        #expect(reader.lines == ["a", "c", "d"])
    }

    @Test(arguments: [
        ("app.log", "app.log.1", true), ("app.log", "app.log-20261122", true), ("app.log", "app.log.old", true),
        ("app.log", "app.log2", false), ("app.log", "app.logs", false), ("app", "app.log", false),
        ("app.log", "app.log", false),
    ])
    func whatRotationMakes(_ name: String, _ other: String, _ isRotated: Bool) {
        #expect(TailPattern.isRotated(other, of: name) == isRotated)
    }

    @Test(arguments: [
        ("*.log", "a.log", true), ("*.log", ".a.log", false), ("a?c*", "abc", true), ("a?c*", "ac", false),
        ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("[a]", "[a]", true),
    ])
    func globs(_ pattern: String, _ name: String, _ isMeant: Bool) {
        #expect(TailPattern("/var/log/\(pattern)").chosen(among: [name]) == (isMeant ? [name] : []))
    }

    // MARK: - Positions

    @Test func positionsAreReadBackAsTheyWereWritten() {
        var one = TailPosition(
            path: "/var/log/a b\n\\n", key: .init(device: 7, inode: 1 << 40), headBytes: 256, headHash: .max)
        one.move(to: 12_345, behind: Array("the last bytes".utf8))
        let two = TailPosition(path: "b", key: .init(device: 1, inode: 2), headBytes: 0, headHash: 0)
        #expect(TailPositions.read(TailPositions.text([one, two])) == [one, two])
        #expect(TailPositions.read(TailPositions.text([])) == [])
        #expect(TailPositions.read(Array("something else\n".utf8)) == nil)
        #expect(TailPositions.read(TailPositions.text([one]).dropLast()) == nil)
    }
}

extension ModelFolder {
    func add(_ text: String) { if let file = resolve("a.log") { append(text, to: file) } }
}
