// swift-tools-version: 6.0
import Foundation
import PackageDescription

// The targets form layers: each target imports only targets of lower layers (see the table in README.md).
let swift: [SwiftSetting] = [.swiftLanguageMode(.v6)]

/// Convolutions use oneDNN if its headers are installed when the package is built, and OpenBLAS otherwise.
/// AIRFRAME_WITHOUT_ONEDNN=1 in the environment leaves oneDNN out.
let hasOneDNN =
  FileManager.default.fileExists(atPath: "/usr/include/oneapi/dnnl/dnnl.h")
  && ProcessInfo.processInfo.environment["AIRFRAME_WITHOUT_ONEDNN"] == nil

let package = Package(
  name: "airframe",
  products: [.executable(name: "airframe", targets: ["airframe"])],
  targets: [
    .executableTarget(name: "airframe", dependencies: ["Experiments"], swiftSettings: swift),
    .target(
      name: "Experiments",
      dependencies: [
        "Models", "Inference", "Layers", "Evaluation", "Datasets", "Scenes", "Tensors", "Configuration", "Pictures",
      ], swiftSettings: swift),
    .target(
      name: "Models", dependencies: ["Inference", "Layers", "Tensors", "Scenes", "Configuration"], swiftSettings: swift),
    .target(name: "Inference", dependencies: ["Layers", "Tensors", "Configuration"], swiftSettings: swift),
    .target(name: "Layers", dependencies: ["Tensors", "Configuration"], swiftSettings: swift),
    .target(name: "Evaluation", dependencies: ["Scenes", "Tensors"], swiftSettings: swift),
    .target(
      name: "Datasets", dependencies: ["Scenes", "Tensors", "Pictures", "Configuration"], swiftSettings: swift),
    .target(name: "Scenes", dependencies: ["Tensors"], swiftSettings: swift),
    .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS", "COneDNN"], swiftSettings: swift),
    .target(name: "Configuration", dependencies: ["CYAML"], swiftSettings: swift),
    .target(name: "Pictures", dependencies: ["CPNG", "CZlib"], swiftSettings: swift),
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=fast"])]),
    .target(
      name: "COneDNN", cSettings: hasOneDNN ? [.define("HAS_ONEDNN")] : [],
      linkerSettings: hasOneDNN ? [.linkedLibrary("dnnl")] : []),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    .target(name: "TestKit", dependencies: ["Tensors"], path: "Tests/TestKit", swiftSettings: swift),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: swift),
    .testTarget(
      name: "PicturesTests", dependencies: ["Pictures"], resources: [.copy("Fixtures")], swiftSettings: swift),
    .testTarget(
      name: "TensorsTests", dependencies: ["Tensors", "TestKit"], resources: [.copy("Fixtures")], swiftSettings: swift),
    .testTarget(name: "LayersTests", dependencies: ["Layers", "TestKit"], swiftSettings: swift),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "TestKit"], swiftSettings: swift),
    .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "TestKit"], swiftSettings: swift),
    .testTarget(name: "InferenceTests", dependencies: ["Inference", "TestKit"], swiftSettings: swift),
    .testTarget(name: "ModelsTests", dependencies: ["Models", "TestKit"], swiftSettings: swift),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Experiments", "Models", "Inference", "Layers", "Evaluation", "Datasets", "Scenes", "Tensors", "Configuration",
        "Pictures", "TestKit",
      ], resources: [.copy("Fixtures")], swiftSettings: swift),
  ]
)
