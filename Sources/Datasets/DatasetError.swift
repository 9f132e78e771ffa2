/// The reason why a dataset cannot provide scenes or batches.
public enum DatasetError: Error, Equatable, Sendable {
  /// A source file does not exist; `source` is its name for `airframe data fetch`.
  case missing(file: String, source: String)
  /// A source file has unexpected contents.
  case unexpected(file: String, problem: String)
  /// The user's own files do not exist; `key` is the config key that names them, or nil if the command line does.
  case notFound(path: String, wanted: String, key: String?)
  /// The user's own file cannot be used: the place, the problem and the remedy.
  case unusable(place: String, problem: String, remedy: String)
  /// Almost no drawing with this number of objects satisfies the overlap rule.
  case crowded(objects: Int, rule: String, height: Int, width: Int)
  /// The batch size is larger than the number of training scenes.
  case batchTooLarge(batch: Int, scenes: Int)
}

extension DatasetError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let file, let source):
      """
      \(file): no such file; run `airframe data fetch \(source)`, \
      or name the folder that holds \(source)/ with --data or the environment variable AIRFRAME_DATA
      """
    case .unexpected(let file, let problem):
      "\(file): \(problem); fetch the file again from its source"
    case .notFound(let path, let wanted, nil): "\(path): no such file or folder; name \(wanted)"
    case .notFound(let path, let wanted, let key?):
      """
      \(path): no such file or folder; name \(wanted) by dataset.\(key)=PATH (a path that starts with `./` or `../` is seen \
      from the file that says it, one without a leading `/`, `./` or `../` lies in the data folder: --data, else \
      AIRFRAME_DATA, else data)
      """
    case .unusable(let place, let problem, let remedy): "\(place): \(problem); \(remedy)"
    case .crowded(let objects, let rule, let height, let width):
      """
      fewer than 1 in \(SceneComposer.mostTries) drawings of \(objects) objects on \(height) x \(width) pixels keep the \
      rule `overlap: \(rule)`; draw fewer or smaller objects, a larger canvas, or set `overlap: allowed`
      """
    case .batchTooLarge(let batch, let scenes):
      "a batch of \(batch) does not fit \(scenes) training scenes; lower training.batch"
    }
  }
}
