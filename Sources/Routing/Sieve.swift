/// Says in one pass over a text which of many patterns could match it: those whose required literal stands in it, and
/// those that have none. Its cost grows with the text, not with the number of patterns.
///
/// It is the automaton of Aho and Corasick (1975) with its failure steps worked in, over classes of bytes.
struct Sieve {
    /// For each byte its class; 0 for those that stand in no literal.
    private let classes: [UInt8]
    private let classCount: Int
    /// For each state and class the place of the next state's steps; the top bit says that a literal ends there.
    private let steps: [UInt32]
    /// For each state the patterns whose literals end there.
    private let found: [[Int]]
    /// The patterns that have no literal, a bit each.
    private let always: [UInt64]

    private static let endsBit: UInt32 = 1 << 31
    /// States of the automaton; literals beyond them count as none.
    static let statesMax = 16_384
    /// Literals below which it is cheaper to ask the patterns themselves.
    static let literalsMin = 2

    /// The sieve of those literals, by position; nil where it would not pay.
    init?(_ literals: [[UInt8]]) {
        guard literals.count(where: { !$0.isEmpty }) >= Sieve.literalsMin else { return nil }
        var classes = [UInt8](repeating: 0, count: 256)
        var classCount = 1
        // UTF-8 has no byte above 0xF4, so the classes have a number each.
        for byte in Set(literals.joined()).sorted() where classCount < 256 {
            classes[Int(byte)] = UInt8(classCount)
            classCount += 1
        }
        var tree = LiteralTree(classCount: classCount)
        var always = [UInt64](repeating: 0, count: (literals.count + 63) / 64)
        for (index, literal) in literals.enumerated() {
            if literal.isEmpty || tree.count + literal.count > Sieve.statesMax {
                always[index / 64] |= 1 << UInt64(index % 64)
            } else {
                tree.add(literal.map { Int(classes[Int($0)]) }, index)
            }
        }
        tree.close()
        self.classes = classes
        self.classCount = classCount
        self.always = always
        found = tree.found
        steps = tree.next.map { state in
            UInt32(state * classCount) | (tree.found[state].isEmpty ? 0 : Sieve.endsBit)
        }
    }

    /// Sets the bits of the patterns that could match the text, and clears the others.
    func sift(_ text: UnsafeBufferPointer<UInt8>, into candidates: inout [UInt64]) {
        candidates = always
        classes.withUnsafeBufferPointer { classes in
            steps.withUnsafeBufferPointer { steps in
                var state: UInt32 = 0
                for byte in text {
                    state = steps[Int(state & ~Sieve.endsBit) &+ Int(classes[Int(byte)])]
                    if state & Sieve.endsBit == 0 { continue }
                    for index in found[Int(state & ~Sieve.endsBit) / classCount] {
                        candidates[index / 64] |= 1 << UInt64(index % 64)
                    }
                }
            }
        }
    }
}

/// The literals as a tree of states, state 0 at its root.
private struct LiteralTree {
    let classCount: Int
    /// For each state and class the next state; 0 where there is none yet.
    var next: [Int]
    var found: [[Int]] = [[]]

    var count: Int { found.count }

    init(classCount: Int) {
        self.classCount = classCount
        next = Array(repeating: 0, count: classCount)
    }

    mutating func add(_ literal: [Int], _ index: Int) {
        var state = 0
        for step in literal {
            if next[state * classCount + step] == 0 {
                next[state * classCount + step] = count
                found.append([])
                next += Array(repeating: 0, count: classCount)
            }
            state = next[state * classCount + step]
        }
        found[state].append(index)
    }

    /// Gives every state a next one for every class: that of the longest end of what was read that begins a literal.
    mutating func close() {
        var failure = Array(repeating: 0, count: count)
        var queue = next[..<classCount].filter { $0 != 0 }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            found[state] += found[failure[state]]
            for step in 0..<classCount {
                let child = next[state * classCount + step]
                let other = next[failure[state] * classCount + step]
                if child == 0 {
                    next[state * classCount + step] = other
                } else {
                    failure[child] = other
                    queue.append(child)
                }
            }
        }
    }
}
