import Configuration
import Foundation
import Testing

@testable import Experiments

/// Which kernels a CPU gets decides no more than the last digits of what a training measures.
struct DispatchTests {
  /// What this CPU can run, by /proc/cpuinfo.
  private static let flags: Set<Substring> = {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("flags") }
    return Set(line?.split(separator: " ") ?? [])
  }()
  private static let hasAVX = flags.contains("avx")
  private static let hasAVX2 = flags.isSuperset(of: ["avx2", "fma", "bmi2"])
  private static let hasAVX512 =
    hasAVX2 && flags.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])

  private static let vectorSets = ["default"] + (hasAVX2 ? ["x86-64-v3"] : []) + (hasAVX512 ? ["x86-64-v4"] : [])
  private static let productSets =
    ["Prescott"] + (hasAVX ? ["Sandybridge"] : []) + (hasAVX2 ? ["Haswell", "Zen"] : [])
    + (hasAVX512 ? ["SkylakeX"] : [])

  private struct Trained { let environment: JSON, metrics: [JSON] }

  /// A training large enough for every kernel's main loop, its tail and divided products.
  private func train(_ environment: [String: String]) throws -> Trained {
    let folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    let outcome = try Program.run(
      [
        "train", "tiny.yaml", "--name", "run", "--out", ".", "training.batch=24", "training.threads=2",
        "model.controller.hidden=70", "model.glimpse=14", "model.appearance.encoder=[70]",
        "model.appearance.decoder=[70]",
      ], in: folder.path, environment: environment)
    #expect(outcome.status == 0, "\(environment): \(outcome.messages)")
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

  @Test func aSetThatTheCPUOrTheProgramLacksIsNotTaken() throws {
    let widest = try #require(Self.vectorSets.last)
    for wanted in ["x86-64-v9", "", "x86-64-v4"] {
      #expect(try train(["AIRFRAME_VECTORS": wanted]).environment["vector_kernels"]?.string == widest)
    }
  }
}
