import Configuration
import Layers
import Tensors
import TestKit
import Testing

@Suite struct OptimizersTests {
  private func update(_ optimizer: any Optimizer, _ gradients: [Tensor], scale: Float = 1, at step: Int) {
    optimizer.update(gradients, scales: gradients.map { _ in scale }, at: step)
  }

  /// Updates of one parameter by the gradients of a case, compared with PyTorch's after each.
  private func compare(
    _ name: String, make: (Fixture.Case, OptimizerContext) throws -> any Optimizer
  ) throws {
    let cases = try Fixture(named: name, in: "TensorsTests").cases
    #expect(!cases.isEmpty)
    for example in cases {
      // A gradient that is scaled by a quarter is as good as one of a quarter.
      for scale in [Float(1), 0.25] {
        let parameter = Parameter("p", try example.input("initial"))
        let optimizer = try make(example, OptimizerContext(parameters: [parameter]))
        for step in 0..<3 {
          let gradient = try example.input("gradient.\(step + 1)")
          update(optimizer, [gradient / scale], scale: scale, at: step)
          expectClose(
            parameter.tensor, try example.output("parameter.\(step + 1)"), absolute: 2e-6, relative: 4e-6,
            "\(name)/\(example.name), update \(step + 1)")
        }
      }
    }
  }

  @Test func adamMatchesPyTorch() throws {
    try compare("adam") { example, context in
      var config = Adam.Config()
      config.rate = Schedule(try example.number("rate"))
      (config.firstDecay, config.secondDecay) = (try example.number("beta1"), try example.number("beta2"))
      config.epsilon = try example.number("epsilon")
      return Adam(config, context)
    }
  }

  @Test func rmspropMatchesPyTorch() throws {
    try compare("rmsprop") { example, context in
      var config = RMSProp.Config()
      config.rate = Schedule(try example.number("rate"))
      (config.decay, config.momentum) = (try example.number("decay"), try example.number("momentum"))
      config.epsilon = try example.number("epsilon")
      return RMSProp(config, context)
    }
  }

  @Test func sgdMatchesPyTorch() throws {
    try compare("sgd") { example, context in
      var config = SGD.Config()
      config.rate = Schedule(try example.number("rate"))
      config.momentum = try example.number("momentum")
      return SGD(config, context)
    }
  }

  @Test func theFirstUpdateOfAdamIsTheRate() {
    let parameter = Parameter("p", .zeros([3]))
    let adam = Adam(Adam.Config(), OptimizerContext(parameters: [parameter], rate: Schedule(0.01)))
    update(adam, [Tensor(shape: [3], [1e-3, -20, 0])], at: 0)
    expectClose(parameter.tensor, [-0.01, 0.01, 0], absolute: 1e-6)
  }

  @Test(arguments: optimizers.names)
  func theRateFollowsItsSchedule(name: String) throws {
    // Without memory, an update is proportional to the rate.
    func config() -> any Configurable {
      switch name {
      case "rmsprop":
        var config = RMSProp.Config()
        (config.decay, config.momentum) = (0, 0)
        return config
      case "sgd":
        var config = SGD.Config()
        config.momentum = 0
        return config
      default:
        var config = Adam.Config()
        (config.firstDecay, config.secondDecay) = (0, 0)
        return config
      }
    }
    let schedule = Schedule(.linear, from: 1, to: 0.2, begin: 2, end: 4)
    let parameter = Parameter("p", .zeros([1]))
    let optimizer = try optimizers.make(
      Choice(name: name, config: config()), OptimizerContext(parameters: [parameter], rate: schedule))
    var before: Float = 0
    for (step, rate) in [1, 1, 1, 0.6, 0.2, 0.2].enumerated() {
      update(optimizer, [.ones([1])], at: step)
      expectClose(Double(before - parameter.tensor.scalar), rate, absolute: 1e-5, "\(name) at step \(step)")
      before = parameter.tensor.scalar
    }
  }

  @Test(arguments: optimizers.names)
  func aQuadraticIsMinimized(name: String) throws {
    let parameters = [Parameter("a", .normals([4])), Parameter("b", .normals([2, 3], seed: 2))]
    let targets = [Tensor.normals([4], seed: 3), Tensor.normals([2, 3], seed: 4)]
    let optimizer = try optimizers.make(
      optimizers.choice(name),
      OptimizerContext(parameters: parameters, rate: Schedule(.exponential, from: 0.1, to: 1e-4, begin: 0, end: 600)))
    func loss() -> Tensor {
      zip(parameters, targets).map { ($0.tensor - $1).squared().sum() }.reduce(Tensor(0), +)
    }
    let start = loss().scalar
    for step in 0..<600 { update(optimizer, gradients(of: loss(), for: parameters), at: step) }
    #expect(loss().scalar < 1e-4 * start)
  }

  @Test(arguments: optimizers.names)
  func theStateContinuesARunBitByBit(name: String) throws {
    func make(_ parameter: Parameter) throws -> any Optimizer {
      try optimizers.make(optimizers.choice(name), OptimizerContext(parameters: [parameter], rate: Schedule(0.01)))
    }
    let gradients = (0..<6).map { Tensor.normals([2, 5], seed: $0) }
    let whole = Parameter("p", .normals([2, 5], seed: 9))
    let optimizer = try make(whole)
    for step in 0..<3 { update(optimizer, [gradients[step]], at: step) }
    let resumed = Parameter("p", whole.tensor)
    let successor = try make(resumed)
    #expect(successor.state.map(\.name) == optimizer.state.map(\.name))
    for (new, old) in zip(successor.state, optimizer.state) { new.assign(old.tensor) }
    for step in 3..<6 {
      update(optimizer, [gradients[step]], at: step)
      update(successor, [gradients[step]], at: step)
    }
    #expect(whole.tensor.array() == resumed.tensor.array())
    #expect(zip(successor.state, optimizer.state).allSatisfy { $0.tensor.array() == $1.tensor.array() })
  }

  @Test(arguments: optimizers.names)
  func theStateIsNamedAfterTheParameters(name: String) throws {
    let parameters = [Parameter("a", .ones([4])), Parameter("b.weight", .ones([2, 3]))]
    let state = try optimizers.make(optimizers.choice(name), OptimizerContext(parameters: parameters)).state
    #expect(!state.isEmpty && state.count % 2 == 0)
    #expect(Set(state.map(\.name)).count == state.count)
    for buffer in state {
      let owner = parameters.first { buffer.name.hasSuffix("/\($0.name)") }
      #expect(owner?.shape == buffer.shape, "\(buffer.name)")
      #expect(buffer.tensor.array().allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: optimizers.names)
  func eachGradientHasItsOwnScale(name: String) throws {
    func run(_ gradients: [Tensor], _ scales: [Float]) throws -> [[Float]] {
      let parameters = [Parameter("a", .zeros([3])), Parameter("b", .zeros([2]))]
      let optimizer = try optimizers.make(optimizers.choice(name), OptimizerContext(parameters: parameters))
      for step in 0..<2 { optimizer.update(gradients, scales: scales, at: step) }
      return parameters.map { $0.tensor.array() }
    }
    let gradients = [Tensor.normals([3]), Tensor.normals([2], seed: 2)]
    let scaled = try run(gradients, [0.5, 0.25])
    let plain = try run([gradients[0] * 0.5, gradients[1] * 0.25], [1, 1])
    #expect(scaled == plain)
  }

  @Test func theConfigsRateHoldsUnlessTheContextHasItsOwn() {
    var config = SGD.Config()
    (config.rate, config.momentum) = (Schedule(0.5), 0)
    let (first, second) = (Parameter("a", .zeros([1])), Parameter("b", .zeros([1])))
    update(SGD(config, OptimizerContext(parameters: [first])), [.ones([1])], at: 0)
    update(SGD(config, OptimizerContext(parameters: [second], rate: Schedule(0.25))), [.ones([1])], at: 0)
    #expect(first.tensor.scalar == -0.5)
    #expect(second.tensor.scalar == -0.25)
  }
}

@Suite struct ClippingTests {
  private let gradients = [Tensor(shape: [2], [3, 0]), Tensor(shape: [1, 2], [0, -4])]

  @Test func withoutLimitsNothingIsScaled() {
    let (norm, scales) = Clipping().scales(for: gradients)
    #expect(norm == 5)
    #expect(scales == [1, 1])
  }

  @Test func theGlobalNormScalesAllGradientsAlike() {
    let (norm, scales) = Clipping(globalNorm: 1).scales(for: gradients)
    #expect(norm == 5)
    #expect(scales == [0.2, 0.2])
    #expect(Clipping(globalNorm: 5).scales(for: gradients).scales == [1, 1])
    #expect(Clipping(globalNorm: 6).scales(for: gradients).scales == [1, 1])
  }

  @Test func theParameterNormScalesEachGradientAlone() {
    let scales = Clipping(parameterNorm: 3.5).scales(for: gradients).scales
    #expect(scales == [1, 0.875])
    #expect(Clipping(parameterNorm: 1).scales(for: gradients).scales == [Float(1.0 / 3), 0.25])
  }

  @Test func theParameterNormHoldsAfterTheGlobalOne() {
    // Scaled by 1/2 to a global norm of 2.5 the gradients have norms 1.5 and 2.
    let scales = Clipping(globalNorm: 2.5, parameterNorm: 1.6).scales(for: gradients).scales
    expectClose(scales, [0.5, 0.4])
  }

  @Test func clippedGradientsHaveTheNormAsked() {
    let parts = (0..<4).map { Tensor.normals([7, 3], seed: $0) * Float($0) }
    let (norm, scales) = Clipping(globalNorm: 0.7).scales(for: parts)
    expectClose(norm, parts.reduce(0) { $0 + $1.sumOfSquares() }.squareRoot())
    let clipped = zip(parts, scales).reduce(0.0) { $0 + ($1.0 * $1.1).sumOfSquares() }.squareRoot()
    expectClose(clipped, 0.7, relative: 1e-6)
  }

  @Test func blankGradientsAreLeftAlone() {
    let (norm, scales) = Clipping(globalNorm: 1, parameterNorm: 1).scales(for: [.zeros([3])])
    #expect(norm == 0)
    #expect(scales == [1])
  }

  @Test(arguments: [Float.nan, .infinity])
  func aNormThatIsNotFiniteShows(value: Float) {
    let parts = [Tensor.ones([3]), Tensor(shape: [2], [1, value])]
    #expect(!Clipping(globalNorm: 1, parameterNorm: 1).scales(for: parts).norm.isFinite)
  }
}
