/// A file, or bytes from a file, could not be read or written: the file, the problem and the next step.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file's path; nil for bytes in memory.
  public let path: String?
  /// The problem, with the offending value and what was expected.
  public let problem: String
  /// What the user can do about it.
  public let nextStep: String

  /// An error in the file at `path`, or in bytes in memory if `path` is nil.
  public init(path: String? = nil, problem: String, nextStep: String) {
    self.path = path
    self.problem = problem
    self.nextStep = nextStep
  }

  /// One line: `path: problem; next step`.
  public var description: String {
    (path.map { "\($0): " } ?? "") + "\(problem); \(nextStep)"
  }

  /// The same error with the path of the file in which it occurred.
  func at(_ path: String) -> FileError {
    FileError(path: path, problem: problem, nextStep: nextStep)
  }
}
