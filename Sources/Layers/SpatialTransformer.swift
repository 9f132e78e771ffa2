import Configuration
import Glibc
import Tensors

/// What the latents of an attention window mean, and their prior (keys of `model.window`).
public struct WindowConfig: Configurable {
  public enum Scale: String, CaseIterable, Sendable { case isotropic, anisotropic }
  public enum Linear: String, CaseIterable, Sendable { case none, full }

  public var scale = Scale.isotropic
  public var minimum = 0.1
  public var maximum = 1.0
  public var shiftMaximum = 1.0
  public var rotation = 0.0
  public var shear = 0.0
  public var linear = Linear.none
  public var scalePrior = NormalShare(mean: 0.33, deviation: 0.03)
  public var shiftPrior = Deviation(1)
  public var rotationPrior = Deviation(1)
  public var shearPrior = Deviation(1)
  public var linearPrior = Deviation(1)
  public var initialDeviation = 0.3
  public var refinement: [Int] = []

  public init() {}

  public static let fields: [Field<WindowConfig>] = [
    .choice("scale", \.scale, "one scale for both axes, or one each"),
    .number("minimum", \.minimum, in: 0.01...1, "smallest window, as a share of the canvas"),
    .number("maximum", \.maximum, in: 0.02...4, "largest window, as a share of the canvas"),
    .number("shift_maximum", \.shiftMaximum, in: 0.1...4, "farthest center, in half canvases from the middle"),
    .number("rotation", \.rotation, in: 0...3.1416, "largest angle in radians; 0: no rotation"),
    .number("shear", \.shear, in: 0...2, "largest shear; 0: none"),
    .choice("linear", \.linear, "full: a free 2 x 2 map near the identity, I + 0.4 tanh(u)"),
    .section("scale_prior", \.scalePrior, "the object's size as a share of the canvas"),
    .section("shift_prior", \.shiftPrior, "prior of the unconstrained shift"),
    .section("rotation_prior", \.rotationPrior, "prior of the unconstrained angle"),
    .section("shear_prior", \.shearPrior, "prior of the unconstrained shear"),
    .section("linear_prior", \.linearPrior, "prior of the unconstrained linear map"),
    .number(
      "initial_deviation", \.initialDeviation, in: 0.001...2, "posterior deviation at the start, in prior deviations"),
    .integers(
      "refinement", \.refinement, in: 1...8192,
      "hidden layers from the glimpse at the controller's window to a correction of that window; none: no correction"),
  ]

  public func problems() -> [Problem] {
    var found: [Problem] = []
    if minimum >= maximum {
      found.append(Problem(key: "minimum", "\(minimum) is not below maximum (\(maximum))"))
    } else if scalePrior.mean <= minimum || scalePrior.mean >= maximum {
      found.append(
        Problem(
          key: "scale_prior", "mean \(scalePrior.mean) is not between minimum (\(minimum)) and maximum (\(maximum))"))
    }
    return found
  }
}

/// Mean and deviation of a size given as a share of the canvas.
public struct NormalShare: Configurable {
  public var mean = 0.33
  public var deviation = 0.03
  public init() {}
  public init(mean: Double, deviation: Double) { (self.mean, self.deviation) = (mean, deviation) }
  public static let fields: [Field<NormalShare>] = [
    .number("mean", \.mean, in: 0.01...4, "mean, as a share of the canvas"),
    .number("deviation", \.deviation, in: 1e-4...4, "standard deviation, as a share of the canvas"),
  ]
}

/// The deviation of a normal prior with mean 0.
public struct Deviation: Configurable {
  public var deviation = 1.0
  public init() {}
  public init(_ deviation: Double) { self.deviation = deviation }
  public static let fields: [Field<Deviation>] = [
    .number("deviation", \.deviation, in: 1e-3...100, "standard deviation (the mean is 0)")
  ]
}

/// Reads glimpses from images and writes them back, each through the exact inverse of the other.
///
/// The window latent u [batch, size] holds scale (1 or 2), shift (x, y), then rotation, shear and the linear map where the
/// config has them. As a point map from glimpse to canvas, T^d = T_scale,shift T_rotation T_shear
/// (Wang et al. 2019, eq. (6)).
public struct SpatialTransformer {
  /// Number of window latents.
  public let size: Int
  /// How many of them, the first, are scales.
  public let scaleSize: Int
  /// How many of them, the first, are scale and shift.
  private let placeSize: Int
  /// Mean and deviation of the prior on u, [size].
  public let priorMean: Tensor
  public let priorDeviation: Tensor
  /// Whether windows stay parallel to the canvas, so that sampling is separable.
  public let isAligned: Bool
  private let config: WindowConfig

  /// Whether windows are rotated.
  public var hasRotation: Bool { config.rotation > 0 }

  public init(_ config: WindowConfig) {
    self.config = config
    isAligned = config.rotation == 0 && config.shear == 0 && config.linear == .none
    let scales = config.scale == .isotropic ? 1 : 2
    // A share of the canvas, seen through the sigmoid that makes it: mean by its inverse, deviation by its slope.
    let range = config.maximum - config.minimum
    let share = (config.scalePrior.mean - config.minimum) / range
    let scaleMean = log(share / (1 - share))
    let scaleDeviation = config.scalePrior.deviation / (range * share * (1 - share))
    var means = Array(repeating: scaleMean, count: scales) + [0, 0]
    var deviations =
      Array(repeating: scaleDeviation, count: scales) + [config.shiftPrior.deviation, config.shiftPrior.deviation]
    func add(_ count: Int, _ deviation: Double) {
      means += Array(repeating: 0, count: count)
      deviations += Array(repeating: deviation, count: count)
    }
    if config.rotation > 0 { add(1, config.rotationPrior.deviation) }
    if config.shear > 0 { add(1, config.shearPrior.deviation) }
    if config.linear == .full { add(4, config.linearPrior.deviation) }
    size = means.count
    scaleSize = scales
    placeSize = scales + 2
    priorMean = Tensor(shape: [size], means.map(Float.init))
    priorDeviation = Tensor(shape: [size], deviations.map(Float.init))
  }

  /// The windows of latents u [batch, size].
  public func window(_ u: Tensor) -> Window {
    precondition(u.columns == size, "window latents \(u.shape), wanted [batch, \(size)]")
    return isAligned ? place(u) : turned(place(u), by: u.columns(placeSize..<size))
  }

  /// The windows of scales and shifts, the first columns of u, parallel to the canvas.
  private func place(_ u: Tensor) -> Window {
    let (low, range) = (Float(config.minimum), Float(config.maximum - config.minimum))
    func scale(_ column: Int) -> Tensor {
      u.columns(column..<column + 1).sigmoid().scaled(by: range, plus: low)
    }
    func shift(_ column: Int) -> Tensor { u.columns(column..<column + 1).tanh().scaled(by: Float(config.shiftMaximum)) }
    let isIsotropic = config.scale == .isotropic
    let scaleX = scale(0)
    let scaleY = isIsotropic ? scaleX : scale(1)
    let (shiftX, shiftY) = (shift(placeSize - 2), shift(placeSize - 1))
    let zero = Tensor.zeros(scaleX.shape)
    let inverseX = scaleX.reciprocal()
    let inverseY = isIsotropic ? inverseX : scaleY.reciprocal()
    return Window(
      forward: .concatenating([scaleX, zero, shiftX, zero, scaleY, shiftY]),
      inverse: .concatenating([inverseX, zero, -(shiftX * inverseX), zero, inverseY, -(shiftY * inverseY)]),
      isAligned: true)
  }

  /// Windows whose linear part T_scale is followed by rotation, shear and free map of the latents `turn`.
  private func turned(_ place: Window, by turn: Tensor) -> Window {
    var at = 0
    func next() -> Tensor {
      defer { at += 1 }
      return turn.columns(at..<at + 1)
    }
    func entry(_ column: Int) -> Tensor { place.forward.columns(column..<column + 1) }
    let (scaleX, scaleY, shiftX, shiftY) = (entry(0), entry(4), entry(2), entry(5))
    // The linear part M of rotation, shear and free map, row by row.
    let one = Tensor.ones(scaleX.shape)
    let zero = Tensor.zeros(scaleX.shape)
    var m = (one, zero, zero, one)
    if config.rotation > 0 {
      let angle = next().tanh().scaled(by: Float(config.rotation))
      let (cosine, sine) = (angle.cos(), angle.sin())
      m = (cosine, -sine, sine, cosine)
    }
    if config.shear > 0 {
      let shear = next().tanh().scaled(by: Float(config.shear))
      m = (m.0, m.0 * shear + m.1, m.2, m.2 * shear + m.3)
    }
    if config.linear == .full {
      // Its determinant stays above 0.6^2 - 0.4^2 = 0.2.
      let (a, b) = (next().tanh().scaled(by: 0.4, plus: 1), next().tanh().scaled(by: 0.4))
      let (c, d) = (next().tanh().scaled(by: 0.4), next().tanh().scaled(by: 0.4, plus: 1))
      m = (m.0 * a + m.1 * c, m.0 * b + m.1 * d, m.2 * a + m.3 * c, m.2 * b + m.3 * d)
    }
    let (a, b, c, d) = (scaleX * m.0, scaleX * m.1, scaleY * m.2, scaleY * m.3)
    let inverseDeterminant = (a * d - b * c).reciprocal()
    let (ia, ib, ic, id) = (
      d * inverseDeterminant, -(b * inverseDeterminant), -(c * inverseDeterminant), a * inverseDeterminant
    )
    return Window(
      forward: .concatenating([a, b, shiftX, c, d, shiftY]),
      inverse: .concatenating([ia, ib, -(ia * shiftX + ib * shiftY), ic, id, -(ic * shiftX + id * shiftY)]),
      isAligned: false)
  }
}

/// A batch of windows as point maps [batch, 6] = (a, b, tx, c, d, ty) from glimpse to canvas, and back.
public struct Window {
  public let forward: Tensor
  public let inverse: Tensor
  let isAligned: Bool
}

extension Window {
  /// Chosen windows, one a row: center and side as shares of the canvas (the center (0.5, 0.5) is its middle), angle in
  /// radians, clockwise on screen. All of the same number.
  public init(centersX: [Float], centersY: [Float], widths: [Float], heights: [Float], angles: [Float]) {
    let rows = centersX.indices.map { index -> (forward: [Float], inverse: [Float]) in
      let (w, h, angle) = (widths[index], heights[index], angles[index])
      let (x, y) = (2 * centersX[index] - 1, 2 * centersY[index] - 1)
      let (a, b, c, d) = (w * cos(angle), -w * sin(angle), h * sin(angle), h * cos(angle))
      let k = 1 / (a * d - b * c)
      let (ia, ib, ic, id) = (d * k, -b * k, -c * k, a * k)
      return ([a, b, x, c, d, y], [ia, ib, -(ia * x + ib * y), ic, id, -(ic * x + id * y)])
    }
    self.init(
      forward: Tensor(shape: [rows.count, 6], rows.flatMap(\.forward)),
      inverse: Tensor(shape: [rows.count, 6], rows.flatMap(\.inverse)), isAligned: angles.allSatisfy { $0 == 0 })
  }
}

extension Tensor {
  /// The glimpses [batch, channel, side, side] that windows cut out of images (self).
  public func read(_ window: Window, side: Int) -> Tensor {
    sampled(at: window.forward, height: side, width: side, isAligned: window.isAligned)
  }

  /// Glimpses (self) written to where windows took them from: [batch, channel, height, width], zero outside.
  public func written(_ window: Window, height: Int, width: Int) -> Tensor {
    sampled(at: window.inverse, height: height, width: width, isAligned: window.isAligned)
  }
}
