import Configuration
import Foundation
import Tensors
import Testing

@testable import Experiments

/// Which kernels a CPU gets decides no more than the last digits of what a training measures.
struct DispatchTests {
  /// What this CPU can run, the narrowest first.
  private static let vectorSets: [String] = {
    let features = CPU.own.features
    guard !features.contains("asimd") else { return ["neon"] }
    let wide = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"].allSatisfy(features.contains)
    return ["default"] + (features.contains("avx2") ? ["x86-64-v3"] : []) + (wide ? ["x86-64-v4"] : [])
  }()
  private static let productSets = Array(ProductKernels.usable.reversed())

  private struct Trained { let environment: JSON, metrics: [JSON] }

  /// A training large enough for every kernel's main loop, its tail and divided products.
  private func train(_ environment: [String: String], warning: String? = nil) throws -> Trained {
    let folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    let outcome = try Program.run(
      [
        "train", "tiny.yaml", "--name", "run", "--out", ".", "training.batch=24", "training.threads=2",
        "model.controller.hidden=70", "model.glimpse=14", "model.appearance.encoder=[70]",
        "model.appearance.decoder=[70]",
      ], in: folder.path, environment: environment)
    #expect(outcome.status == 0, "\(environment): \(outcome.messages)")
    let warnings = outcome.messages.split(separator: "\n").filter {
      $0.hasPrefix("warning: ") && $0.contains("kernels")
    }
    #expect(
      warnings.count == (warning == nil ? 0 : 1) && warnings.allSatisfy { $0.contains(warning ?? "") }, "\(warnings)")
    let run =
      "\(folder.path)/\(try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4))"
    return try withExtendedLifetime(folder) {
      Trained(
        environment: try JSON(parsing: Data(contentsOf: URL(fileURLWithPath: "\(run)/environment.json"))),
        metrics: try metricLines(run))
    }
  }

  /// The largest difference of two values of the same metric, as a share of their size (of 1 where they are smaller).
  private func largestDifference(_ a: Trained, _ b: Trained) throws -> Double {
    try #require(a.metrics.count == b.metrics.count && a.metrics.count > 5)
    var largest = 0.0
    for (first, second) in zip(a.metrics, b.metrics) {
      for (key, value) in first.leaves {
        guard let x = value.double, let y = second.leaves.first(where: { $0.key == key })?.value.double else {
          continue
        }
        largest = max(largest, abs(x - y) / max(1, abs(x), abs(y)))
      }
    }
    return largest
  }

  @Test func everyInstructionSetTrainsTheSame() throws {
    let runs = try Self.vectorSets.map { try train(["AIRFRAME_VECTORS": $0]) }
    for (name, run) in zip(Self.vectorSets, runs) {
      #expect(run.environment["vector_kernels"]?.string == name)
      let difference = try largestDifference(run, runs[0])
      #expect(difference < 1e-4, "\(name): \(difference)")
    }
    // They are different kernels: their last digits differ.
    if runs.count > 1 { #expect(try largestDifference(runs[0], runs[runs.count - 1]) > 0) }
  }

  @Test func everySetOfProductKernelsTrainsTheSame() throws {
    let runs = try Self.productSets.map { try train(["OPENBLAS_CORETYPE": $0]) }
    for (name, run) in zip(Self.productSets, runs) {
      #expect(run.environment["product_kernels"]?.string == name)
      let difference = try largestDifference(run, runs[0])
      #expect(difference < 1e-4, "\(name): \(difference)")
    }
    if runs.count > 1 { #expect(try largestDifference(runs[0], runs[runs.count - 1]) > 0) }
  }

  /// The environment names no set, and the library, which has them all, takes this CPU for one of long ago.
  @Test func aCPUThatTheLibraryDoesNotKnowGetsItsWidestKernels() throws {
    let unknown = ["OPENBLAS_CORETYPE": "", "AIRFRAME_LIBRARY_KERNELS": Self.productSets.joined(separator: ",")]
    let run = try train(unknown)
    let best = try #require(ProductKernels.best)
    #expect(run.environment["product_kernels"]?.string == best)
    #expect(run.environment["cpu_features"]?.string == CPU.own.features.joined(separator: " "))
    #expect(run.environment["product_kernels_shortfall"] == .null)
    // The same kernels as when the library had taken them itself.
    let own = try train(["OPENBLAS_CORETYPE": best])
    #expect(try largestDifference(run, own) == 0)
  }

  @Test(.enabled(if: DispatchTests.productSets.count > 1))
  func aLibraryWithoutKernelsForTheCPUIsToldOfAndRemembered() throws {
    let narrowest = Self.productSets[0]
    let run = try train(
      ["OPENBLAS_CORETYPE": "", "AIRFRAME_LIBRARY_KERNELS": narrowest], warning: "\(narrowest) kernels")
    #expect(run.environment["product_kernels"]?.string == narrowest)
    #expect(run.environment["product_kernels_shortfall"]?.string?.contains("\(narrowest) kernels") == true)
  }

  @Test(.enabled(if: DispatchTests.productSets.count > 1))
  func aTableSaysWhichOfItsTimesDoNotCompare() throws {
    let folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    try folder.write(
      "base: tiny.yaml\nseeds: [0]\nrows: { slow: {}, fast: { training.batch: 3 } }\ncolumns: [count_accuracy]\n".utf8,
      to: "cells.yaml")
    for (row, environment) in [("slow", ["AIRFRAME_LIBRARY_KERNELS": Self.productSets[0]]), ("fast", [:])] {
      let outcome = try Program.run(
        ["sweep", "cells.yaml", "--only", row], in: folder.path,
        environment: environment.merging(["OPENBLAS_CORETYPE": ""]) { $1 })
      #expect(outcome.status == 0, "\(outcome.messages)")
    }
    let table = try Program.run(["table", "cells.yaml"], in: folder.path)
    let said = (table.output + table.messages).split(separator: "\n").filter { $0.contains("do not compare") }
    #expect(table.status == 0 && said.count == 1, "\(table.output) \(table.messages)")
    #expect(said.allSatisfy { $0.contains("times of slow seed 0 do") && $0.contains("\(Self.productSets[0]) kernels") })
  }

  @Test func aSetThatTheCPUOrTheProgramLacksIsNotTaken() throws {
    let widest = try #require(Self.vectorSets.last)
    for wanted in ["x86-64-v9", "", "x86-64-v4"] {
      #expect(try train(["AIRFRAME_VECTORS": wanted]).environment["vector_kernels"]?.string == widest)
    }
  }
}
