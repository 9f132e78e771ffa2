import Configuration
import Foundation
import Tensors
import Testing

@testable import Experiments

struct RunFolderTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/runs/a/b" }

  init() throws { folder = try TemporaryFolder() }

  @Test func aNewFolderIsMadeWithTheOnesAboveIt() throws {
    let run = try emptyRun(path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["checkpoints", "images"])
    #expect(try run.checkpoints.isEmpty)
  }

  @Test func anExistingRunIsRefusedAndLeftAsItIs() throws {
    try emptyRun(path).write("model: {}\n", to: "config.yaml")
    let words = complaint { _ = try RunFolder(planning: path) }
    #expect(words.contains("\(path): there is already a run here") && words.contains("--name"))
    #expect(complaint { _ = try RunFolder(opening: path) } == "")
    #expect(try String(contentsOfFile: "\(path)/config.yaml", encoding: .utf8) == "model: {}\n")
  }

  @Test func aFolderWithoutARunIsNotOpened() throws {
    _ = try emptyRun(path)
    for place in [path, "\(path)/nothing"] {
      #expect(complaint { _ = try RunFolder(opening: place) }.hasPrefix("\(place): there is no run here"))
    }
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    try folder.write([], to: "runs")
    #expect(
      complaint { _ = try emptyRun(path) }.hasPrefix("\(folder.path)/runs/a: the folder cannot be made"))
  }

  @Test func namesAreNumberedFromTheSecondOn() throws {
    for expected in ["seed-0", "seed-0-2", "seed-0-3"] {
      let run = try RunFolder.claimFree(folder.path, "seed-0")
      #expect(run.path == "\(folder.path)/\(expected)")
      try run.write("", to: "config.yaml")
    }
    #expect(try RunFolder.claimFree(folder.path, "seed-1").path == "\(folder.path)/seed-1")
  }

  @Test func namesThatAreClaimedAtTheSameMomentAreDifferent() throws {
    let place = folder.path
    let claims = Lock<[LockedFolder]>([])
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      if let claim = try? RunFolder.claimFree(place, "seed-0") { claims.withLock { $0.append(claim) } }
    }
    let names = claims.withLock { $0.map(\.path) }
    #expect(Set(names).count == 16, "\(names.sorted())")
  }

  @Test func checkpointsAreSortedByStepAndOtherFilesIgnored() throws {
    let run = try emptyRun(path)
    let others = [
      "step-.safetensors", "step-x.safetensors", "step-7.tmp", "step-7.safetensors.tmp", "best.safetensors",
    ]
    for name in ["step-1000", "step-9", "step-80"].map({ $0 + ".safetensors" }) + others {
      try run.write("", to: "checkpoints/\(name)")
    }
    #expect(try run.checkpoints.map(\.step) == [9, 80, 1000])
    #expect(try run.checkpoints.map(\.path) == [9, 80, 1000].map(run.checkpointPath))
  }
}

struct CheckpointTests {
  private let folder: TemporaryFolder
  private let bench: Workbench
  private var path: String { folder.path + "/step.safetensors" }

  init() throws {
    folder = try TemporaryFolder()
    bench = try workbench(try tiny())
  }

  /// Expects that the file at `path` cannot be restored, for a reason that holds all these words, and changes nothing.
  private func expectRefusal(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    let before = bench.values
    let found = complaint { _ = try Checkpoint.restore(bench, from: path) }
    for word in [path] + words {
      #expect(found.contains(word), "\(found) lacks \(word)", sourceLocation: sourceLocation)
    }
    #expect(bench.values == before, sourceLocation: sourceLocation)
  }

  /// The workbench's tensors with every value changed, as a checkpoint holds them.
  private var others: [(name: String, tensor: Tensor)] {
    bench.state.map { ($0.name, $0.tensor.tensor.detached().scaled(by: 2, plus: 1)) }
  }

  @Test func everythingThatChangesInTrainingIsHeld() throws {
    let names = bench.state.map(\.name)
    #expect(Set(names).count == names.count)
    for prefix in [
      "parameters/controller.", "parameters/baseline.", "optimizer/mean/head.", "optimizer/square/baseline.",
      "estimator/nvil/mean",
    ] {
      #expect(names.contains { $0.hasPrefix(prefix) }, "\(prefix)")
    }
    try Checkpoint.write(bench, step: 7, to: path)
    let contents = try SafeTensors.read(path)
    #expect(Set(contents.tensors.keys) == Set(names) && contents.metadata["step"] == "7")
    let config = try ConfigurationFile.load(RunConfig.self, text: contents.metadata["config"] ?? "", name: "held").value
    #expect(Runner.text(of: config) == Runner.text(of: bench.config))
  }

  @Test func anotherShapeIsNamedWithBothShapes() throws {
    try Checkpoint.write(try workbench(try tiny("model.controller.hidden=7")), step: 1, to: path)
    expectRefusal("parameters/controller.image.weight has shape [256, 28], the config makes it [256, 24]")
  }

  @Test func theLastTensorIsCheckedBeforeTheFirstIsChanged() throws {
    var tensors = others
    let last = tensors.removeLast()
    try SafeTensors.write(tensors, metadata: [("step", "1")], to: path)
    expectRefusal("\(last.name) is missing")
    tensors.append((last.name, .zeros([3, 1])))
    try SafeTensors.write(tensors, metadata: [("step", "1")], to: path)
    expectRefusal("\(last.name) has shape [3, 1]")
    // With it as it was, the others are taken.
    tensors[tensors.count - 1] = last
    try SafeTensors.write(tensors, metadata: [("step", "1")], to: path)
    #expect(try Checkpoint.restore(bench, from: path).step == 1)
    let values = bench.values
    #expect(tensors.allSatisfy { values[$0.name] == $0.tensor.array() })
  }

  @Test func aCheckpointWithoutItsStepIsRefused() throws {
    for metadata in [[], [("step", "")], [("step", "-1")], [("step", "one")]] {
      try SafeTensors.write(others, metadata: metadata, to: path)
      expectRefusal("does not say after which step")
    }
  }

  @Test func aCheckpointOfAnotherOptimizerIsRefused() throws {
    try Checkpoint.write(try workbench(try tiny("training.optimizer={ name: sgd }")), step: 1, to: path)
    expectRefusal("optimizer/mean/", "is missing")
  }

  /// Whoever evaluates by another estimator needs nothing of the one that trained.
  @Test func whatAnotherEstimatorLeftIsIgnored() throws {
    try SafeTensors.write(others, metadata: [("step", "3")], to: path)
    let marginal = try workbench(try tiny("estimator={ name: marginal }"))
    #expect(try Checkpoint.restore(marginal, from: path).step == 3)
    #expect(
      marginal.values["parameters/head.output.bias"]
        == others.first { $0.name == "parameters/head.output.bias" }?.tensor.array())
  }

  @Test func halfAFileIsRefused() throws {
    try Checkpoint.write(bench, step: 1, to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    try folder.write(bytes[..<(bytes.count / 2)], to: "step.safetensors")
    expectRefusal("not a usable safetensors file")
  }
}
