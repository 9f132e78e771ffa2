import Configuration
import Glibc
import Pictures

/// The folder of one run: its config and all its results (docs/run-folders.md).
///
/// Files are replaced as a whole or extended by whole lines, so the folder can be read at any time.
public struct RunFolder: Sendable {
  public let path: String

  /// Opens an existing run. Throws `RunError` if the folder holds none, and `FileError` if it cannot be examined.
  public init(opening path: String) throws {
    self.path = path
    let file = "\(path)/config.yaml"
    var status = stat()
    guard stat(file, &status) == 0 else {
      guard errno == ENOENT || errno == ENOTDIR else { throw systemError(file, "cannot be examined", errno) }
      throw RunError("\(path): there is no run here (config.yaml is missing); `airframe train CONFIG` makes one")
    }
    try requireRegularFile(file)
  }

  /// The run's config with overrides applied. Throws `ConfigurationError`, and `RunError` if `config.yaml`, which has
  /// every key, was emptied or truncated.
  ///
  /// Paths in it are absolute. Version 0.2 wrote paths as the user typed them; these are relative to the working
  /// folder, as they were then.
  func config(_ overrides: [String] = []) throws -> RunConfig {
    let file = "\(path)/config.yaml"
    let values = try ConfigurationFile.values(path: file)
    let sections = Set(values.map { String($0.key.prefix { $0 != "." }) })
    if let missing = ["model", "dataset", "estimator", "training"].first(where: { !sections.contains($0) }) {
      throw RunError(
        "\(file): holds no '\(missing)'; the config of a run names every key, so this one was emptied or cut. Put it back: "
          + "each checkpoint of the run has a copy of it in its header")
    }
    let own = try Runner.check(file, overrides)
    let locations = Set(own.locations)
    let typed = values.compactMap { key, value -> String? in
      guard locations.contains(key), let path = value.string, path.hasPrefix(".") else { return nil }
      return "\(key)=\(path)"
    }
    return typed.isEmpty ? own : try Runner.check(file, typed + overrides)
  }

  /// A folder that holds a run or the remains of one.
  init(reading path: String) { self.path = path }

  /// A location for a new run, where nothing is created yet. Throws `RunError` if it already holds a run.
  public init(planning path: String) throws {
    self.path = path
    try refuseExisting()
  }

  /// Creates the folder and its subfolders. Throws `RunError` with the system's error.
  func make() throws {
    for folder in [path, "\(path)/checkpoints", "\(path)/images"] { try makeFolder(folder) }
  }

  /// Throws `RunError` if the folder holds a run or the remains of one.
  func refuseExisting() throws {
    if holdsRun {
      throw RunError(
        "\(path): there is already a run here, which is left as it is; choose another --name, "
          + "or resume it with `airframe train --resume \(path)`")
    }
    if let remains = remains {
      throw RunError(
        "\(path): there is a run without its config.yaml here (\(remains)), which is left as it is; choose another --name, "
          + "put config.yaml back, or remove what is left of that run")
    }
  }

  /// Creates the folder and locks it for this process. Throws `RunError` if another run exists there or another process
  /// is creating one.
  func claim() throws -> LockedFolder {
    try make()
    let locked = try LockedFolder(self)
    // Another process may have created a run since the folder was chosen.
    try refuseExisting()
    return locked
  }

  /// Claims the first of NAME, NAME-2, NAME-3, ... that holds no run, no remains of one, and is not being created.
  /// Processes that start at the same time get different folders.
  static func claimFree(_ base: String, _ name: String) throws -> LockedFolder {
    var path = "\(base)/\(name)"
    var number = 1
    func isFree() -> Bool { (try? RunFolder(planning: path)) != nil && !FolderLock.isHeld("\(path)/lock") }
    while true {
      if isFree() {
        do { return try RunFolder(planning: path).claim() } catch _ where !isFree() {}  // Another process was faster.
      }
      number += 1
      path = "\(base)/\(name)-\(number)"
    }
  }

  private var holdsRun: Bool { exists("config.yaml") }

  /// The first file of a run that exists in the folder.
  private var remains: String? {
    if let file = ["metrics.jsonl", "status.json", "summary.json"].first(where: exists) { return file }
    return (try? checkpoints.first).map { RunFolder.checkpointName($0.step) }
  }

  private func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

  /// Replaces a whole file. Throws `FileError`.
  public func write(_ text: String, to name: String) throws {
    try writeFileAtomically(Array(text.utf8), to: "\(path)/\(name)")
  }

  /// The checkpoints as (step, path), from the oldest to the newest.
  ///
  /// Throws `FileError` if `checkpoints` cannot be listed. Only an empty folder means that there is no checkpoint yet.
  public var checkpoints: [(step: Int, path: String)] {
    get throws {
      let found = try fileNames(in: "\(path)/checkpoints").compactMap { name -> Int? in
        guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"), let step = Int(name.dropFirst(5).dropLast(12)),
          RunFolder.checkpointName(step) == "checkpoints/\(name)"
        else { return nil }
        return step
      }
      return found.sorted().map { ($0, checkpointPath($0)) }
    }
  }

  func checkpointPath(_ step: Int) -> String { "\(path)/\(RunFolder.checkpointName(step))" }

  static func checkpointName(_ step: Int) -> String { "checkpoints/step-\(step).safetensors" }

  /// Whether a process is training in this folder.
  public var isBeingTrained: Bool { FolderLock.isHeld("\(path)/lock") }
}

/// Creates a folder and its parents. Throws `RunError` with the system's error.
func makeFolder(_ path: String) throws {
  var built = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    built += (built.isEmpty || built.hasSuffix("/") ? "" : "/") + part
    if mkdir(built, 0o777) != 0 && errno != EEXIST {
      throw RunError(
        "\(built): the folder cannot be made: \(String(cString: strerror(errno))); "
          + "choose a place that can be written with --out")
    }
  }
}
