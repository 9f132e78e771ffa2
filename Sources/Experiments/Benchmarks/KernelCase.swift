import Layers
import Tensors

/// One kernel, with the size that it has in the AIR step.
struct KernelCase {
  let name: String
  /// The number that the time is divided by: outputs or parameters.
  let elements: Int
  /// The bytes that must be read and written, if memory bandwidth limits the kernel.
  var bytes: Int?
  let work: () -> Void

  private init(_ name: String, elements: Int, bytes: Int? = nil, _ work: @escaping () -> Void) {
    (self.name, self.elements, self.bytes, self.work) = (name, elements, bytes, work)
  }

  static func all(_ steps: TrainingSteps) -> [KernelCase] {
    maps + cell + distributions + sampling + pixels(steps) + optimizer(steps) + random
  }

  /// Times the gradient of `output` for a cotangent of 1 everywhere.
  private static func gradient(
    _ name: String, elements: Int, of output: Tensor, for parameters: [Parameter]
  ) -> KernelCase {
    let loss = output.sum()
    return KernelCase("\(name), gradient", elements: elements) {
      _ = gradients(of: loss, for: parameters, retainingTape: true)
    }
  }

  private static let batch = 64
  private static let noise = RandomStream(seed: 1)

  private static var maps: [KernelCase] {
    let x = noise.normals([batch, 28 * 28])
    let gate = noise.uniforms([batch])
    let canvas = noise.normals([batch, 2500])
    return [
      KernelCase("exp", elements: x.count) { _ = x.exp() },
      KernelCase("sigmoid", elements: x.count) { _ = x.sigmoid() },
      KernelCase("tanh", elements: x.count) { _ = x.tanh() },
      KernelCase("softplus", elements: x.count) { _ = x.softplus() },
      KernelCase("sum of two", elements: x.count) { _ = x + x },
      KernelCase("patch onto canvas", elements: canvas.count) { _ = canvas.adding(canvas, gatedBy: gate) },
    ]
  }

  private static var cell: [KernelCase] {
    let (gates, state) = (
      Parameter("gates", noise.normals([batch, 1024])), Parameter("c", noise.normals([batch, 256]))
    )
    let (fixedGates, fixedState) = (gates.tensor.detached(), state.tensor.detached())
    let output = gates.tensor.lstmCell(state.tensor)
    return [
      KernelCase("lstm cell 64 x 256", elements: batch * 256) { _ = fixedGates.lstmCell(fixedState) },
      gradient("lstm cell 64 x 256", elements: batch * 256, of: output.hidden + output.cell, for: [gates, state]),
    ]
  }

  private static var distributions: [KernelCase] {
    let (mean, deviation) = (noise.normals([batch, 50]), noise.uniforms([batch, 50]))
    let (zero, one) = (Tensor.zeros([50]), Tensor.ones([50]))
    let image = noise.uniforms([batch, 2500])
    let canvas = Parameter("canvas", noise.at(1).uniforms([batch, 2500]))
    let fixedCanvas = canvas.tensor.detached()
    return [
      KernelCase("normal KL", elements: mean.count) {
        _ = mean.normalKL(deviation: deviation, priorMean: zero, priorDeviation: one)
      },
      KernelCase("normal likelihood", elements: image.count) {
        _ = image.normalLogLikelihood(mean: fixedCanvas, deviation: 0.3)
      },
      gradient(
        "normal likelihood", elements: image.count,
        of: image.normalLogLikelihood(mean: canvas.tensor, deviation: 0.3), for: [canvas]),
    ]
  }

  /// Windows of a third of the canvas at random places, for reading (50 -> 28) and writing (28 -> 50).
  private static var sampling: [KernelCase] {
    let (scale, shift) = (Float(0.33), noise.uniforms([batch, 2]).array())
    func windows(_ scale: Float, _ shifts: [Float]) -> Tensor {
      let rows = (0..<batch).flatMap { row -> [Float] in [scale, 0, shifts[2 * row], 0, scale, shifts[2 * row + 1]] }
      return Tensor(shape: [batch, 6], rows)
    }
    let forward = Parameter("forward", windows(scale, shift.map { $0 - 0.5 }))
    let inverse = Parameter("inverse", windows(1 / scale, shift.map { (0.5 - $0) / scale }))
    let image = noise.uniforms([batch, 1, 50, 50])
    let patch = Parameter("patch", noise.uniforms([batch, 1, 28, 28]))
    return [true, false].flatMap { isAligned -> [KernelCase] in
      let kind = isAligned ? "separable" : "general"
      let read = { image.sampled(at: forward.tensor, height: 28, width: 28, isAligned: isAligned) }
      let written = { patch.tensor.sampled(at: inverse.tensor, height: 50, width: 50, isAligned: isAligned) }
      return [
        KernelCase("\(kind) read 50 -> 28", elements: batch * 784) { _ = read() },
        gradient("\(kind) read 50 -> 28", elements: batch * 784, of: read(), for: [forward]),
        KernelCase("\(kind) write 28 -> 50", elements: batch * 2500) { _ = written() },
        gradient("\(kind) write 28 -> 50", elements: batch * 2500, of: written(), for: [patch, inverse]),
      ]
    }
  }

  /// The image's product in an LSTM's gates, with blank pixels skipped and without skipping.
  private static func pixels(_ steps: TrainingSteps) -> [KernelCase] {
    let images = steps.batch().images
    let weight = Parameter("weight", noise.normals([2500, 1024]))
    let fixed = weight.tensor.detached()
    let find = KernelCase("blank pixels found", elements: images.count) { _ = PixelRows(images, isSparse: true) }
    return [find]
      + [true, false].flatMap { isSparse -> [KernelCase] in
        let rows = PixelRows(images, isSparse: isSparse)
        let name = "image 64 x 2500 x 1024, \(isSparse ? "blank pixels skipped" : "dense")"
        return [
          KernelCase(name, elements: batch * 1024) { _ = rows.product(fixed, nil) },
          gradient(name, elements: fixed.count, of: rows.product(weight.tensor, nil), for: [weight]),
        ]
      }
  }

  private static func optimizer(_ steps: TrainingSteps) -> [KernelCase] {
    let parameters = steps.workbench.parameters
    let count = parameters.reduce(0) { $0 + $1.count }
    let slopes = parameters.enumerated().map { noise.at($0.offset).normals($0.element.shape).scaled(by: 1e-3) }
    let adam = Adam(Adam.Config(), OptimizerContext(parameters: parameters))
    let scales = slopes.map { _ in Float(1) }
    return [
      // Four arrays are read and three are written.
      KernelCase("adam, \(count) parameters", elements: count, bytes: 28 * count) {
        adam.update(slopes, scales: scales, at: 1)
      },
      KernelCase("gradient norm", elements: count, bytes: 4 * count) { _ = Clipping().scales(for: slopes) },
    ]
  }

  private static var random: [KernelCase] {
    let shape = [batch, 50]
    return [
      KernelCase("normals", elements: batch * 50) { _ = noise.normals(shape) },
      KernelCase("uniforms", elements: batch * 50) { _ = noise.uniforms(shape) },
    ]
  }
}
