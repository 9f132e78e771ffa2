import Glibc

/// Downloads the files of a source, by the system's `curl`, and checks them, by `sha256sum` or by reading them.
public enum DataFetch {
  /// What became of one file.
  public struct FetchedFile: Sendable, CustomStringConvertible {
    public enum Outcome: Sendable, Equatable {
      case fetched
      /// It stood there, and is right.
      case present
      /// It stood there with another checksum, and was left alone: it may be the user's own.
      case differs(found: String, expected: String)
      /// It stood there without what it should hold, and was left alone.
      case lacking(problem: String)
    }

    public let path: String
    public let outcome: Outcome
    /// What is known of a right file: `checksum as published`.
    let assurance: String

    public var description: String {
      switch outcome {
      case .fetched: "\(path): fetched, \(assurance)"
      case .present: "\(path): already there, \(assurance)"
      case .differs(let found, let expected):
        """
        \(path): already there and left alone, but it is not the published file \
        (sha256 \(found), published \(expected)); move it away and fetch again to get that one
        """
      case .lacking(let problem):
        """
        \(path): already there and left alone, but of no use (\(problem)); move it away and fetch again to get the \
        published file
        """
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

  /// Fetches the files of `source` that are not in its folder below `dataFolder`.
  ///
  /// Files that are there stay as they are. `mirrors` replaces the source's own; `progress` gets a line for each download.
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
        let isThere = access(path, F_OK) == 0
        if !isThere { try fetch(file, to: path, from: urls(of: file, source, mirrors), progress) }
        let outcome = isThere ? try judge(path, file.proof) : .fetched
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
    _ file: DataSource.File, to path: String, from urls: [String], _ progress: (String) -> Void
  ) throws {
    var attempts: [DataFetchError.Attempt] = []
    for url in urls {
      progress("fetching \(url)")
      guard let problem = try download(url, to: path, file.proof) else { return }
      attempts.append(.init(url: url, problem: problem))
    }
    throw DataFetchError.failed(path: path, attempts: attempts)
  }

  /// Puts what the URL holds at `path`, if it is right; else says what went wrong and leaves nothing.
  private static func download(_ url: String, to path: String, _ proof: DataSource.Proof) throws -> String? {
    let temporary = "\(path).part-\(getpid())"
    defer { unlink(temporary) }
    let result = try run(
      "curl",
      [
        "--fail", "--location", "--silent", "--show-error", "--globoff", "--retry", "2", "--connect-timeout", "20",
        "--speed-limit", "1000", "--speed-time", "60", "--output", temporary, "--url", url,
      ])
    guard result.succeeded else {
      // One line for each try; the last one counts.
      let words = result.output.split(whereSeparator: \.isNewline).last.map(String.init)
      return words ?? "curl ended with status \(result.status)"
    }
    switch try judge(temporary, proof) {
    case .differs(let found, let expected): return "the file there has sha256 \(found), expected \(expected)"
    case .lacking(let problem): return "the file there is of no use: \(problem)"
    case .present, .fetched: break
    }
    guard sync(temporary), rename(temporary, path) == 0 else {
      return "fetched, but it cannot be put in place: \(String(cString: strerror(errno)))"
    }
    return nil
  }

  /// Whether a file that is there is the right one. Throws `DataFetchError` where its checksum cannot be taken.
  private static func judge(_ path: String, _ proof: DataSource.Proof) throws -> FetchedFile.Outcome {
    switch proof {
    case .checksum(let expected):
      let found = try sha256(ofFile: path)
      return found == expected ? .present : .differs(found: found, expected: expected)
    case .content(let check):
      do { try check(path) } catch { return .lacking(problem: "\(error)") }
      return .present
    }
  }

  /// Brings a file to the disk, so that a crash cannot leave an empty one under the name it gets next.
  private static func sync(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return fsync(descriptor) == 0
  }

  /// 64 hexadecimal digits.
  static func sha256(ofFile path: String) throws -> String {
    let result = try run("sha256sum", ["--", path])
    // `sha256sum` writes the digits, two spaces and the name; a backslash first where the name has strange characters.
    let digits = result.output.drop { $0 == "\\" }.prefix(64)
    guard result.succeeded, digits.count == 64, digits.allSatisfy(\.isHexDigit) else {
      throw DataFetchError.unreadable(path: path, problem: result.output.split(whereSeparator: \.isNewline).joined())
    }
    return String(digits)
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> SystemCommand.Result {
    do {
      return try SystemCommand.run(program, arguments)
    } catch let failure as SystemCommand.Failure {
      throw DataFetchError(failure)
    }
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
