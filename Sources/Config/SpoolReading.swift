import Routing

extension Plan {
    /// The durable spool.
    public struct Spool: Sendable, Equatable {
        /// The most that may wait, in bytes: beyond it no source is read.
        public var bytesMax = 1 << 30
        /// What it survives.
        public var durability = Durability.power

        /// The defaults.
        public init() {}

        /// What a spool survives.
        public enum Durability: String, Sendable, CaseIterable {
            /// The end of the process, however it comes, and a power cut.
            case power
            /// The end of the process, and not always that of the machine.
            case process
        }
    }
}

extension Plan.Spool.Durability: Choice {}

extension Reading {
    /// The least that is worth a spool: one line of the longest must fit.
    private static let spoolBytesMin = 1 << 20
    private static let spoolBytesMax = 1 << 50

    mutating func spool(_ node: Node) -> Plan.Spool {
        var spool = Plan.Spool()
        guard let fields = fields(node, Keys(of: "spool", known: ["bytes_max", "durability"])) else { return spool }
        if let node = fields["bytes_max"] { spool.bytesMax = size(node, "bytes_max") ?? spool.bytesMax }
        if let node = fields["durability"], let text = string(node, "durability") {
            spool.durability =
                choice(text, node, "durability", among: Plan.Spool.Durability.allCases) ?? spool.durability
        }
        return spool
    }

    /// A whole number with `KiB`, `MiB`, `GiB` or `TiB`; nil, and reported, where it is none.
    private mutating func size(_ node: Node, _ key: String) -> Int? {
        guard let text = string(node, key) else { return nil }
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = units.first { text.dropFirst(digits.count) == $0.0 }
        guard let unit, let number = Int(digits) else {
            report(node, "\(key) \(Wording.quote(text))", "expected for example 64MiB or 1GiB")
            return nil
        }
        let (bytes, isOver) = number.multipliedReportingOverflow(by: 1 << unit.1)
        guard !isOver, (Self.spoolBytesMin...Self.spoolBytesMax).contains(bytes) else {
            report(node, "\(key) \(Wording.quote(text))", "expected from 1MiB to 1024TiB")
            return nil
        }
        return bytes
    }
}
