import Configuration
import Glibc
import Tensors

/// Rows with values drawn at random: `{ samples: 20, seed: 0, KEY: { DISTRIBUTION: [ ... ] }, ... }`.
///
/// Distributions are `uniform: [low, high]`, `log_uniform: [low, high]`, `integer: [low, high]` (both ends included) and
/// `choice: [value, ...]`. The draw of a key depends on seed, key and row alone: another key, or more samples, leave it as
/// it is.
struct RandomRows {
  let rows: [Grid.Row]

  init(_ node: YAMLNode) throws {
    guard let entries = node.entries, let samples = try node["samples"]?.integer(in: 1...100_000) else {
      throw node.fault("must hold samples: { samples: 20, training.optimizer.rate: { log_uniform: [1e-5, 1e-2] } }")
    }
    let seed = try node["seed"]?.integer(in: 0...Int.max) ?? 0
    let axes = entries.filter { !["samples", "seed"].contains($0.key) }
    guard !axes.isEmpty else {
      throw node.fault("draws no key; add one: training.optimizer.rate: { log_uniform: ... }")
    }
    let stream = RandomStream(seed: seed).child("random rows")
    let draws = try axes.map { axis in
      let distribution = try Distribution(axis.value)
      return { (index: Int) -> YAMLNode in
        var generator = stream.child(axis.key).at(index).generator()
        return Grid.override(axis.key, distribution.draw(&generator))
      }
    }
    let digits = String(samples).count
    rows = (0..<samples).map { index in
      let number = String(index + 1)
      let name = "sample-" + String(repeating: "0", count: digits - number.count) + number
      return Grid.Row(name: name, amendments: draws.map { $0(index) })
    }
  }

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
        let (low, high) = (try values[0].number(), try values[1].number())
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
        guard values.count == 2, case (let low, let high) = (try values[0].integer(), try values[1].integer()),
          low <= high
        else { throw entry.value.fault("must be [low, high], with low not above high") }
        self = .integer(low, high, entry.value.place)
      case "choice":
        guard !values.isEmpty else { throw entry.value.fault("has no values to choose from") }
        self = .choice(values)
      default: throw ConfigurationError("unknown distribution '\(entry.key)'; wanted is \(example)", at: entry.keyPlace)
      }
    }

    func draw(_ generator: inout RandomGenerator) -> YAMLNode {
      var node: YAMLNode
      switch self {
      case .uniform(let low, let high, let place):
        node = .number(low + (high - low) * generator.uniform())
        node.place = place
      case .logUniform(let low, let high, let place):
        node = .number(exp(log(low) + (log(high) - log(low)) * generator.uniform()))
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
