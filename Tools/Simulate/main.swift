import Glibc

/// What the command line asks for; see contrib/simulate.
struct Order {
    var first: UInt64 = 1
    var count: UInt64 = 1_000
    var canary: Canary?
    var isTraced = false
    var isEveryCanary = false

    static let usage =
        "usage: simulate [--seeds N] [--from SEED] [--seed SEED [--trace]] [--canary NAME | --canaries]"

    init?(_ arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--trace": isTraced = true
            case "--canaries": isEveryCanary = true
            case "--canary":
                guard let name = rest.popFirst(), let found = Canary(rawValue: name) else { return nil }
                canary = found
            case "--seeds", "--from", "--seed":
                guard let number = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
                if argument == "--seeds" { count = number } else { first = number }
                if argument == "--seed" { count = 1 }
            case _: return nil
            }
        }
    }
}

func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// Runs the seeds and tells what failed.
func runSeeds(_ order: Order) -> Int {
    var failures = 0
    for seed in order.first..<order.first + order.count {
        let story = Story(seed: seed)
        let verdict = Simulation.run(story, canary: order.canary, isTraced: order.isTraced)
        for line in verdict.trace { say(line) }
        guard let fault = verdict.faults.first else { continue }
        failures += 1
        say("seed \(seed): \(fault)")
        if failures == 1, !order.isTraced {
            let short = Simulation.shorten(story, canary: order.canary)
            say("the shortest story found:\n\(short)")
            say(Simulation.run(short, canary: order.canary, isTraced: true).trace.joined(separator: "\n"))
        }
    }
    say("\(order.count) runs, \(failures) failed")
    return failures
}

/// Looks how soon each canary is found.
func runCanaries(_ order: Order) -> Int {
    var missed = 0
    for canary in Canary.allCases {
        let seeds = order.first..<order.first + order.count
        let found = seeds.lazy.compactMap { seed in
            Simulation.run(Story(seed: seed), canary: canary).faults.first.map { (seed, $0) }
        }.first
        if let (seed, fault) = found {
            say("\(canary.rawValue): found by seed \(seed): \(fault)")
        } else {
            missed += 1
            say("\(canary.rawValue): not found in \(order.count) runs")
        }
    }
    return missed
}

guard let order = Order(Array(CommandLine.arguments.dropFirst())) else {
    say(Order.usage)
    exit(64)
}
exit((order.isEveryCanary ? runCanaries(order) : runSeeds(order)) == 0 ? 0 : 1)
