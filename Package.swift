// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target of our own: see Sources/ARCHITECTURE.md, "Rules of the house".
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func system(_ name: String, pkgConfig: String? = nil, apt package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: house),
        .testTarget(name: name + "Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: house),
    ]
}

/// What the simulator puts together.
let simulated: [Target.Dependency] = [
    "Stanza", "Digest", "Session", "Routing", "Endpoints", "Wire", "Spool", "LoopbackServer", "Bridge",
]

/// What is built for the people who work on this: contrib/bench, contrib/fuzz and contrib/simulate say which.
let tools: [Target] =
    switch Context.environment["XMPP_BRIDGE_TOOLS"] {
    case "bench":
        [
            .executableTarget(
                name: "RuleBenchmark", dependencies: ["Routing", "Stanza"], path: "Tools/RuleBenchmark",
                swiftSettings: house)
        ]
    case "fuzz":
        [
            .executableTarget(
                name: "Fuzz", dependencies: ["Config", "Endpoints", "Routing", "Stanza"], path: "Tools/Fuzz",
                swiftSettings: house)
        ]
    case "simulate":
        [
            .executableTarget(
                name: "Simulate", dependencies: simulated, path: ".",
                sources: ["Tests/SimulatorTests/Simulator", "Tools/Simulate"], swiftSettings: house)
        ]
    case _: [.testTarget(name: "SimulatorTests", dependencies: simulated, swiftSettings: house)]
    }

let package = Package(
    name: "xmpp-bridge",
    products: [.executable(name: "xmpp-bridge", targets: ["xmpp-bridge"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        system("CLibXML2", pkgConfig: "libxml-2.0", apt: "libxml2-dev"),
        system("CLibYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        system("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),
        system("CIDN2", pkgConfig: "libidn2", apt: "libidn2-dev"),
        system("CUnistring", apt: "libunistring-dev"),
        system("CResolv", apt: "libc6-dev"),
        system("CLinux", apt: "libc6-dev"),
        system("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
        .executableTarget(name: "xmpp-bridge", dependencies: ["Bridge"], swiftSettings: house),
        .testTarget(name: "TidyTests", swiftSettings: house),
    ]
        + room("Stanza", ["CIDN2", "CUnistring"])
        + room("Digest", ["COpenSSL"])
        + room("Session", ["Stanza", "Digest"])
        + room("Routing", ["Stanza", "CPCRE2"])
        + room("Endpoints", ["Routing", "Stanza"])
        + room("Wire", ["Stanza", "Digest", "CLibXML2", "COpenSSL"])
        + room("Spool", ["CSQLite"])
        + room("Config", ["Routing", "Stanza", "CLibYAML"])
        + room("LoopbackServer", ["Stanza", "Digest"])
        + room(
            "Bridge",
            [
                "Stanza", "Digest", "Session", "Routing", "Endpoints", "Wire", "Spool", "Config",
                "LoopbackServer", "CResolv", "CLinux",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ])
        + tools
)
