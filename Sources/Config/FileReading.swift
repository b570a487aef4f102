import Routing

// How a bridge to file: appends there (mode, fsync).
extension Reading {
    /// - Returns: Whether all of it could be read.
    mutating func file(_ fields: Fields, _ options: inout FileOptions) -> Bool {
        var isWhole = true
        if let node = fields["mode"] {
            do {
                options.mode = try string(node, "mode").map(FileOptions.mode(parsing:))
            } catch {
                report(node, error.what, error.hint)
            }
            isWhole = options.mode != nil
        }
        if let node = fields["fsync"] {
            options.isSynced = boolean(node, "fsync")
            isWhole = isWhole && options.isSynced != nil
        }
        return isWhole
    }
}
