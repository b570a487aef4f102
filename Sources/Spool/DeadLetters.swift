extension SQLiteStore {
    /// The dead letters, oldest first.
    public func deadLetters() throws(StoreFailure) -> [DeadLetter] {
        let rows = try database.statement(
            """
            SELECT d.number, d.lane, d.payload, d.origin_id, d.ref, d.condition, d.text, d.time, l.name
            FROM dead d JOIN lanes l USING (lane) ORDER BY d.number
            """)
        var found: [DeadLetter] = []
        while try rows.step() {
            let draft = RowDraft(
                lane: Lane(rawValue: UInt32(truncatingIfNeeded: rows.number(1))), payload: rows.bytes(2),
                originID: rows.text(3) ?? "", ref: rows.text(4))
            found.append(
                DeadLetter(
                    row: Row(draft, number: rows.unsigned(0)), lane: rows.text(8) ?? "",
                    reason: .init(condition: rows.text(5), text: rows.text(6) ?? "", time: rows.number(7))))
        }
        return found
    }

    /// Forgets dead letters.
    public func forgetDeadLetters(_ numbers: [UInt64]) throws(StoreFailure) {
        try database.transaction { () throws(StoreFailure) in
            for number in numbers {
                let row = try database.statement("DELETE FROM dead WHERE number = ?1")
                row.bind(1, number)
                try row.run()
            }
        }
    }

    /// Puts dead letters back into their lanes, behind all rows: the next run sends them.
    /// - Returns: How many were there.
    public func reviveDeadLetters(_ numbers: [UInt64]) throws(StoreFailure) -> Int {
        var count = 0
        try database.transaction { () throws(StoreFailure) in
            for number in numbers {
                let row = try database.statement(
                    """
                    INSERT INTO rows (number, lane, payload, origin_id, ref, appended)
                    SELECT (SELECT value + 1 FROM counters WHERE name = 'number'), lane, payload, origin_id, ref, appended
                    FROM dead WHERE number = ?1
                    """)
                row.bind(1, number)
                try row.run()
                guard database.changes > 0 else { continue }
                count += 1
                try database.run("UPDATE counters SET value = value + 1 WHERE name = 'number'")
                let gone = try database.statement("DELETE FROM dead WHERE number = ?1")
                gone.bind(1, number)
                try gone.run()
            }
        }
        return count
    }
}
