import Glibc

/// Downloads the files of a source with the system's `curl`, and checks them with `sha256sum` or by reading them.
public enum DataFetch {
  /// The outcome for one file.
  public struct FetchedFile: Sendable, CustomStringConvertible {
    public enum Outcome: Sendable, Equatable {
      case fetched
      /// The file already existed and is correct.
      case present
      /// The existing file was damaged or a different one. It was moved aside, because it may belong to the user.
      case replaced(problem: String, aside: String)
    }

    public let path: String
    public let outcome: Outcome
    /// How the file was checked: `checksum as published`.
    let assurance: String

    public var description: String {
      switch outcome {
      case .fetched: "\(path): fetched, \(assurance)"
      case .present: "\(path): already there, \(assurance)"
      case .replaced(let problem, let aside):
        "\(path): fetched, \(assurance); what was there \(problem), and is kept as \(aside)"
      }
    }
  }

  /// The URL of a folder that holds the files, as given to `--from`, with a slash at its end.
  ///
  /// Throws `RunError` for a text that is not a URL.
  public static func mirror(_ text: String) throws -> String {
    guard let colon = text.firstRange(of: "://"), colon.lowerBound > text.startIndex else {
      throw RunError("'\(text)' is not the URL of a folder, such as https://HOST/mnist/ or file:///FOLDER/mnist/")
    }
    return text.hasSuffix("/") ? text : text + "/"
  }

  /// Fetches the files of `source` that are missing or incorrect in its folder below `dataFolder`.
  ///
  /// An incorrect file, which may be damaged or the user's, is moved aside after the correct file has been downloaded.
  /// `mirrors` replaces the mirrors of the source. `progress` receives a line for each download.
  ///
  /// Throws `DataFetchError` if no mirror provides a file. Complete files that were fetched before stay, and partial
  /// files are removed.
  public static func run(
    _ source: DataSource, into dataFolder: String, from mirrors: [String]? = nil, progress: (String) -> Void = { _ in }
  ) throws -> [FetchedFile] {
    let folder = "\(dataFolder)/\(source.name)"
    let new = [folder, dataFolder].filter { (path: String) in access(path, F_OK) != 0 }
    try makeFolder(folder)
    do {
      return try source.files.map { file in
        let path = "\(folder)/\(file.name)"
        removeStaleParts(of: path, in: folder)
        var outcome = FetchedFile.Outcome.present
        var status = stat()
        let isThere = lstat(path, &status) == 0
        let problem = isThere ? try fault(of: path, file.proof) : nil
        if !isThere || problem != nil {
          try fetch(file, to: path, replacing: problem, from: urls(of: file, source, mirrors), &outcome, progress)
        }
        return FetchedFile(path: path, outcome: outcome, assurance: file.proof.assurance)
      }
    } catch {
      // Remove the folders that were created for this fetch. `rmdir` fails for a folder that holds files.
      for folder in new { rmdir(folder) }
      throw error
    }
  }

  /// The URLs to try for a file, in order. The user's mirrors may also use the name that the file has in the data
  /// folder.
  private static func urls(of file: DataSource.File, _ source: DataSource, _ mirrors: [String]?) -> [String] {
    let names =
      file.name == file.publishedName || mirrors == nil ? [file.publishedName] : [file.publishedName, file.name]
    return (mirrors ?? source.mirrors).flatMap { mirror in names.map { mirror + $0 } }
  }

  private static func fetch(
    _ file: DataSource.File, to path: String, replacing problem: String?, from urls: [String],
    _ outcome: inout FetchedFile.Outcome, _ progress: (String) -> Void
  ) throws {
    var attempts: [DataFetchError.Attempt] = []
    for url in urls {
      progress("fetching \(url)")
      do {
        let part = try PartFile(for: path)
        defer { part.remove() }
        try download(url, to: part, file.proof)
        let aside = try problem.map { _ in try moveAside(path) }
        try part.put(at: path)
        outcome = problem.map { .replaced(problem: $0, aside: aside ?? path) } ?? .fetched
        return
      } catch let failure as Problem {
        attempts.append(.init(url: url, problem: failure.words))
      }
    }
    throw DataFetchError.failed(path: path, attempts: attempts)
  }

  /// The reason why a mirror did not provide a file.
  struct Problem: Error {
    let words: String
  }

  /// The largest size of a file that is fetched, in bytes.
  static let byteLimit = 1 << 28

  /// Downloads a URL into a file and checks it. Throws `Problem`.
  ///
  /// The download fails after 17 seconds if the server cannot be reached, and after 20 seconds below 1000 bytes per
  /// second.
  private static func download(_ url: String, to part: PartFile, _ proof: DataSource.Proof) throws {
    var received = 0
    var failure: String?
    let options = [
      "--fail", "--location", "--silent", "--show-error", "--globoff", "--connect-timeout", "8", "--retry", "1",
      "--retry-delay", "1", "--retry-max-time", "12", "--speed-limit", "1000", "--speed-time", "20", "--max-filesize",
      "\(byteLimit)",
    ]
    let result = try finishing {
      try SystemCommand.run("curl", options + ["--url", url]) { bytes in
        received += bytes.count
        failure = received > byteLimit ? "it is larger than \(byteLimit) bytes" : part.append(bytes)
        return failure == nil
      }
    }
    if let failure { throw Problem(words: failure) }
    guard result.succeeded else {
      // curl writes one line per attempt. The last one is reported.
      let words = result.output.split(whereSeparator: \.isNewline).last.map(String.init)
      throw Problem(words: words ?? "curl ended with status \(result.status)")
    }
    if let problem = try fault(of: part.path, proof) { throw Problem(words: "the file there \(problem)") }
  }

  /// Describes what is wrong with an existing file; nil if it is correct. Throws `DataFetchError` if its checksum
  /// cannot be computed.
  static func fault(of path: String, _ proof: DataSource.Proof) throws -> String? {
    switch proof {
    case .checksum(let expected):
      let found = try sha256(ofFile: path)
      return found == expected ? nil : "has sha256 \(found), expected \(expected)"
    case .content(let check):
      do { try check(path) } catch { return "is of no use (\(error))" }
      return nil
    }
  }

  /// Renames a file to the first unused name of `NAME.old`, `NAME.old-2` and so on, and returns that name. Throws
  /// `Problem`.
  private static func moveAside(_ path: String) throws -> String {
    for number in 1...1000 {
      let aside = number == 1 ? "\(path).old" : "\(path).old-\(number)"
      // Unlike rename, link never replaces an existing file.
      if link(path, aside) == 0 {
        unlink(path)
        return aside
      }
      guard errno == EEXIST else { break }
    }
    throw Problem(
      words: "fetched, but the file at \(path) cannot be moved aside: \(String(cString: strerror(errno)))")
  }

  /// Removes the partial files of fetches that were killed: those that no process has locked.
  private static func removeStaleParts(of path: String, in folder: String) {
    guard let name = path.split(separator: "/").last, let listing = opendir(folder) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let found = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if found.hasPrefix("\(name).part-") { PartFile.removeIfStale("\(folder)/\(found)") }
    }
  }

  /// The SHA-256 of a file, as 64 hexadecimal digits.
  static func sha256(ofFile path: String) throws -> String {
    let result = try finishing { try SystemCommand.run("sha256sum", ["--", path]) }
    // `sha256sum` writes the digits, two spaces and the name. If the name has special characters, a backslash comes
    // first.
    let digits = result.output.drop { $0 == "\\" }.prefix(64)
    guard result.succeeded, digits.count == 64, digits.allSatisfy(\.isHexDigit) else {
      throw DataFetchError.unreadable(
        path: path, problem: String(result.output.prefix(200)).split(whereSeparator: \.isNewline).joined(separator: " ")
      )
    }
    return String(digits)
  }

  private static func finishing(_ run: () throws -> SystemCommand.Result) throws -> SystemCommand.Result {
    do { return try run() } catch let failure as SystemCommand.Failure { throw DataFetchError(failure) }
  }
}

extension DataSource.Proof {
  /// Describes what the check establishes about a file that passed it.
  fileprivate var assurance: String {
    switch self {
    case .checksum: "checksum as published"
    case .content: "with what is needed (no published checksum is known)"
    }
  }
}
