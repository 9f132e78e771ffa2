import Tensors

/// All parameters of one model or estimator, in the order in which they were made.
public final class ParameterStore {
  public private(set) var parameters: [Parameter] = []
  private var names: Set<String> = []

  public init() {}

  /// The number of trained values.
  public var count: Int { parameters.reduce(0) { $0 + $1.count } }

  fileprivate func add(_ parameter: Parameter) {
    precondition(names.insert(parameter.name).inserted, "two parameters are named \(parameter.name)")
    parameters.append(parameter)
  }

  /// Runs `body` without recording a tape: for evaluation.
  public func frozen<Result>(_ body: () throws -> Result) rethrows -> Result {
    let recording = parameters.filter(\.isRecording)
    for parameter in recording { parameter.isRecording = false }
    defer { for parameter in recording { parameter.isRecording = true } }
    return try body()
  }
}

/// The scope in which a module makes its parameters: a path in a store, with the random stream of that path.
///
/// Names are stable, and initial values do not depend on the order in which modules are made.
public struct Scope {
  private let store: ParameterStore
  private let path: String
  private let random: RandomStream

  public init(_ store: ParameterStore, path: String = "", random: RandomStream) {
    self.store = store
    self.path = path
    self.random = random
  }

  /// The scope of a part of this module.
  public func child(_ name: String) -> Scope { Scope(store, path: full(name), random: random) }

  /// Makes a parameter of this module.
  public func parameter(_ name: String, _ shape: [Int], _ initializer: Initializer) -> Parameter {
    let name = full(name)
    let parameter = Parameter(name, initializer.value(shape, random.child(name)))
    store.add(parameter)
    return parameter
  }

  private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
