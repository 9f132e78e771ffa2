/// A picture could not be encoded or decoded: the file, the problem (in libpng's words) and the next step.
public struct PictureError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The picture's path; nil for bytes in memory.
  public let path: String?
  /// The problem, with the offending value and what was expected.
  public let problem: String
  /// What the user can do about it.
  public let nextStep: String

  /// An error in the picture at `path`, or in a picture in memory if `path` is nil.
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
  func at(_ path: String) -> PictureError {
    PictureError(path: path, problem: problem, nextStep: nextStep)
  }
}
