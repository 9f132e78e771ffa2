import Glibc
import Inference
import Layers
import Tensors

/// A model so small that everything it can draw is listed, each row with its own copy of all parameters. A batch may hold several
/// copies of each row's image.
protocol ToyModel: InferenceModel {
  var rows: Int { get }
  /// The pixels of the image that stands in every row.
  var image: [Double] { get }
}

extension ToyModel {
  var parameters: [Parameter] { store.parameters }

  /// The same image in every row.
  var images: Tensor {
    Tensor(shape: [rows, 1, 1, image.count], (0..<rows).flatMap { _ in image.map(Float.init) })
  }

  /// The parameters with a row for each image.
  func tables(for images: Tensor) -> [Tensor] {
    parameters.map { $0.tensor.repeatingRows(images.shape[0] / rows) }
  }

  /// The gradient of an objective that is a sum over rows, one list of all coordinates (in the order of their values) a row.
  func gradientRows(of objective: Tensor) -> [[Float]] {
    let tables = gradients(of: objective.sum(), for: parameters)
    let arrays = tables.map { ($0.array(), $0.shape[1]) }
    return (0..<rows).map { row in arrays.flatMap { $0[row * $1..<(row + 1) * $1] } }
  }
}

/// Tables [rows, width] whose rows all hold the given values, table by table.
func toyStore(rows: Int, _ values: [Double], _ tables: [(name: String, width: Int)]) -> ParameterStore {
  let store = ParameterStore()
  let scope = Scope(store, random: RandomStream(seed: 0))
  var rest = values.map(Float.init)[...]
  for (name, width) in tables {
    let own = rest.prefix(width)
    rest = rest.dropFirst(width)
    scope.parameter(name, [rows, width], .zeros).assign(Tensor(shape: [rows, width], (0..<rows).flatMap { _ in own }))
  }
  return store
}

/// One thing that a toy can draw, in double precision.
struct ToyOutcome {
  /// q of it; the negative bound that has analytic KLs; log p(image, it) - log q(it).
  let probability, bound, logWeight: Double
}

/// The toys: Bernoulli or categorical nodes, with masks or without.
enum Toy: String, CaseIterable, Sendable {
  case presences, unmaskedPresences, categories, unmaskedCategories

  var isMasked: Bool { self == .presences || self == .categories }

  var values: [Double] {
    switch self {
    case .presences, .unmaskedPresences: ToyScene.values
    case .categories, .unmaskedCategories: ToyCategories.values
    }
  }

  /// How many of its values are logits; they come first.
  var logits: Int { self == .presences || self == .unmaskedPresences ? 3 : 8 }

  func model(rows: Int) -> any ToyModel {
    switch self {
    case .presences, .unmaskedPresences: ToyScene(rows: rows, isMasked: isMasked)
    case .categories, .unmaskedCategories: ToyCategories(rows: rows, isMasked: isMasked)
    }
  }

  /// Everything it can draw; the probabilities sum to 1.
  func outcomes(_ values: [Double]) -> [ToyOutcome] {
    switch self {
    case .presences, .unmaskedPresences: ToyOracle.results(values, isMasked: isMasked)
    case .categories, .unmaskedCategories: ToyCategories.results(values, isMasked: isMasked)
    }
  }

  /// The gradient of the expected negative bound.
  var gradient: [Double] {
    slope(of: { outcomes($0).reduce(0) { $0 + $1.probability * $1.bound } }, at: values)
  }

  var expectedBound: Double { outcomes(values).reduce(0) { $0 + $1.probability * $1.bound } }

  /// The gradient of -E log 1/S sum_s w_s over all S-tuples of outcomes.
  func importanceGradient(samples: Int) -> [Double] {
    slope(of: { importanceBound(outcomes($0), samples) }, at: values)
  }

  private func importanceBound(_ outcomes: [ToyOutcome], _ samples: Int) -> Double {
    var tuples: [(probability: Double, weight: Double)] = [(1, 0)]
    for _ in 0..<samples {
      tuples = tuples.flatMap { tuple in
        outcomes.map { (tuple.probability * $0.probability, tuple.weight + exp($0.logWeight)) }
      }
    }
    return -tuples.reduce(0) { $0 + $1.probability * log($1.weight / Double(samples)) }
  }
}

/// The gradient of a function by central differences.
func slope(of function: ([Double]) -> Double, at values: [Double]) -> [Double] {
  values.indices.map { index in
    let step = 1e-5
    var (above, below) = (values, values)
    above[index] += step
    below[index] -= step
    return (function(above) - function(below)) / (2 * step)
  }
}
