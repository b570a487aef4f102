import Glibc
import Simulator

/// `simulate [--seeds N] [--from SEED] [--seed S [--trace]]`: see contrib/simulate.
var arguments = CommandLine.arguments.dropFirst()
var first: UInt64 = 1
var count: UInt64 = 1_000
var isTraced = false
while let argument = arguments.popFirst() {
    switch argument {
    case "--seeds": count = arguments.popFirst().flatMap { UInt64($0) } ?? count
    case "--from": first = arguments.popFirst().flatMap { UInt64($0) } ?? first
    case "--seed":
        first = arguments.popFirst().flatMap { UInt64($0) } ?? first
        count = 1
    case "--trace": isTraced = true
    default:
        print("usage: simulate [--seeds N] [--from SEED] [--seed S [--trace]]")
        exit(64)
    }
}
var failures = 0
for seed in first..<first + count {
    let verdict = Simulation.run(Story(seed: seed), isTraced: isTraced)
    if isTraced { for line in verdict.trace { print(line) } }
    if verdict.faults.isEmpty { continue }
    failures += 1
    print("seed \(seed): \(verdict.faults[0])")
    fflush(nil)
}
print("\(count) runs, \(failures) failed")
exit(failures == 0 ? 0 : 1)
