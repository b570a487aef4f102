import Testing
@Suite struct Scratch {
    @Test func show() {
        for (n, f) in BadFiles.files.enumerated() { print("#\(n)"); for l in Files.problems(f) { print(l) } }
    }
}
