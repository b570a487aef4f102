import Digest
import Stanza

/// An account with everything that outlives its sessions.
struct Account: Sendable {
    /// The bare address.
    let jid: JID
    private let password: Password
    private var keys: [LoopbackServer.Configuration.Mechanism: SCRAMKeys] = [:]
    var roster = Roster()
    /// Whom it has blocked (XEP-0191): addresses and domains.
    var blocklist: [JID] = []
    /// Its privacy lists (XEP-0016), by name.
    var privacyLists: [PrivacyList] = []
    /// The list that counts for sessions without an active one.
    var defaultList: String?
    /// Messages that wait for a session.
    var offline = Queue<Parcel>()
    var archive = Archive()
    /// Its sessions, the oldest first.
    var sessions: [SessionID] = []

    init(jid: JID, password: Password) {
        self.jid = jid
        self.password = password
    }

    /// Whether that is the password.
    func hasPassword(_ attempt: some Sequence<UInt8>) -> Bool { password.revealed.utf8.elementsEqual(attempt) }

    /// The keys behind SCRAM, derived when first asked for.
    mutating func scramKeys(
        _ mechanism: LoopbackServer.Configuration.Mechanism, hash: Hash, iterations: Int, salt: () -> [UInt8]
    ) -> SCRAMKeys {
        if let known = keys[mechanism] { return known }
        let derived = SCRAMKeys(password: password.revealed, salt: salt(), iterations: iterations, hash: hash)
        keys[mechanism] = derived
        return derived
    }
}
