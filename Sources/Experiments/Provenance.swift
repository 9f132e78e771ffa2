import Configuration
import Datasets
import Glibc
import Pictures
import Tensors

/// The origin of a run's numbers, stored in `environment.json`.
///
/// The file describes the process that started the run. Each process that resumed the run adds an entry to `resumed`.
enum Provenance {
  /// Writes the file for a new run. `origin` is the run that provided the initial parameters. Throws `FileError`.
  static func write(_ workbench: Workbench, to folder: LockedFolder, origin: String?) throws {
    var seedless = workbench.config
    seedless.training.seed = 0
    let config: [JSON.Member] = [
      .init("config_hash", .text(hash(workbench.config))),
      .init("config_hash_without_seed", .text(hash(seedless))),
      .init("asked", .object(workbench.asked)), .init("init_from", origin.map(JSON.text) ?? .null),
      .init("resumed", .list([])),
    ]
    try folder.write(JSON.object(process(workbench) + config).description + "\n", to: "environment.json")
  }

  /// Adds an entry for the process that resumes after `step` steps. Returns the differences from the first process that
  /// may change results.
  ///
  /// Throws `FileError`.
  static func resume(_ workbench: Workbench, in folder: LockedFolder, after step: Int) throws -> [String] {
    guard var first = folder.json("environment.json"), case .list(let resumed)? = first["resumed"] else {
      try write(workbench, to: folder, origin: nil)
      return []
    }
    let own = process(workbench)
    first["resumed"] = .list(resumed + [.object([.init("step", .integer(step))] + own)])
    try folder.write(first.description + "\n", to: "environment.json")
    let decisive = ["airframe", "threads", "product_kernels", "vector_kernels", "convolutions"]
    return own.filter { decisive.contains($0.key) && first[$0.key] != $0.value }
      .map { "\($0.key) was \(first[$0.key]?.line ?? "unknown") and is \($0.value.line)" }
  }

  /// The key of the data's fingerprint (`Dataset.fingerprint`). Version 0.2 wrote a `dataset_fingerprint` that also
  /// depended on the config and cannot be compared with it.
  static let dataKey = "data_fingerprint"

  /// Throws `RunError` if a run was trained on other data. A run of version 0.2 is accepted, because it has no
  /// comparable fingerprint.
  static func requireSameData(_ dataset: any Dataset, in folder: RunFolder) throws {
    guard let trained = folder.json("environment.json")?[dataKey]?.string, trained != dataset.fingerprint else {
      return
    }
    throw RunError(
      "\(folder.path): was trained on other data: its fingerprint was \(trained), that of dataset \(dataset.name) is now "
        + "\(dataset.fingerprint). Put the files back as they were (--data or dataset.path=PATH may name another place), or "
        + "start a new run on these")
  }

  /// The key for the reason why the times of this run do not represent the CPU (`ProductKernels.shortfall`).
  static let narrowProductsKey = "product_kernels_shortfall"

  /// The environment variable with the commit, followed by `+` if files were changed since.
  ///
  /// A sweep sets it for its cells, so that all cells record the same code however long they wait, and git runs only
  /// once.
  static let codeVariable = "AIRFRAME_CODE"

  /// Sets the variable for child processes. Returns its value, which is empty if there is no repository.
  @discardableResult static func shareCode() -> String {
    let code = gitState().map { $0.commit + ($0.isDirty ? "+" : "") } ?? ""
    setenv(codeVariable, code, 1)
    return code
  }

  private static func process(_ workbench: Workbench) -> [JSON.Member] {
    let git = gitState()
    return [
      .init("airframe", .text(airframeVersion)), .init("started", .text(utcTime())),
      .init("git_commit", git.map { .text($0.commit) } ?? .null),
      .init("git_dirty", git.map { .flag($0.isDirty) } ?? .null), .init("host", .text(hostName())),
      .init("cpu", .text(processorName())), .init("cpu_features", .text(CPU.own.features.joined(separator: " "))),
      .init("threads", .integer(workbench.config.training.threads)),
      .init("product_kernels", .text(ProductKernels.current)),
      .init(narrowProductsKey, ProductKernels.shortfall.map(JSON.text) ?? .null),
      .init("vector_kernels", .text(VectorKernels.current)),
      .init("convolutions", .text(ConvolutionKernels.description)),
      .init(dataKey, .text(workbench.dataset.fingerprint)),
    ]
  }

  /// The commit of the working folder, and whether tracked files were changed since. Nil if there is no git or no
  /// repository.
  private static func gitState() -> (commit: String, isDirty: Bool)? {
    if let told = getenv(codeVariable) {
      let code = String(cString: told)
      return code.isEmpty ? nil : (String(code.prefix { $0 != "+" }), code.hasSuffix("+"))
    }
    guard let result = gitStatus(), result.succeeded else { return nil }
    let lines = result.output.split(separator: "\n")
    let head = "# branch.oid "
    guard let commit = lines.first(where: { $0.hasPrefix(head) })?.dropFirst(head.count) else { return nil }
    return (String(commit), lines.contains { line in ["1 ", "2 ", "u "].contains { line.hasPrefix($0) } })
  }

  /// Runs `git status` in the working folder without executing any program that the folder's files name. The folder may
  /// have any origin, for example an unpacked archive.
  ///
  /// `git status` could run a file system monitor, hooks, and the filters through which files are read. It could also
  /// fetch the missing objects of a partial clone with any program that the config names as a transport. Settings on
  /// the command line override the repository's config, so all of this is turned off there, each filter by its name.
  private static func gitStatus() -> SystemCommand.Result? {
    let filters = ["config", "--null", "--name-only", "--get-regexp", #"^filter\..*\.(clean|process|required)$"#]
    // Status 1 means that there are no filters.
    guard let found = try? SystemCommand.run("git", filters), found.status == 0 || found.status == 1 else { return nil }
    var settings = [
      ("core.fsmonitor", "false"), ("core.hooksPath", "/dev/null"), ("core.untrackedCache", "false"),
    ]
    // A warning may precede a name.
    let names = found.output.split(separator: "\0").compactMap { $0.split(separator: "\n").last.map(String.init) }
    settings += names.map { ($0, $0.hasSuffix(".required") ? "false" : "") }
    let given = getenv("GIT_CONFIG_COUNT").flatMap { Int(String(cString: $0)) } ?? 0
    var environment = ["GIT_ALLOW_PROTOCOL": "none", "GIT_CONFIG_COUNT": "\(given + settings.count)"]
    for (index, setting) in settings.enumerated() {
      environment["GIT_CONFIG_KEY_\(given + index)"] = setting.0
      environment["GIT_CONFIG_VALUE_\(given + index)"] = setting.1
    }
    // The index is not rewritten, and submodules, which have their own configs, are not examined.
    let status = [
      "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--no-renames",
      "--ignore-submodules=all",
    ]
    return try? SystemCommand.run("git", status, environment: environment)
  }

  /// Version and commit, with `+` if files were changed since.
  static var code: String {
    ([airframeVersion] + (gitState().map { [String($0.commit.prefix(12)) + ($0.isDirty ? "+" : "")] } ?? []))
      .joined(separator: " ")
  }

  /// A hash of all keys and values, as 16 hexadecimal digits.
  static func hash(_ config: RunConfig) -> String { hash(ConfigurationFile.encode(config)) }

  /// An FNV-1a hash, as 16 hexadecimal digits.
  static func hash(_ text: String) -> String {
    let state = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func processorName() -> String {
    guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    let line = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").first {
      $0.hasPrefix("model name")
    }
    return line?.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0 == " " }) } ?? "unknown"
  }
}

extension RunFolder {
  /// A JSON file of the folder; nil if it is missing or cannot be read.
  func json(_ name: String) -> JSON? {
    let file = "\(path)/\(name)"
    guard (try? requireRegularFile(file)) != nil, let bytes = try? readFile(file, limit: 1 << 22) else { return nil }
    return try? JSON(parsing: bytes)
  }
}
