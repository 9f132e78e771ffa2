import Configuration
import Glibc
import Pictures

/// What the folder of a run says of it, read without building or checking anything.
///
/// `values` holds, by name: `run`, `status`, `step` and `reason`; every key of `config.yaml` (`training.seed`); the metrics
/// of `summary.json`, or of the last validation line of `metrics.jsonl` where there is no summary yet (`nelbo`,
/// `best.step`); those of the run's own evaluations at that step under the name of their split (`test.nelbo`); and `what_if`,
/// the number of evaluations under other settings or on other data, which are not shown.
public struct RunRecord: Sendable {
  /// Where the folder stands.
  public let path: String
  /// What of the folder could not be read, and why; the rest was.
  public private(set) var problems: [String] = []
  /// The names of all values, in their order.
  public private(set) var names: [String] = []
  /// Those of the names that are keys of the config, and those that are metrics.
  private(set) var configKeys: [String] = []
  private(set) var metrics: [String] = []
  private var values: [String: JSON] = [:]

  /// The run's own names, which stand before config keys and metrics.
  static let ownNames = ["run", "status", "step", "reason"]

  public subscript(name: String) -> JSON? { values[name] }

  /// Reads a folder; `name` is what lists call it.
  public init(reading path: String, as name: String) {
    self.path = path
    let status = json("status.json")
    let summary = json("summary.json")
    let measured = summary == nil ? lastValidation() : nil
    set("run", .text(name))
    set("status", .text(verdict(status, hasSummary: summary != nil)))
    set("step", status?["step"] ?? summary?["steps"] ?? measured?["step"])
    set("reason", status?["reason"].flatMap { $0 == .null ? nil : $0 })
    readConfig()
    setMetrics(summary?["final"] ?? measured, prefix: "")
    if let summary { setMetrics(.object(summary.members.filter { !["final", "steps"].contains($0.key) }), prefix: "") }
    readEvaluations()
  }

  /// The run's own evaluations at its last step, and how many others there are; of version 0.2 the last one made by hand.
  private mutating func readEvaluations() {
    let folder = RunFolder(reading: path)
    let all = folder.evaluations
    for evaluation in all.reversed() where evaluation.isOwn && .integer(evaluation.step) == values["step"] {
      setMetrics(.object(evaluation.scores), prefix: "\(evaluation.split).")
    }
    if let old = json("evaluation.json") { setMetrics(old, prefix: "\(old["split"]?.string ?? "evaluation").") }
    let whatIfs = all.count { !$0.isOwn }
    if whatIfs > 0 { setMetrics(.object([.init("what_if", .integer(whatIfs))]), prefix: "") }
  }

  /// Whether a folder holds a run, or what is left of one.
  static func stands(in path: String) -> Bool {
    ["config.yaml", "status.json", "metrics.jsonl"].contains { access("\(path)/\($0)", F_OK) == 0 }
  }

  private mutating func set(_ name: String, _ value: JSON?) {
    guard let value, values.updateValue(value, forKey: name) == nil else { return }
    names.append(name)
  }

  private mutating func readConfig() {
    let file = "\(path)/config.yaml"
    do {
      try requireRegularFile(file)
      for (key, value) in try ConfigurationFile.values(path: file) {
        // A key that is called as one of the run's own names would hide it.
        guard values[key] == nil else { continue }
        set(key, value)
        configKeys.append(key)
      }
    } catch {
      problems.append("\(error)")
    }
  }

  private mutating func setMetrics(_ object: JSON?, prefix: String) {
    for (key, value) in object?.leaves ?? [] {
      let name = prefix + key
      guard !["step", "split"].contains(key), values[name] == nil else { continue }
      set(name, value)
      metrics.append(name)
    }
  }

  /// What became of the run. One that was killed says `running` for ever, but no process holds its lock.
  private func verdict(_ status: JSON?, hasSummary: Bool) -> String {
    switch status?["status"]?.string {
    case "running"? where !FolderLock.isHeld("\(path)/lock"): "killed"
    case let status?: status
    case nil: hasSummary ? "finished" : "unknown"
    }
  }

  /// An object in a file of the folder; nil where there is no file, or no object in it, which is a problem.
  private mutating func json(_ name: String) -> JSON? {
    let file = "\(path)/\(name)"
    guard access(file, F_OK) == 0 else { return nil }
    do {
      try requireRegularFile(file)
      let value = try JSON(parsing: try readFile(file, limit: 1 << 24))
      if case .object = value { return value }
      problems.append("\(file): is no JSON object")
    } catch let error as JSON.ParseError {
      problems.append("\(file): is no JSON: \(error)")
    } catch {
      problems.append("\(error)")
    }
    return nil
  }

  /// The newest evaluation on validation scenes.
  private func lastValidation() -> JSON? {
    Self.lastLine(of: "\(path)/metrics.jsonl") { $0["split"]?.string == "validation" }
  }

  /// The last line of a file of JSON lines that is like that. Files grow with the training, so only their end is read.
  static func lastLine(of file: String, where isWanted: (JSON) -> Bool = { _ in true }) -> JSON? {
    guard let file = try? openRegularFile(file) else { return nil }
    defer { close(file) }
    let size = lseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = pread(file, &bytes, bytes.count, max(0, size - bytes.count))
    for line in bytes.prefix(max(0, count)).split(separator: UInt8(ascii: "\n")).reversed() {
      if let entry = try? JSON(parsing: line), isWanted(entry) { return entry }
    }
    return nil
  }
}

extension JSON {
  /// The members of an object; none for other values.
  fileprivate var members: [Member] {
    if case .object(let members) = self { members } else { [] }
  }
}
