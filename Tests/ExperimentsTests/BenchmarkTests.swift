import Configuration
import Foundation
import Testing

@testable import Experiments

/// What `airframe bench` prints. Times are looked at only for being there: these are no timed tests.
struct BenchmarkTests {
  private let folder: TemporaryFolder
  /// The measured step made small, on scenes that need no files.
  private let small = [
    "dataset.name=multi-sprites", "dataset.side=20", "dataset.counts={1: 40}",
    "dataset.diameter={smallest: 6, largest: 8}", "training.batch=8", "model.controller.hidden=8", "model.glimpse=6",
    "model.window.scale_prior.mean=0.4", "estimator.baseline.hidden=8", "training.threads=1",
  ]

  init() throws { folder = try TemporaryFolder() }

  private func bench(_ words: String...) throws -> Program.Outcome {
    try Program.run(["bench"] + words, in: folder.path)
  }

  private func figures(_ words: [String]) throws -> JSON {
    let outcome = try Program.run(["bench"] + words + ["--seconds=1", "--json"], in: folder.path)
    #expect(outcome.status == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    #expect(outcome.output.split(separator: "\n").count == 1)
    return try JSON(parsing: outcome.output.utf8)
  }

  /// The figures of a table by row and column.
  private func table(_ json: JSON, _ name: String) throws -> [String: [String: Double]] {
    guard case .object(let rows)? = json["tables"]?[name] else {
      Issue.record("no table \(name)")
      return [:]
    }
    return Dictionary(
      uniqueKeysWithValues: rows.map { row in
        guard case .object(let cells) = row.value else { return (row.key, [:]) }
        return (
          row.key,
          Dictionary(uniqueKeysWithValues: cells.compactMap { cell in cell.value.double.map { (cell.key, $0) } })
        )
      })
  }

  @Test(arguments: ["air", "dair"]) func aStepIsTimedAndItsPartsMakeUpTheWhole(_ name: String) throws {
    let json = try figures([name] + small)
    #expect(json["benchmark"]?.string == name)
    #expect(json["settings"]?["threads"] == .integer(1))
    #expect(json["settings"]?["keys"] == .list(small.map(JSON.text)))
    let step = try #require(try table(json, "step")[name])
    let (median, minimum) = (try #require(step["ms_per_step_median"]), try #require(step["ms_per_step_minimum"]))
    #expect(minimum > 0 && median >= minimum && (step["ms_per_step_p90"] ?? 0) >= median)
    #expect(abs((step["steps_per_second"] ?? 0) * median - 1000) < 0.1)

    let shares = try table(json, "shares")
    #expect(
      Set(shares.keys) == [
        "products", "sparse products", "convolutions", "sampling", "other kernels", "optimizer", "waiting for batches",
        "other",
      ])
    #expect(abs(shares.values.reduce(0) { $0 + ($1["share"] ?? .nan) } - 1) < 1e-4)
    for part in ["products", "sampling", "other kernels", "optimizer", "other"] {
      #expect(shares[part]?["ms_per_step"] ?? 0 > 0, "\(part)")
    }
    let arithmetic = try table(json, "arithmetic")
    #expect(arithmetic["dense products"]?["gflop_per_step"] ?? 0 > 0)
    #expect(arithmetic.keys.contains("left out for blank pixels"))
    #expect(try table(json, "memory")["peak resident"]?["megabytes"] ?? 0 > 1)
  }

  @Test func theConvolutionsOfMVAEAreCounted() throws {
    let json = try figures([
      "mvae", "training.batch=2", "training.threads=1", "dataset.side=16", "dataset.diameter={smallest: 4, largest: 8}",
      "model.encoder.channels=[4]", "model.encoder.pooling=[4]", "model.encoder.hidden=[4]", "model.decoder.maps=2",
      "model.decoder.object=[4]", "model.decoder.scene=[4, 4]",
    ])
    // Multiplications and additions of an image, forward and back (twice; once where no gradient of the input is formed).
    // The decoder's second convolution of the scene multiplies the map before it is doubled, 64 pixels and not 256.
    let encoder = 2 * 9 * (2 * 256 * 3 * 4 + 3 * 16 * 6 * 4) + 2 * 3 * 16 * 4 * 24
    let decoder = 2 * 9 * 3 * (5 * 16 * 2 * 4 + 64 * 4 * 4 + 64 * 4 * 4 + 256 * 4 * 3)
    let row = try #require(try table(json, "arithmetic")["convolutions"])
    #expect(abs((row["gflop_per_step"] ?? 0) / (2e-9 * Double(encoder + decoder)) - 1) < 1e-3)
    #expect(row["gflop_per_second"] ?? 0 > 0)
  }

  @Test func datasetsWithoutTheirFilesAreLeftOutWithAReason() throws {
    let json = try figures(["data", "--data", folder.path])
    let scenes = try table(json, "scenes")
    #expect(Set(scenes.keys) == ["multi-sprites", "multi-dsprites"])
    let row = try #require(scenes["multi-sprites"])
    #expect(abs((row["scenes_per_second"] ?? 0) * (row["us_per_scene"] ?? 0) - 1e6) < 100)
    #expect(row["ms_per_batch"] ?? 0 > 0 && row["share_of_step"] ?? 0 > 0)
    #expect(json["notes"]?.line.contains("multi-mnist is left out") == true)
  }

  @Test func startsAreTimedAndNothingIsLeftBehind() throws {
    let outcome = try Program.run(
      ["bench", "startup", "--seconds=1", "--json", "dataset={name: multi-sprites, counts: {1: 100}}"],
      in: folder.path, environment: ["TMPDIR": folder.path])
    #expect(outcome.status == 0, "\(outcome.messages)")
    let rows = try table(try JSON(parsing: outcome.output.utf8), "startup")
    #expect(Set(rows.keys) == ["first trained step", "help"])
    for row in rows.values {
      #expect(row["ms_median"] ?? 0 >= row["ms_minimum"] ?? .infinity && row["starts"] ?? 0 >= 3)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func whatStartsIsTheShippedConfigWithoutItsPauses() throws {
    let own = try ConfigurationFile.load(RunConfig.self, text: StartupBenchmark.text, name: "bench startup").value
    let shipped = try Runner.check("\(repository)/configs/air/multi-mnist.yaml", [])
    #expect(
      Set(own.differences(from: shipped).map(\.key)) == [
        "training.steps", "training.log_every", "training.evaluate_every", "training.checkpoint_every",
        "training.picture_every",
      ])
  }

  @Test func timesToAnAccuracyAreThoseOfTheFirstEvaluationThatReachesIt() throws {
    // Scenes that are all blank are counted right as soon as "none" is likelier than "some": both goals fall together.
    let outcome = try Program.run(
      [
        "bench", "accuracy", "--json", "training.steps=60", "training.evaluate_every=20", "training.batch=8",
        "dataset={ name: multi-sprites, side: 40, counts: { 0: 50 }, validation_size: 20, test_size: 20 }",
      ], in: folder.path, environment: ["TMPDIR": folder.path])
    #expect(outcome.status == 0, "\(outcome.messages)")
    let json = try JSON(parsing: outcome.output.utf8)
    let seeds = try table(json, "seeds")
    #expect(Set(seeds.keys) == Set(["marginal", "nvil"].flatMap { name in (0..<5).map { "\(name)-\($0)" } }))
    let reached = seeds.values.filter { $0["steps_to_97"] != nil }
    #expect(!reached.isEmpty)
    for row in seeds.values {
      let best = row["best_accuracy"] ?? -1
      #expect((row["steps_to_97"] != nil) == (best >= 0.97) && (row["seconds_to_98"] != nil) == (best >= 0.98))
      if let step = row["steps_to_97"] { #expect([20, 40, 60].contains(step) && row["seconds_to_97"] ?? 0 > 0) }
    }
    #expect(try table(json, "medians")["marginal"]?["seeds"] == 5)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func theFastestWayIsTheShippedConfig() throws {
    let own = try ConfigurationFile.load(RunConfig.self, text: AccuracyBenchmark.text, name: "bench accuracy").value
    #expect(own.differences(from: try Runner.check("\(repository)/configs/air/multi-mnist-fast.yaml", [])).isEmpty)
  }

  @Test func aTrainingThatCannotStartIsSaidWithItsReason() throws {
    let outcome = try Program.run(
      ["bench", "startup", "--seconds=1", "--data", folder.path], in: folder.path,
      environment: ["TMPDIR": folder.path])
    #expect(outcome.status == 2)
    #expect(outcome.messages.contains("before its first step") && outcome.messages.contains("data fetch mnist"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func kernelsAreTimedByName() throws {
    let json = try figures(["kernels", "--filter", "64 x 100 x 200"])
    let products = try table(json, "products")
    // The appearance's encoder puts out mean and deviation of 50 latents.
    #expect(Array(products.keys) == ["product 64 x 100 x 200, a b"])
    let row = try #require(products.values.first)
    #expect(row["calls_per_step"] == 3)
    let rate = 2 * 64 * 100 * 200 / ((row["us_per_call"] ?? 0) * 1e3)
    #expect(abs(rate / (row["gflop_per_second"] ?? 0) - 1) < 1e-3)
    #expect(json["tables"]?["kernels"] == nil)
  }

  @Test func aResultIsComparedWithASavedOne() throws {
    let first = try Program.run(["bench", "kernels", "--filter=normals", "--seconds=1", "--json"], in: folder.path)
    try folder.write(first.output.utf8, to: "before.json")
    let second = try bench("kernels", "--filter", "normals", "--seconds", "1", "--compare", "before.json")
    #expect(second.status == 0 && second.output.contains("\nnow / then (before.json)\n"), "\(second.messages)")
    #expect(second.output.components(separatedBy: "\nnormals ").count == 3)
    let json = try figures(["kernels", "--filter", "normals", "--compare=before.json"])
    #expect(json["ratios"]?["kernels"]?["normals"]?["us_per_call"]?.double ?? 0 > 0)
  }

  @Test func whatCannotBeMeasuredOrComparedIsSaidBeforeAnythingIsDone() throws {
    try folder.write("{\"benchmark\": \"air\", \"settings\": {}, \"tables\": {}}".utf8, to: "air.json")
    try folder.write("{\"steps\": 1}".utf8, to: "summary.json")
    try folder.write("{".utf8, to: "broken.json")
    for (words, message) in [
      (["kernels", "--compare", "air.json"], "air.json: holds a result of 'air', not of 'kernels'"),
      (["kernels", "--compare", "summary.json"], "summary.json: is not the result of a benchmark"),
      (["kernels", "--compare", "broken.json"], "broken.json: is not JSON"),
      (["kernels", "--compare", "none.json"], "none.json"),
      (["kernels", "--filter", "zzz"], "--filter zzz: no product and no kernel"),
      (["kernels", "model.steps=2"], "'model.steps=2': bench kernels has no keys to set"),
      (["data", "--filter", "a"], "--filter is for bench kernels"),
      (["air", "model.stpes=2"], "did you mean 'steps'?"),
      (["startup", "training.bach=2"], "did you mean 'batch'?"),
    ] {
      let outcome = try Program.run(["bench"] + words, in: folder.path)
      #expect(
        outcome.status == 2 && outcome.output.isEmpty && outcome.messages.contains(message), "\(outcome.messages)")
    }
  }
}

struct BenchmarkResultTests {
  private func result(_ median: Double, threads: Int = 1, rows: [String] = ["air"]) -> BenchmarkResult {
    var step = BenchmarkResult.Table("step", columns: ["ms_per_step_median", "steps"])
    for row in rows { step.add(row, median, 100) }
    var options = BenchmarkOptions()
    options.threads = threads
    return BenchmarkResult("air", options, tables: [step])
  }

  /// A result after its way through a file.
  private func saved(_ result: BenchmarkResult) throws -> SavedBenchmark {
    let folder = try TemporaryFolder()
    let path = try folder.write(result.line.utf8, to: "saved.json")
    return try withExtendedLifetime(folder) { try SavedBenchmark(path, of: "air") }
  }

  @Test func ratiosAreOfEveryFigureThatBothHave() throws {
    let before = try saved(result(20, rows: ["air", "gone"]))
    let ratios = before.ratios(of: result(15, rows: ["air", "new"]))
    #expect(ratios.count == 1 && ratios[0].rows.map(\.name) == ["air"])
    #expect(ratios[0].rows[0].figures == [0.75, 1])
  }

  @Test func aFigureThatOneLacksHasNoRatio() throws {
    var table = BenchmarkResult.Table("step", columns: ["ms_per_step_median", "steps"])
    table.add("air", nil, 0)
    let before = try saved(BenchmarkResult("air", BenchmarkOptions(), tables: [table]))
    #expect(before.ratios(of: result(15))[0].rows[0].figures == [nil, nil])
  }

  @Test func unlikeSettingsAreNamed() throws {
    let before = try saved(result(20, threads: 2))
    #expect(before.differences(to: result(20, threads: 2)).isEmpty)
    #expect(before.differences(to: result(20)) == ["threads 1, then 2"])
    #expect(before.text(comparedTo: result(20)).contains("they differ: threads 1, then 2"))
  }

  @Test func samplesAreOrderedWhateverTheirOrderWas() {
    var samples = Samples()
    for value in [3.0, 1, 2, 5, 4, 9, 8, 7, 6, 10] { samples.add(value) }
    #expect(samples.minimum == 1 && samples.median == 6 && samples.p90 == 10 && samples.count == 10)
  }

  @Test func workIsRepeatedAtLeastThreeTimes() {
    var calls = 0
    let samples = Samples.repeating(for: 0) {
      calls += 1
      usleep(100)
    }
    #expect(samples.count == 3 && calls == 4 && samples.minimum >= 100e-6)
  }

  @Test(arguments: [
    (0.0, "0"), (12.0, "12"), (0.5784, "0.578"), (14.62, "14.62"), (20.764, "20.76"), (350.24, "350.2"),
    (233809.4, "233809"),
  ])
  func figuresHaveAboutFourDigits(value: Double, text: String) {
    #expect(significant(value) == text)
  }
}

struct CSVFigureTests {
  private func draw(_ csv: String) throws -> Program.Outcome {
    let folder = try TemporaryFolder()
    try folder.write(csv.utf8, to: "table.csv")
    return try withExtendedLifetime(folder) {
      let outcome = try Program.run(
        ["figure", "csv", "table.csv", "--out", "table.png", "--label", "cost"], in: folder.path)
      #expect(FileManager.default.fileExists(atPath: "\(folder.path)/table.png") == (outcome.status == 0))
      return outcome
    }
  }

  @Test func columnsAreDrawnWithGaps() throws {
    let outcome = try draw("x,a,b\n0,1,2\n1,,3\n2,2,1\n")
    #expect(outcome.status == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
  }

  @Test func tablesOfSpreadsheetsAreDrawn() throws {
    let outcome = try draw("\u{FEFF}x,\"a, \"\"b\"\"\"\r\n0,1\r\n\r\n1,\"2.5\"\r\n2,'-a\r\n")
    #expect(
      outcome.status == 2 && outcome.messages.contains("table.csv:5: '-a' is not a number"), "\(outcome.messages)")
    let right = try draw("\u{FEFF}x,\"a, \"\"b\"\"\"\r\n0,1\r\n\r\n1,\"2.5\"\r\n")
    #expect(right.status == 0 && right.messages.isEmpty, "\(right.messages)")
  }

  @Test(arguments: [
    ("", "names of at least two columns"), ("x\n1\n", "at least two columns"), ("x,a\n", "no numbers to draw"),
    ("x,a\n1\n", "table.csv:2: has 1 cells, the first line 2"),
    ("x,a\n1,2\n2,no\n", "table.csv:3: 'no' is not a number"),
    ("x,a\n1,nan\n", "'nan' is not a number"), ("x,a\n,1\n", "table.csv:2: the first cell is empty"),
  ])
  func whatIsNoTableIsSaidWithItsLine(csv: String, message: String) throws {
    let outcome = try draw(csv)
    #expect(outcome.status == 2 && outcome.messages.contains(message), "\(outcome.messages)")
  }
}
