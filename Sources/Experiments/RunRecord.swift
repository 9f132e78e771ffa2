import Configuration
import Glibc
import Pictures

/// The contents of a run's folder, read without building or checking anything.
///
/// The names of the values are: `run`, `status`, `step` and `reason`; every key of `config.yaml` (`training.seed`); the
/// metrics of `summary.json`, or of the last validation line of `metrics.jsonl` if there is no summary yet (`nelbo`,
/// `best.step`); the metrics of the run's own evaluations at that step, prefixed with their split (`test.nelbo`); and
/// `what_if`, the number of evaluations under other settings or on other data, which are not shown.
public struct RunRecord: Sendable {
  /// The path of the folder.
  public let path: String
  /// The files of the folder that could not be read, with the reasons. All other files were read.
  public private(set) var problems: [String] = []
  /// The names of all values, in order.
  public private(set) var names: [String] = []
  /// The names that are keys of the config, and the names that are metrics.
  private(set) var configKeys: [String] = []
  private(set) var metrics: [String] = []
  private var values: [String: JSON] = [:]

  /// Names that precede config keys and metrics.
  static let ownNames = ["run", "status", "step", "reason"]

  public subscript(name: String) -> JSON? { values[name] }

  /// Reads a folder. `name` is its name in lists.
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

  /// Reads the run's own evaluations at its last step, and counts the others. For version 0.2 it reads the last
  /// evaluation that the user made.
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

  /// Whether a folder holds a run or the remains of one.
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
        // A config key with the name of another value would hide that value.
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

  /// The state of the run. A killed run still has the status `running`, but no process holds its lock.
  private func verdict(_ status: JSON?, hasSummary: Bool) -> String {
    switch status?["status"]?.string {
    case "running"? where !FolderLock.isHeld("\(path)/lock"): "killed"
    case let status?: status
    case nil: hasSummary ? "finished" : "unknown"
    }
  }

  /// Reads a JSON object from a file of the folder. Returns nil if there is no file, or if it holds no object, which is
  /// recorded as a problem.
  private mutating func json(_ name: String) -> JSON? {
    let file = "\(path)/\(name)"
    guard access(file, F_OK) == 0 else { return nil }
    do {
      try requireRegularFile(file)
      let value = try JSON(parsing: try readFile(file, limit: 1 << 24))
      if case .object = value { return value }
      problems.append("\(file): is not a JSON object")
    } catch let error as JSON.ParseError {
      problems.append("\(file): is not JSON: \(error)")
    } catch {
      problems.append("\(error)")
    }
    return nil
  }

  /// The newest evaluation on validation scenes.
  private func lastValidation() -> JSON? {
    Self.lastLine(of: "\(path)/metrics.jsonl") { $0["split"]?.string == "validation" }
  }

  /// The last line of a JSON Lines file that satisfies a condition. Only the last 64 KiB are read, because the files
  /// grow during training.
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
  /// The members of an object; empty for other values.
  fileprivate var members: [Member] {
    if case .object(let members) = self { members } else { [] }
  }
}
