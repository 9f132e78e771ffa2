/// A picture could not be encoded or decoded: which file, what is wrong (in libpng's words), and what to do.
public struct PictureError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The picture's path; nil for bytes in memory.
  public let path: String?
  /// What is wrong, with the offending value and what was expected.
  public let problem: String
  /// What the reader of the message can do about it.
  public let nextStep: String

  /// An error at `path`, or in a picture in memory where `path` is nil.
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
  func at(_ path: String) -> PictureError {
    PictureError(path: path, problem: problem, nextStep: nextStep)
  }
}
