import Layers
import Scenes
import Tensors

/// The objects that the steps of a pass drew. The canvas composes them as the draw requires.
struct Canvas {
  private struct Layer { let image, gate, probability: Tensor, category: Tensor?, window: Window }

  private var layers: [Layer] = []
  private let keepsSum: Bool
  /// The sum of all steps so far as if every presence were 1, [batch, channel, height, width]; nil unless `keepsSum`.
  private(set) var sum: Tensor?
  var background: Tensor?

  init(keepsSum: Bool) { self.keepsSum = keepsSum }

  /// The image drawn by the latest step as if its presence were 1.
  var last: Tensor? { layers.last?.image }

  /// Adds a step: its object on the canvas, its weight alive_t (`gate`), and the probability of its own presence.
  mutating func add(_ image: Tensor, _ window: Window, gate: Tensor, probability: Tensor, category: Tensor?) {
    layers.append(Layer(image: image, gate: gate, probability: probability, category: category, window: window))
    if keepsSum { sum = sum.map { $0 + image } ?? image }
  }

  /// The number of objects [batch]: the sum of alive_t.
  func count(_ batch: Int) -> Tensor { layers.reduce(Tensor.zeros([batch])) { $0 + $1.gate } }

  /// background + sum_t alive_t * image_t.
  func composed(like images: Tensor) -> Tensor {
    layers.reduce(background ?? .zeros(images.shape)) { $0.adding($1.image, gatedBy: $1.gate) }
  }

  /// sum_n q(n) log p(images | first n objects), [batch], where q(n) follows from the probabilities of the presences.
  func expectedLogLikelihood(of images: Tensor, _ likelihood: any Likelihood, at progress: Progress) -> Tensor {
    var canvas = background ?? .zeros(images.shape)
    var total: Tensor?
    var alive = Tensor.ones([images.shape[0]])
    for count in 0...layers.count {
      let next = count < layers.count ? layers[count] : nil
      // q(n) = P(first n present) * P(next absent).
      let weight = next.map { alive * (1 - $0.probability) } ?? alive
      let term = weight * likelihood.logProbability(of: images, given: canvas, at: progress)
      total = total.map { $0 + term } ?? term
      guard let next else { break }
      alive = next.gate
      canvas = canvas + next.image
    }
    return total ?? .zeros([images.shape[0]])
  }

  /// The objects of each image, for a pass with hard presences.
  func explanations(batch: Int, height: Int, width: Int) -> [Explanation] {
    var scenes = Array(repeating: Explanation(parts: []), count: batch)
    for (step, layer) in layers.enumerated() {
      let gates = layer.gate.array()
      let maps = layer.window.forward.array()
      let categories = layer.category.map(largest)
      layer.image.withUnsafeBuffer { pixels in
        let size = pixels.count / batch
        for index in 0..<batch where gates[index] > 0.5 {
          let own = UnsafeBufferPointer(rebasing: pixels[index * size..<(index + 1) * size])
          let corners = corners(of: maps[index * 6..<index * 6 + 6], height: height, width: width)
          scenes[index].parts.append(
            Part(
              step: step, corners: corners, tightBox: tightBox(own, height: height, width: width),
              category: categories?[index]))
        }
      }
    }
    return scenes
  }

  /// The column index of the largest element in each row.
  private func largest(_ rows: Tensor) -> [Int] {
    let values = rows.oneHotOfLargest().array()
    return (0..<rows.shape[0]).map { row in
      values[row * rows.columns..<(row + 1) * rows.columns].firstIndex(of: 1).map { $0 - row * rows.columns } ?? 0
    }
  }

  /// The window's corners in pixels: the images of (-1, -1), (1, -1), (1, 1), (-1, 1) under its point map.
  private func corners(of map: ArraySlice<Float>, height: Int, width: Int) -> [Point] {
    let m = map.map(Double.init)
    return [(-1.0, -1.0), (1, -1), (1, 1), (-1, 1)].map { u, v in
      Point(
        x: (m[0] * u + m[1] * v + m[2] + 1) / 2 * Double(width),
        y: (m[3] * u + m[4] * v + m[5] + 1) / 2 * Double(height))
    }
  }

  /// The box of the pixels above a tenth of the object's maximum, over all channels.
  private func tightBox(_ pixels: UnsafeBufferPointer<Float>, height: Int, width: Int) -> Box? {
    let threshold = 0.1 * (pixels.max() ?? 0)
    let plane = height * width
    let boxes = stride(from: 0, to: pixels.count, by: plane).compactMap { start in
      Box(
        ofPixelsAbove: threshold, in: UnsafeBufferPointer(rebasing: pixels[start..<start + plane]), height: height,
        width: width)
    }
    return boxes.isEmpty
      ? nil
      : Box(
        around: boxes.flatMap { [Point(x: $0.left, y: $0.top), Point(x: $0.right, y: $0.bottom)] })
  }
}
