import Endpoints
import Glibc
import Routing
import Stanza

/// Standard input, whole: for what must be known before anything is done.
enum StandardInput {
    /// More than any contact list.
    static let bytesMax = 64 * 1_024 * 1_024

    static func readAll() throws(StartFailure) -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw StartFailure(.io, "reading standard input failed: \(Diagnostics.describe(errno))") }
            if count == 0 { return content }
            content.append(contentsOf: buffer[..<count])
            if content.count > bytesMax {
                throw StartFailure(.badInput, "standard input: more than \(bytesMax / 1_024 / 1_024) MiB")
            }
        }
    }
}

/// Contacts as `roster export` prints them, one object a line; only `jid`, `name` and `groups` are looked at.
enum RosterImport {
    /// - Throws: the line and what is wrong in it; nothing is done then.
    static func commands(_ content: [UInt8]) throws(StartFailure) -> [Command] {
        var commands: [Command] = []
        var number: UInt64 = 0
        for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            commands.append(try command(Array(line), number))
        }
        return commands
    }

    private static func command(_ line: [UInt8], _ number: UInt64) throws(StartFailure) -> Command {
        let place = "standard input, line \(number)"
        let json: JSON
        do throws(JSON.Problem) {
            json = try line.withUnsafeBufferPointer { text throws(JSON.Problem) in try JSON.parse(text) }
        } catch {
            throw StartFailure(.badInput, "\(place), column \(error.column): \(error.what)")
        }
        guard case .object(let members) = json else { throw StartFailure(.badInput, "\(place): expected an object") }
        func value(_ name: String) -> JSON? { members.first { $0.name == name }?.value }
        guard case .string(let text) = value("jid") else { throw StartFailure(.badInput, "\(place): no jid") }
        let jid: JID
        do { jid = try JID(text) } catch { throw StartFailure(.badInput, "\(place): \(error)") }
        var name = ""
        if case .string(let given) = value("name") { name = given }
        var groups: [String] = []
        if case .array(let items) = value("groups") {
            groups = items.compactMap { if case .string(let group) = $0 { group } else { nil } }
        }
        return .rosterSet(.init(ref: "\(jid.bare)", jid: jid.bare, name: name, groups: groups))
    }
}
