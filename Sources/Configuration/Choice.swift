/// A section chosen by name: what stands under `model:`, `dataset:`, `estimator:`.
public struct Choice: Sendable {
  public var name: String
  public var config: any Configurable

  public init(name: String, config: any Configurable) {
    self.name = name
    self.config = config
  }
}

/// The section of an entry that has no keys but its name, such as a background `none`.
public struct NoSettings: Configurable, Hashable {
  public static let fields: [Field<NoSettings>] = []
  public init() {}
}
