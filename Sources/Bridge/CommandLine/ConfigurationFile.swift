import Config
import Glibc

/// Finds and loads bridges.yaml.
enum ConfigurationFile {
    /// The file that a run uses: the flag's, the environment's, the user's, the system's; nil where there is none.
    static func find(flag: String?, _ environment: Environment) -> String? {
        if let flag { return flag }
        if let named = environment["XMPP_BRIDGE_CONFIG"] { return named }
        let user = environment["XDG_CONFIG_HOME"] ?? environment["HOME"].map { $0 + "/.config" }
        let places = [user.map { $0 + "/xmpp-bridge/bridges.yaml" }, "/etc/xmpp-bridge/bridges.yaml"]
        return places.compactMap { $0 }.first { access($0, F_OK) == 0 }
    }

    /// Loads a file whole, or tells everything that is wrong in it.
    static func load(_ path: String) throws(StartFailure) -> Plan { try loadWithMode(path).plan }

    /// Loads a file as ``load(_:)``, with its permissions (`st_mode`).
    static func loadWithMode(_ path: String) throws(StartFailure) -> (plan: Plan, mode: UInt32) {
        let content: [UInt8]
        var mode: UInt32 = 0
        do {
            content = try SmallFile.read(path, mode: &mode)
        } catch {
            throw StartFailure(.configuration, "cannot read the configuration \(path): \(error)")
        }
        switch Load.plan(yaml: content, file: path) {
        case .success(let plan): return (plan, mode)
        case .failure(let problems): throw StartFailure(configuration: problems.list.map { $0.line(in: path) })
        }
    }
}
