import Configuration
import Glibc
import Tensors

/// Rows with values sampled at random: `{ samples: 20, seed: 0, KEY: { DISTRIBUTION: [ ... ] }, ... }`.
///
/// Distributions are `uniform: [low, high]`, `log_uniform: [low, high]`, `integer: [low, high]` (including both ends)
/// and `choice: [value, ...]`. The value of a key only depends on the seed, the key and the row, so adding keys or
/// samples does not change it. A row that would repeat an earlier one is sampled again until it differs.
struct RandomRows {
  let rows: [Grid.Row]

  /// Throws `ConfigurationError` for an invalid distribution, and if fewer distinct rows exist than are requested.
  init(_ node: YAMLNode, _ limits: inout GridLimits) throws {
    guard let entries = node.entries, let samples = try node["samples"]?.integer(in: 1...GridLimits.cells) else {
      throw node.fault("must hold samples: { samples: 20, training.optimizer.rate: { log_uniform: [1e-5, 1e-2] } }")
    }
    let seed = try node["seed"]?.integer(in: 0...Int.max) ?? 0
    let axes = entries.filter { !["samples", "seed"].contains($0.key) }
    guard !axes.isEmpty else {
      throw node.fault("draws no key; add one: training.optimizer.rate: { log_uniform: ... }")
    }
    try limits.spend(rows: samples, values: samples * axes.count, at: node)
    let stream = RandomStream(seed: seed).child("random rows")
    let draws = try axes.map { axis in
      let (distribution, stream) = (try Distribution(axis.value), stream.child(axis.key))
      return (key: axis.key, place: axis.keyPlace, distribution: distribution, stream: stream)
    }
    let most = RandomRows.product(of: draws.map(\.distribution.size))
    guard samples <= most else {
      throw node.fault("asks for \(samples) samples, but only \(most) rows differ; lower samples, or widen the choice")
    }
    let digits = String(samples).count
    var seen: Set<[JSON]> = []
    var repetitions = 0
    rows = try (0..<samples).map { index in
      let number = String(index + 1)
      let name = "sample-" + String(repeating: "0", count: digits - number.count) + number
      var attempt = 0
      while true {
        let values = draws.map { draw in
          let row = draw.stream.at(index)
          var generator = (attempt == 0 ? row : row.child("again").at(attempt)).generator()
          return draw.distribution.draw(&generator)
        }
        if seen.insert(values.map { JSON($0).withoutKinds }).inserted {
          let layers = try zip(draws, values).map {
            try ConfigurationFile.layer(setting: $0.key, to: $1, at: $0.place)
          }
          return Grid.Row(name: name, amendments: layers)
        }
        attempt += 1
        repetitions += 1
        guard repetitions <= RandomRows.mostRepetitions else {
          throw node.fault("finds only \(index) rows that differ in \(repetitions) draws; lower samples")
        }
      }
    }
  }

  /// The largest number of repeated samples. Sampling all of 10,000 equally likely rows takes about 90,000 repetitions.
  private static let mostRepetitions = 300_000

  /// The largest number of distinct rows; `Int.max` if a key has a continuous distribution.
  private static func product(of sizes: [Int?]) -> Int {
    sizes.reduce(1) { product, size in
      guard let size else { return .max }
      let (result, overflows) = product.multipliedReportingOverflow(by: size)
      return overflows ? .max : result
    }
  }

  /// Bounds for which the difference is finite, too.
  private static let largest = 1e300
  private static let largestInteger = 1 << 53

  private enum Distribution {
    case uniform(Double, Double, Place)
    case logUniform(Double, Double, Place)
    case integer(Int, Int, Place)
    case choice([YAMLNode])

    init(_ node: YAMLNode) throws {
      let example = "one distribution: { uniform: [0, 1] }, log_uniform, integer or choice"
      guard let entries = node.entries, entries.count == 1, let entry = entries.first, let values = entry.value.elements
      else { throw node.fault("must be \(example)") }
      func bounds() throws -> (Double, Double) {
        guard values.count == 2 else { throw entry.value.fault("must be [low, high]") }
        let range = -RandomRows.largest...RandomRows.largest
        let (low, high) = (try values[0].number(in: range), try values[1].number(in: range))
        guard low < high else { throw entry.value.fault("must be [low, high], with low below high") }
        return (low, high)
      }
      switch entry.key {
      case "uniform":
        let (low, high) = try bounds()
        self = .uniform(low, high, entry.value.place)
      case "log_uniform":
        let (low, high) = try bounds()
        guard low > 0 else { throw entry.value.fault("must have bounds above 0") }
        self = .logUniform(low, high, entry.value.place)
      case "integer":
        let range = -RandomRows.largestInteger...RandomRows.largestInteger
        guard values.count == 2,
          case (let low, let high) = (try values[0].integer(in: range), try values[1].integer(in: range)), low <= high
        else { throw entry.value.fault("must be [low, high], with low not above high") }
        self = .integer(low, high, entry.value.place)
      case "choice":
        guard !values.isEmpty else { throw entry.value.fault("has no values to choose from") }
        self = .choice(values)
      default: throw ConfigurationError("unknown distribution '\(entry.key)'; wanted is \(example)", at: entry.keyPlace)
      }
    }

    /// The number of distinct values; nil for a continuous distribution.
    var size: Int? {
      switch self {
      case .uniform, .logUniform: nil
      case .integer(let low, let high, _): high - low + 1
      case .choice(let values): Set(values.map { JSON($0).withoutKinds }).count
      }
    }

    func draw(_ generator: inout RandomGenerator) -> YAMLNode {
      var node: YAMLNode
      switch self {
      case .uniform(let low, let high, let place):
        node = .number(min(max(low + (high - low) * generator.uniform(), low), high))
        node.place = place
      case .logUniform(let low, let high, let place):
        // Rounding of the logarithms could otherwise exceed the bounds slightly.
        node = .number(min(max(exp(log(low) + (log(high) - log(low)) * generator.uniform()), low), high))
        node.place = place
      case .integer(let low, let high, let place):
        node = .integer(low + generator.integer(below: high - low + 1))
        node.place = place
      case .choice(let values): node = values[generator.integer(below: values.count)]
      }
      return node
    }
  }
}
