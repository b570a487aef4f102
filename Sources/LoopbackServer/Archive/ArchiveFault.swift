import Stanza

/// What the archives can be made to do wrong; the words of the text form stand at ``Fault``.
public enum ArchiveFault: String, Sendable, Equatable, CaseIterable {
    /// From now on nothing is archived or told of any archive, as on a server that has none, until ``on``.
    case off = "archives-off"
    /// They are there again.
    case on = "archives-on"
    /// Queries are taken, and not answered, until ``answer``.
    case fallSilent = "archives-silent"
    /// They are answered again.
    case answer = "archives-answer"
    /// All messages are gone.
    case forget = "archives-forget"
}

/// What faults have done to the archives so far.
struct ArchiveMischief: Sendable {
    var isOff = false
    var isSilent = false
}

extension LoopbackServer {
    mutating func apply(_ fault: ArchiveFault) {
        switch fault {
        case .off: archiveMischief.isOff = true
        case .on: archiveMischief.isOff = false
        case .fallSilent: archiveMischief.isSilent = true
        case .answer: archiveMischief.isSilent = false
        case .forget:
            for name in accounts.keys { accounts[name]?.archive = Archive() }
            roomArchives = [:]
        }
    }

    /// Whether there are archives now.
    var keepsArchives: Bool { configuration.archives && !archiveMischief.isOff }
}
