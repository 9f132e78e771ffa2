/// A section chosen by name: the value of `model:`, `dataset:` or `estimator:`.
public struct Choice: Sendable {
  public var name: String
  public var config: any Configurable

  public init(name: String, config: any Configurable) {
    self.name = name
    self.config = config
  }
}

/// The section of a registry entry that has no keys except its name, such as the background `none`.
public struct NoSettings: Configurable, Hashable {
  public static let fields: [Field<NoSettings>] = []
  public init() {}
}
