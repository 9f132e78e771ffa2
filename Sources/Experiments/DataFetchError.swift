/// The reason why files could not be fetched.
public enum DataFetchError: Error, Equatable, Sendable {
  /// One mirror that was tried without success.
  public struct Attempt: Equatable, Sendable {
    public let url: String
    public let problem: String
  }

  /// The system lacks `curl` or `sha256sum`.
  case missing(program: String)
  case notStarted(program: String, reason: String)
  /// The user pressed Ctrl-C.
  case interrupted
  /// No mirror provided the file.
  case failed(path: String, attempts: [Attempt])
  /// The checksum of a file could not be computed.
  case unreadable(path: String, problem: String)

  init(_ failure: SystemCommand.Failure) {
    self =
      switch failure {
      case .missing(let program): .missing(program: program)
      case .notStarted(let program, let reason): .notStarted(program: program, reason: reason)
      case .interrupted: .interrupted
      }
  }
}

extension DataFetchError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let program):
      """
      `\(program)` is needed to fetch data and is not on the PATH; install it (Debian: apt-get install \
      \(program == "sha256sum" ? "coreutils" : program)), or put the files into the data folder yourself
      """
    case .notStarted(let program, let reason): "`\(program)` could not be started: \(reason)"
    case .interrupted: "interrupted; files that were complete stay, fetch again for the others"
    case .failed(let path, let attempts):
      """
      \(path) could not be fetched:
      \(attempts.map { "  \($0.url): \($0.problem)" }.joined(separator: "\n"))
      check the network (curl heeds https_proxy), name another folder that holds the files with --from URL, \
      or put the files there yourself
      """
    case .unreadable(let path, let problem): "\(path): its checksum cannot be taken: \(problem)"
    }
  }
}
