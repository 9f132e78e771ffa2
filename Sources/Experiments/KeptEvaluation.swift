import Configuration
import Datasets
import Evaluation
import Pictures
import Scenes

/// An evaluation that stands in a run's folder (`evaluations/`), under all that makes it this one: step, split, what was changed
/// of the run's config, what the data held, and the code that measured.
///
/// Tables and lists take those that are the run's own: nothing was changed, and the data is that of the training. Any other
/// one answers "what if" and is only listed by `airframe evaluate RUN --list`.
public struct KeptEvaluation: Sendable {
  public let step: Int
  public let split: String
  /// The keys of the config that differ from the run's, with their values.
  public let changes: [JSON.Member]
  /// The fingerprint of the data; nil in files of version 0.2, which do not tell.
  public let data: String?
  /// Version and commit of the program that measured, with `+` where its files had been changed.
  public let code: String
  /// When it was measured, in UTC; empty where the file does not tell.
  public let time: String
  public let scores: [JSON.Member]
  /// Whether it is the run's own result.
  public let isOwn: Bool
  /// How often each number of objects was found, by the true number; empty where nothing is counted.
  private let counts: [[Int]]

  /// What was measured with a workbench whose config is that of the run in `folder`, or differs from it.
  /// Throws `ConfigurationError` where the run's config cannot be read.
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

  /// What a file of the folder holds; nil where it is none of an evaluation.
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

  /// What version 0.2 wrote: the scores beside step and split, and nothing of what was changed.
  fileprivate init?(version2 json: JSON) {
    guard case .integer(let step)? = json["step"], let split = json["split"]?.string, case .object(let members) = json
    else { return nil }
    (self.step, self.split) = (step, split)
    scores = members.filter { !["step", "split"].contains($0.key) }
    (changes, data, code, time, counts, isOwn) = ([], nil, "0.2", "", [], true)
  }

  /// The value of a score; nil where it was not measured.
  subscript(_ name: String) -> Double? { scores.first { $0.key == name }?.value.double }

  /// The file's name: the same for the same evaluation, so that it is kept once.
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
  /// Puts an evaluation into the folder. Throws `RunError` or `FileError` where that cannot be written.
  func keep(_ evaluation: KeptEvaluation) throws {
    try makeFolder("\(path)/evaluations")
    try write(evaluation.json.description + "\n", to: evaluation.name)
  }

  /// All evaluations that stand here and can be read, by step, then split, the older first.
  var evaluations: [KeptEvaluation] {
    let found = ((try? fileNames(in: "\(path)/evaluations")) ?? []).filter {
      $0.hasSuffix(".json") && !$0.hasPrefix(".")
    }
    .compactMap { json("evaluations/\($0)").flatMap { KeptEvaluation($0, of: self) } }
    return found.sorted { ($0.step, $0.split, $0.time) < ($1.step, $1.split, $1.time) }
  }

  /// The run's own evaluation on a split of the checkpoint after so many steps, the newest one; nil where there is none.
  func evaluation(_ split: String, after step: Int) -> KeptEvaluation? {
    let own = evaluations.last { $0.split == split && $0.step == step && $0.isOwn }
    // Sweeps of version 0.2 left such a file. Its `evaluation.json` may be of anything.
    let old = { self.json("evaluation-\(split)-step-\(step).json").flatMap(KeptEvaluation.init(version2:)) }
    return own ?? old().flatMap { $0.split == split && $0.step == step ? $0 : nil }
  }

  /// Whether data of this fingerprint is what the run was trained on, as far as its folder tells.
  fileprivate func trainedOn(_ data: String?) -> Bool {
    guard let data, let own = json("environment.json")?[Provenance.dataKey]?.string else { return true }
    return data == own
  }
}

extension KeptEvaluation {
  /// A table of evaluations for people: what each one is, and its first scores.
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
  /// What was measured of the checkpoint after so many steps, on test scenes by `evaluate` or on validation scenes by the
  /// training itself; nil where that was not.
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
