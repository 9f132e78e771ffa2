import Configuration
import Datasets
import Evaluation
import Pictures
import Scenes

/// An evaluation in a run's folder (`evaluations/`). It is identified by step, split, changes to the run's config, data
/// and code.
///
/// An evaluation is the run's own if the config was not changed and the data is that of the training. Tables and lists
/// use the run's own evaluations. Any other evaluation answers a "what if" question and is only shown by
/// `airframe evaluate RUN --list`.
public struct KeptEvaluation: Sendable {
  public let step: Int
  public let split: String
  /// The keys of the config that differ from the run's, with their values.
  public let changes: [JSON.Member]
  /// The fingerprint of the data; nil in files of version 0.2, which do not contain it.
  public let data: String?
  /// Version and commit of the program that evaluated, with `+` if its files had been changed.
  public let code: String
  /// The time of the evaluation, in UTC; empty if the file does not contain it.
  public let time: String
  public let scores: [JSON.Member]
  /// Whether it is the run's own result.
  public let isOwn: Bool
  /// How often each number of objects was found, by the true number. Empty if nothing is counted.
  private let counts: [[Int]]

  /// The result of an evaluation with a workbench, whose config may differ from that of the run in `folder`.
  ///
  /// Throws `ConfigurationError` if the run's config cannot be read.
  init(_ result: Evaluator.Result, _ workbench: Workbench, of folder: RunFolder, step: Int, split: Split) throws {
    self.step = step
    self.split = split.rawValue
    let changes = workbench.config.differences(from: try folder.config()).filter { !Runner.resumable.contains($0.key) }
    self.changes = changes.map { JSON.Member($0.key, $0.own ?? .null) }
    data = workbench.dataset.fingerprint
    code = Provenance.code
    time = utcTime()
    scores = result.scores.map { JSON.Member($0.name, .number($0.value)) }
    counts = result.counts?.rows ?? []
    isOwn = changes.isEmpty && folder.trainedOn(data)
  }

  /// Reads an evaluation from a file of the folder; nil if the file does not hold one.
  fileprivate init?(_ json: JSON, of folder: RunFolder) {
    guard case .integer(let step)? = json["step"], let split = json["split"]?.string,
      case .object(let scores)? = json["scores"]
    else { return nil }
    if case .object(let changes)? = json["changes"] { self.changes = changes } else { return nil }
    (self.step, self.split, self.scores) = (step, split, scores)
    data = json["data_fingerprint"]?.string
    code = json["code"]?.string ?? ""
    time = json["evaluated"]?.string ?? ""
    counts = []
    isOwn = changes.isEmpty && folder.trainedOn(data)
  }

  /// Reads a file of version 0.2, which has the scores next to step and split and does not record changes.
  fileprivate init?(version2 json: JSON) {
    guard case .integer(let step)? = json["step"], let split = json["split"]?.string, case .object(let members) = json
    else { return nil }
    (self.step, self.split) = (step, split)
    scores = members.filter { !["step", "split"].contains($0.key) }
    (changes, data, code, time, counts, isOwn) = ([], nil, "0.2", "", [], true)
  }

  /// The value of a score; nil if it was not measured.
  subscript(_ name: String) -> Double? { scores.first { $0.key == name }?.value.double }

  /// The file's name. The same evaluation has the same name, so that it is kept once.
  var name: String {
    let identity = [JSON.text(split), .integer(step), .object(changes), data.map(JSON.text) ?? .null, .text(code)]
    return "evaluations/\(split)-step-\(step)-\(Provenance.hash(JSON.list(identity).line)).json"
  }

  var json: JSON {
    .object([
      .init("step", .integer(step)), .init("split", .text(split)), .init("changes", .object(changes)),
      .init("data_fingerprint", data.map(JSON.text) ?? .null), .init("code", .text(code)),
      .init("evaluated", .text(time)), .init("scores", .object(scores)),
      .init("counts", .list(counts.map { .list($0.map(JSON.integer)) })),
    ])
  }
}

extension RunFolder {
  /// Writes an evaluation into the folder. Throws `RunError` or `FileError` if that fails.
  func keep(_ evaluation: KeptEvaluation) throws {
    try makeFolder("\(path)/evaluations")
    try write(evaluation.json.description + "\n", to: evaluation.name)
  }

  /// All readable evaluations of the run, sorted by step, then split, then time.
  var evaluations: [KeptEvaluation] {
    let found = ((try? fileNames(in: "\(path)/evaluations")) ?? []).filter {
      $0.hasSuffix(".json") && !$0.hasPrefix(".")
    }
    .compactMap { json("evaluations/\($0)").flatMap { KeptEvaluation($0, of: self) } }
    return found.sorted { ($0.step, $0.split, $0.time) < ($1.step, $1.split, $1.time) }
  }

  /// The run's newest own evaluation of a split after `step` steps; nil if there is none.
  func evaluation(_ split: String, after step: Int) -> KeptEvaluation? {
    let own = evaluations.last { $0.split == split && $0.step == step && $0.isOwn }
    // Sweeps of version 0.2 wrote this file. Its `evaluation.json` may describe any step or split.
    let old = { self.json("evaluation-\(split)-step-\(step).json").flatMap(KeptEvaluation.init(version2:)) }
    return own ?? old().flatMap { $0.split == split && $0.step == step ? $0 : nil }
  }

  /// Whether the fingerprint is that of the run's training data. True if the folder does not contain a fingerprint.
  fileprivate func trainedOn(_ data: String?) -> Bool {
    guard let data, let own = json("environment.json")?[Provenance.dataKey]?.string else { return true }
    return data == own
  }
}

extension KeptEvaluation {
  /// A table of evaluations as readable text: what each one is, and its main scores.
  static func table(_ evaluations: [KeptEvaluation]) -> String {
    let shown = ["nelbo", "nll", "count_accuracy"].filter { name in evaluations.contains { $0[name] != nil } }
    let head = ["step", "split", "what it is", "measured", "code"] + shown
    let rows = evaluations.map { entry in
      let changes = entry.changes.map { "\($0.key)=\($0.value.line)" }.joined(separator: " ")
      let kind = entry.isOwn ? "the run's own" : "what if: " + (changes.isEmpty ? "other data" : changes)
      return ["\(entry.step)", entry.split, kind, entry.time, entry.code]
        + shown.map { name in entry[name].map { Experiments.shown(.number($0)) } ?? "-" }
    }
    return TextTable(head, rows, alignRight: head.map { $0 == "step" || shown.contains($0) }).description
  }
}

extension RunFolder {
  /// The scores of the checkpoint after `step` steps, from the training itself for validation scenes, and from
  /// `evaluate` for other splits. Nil if there are none.
  func measured(_ split: String, after step: Int) -> (scores: [JSON.Member], code: String?)? {
    if split == "validation" {
      let line = RunRecord.lastLine(of: "\(path)/metrics.jsonl") {
        $0["split"]?.string == split && $0["step"] == .integer(step)
      }
      return line.map { ($0.leaves.map { JSON.Member($0.key, $0.value) }, nil) }
    }
    return evaluation(split, after: step).map { ($0.scores, $0.code) }
  }
}
