import Stanza

/// Where the state lives.
enum StatePlace {
    /// `--state`, else $STATE_DIRECTORY (systemd's), else a folder of the account's under $XDG_STATE_HOME or
    /// ~/.local/state.
    /// - Throws: where nothing says so: a run never begins without the state that was not given up.
    static func directory(
        _ flags: SessionOptions, _ environment: Environment, account: JID
    ) throws(StartFailure) -> String {
        if let named = given(flags, environment) { return named }
        guard let home = environment["XDG_STATE_HOME"] ?? environment["HOME"].map({ $0 + "/.local/state" }) else {
            throw StartFailure(
                .cannotCreate,
                "there is no place for the spool: $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME are not set; give --state, "
                    + "or --no-state")
        }
        return "\(home)/xmpp-bridge/\(account.bare.text)"
    }

    /// The directory that is named for whatever account.
    static func given(_ flags: SessionOptions, _ environment: Environment) -> String? {
        // systemd names several with colons between; the first is ours.
        flags.state ?? environment["STATE_DIRECTORY"].map { String($0.prefix { $0 != ":" }) }
    }
}
