import Configuration
import Inference
import Layers
import Tensors

/// AIR-ASR's constraints on windows: windows do not overlap, lie inside the image, have a size between two bounds, and
/// have similar sizes.  Xu et al. 2019, section 4.2, eq. (11).
///
/// All lengths are in pixels, and l(x) = max(x, 0). Window i has size w_i x h_i and center (x_i, y_i). With an image of
/// W x H:
/// F1 = sum over i != j of l(min((w_i + w_j) / 2 - |x_i - x_j|, (h_i + h_j) / 2 - |y_i - y_j|)),
/// F2 to F5 = sum of l(w_i / 2 - x_i), l(x_i + w_i / 2 - W), and of the same with heights,
/// F6 = sum of l(smallest - size) + l(size - largest), F7 = sum over i != j of l(|size_i - size_j| - tolerance).
/// Pairs are ordered, as in the paper. A rotated window counts as its hull, the upright box around it. A window that is
/// not square has two sizes, and F6 and F7 average the terms of the two.
struct SeparateWindows: Regularizer {
  struct Config: RegularizerConfig {
    var smallest = Schedule(11)
    var largest = Schedule(15)
    var tolerance = 3.0
    var overlapWeight = Schedule(1)
    var insideWeight = Schedule(1)
    var sizeWeight = Schedule(20)
    var likenessWeight = Schedule(10)
    var meanSize = false

    static let fields: [Field<Config>] = [
      .schedule("smallest", \.smallest, in: 0...4096, "least size of a window in pixels (c_min)"),
      .schedule("largest", \.largest, in: 0...4096, "greatest size of a window in pixels (c_max)"),
      .number("tolerance", \.tolerance, in: 0...4096, "how far sizes in a scene may differ, in pixels (epsilon)"),
      .schedule("overlap_weight", \.overlapWeight, in: 0...1e6, "weight of overlaps (lambda 1)"),
      .schedule("inside_weight", \.insideWeight, in: 0...1e6, "weight of what is outside the image (lambda 2 to 5)"),
      .schedule("size_weight", \.sizeWeight, in: 0...1e6, "weight of sizes beyond their bounds (lambda 6)"),
      .schedule("likeness_weight", \.likenessWeight, in: 0...1e6, "weight of different sizes (lambda 7)"),
      .flag("mean_size", \.meanSize, "average sizes beyond their bounds over the steps, as the authors' code does"),
    ]

    func problems() -> [Problem] {
      for progress in [Progress.step(0), .end] {
        let (least, greatest) = (smallest.value(at: progress), largest.value(at: progress))
        guard least > greatest else { continue }
        return [Problem(key: "smallest", "\(least) exceeds largest (\(greatest)); exchange the two")]
      }
      return []
    }

    func obstacle(in model: Choice) -> String? {
      guard let config = model.config as? RecurrentSceneModel.Config else {
        return "'overlap' is about windows, which model '\(model.name)' has none of"
      }
      guard config.presence == .inferred else { return nil }
      return "'overlap' asks something of every step's window, but which steps have an object is inferred; "
        + "set model.presence to always, and model.steps to the number of objects"
    }
  }

  private let config: Config
  private let model: RecurrentSceneModel

  /// Throws `ConfigurationError` for a model without windows.
  init(_ config: Config, _ model: any SceneModel) throws {
    guard let model = model as? RecurrentSceneModel else {
      throw ConfigurationError("regularizers: 'overlap' needs windows, which this model has none of", at: nil)
    }
    (self.config, self.model) = (config, model)
  }

  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty {
    let hulls = pass.terms.compactMap { term -> WindowHull? in
      guard case .normal(let window) = term.latent, term.node == "window" else { return nil }
      return model.hull(of: window.sample)
    }
    guard let first = hulls.first else { return Penalty("overlap", batch: Tensor(0), violated: 0) }
    var sum = Tensor.zeros(first.x.shape)
    let smallest = Float(config.smallest.value(at: draw.progress))
    let largest = Float(config.largest.value(at: draw.progress))
    func add(_ excess: Tensor, _ weight: Schedule, _ factor: Float = 1) {
      sum = sum + excess.scaled(by: Float(weight.value(at: draw.progress)) * factor)
    }
    for (index, one) in hulls.enumerated() {
      let (w, h) = (one.width.scaled(by: 0.5), one.height.scaled(by: 0.5))
      add((w - one.x).relu() + (one.x + w - one.canvasWidth).relu(), config.insideWeight)
      add((h - one.y).relu() + (one.y + h - one.canvasHeight).relu(), config.insideWeight)
      let sizes = one.sizes.map { size in
        (-size).scaled(by: 1, plus: smallest).relu() + size.scaled(by: 1, plus: -largest).relu()
      }
      add(mean(sizes), config.sizeWeight, config.meanSize ? 1 / Float(hulls.count) : 1)
      for other in hulls[(index + 1)...] {
        let sideways = (one.width + other.width).scaled(by: 0.5) - absolute(one.x - other.x)
        let upright = (one.height + other.height).scaled(by: 0.5) - absolute(one.y - other.y)
        add((sideways - (sideways - upright).relu()).relu(), config.overlapWeight, 2)
        let differences = zip(one.sizes, other.sizes).map {
          absolute($0 - $1).scaled(by: 1, plus: -Float(config.tolerance))
        }
        add(mean(differences.map { $0.relu() }), config.likenessWeight, 2)
      }
    }
    let violated = sum.detached().isAbove(0).mean().scalar
    return Penalty("overlap", perImage: sum, violated: Double(violated))
  }

  private func mean(_ parts: [Tensor]) -> Tensor {
    parts.dropFirst().reduce(parts[0], +).scaled(by: 1 / Float(parts.count))
  }
}

private func absolute(_ x: Tensor) -> Tensor { x.relu() + (-x).relu() }

/// The upright boxes around windows, in pixels. Each tensor is [batch].
struct WindowHull {
  let x, y, width, height: Tensor
  let canvasWidth, canvasHeight: Float
  /// Whether windows have equal width and height as fractions of the canvas.
  let isSquare: Bool
  /// Width and height, or only the width if both are always equal.
  var sizes: [Tensor] { isSquare && canvasWidth == canvasHeight ? [width] : [width, height] }
}

extension RecurrentSceneModel {
  /// The boxes around the windows of latents [batch, size].
  func hull(of latents: Tensor) -> WindowHull {
    let map = transformer.window(latents).forward
    func entry(_ column: Int) -> Tensor { map.columns(column..<column + 1).reshaped([map.shape[0]]) }
    let (width, height) = (Float(context.width), Float(context.height))
    // The glimpse spans [-1, 1] on both axes, as the canvas does.
    return WindowHull(
      x: entry(2).scaled(by: width / 2, plus: width / 2), y: entry(5).scaled(by: height / 2, plus: height / 2),
      width: (absolute(entry(0)) + absolute(entry(1))).scaled(by: width),
      height: (absolute(entry(3)) + absolute(entry(4))).scaled(by: height), canvasWidth: width, canvasHeight: height,
      isSquare: transformer.isAligned && transformer.scaleSize == 1)
  }
}
