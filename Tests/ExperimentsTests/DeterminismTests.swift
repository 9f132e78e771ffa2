import Datasets
import Foundation
import Inference
import Synchronization
import Tensors
import Testing

@testable import Experiments

/// Threads that take the processor away from everyone else at random moments, until they are let go of.
private final class Unrest {
  private final class State: Sendable { let isOver = Atomic(false) }
  private let state = State()

  init(threads: Int = 3) {
    for _ in 0..<threads {
      Thread.detachNewThread { [state] in
        var moments = Moments("unrest")
        var sum = 0
        while !state.isOver.load(ordering: .relaxed) {
          for number in 0..<Int.random(in: 1_000...300_000, using: &moments) { sum &+= number &* sum }
          usleep(.random(in: 0...2000, using: &moments))
        }
        withExtendedLifetime(sum) {}
      }
    }
  }

  func end() { state.isOver.store(true, ordering: .relaxed) }
}

struct DeterminismTests {
  /// What a run leaves that may not depend on when it was made: everything but times.
  private func train(_ config: RunConfig) throws -> [String: Data] {
    let folder = try TemporaryFolder()
    let run = try RunFolder(planning: "\(folder.path)/run")
    try Training(try workbench(config), in: run).run()
    let names = FileManager.default.enumerator(atPath: run.path)?.compactMap { $0 as? String } ?? []
    var files: [String: Data] = [:]
    let times = ["timing.jsonl", "environment.json", "summary.json", "log.txt", "status.json"]
    for name in names where name.contains(".") && !times.contains(name) {
      // An event file's name holds when it was begun.
      files[name.hasPrefix("events.") ? "events" : name] = try Data(
        contentsOf: URL(fileURLWithPath: "\(run.path)/\(name)"))
    }
    return files
  }

  @Test(arguments: estimators.names) func theSameSeedLeavesTheSameBytesHoweverThreadsAreScheduled(
    _ estimator: String
  ) throws {
    let config = try tiny("estimator={ name: \(estimator) }", "training.steps=48", "training.keep_checkpoints=6")
    let calm = try train(config)
    let unrest = Unrest()
    defer { unrest.end() }
    let disturbed = try train(config)
    let wanted =
      [8, 24, 48].map { "checkpoints/step-\($0).safetensors" } + ["images/step-48.png", "metrics.jsonl", "events"]
    #expect(Set(wanted).isSubset(of: calm.keys))
    #expect(calm.keys == disturbed.keys)
    for (name, bytes) in calm { #expect(bytes == disturbed[name], "\(name)") }
  }

  @Test func anotherSeedLeavesOtherBytes() throws {
    let (first, second) = (try train(try tiny()), try train(try tiny("training.seed=1")))
    #expect(first.keys == second.keys)
    for (name, bytes) in first { #expect(bytes != second[name], "\(name)") }
  }

  @Test func whatIsMeasuredAndWrittenDoesNotChangeWhatIsLearned() throws {
    func last(_ overrides: String...) throws -> [String: [Float]] {
      let config = try tiny(overrides)
      let folder = try TemporaryFolder()
      let bench = try workbench(config)
      try Training(bench, in: try RunFolder(planning: folder.path)).run()
      return bench.values
    }
    let usual = try last()
    #expect(try last("training.evaluate_every=0", "training.checkpoint_every=0", "training.picture_every=0") == usual)
    #expect(try last("training.evaluate_every=1", "training.log_every=1", "evaluation.elbo_samples=3") == usual)
  }

  /// Batches, noise and schedules are functions of the step: the rest is in the checkpoint.
  @Test(arguments: estimators.names) func aTrainingGoesOnFromItsCheckpointAsIfItHadNotStopped(
    _ estimator: String
  ) throws {
    let folder = try TemporaryFolder()
    let config = try tiny("estimator={ name: \(estimator) }")
    let whole = try workbench(config)
    let run = try RunFolder(planning: folder.path)
    try Training(whole, in: run).run()

    let resumed = try workbench(config)
    let reached = try Checkpoint.restore(resumed, from: run.checkpointPath(16)).step
    #expect(reached == 16)
    let batches = try resumed.batches(from: reached)
    for step in reached..<config.training.steps { resumed.train(on: batches.next().images, at: step) }
    #expect(resumed.values == whole.values)
  }
}
