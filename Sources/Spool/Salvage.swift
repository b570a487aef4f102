/// What can be read out of a damaged file.
public enum Salvage {
    private static var batchRows: Int { 256 }

    /// Brings rows, dead letters and held input of a damaged file into a fresh store, as far as they can be read.
    /// - Parameter time: in milliseconds since 1970.
    /// - Returns: How many rows.
    /// - Throws: ``StoreFailure`` of the fresh store; what the damaged one says is its end.
    public static func bring(from path: String, into store: SQLiteStore, at time: Int64) throws(StoreFailure) -> Int {
        guard let damaged = try? Database(path: path, readOnly: true) else { return 0 }
        var orders: [StoreOrder] = []
        if let lanes = try? damaged.statement("SELECT lane, name FROM lanes") {
            while (try? lanes.step()) == true {
                guard let name = lanes.text(1) else { continue }
                orders.append(.lane(Lane(rawValue: UInt32(truncatingIfNeeded: lanes.number(0))), name: name))
            }
        }
        try store.carryOut([StoreBatch(number: 0, orders: orders)], at: time)
        orders = []
        var count = 0
        // By number, in the table itself: a damaged index is not looked at.
        let sql: StaticString = "SELECT number, lane, payload, origin_id, ref FROM rows NOT INDEXED ORDER BY number"
        if let rows = try? damaged.statement(sql) {
            while (try? rows.step()) == true {
                let draft = RowDraft(
                    lane: Lane(rawValue: UInt32(truncatingIfNeeded: rows.number(1))), payload: rows.bytes(2),
                    originID: rows.text(3) ?? "", ref: rows.text(4))
                orders.append(.append(Row(draft, number: rows.unsigned(0))))
                count += 1
                guard orders.count >= batchRows else { continue }
                try store.carryOut([StoreBatch(number: 0, orders: orders)], at: time)
                orders = []
            }
        }
        try store.carryOut([StoreBatch(number: 0, orders: orders)], at: time)
        return count
    }
}
