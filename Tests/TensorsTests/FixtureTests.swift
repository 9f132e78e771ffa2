import Tensors
import TestKit
import Testing

/// Compares values and gradients with PyTorch's, computed in double precision (scripts/tensor_fixtures.py).
@Suite struct FixtureTests {
  /// Runs every case for which `accepts` is true. Compares the outputs, then the gradients of sum(output * cotangent)
  /// over all outputs, for all inputs except constants, at elements where the mask is 1.
  private func compare(
    _ name: String, absolute: Double = 1e-6, relative: Double = 1e-5,
    where accepts: (Fixture.Case) -> Bool = { _ in true },
    constants: Set<String> = [], comparing masks: [String: Tensor] = [:],
    _ operation: (Fixture.Case, [String: Tensor]) throws -> [String: Tensor]
  ) throws {
    let cases = try Fixture(named: name, in: "TensorsTests").cases.filter(accepts)
    #expect(!cases.isEmpty)
    for example in cases {
      let parameters = try example.gradients.keys.sorted().filter { !constants.contains($0) }.map { key in
        Parameter(key, try example.input(key))
      }
      var inputs = example.inputs
      for parameter in parameters { inputs[parameter.name] = parameter.tensor }
      let outputs = try operation(example, inputs)
      #expect(Set(outputs.keys) == Set(example.outputs.keys))
      var loss = Tensor(0)
      for (key, expected) in example.outputs {
        let output = try #require(outputs[key])
        expectClose(output, expected, absolute: absolute, relative: relative, "\(name)/\(example.name), \(key)")
        loss = loss + (output * (try #require(example.cotangents[key]))).sum()
      }
      for (parameter, gradient) in zip(parameters, gradients(of: loss, for: parameters)) {
        let expected = try #require(example.gradients[parameter.name])
        expectClose(
          gradient, expected * (masks[parameter.name] ?? Tensor(1)), absolute: absolute, relative: relative,
          "\(name)/\(example.name), gradient of \(parameter.name)")
      }
    }
  }

  private func find(_ name: String, _ inputs: [String: Tensor]) throws -> Tensor {
    try #require(inputs[name], "no input '\(name)'")
  }

  @Test func elementwiseOperationsMatch() throws {
    let functions: [String: (Tensor) -> Tensor] = [
      "exp": { $0.exp() }, "log": { $0.log() }, "sigmoid": { $0.sigmoid() }, "tanh": { $0.tanh() },
      "softplus": { $0.softplus() }, "relu": { $0.relu() }, "elu": { $0.elu() }, "square": { $0.squared() },
      "sqrt": { $0.squareRoot() },
    ]
    try compare("unary") { example, inputs in
      let function = try #require(functions[example.name], "no operation '\(example.name)'")
      return ["output": function(try find("input", inputs))]
    }
  }

  @Test func matrixProductsMatch() throws {
    try compare("matmul") { example, inputs in
      [
        "output": try find("a", inputs).matrixProduct(
          try find("b", inputs), transposed: example.settings["transposed_left"] == "true",
          otherTransposed: example.settings["transposed_right"] == "true")
      ]
    }
  }

  @Test func denseLayersMatch() throws {
    try compare("dense", absolute: 2e-6) { example, inputs in
      let name = example.name == "identity" ? "none" : example.name
      let activation = try #require(Activation(rawValue: name), "no activation '\(name)'")
      return ["output": try find("input", inputs).dense(find("weight", inputs), find("bias", inputs), activation)]
    }
  }

  @Test func transposedConvolutionsMatch() throws {
    try compare("transposed_convolution", absolute: 1e-5) { example, inputs in
      [
        "output": try find("input", inputs).transposedConvolved(
          with: find("kernel", inputs), stride: Int(example.number("stride")), padding: Int(example.number("padding")))
      ]
    }
  }

  @Test(arguments: ConvolutionKernels.available)
  func convolutionsMatch(choice: ConvolutionKernels.Choice) throws {
    try compare("convolution", absolute: 1e-5, relative: 2e-5) { example, inputs in
      let options = ConvolutionOptions(
        stride: Int(try example.number("stride")), padding: Int(try example.number("padding")), activation: .elu,
        upsampling: Int(try example.number("upsampling")), pooling: Int(try example.number("pooling")), kernels: choice)
      return [
        "output": try find("input", inputs).convolved(
          with: find("kernel", inputs), bias: find("bias", inputs), options)
      ]
    }
  }

  @Test func mapsArePooledAndEnlargedAlike() throws {
    try compare("maps") { example, inputs in
      let input = try find("input", inputs)
      let side = Int(example.name.suffix(1)) ?? 0
      return ["output": example.name.hasPrefix("max-pool") ? input.maxPooled(by: side) : input.upsampled(by: side)]
    }
  }

  @Test func objectsAreUnitedAlike() throws {
    try compare("objects") { example, inputs in
      let input = try find("input", inputs)
      let objects = input.reshaped([input.shape[0] * input.shape[1]] + input.shape.dropFirst(2))
      let count = input.shape[1]
      return ["output": example.name == "max" ? objects.maxOver(objects: count) : objects.sumOver(objects: count)]
    }
  }

  @Test func theBestPlacesArePickedAlike() throws {
    try compare("top_places", constants: ["scores"]) { example, inputs in
      let (table, scores) = (try find("table", inputs), try find("scores", inputs))
      let (count, places, width) = (Int(try example.number("count")), table.shape[1], table.shape[2])
      let rows = scores.largestColumns(count).enumerated().flatMap { row, own in own.map { row * places + $0 } }
      let picked = table.reshaped([table.shape[0] * places, width]).gathered(rows: rows)
      return ["output": picked.reshaped([table.shape[0], count, width])]
    }
  }

  @Test func bernoulliLikelihoodsOfLogitsMatch() throws {
    try compare("bernoulli_logits", relative: 1e-6, constants: ["image"]) { _, inputs in
      ["output": try find("image", inputs).bernoulliLogLikelihood(logits: find("logits", inputs))]
    }
  }

  @Test func lstmStepsMatch() throws {
    try compare("lstm_cell") { _, inputs in
      let state = try find("gates", inputs).lstmCell(find("cell", inputs))
      return ["hidden": state.hidden, "cell": state.cell]
    }
  }

  @Test func softmaxMatches() throws {
    try compare("softmax", where: isLastAxis) { _, inputs in ["output": try find("input", inputs).softmax()] }
  }

  @Test func logSumExpMatches() throws {
    try compare("logsumexp", where: isLastAxis) { _, inputs in ["output": try find("input", inputs).logSumExp()] }
  }

  private func isLastAxis(_ example: Fixture.Case) -> Bool {
    example.settings["axis"] == example.inputs.values.first.map { "\($0.shape.count - 1)" }
  }

  @Test func samplesMatch() throws {
    try compare("affine_sampling", absolute: 2e-5) { example, inputs in
      ["output": try sample(example, inputs, isAligned: false)]
    }
  }

  @Test func alignedSamplesMatch() throws {
    // Entries that the caller declares to be zero get no gradient.
    let isCompared = Tensor(shape: [6], [1, 0, 1, 0, 1, 1])
    try compare(
      "affine_sampling", absolute: 2e-5, where: isAligned, comparing: ["transforms": isCompared]
    ) { example, inputs in ["output": try sample(example, inputs, isAligned: true)] }
  }

  private func isAligned(_ example: Fixture.Case) -> Bool {
    guard let transforms = example.inputs["transforms"]?.array() else { return false }
    return transforms.indices.allSatisfy { ![1, 3].contains($0 % 6) || transforms[$0] == 0 }
  }

  private func sample(_ example: Fixture.Case, _ inputs: [String: Tensor], isAligned: Bool) throws -> Tensor {
    try find("image", inputs).sampled(
      at: find("transforms", inputs), height: Int(example.number("height")), width: Int(example.number("width")),
      isAligned: isAligned)
  }

  @Test func normalKLMatches() throws {
    try compare("normal_kl") { _, inputs in
      [
        "output": try find("mean", inputs).normalKL(
          deviation: find("deviation", inputs), priorMean: find("prior_mean", inputs),
          priorDeviation: find("prior_deviation", inputs))
      ]
    }
  }

  @Test func normalLogLikelihoodMatches() throws {
    try compare("normal_log_likelihood", constants: ["image"]) { example, inputs in
      [
        "output": try find("image", inputs).normalLogLikelihood(
          mean: find("canvas", inputs), deviation: Float(example.number("deviation")))
      ]
    }
  }

  @Test func bernoulliLogLikelihoodMatches() throws {
    try compare("bernoulli_log_likelihood") { example, inputs in
      [
        "output": try find("image", inputs).bernoulliLogLikelihood(
          canvas: find("canvas", inputs), epsilon: Float(try example.number("epsilon")))
      ]
    }
  }

  @Test func gatheredRowsMatch() throws {
    try compare("gather", absolute: 0, relative: 1e-6) { example, inputs in
      let table = try find("table", inputs)
      let rows = table.reshaped([table.shape[0], table.count / table.shape[0]])
      let indices = try example.input("indices").array().map { Int($0) }
      return ["output": rows.gathered(rows: indices).reshaped([indices.count] + table.shape.dropFirst())]
    }
  }

  @Test func concatenationMatches() throws {
    try compare("concatenation", absolute: 0, relative: 0, where: isLastAxis) { _, inputs in
      ["output": .concatenating(try inputs.keys.sorted().map { try find($0, inputs) })]
    }
  }
}
