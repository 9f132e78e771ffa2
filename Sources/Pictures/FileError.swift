/// A file, or bytes that came from one, could not be read or written: which, what is wrong, and what to do.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file's path; nil for bytes in memory.
  public let path: String?
  /// What is wrong, with the offending value and what was expected.
  public let problem: String
  /// What the reader of the message can do about it.
  public let nextStep: String

  /// An error at `path`, or in bytes in memory where `path` is nil.
  public init(path: String? = nil, problem: String, nextStep: String) {
    self.path = path
    self.problem = problem
    self.nextStep = nextStep
  }

  /// One line: `path: problem; next step`.
  public var description: String {
    (path.map { "\($0): " } ?? "") + "\(problem); \(nextStep)"
  }

  /// The same error, naming the file it was met in.
  func at(_ path: String) -> FileError {
    FileError(path: path, problem: problem, nextStep: nextStep)
  }
}
