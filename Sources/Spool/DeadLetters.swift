extension SQLiteStore {
    /// The dead letters, oldest first.
    public func deadLetters() throws(StoreFailure) -> [DeadLetter] {
        let rows = try database.statement(
            """
            SELECT d.number, d.lane, d.payload, d.origin_id, d.ref, d.condition, d.text, d.time, l.name
            FROM dead d LEFT JOIN lanes l USING (lane) ORDER BY d.number
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
    /// - Returns: How many were there.
    public func forgetDeadLetters(_ numbers: [UInt64]) throws(StoreFailure) -> Int {
        try change("DELETE FROM dead WHERE number = ?1", numbers)
    }

    /// Forgets rows; only where nobody else owns the store.
    /// - Returns: How many were there.
    public func forget(_ numbers: [UInt64]) throws(StoreFailure) -> Int {
        try takeAllApart()
        return try change("DELETE FROM rows WHERE number = ?1", numbers)
    }

    /// Marks dead letters: ``reviveMarked()`` brings them back. A process that lives may own the store meanwhile, since it
    /// gives the numbers of rows, and this gives none.
    /// - Returns: How many were there and not marked.
    public func markForRevival(_ numbers: [UInt64]) throws(StoreFailure) -> Int {
        try change("UPDATE dead SET revived = 1 WHERE number = ?1 AND revived = 0", numbers)
    }

    /// Puts the marked dead letters back into their lanes, behind all rows. Only for who owns the store, before a run
    /// knows its last number.
    public func reviveMarked() throws(StoreFailure) {
        guard try database.number("SELECT count(*) FROM dead WHERE revived") > 0 else { return }
        try database.transaction { () throws(StoreFailure) in
            try database.run(
                """
                INSERT INTO rows (number, lane, payload, origin_id, ref, bytes, appended)
                SELECT c.value + row_number() OVER (ORDER BY d.number), d.lane, d.payload, d.origin_id, d.ref, d.bytes,
                d.appended FROM dead d, counters c WHERE d.revived AND c.name = 'number';
                UPDATE counters SET value = value + (SELECT count(*) FROM dead WHERE revived) WHERE name = 'number';
                DELETE FROM dead WHERE revived;
                """)
        }
    }

    private func change(_ sql: StaticString, _ numbers: [UInt64]) throws(StoreFailure) -> Int {
        var count = 0
        try database.transaction { () throws(StoreFailure) in
            for number in numbers {
                let row = try database.statement(sql)
                row.bind(1, number)
                try row.run()
                count += database.changes
            }
        }
        return count
    }
}
