import Glibc

/// Downloads the files of a source, by the system's `curl`, and checks them, by `sha256sum` or by reading them.
public enum DataFetch {
  /// What became of one file.
  public struct FetchedFile: Sendable, CustomStringConvertible {
    public enum Outcome: Sendable, Equatable {
      case fetched
      /// It stood there, and is right.
      case present
      /// What stood there was damaged, or another file, and was moved aside: it may be the user's own.
      case replaced(problem: String, aside: String)
    }

    public let path: String
    public let outcome: Outcome
    /// What is known of a right file: `checksum as published`.
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
  /// Throws `RunError` for what is no URL.
  public static func mirror(_ text: String) throws -> String {
    guard let colon = text.firstRange(of: "://"), colon.lowerBound > text.startIndex else {
      throw RunError("'\(text)' is no URL of a folder, such as https://HOST/mnist/ or file:///FOLDER/mnist/")
    }
    return text.hasSuffix("/") ? text : text + "/"
  }

  /// Fetches the files of `source` that are not in its folder below `dataFolder`, or are not right there.
  ///
  /// What is not right, damaged or the user's own, is moved aside once the right file has come. `mirrors` replaces the source's own; `progress` gets a line for each download.
  /// Throws `DataFetchError` where a file comes from no mirror: complete files fetched before stay, nothing else does.
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
      // A folder that was made for nothing goes; one with files in it cannot be removed this way.
      for folder in new { rmdir(folder) }
      throw error
    }
  }

  /// Where to look for a file, first to last. The user's mirrors may use the name that files have in the data folder.
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

  /// Why one mirror did not give a file.
  struct Problem: Error {
    let words: String
  }

  /// The most bytes of a file that is fetched.
  static let byteLimit = 1 << 28

  /// Writes what the URL holds into a file, and checks it. Throws `Problem`.
  ///
  /// A server that cannot be reached is given up after 17 seconds, one that sends less than 1000 bytes a second after 20.
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
      // One line for each try; the last one counts.
      let words = result.output.split(whereSeparator: \.isNewline).last.map(String.init)
      throw Problem(words: words ?? "curl ended with status \(result.status)")
    }
    if let problem = try fault(of: part.path, proof) { throw Problem(words: "the file there \(problem)") }
  }

  /// What is wrong with a file that is there; nil for the right one. Throws `DataFetchError` where its checksum cannot be
  /// taken.
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

  /// Gives a file a name that nothing has: `NAME.old`, `NAME.old-2` and so on. Returns it; throws `Problem`.
  private static func moveAside(_ path: String) throws -> String {
    for number in 1...1000 {
      let aside = number == 1 ? "\(path).old" : "\(path).old-\(number)"
      // Unlike rename, link never replaces what has that name.
      if link(path, aside) == 0 {
        unlink(path)
        return aside
      }
      guard errno == EEXIST else { break }
    }
    throw Problem(
      words: "fetched, but what stands at \(path) cannot be moved aside: \(String(cString: strerror(errno)))")
  }

  /// Removes what fetches left that were killed: parts that no process holds.
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

  /// 64 hexadecimal digits.
  static func sha256(ofFile path: String) throws -> String {
    let result = try finishing { try SystemCommand.run("sha256sum", ["--", path]) }
    // `sha256sum` writes the digits, two spaces and the name; a backslash first where the name has strange characters.
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
  /// What it says of a file that it has not refused.
  fileprivate var assurance: String {
    switch self {
    case .checksum: "checksum as published"
    case .content: "with what is needed (no published checksum is known)"
    }
  }
}
