import Configuration
import Inference
import Models
import Pictures
import Scenes

/// The results of a trained model on a set of images: counts, boxes, and every latent.
public struct InferredImages {
  /// The format of the written results.
  public enum Format: String, CaseIterable, Sendable {
    /// One document, with keys always in the same order.
    case json
    /// One line per object, after a line with the column names.
    case csv
    /// NumPy arrays over images and steps.
    case npz
  }

  let run: String
  let step: Int
  let shape: [Int]
  private(set) var names: [String] = []
  private(set) var scenes: [Explanation] = []
  private(set) var latents: [LatentValues] = []

  init(run: String, step: Int, shape: [Int]) {
    (self.run, self.step, self.shape) = (run, step, shape)
  }

  /// Adds the model's results for some images, in their order.
  mutating func add(_ names: [String], _ explanation: SceneExplanation) {
    self.names += names
    scenes += explanation.scenes
    if latents.isEmpty {
      latents = explanation.latents
    } else {
      latents = zip(latents, explanation.latents).map { $0.appending($1) }
    }
  }

  /// The results in a format, as the bytes of a file. Throws `FileError` if the results are too large for an NPZ file.
  public func bytes(_ format: Format) throws -> [UInt8] {
    switch format {
    case .json: Array((json.description + "\n").utf8)
    case .csv: csv.bytes
    case .npz: try NPZ.bytes(arrays)
    }
  }

  private var presence: LatentValues? { latents.first { $0.name == "presence" } }

  /// The latents of an object without its presence, which is written separately as a probability.
  private var described: [LatentValues] { latents.filter { $0.name != "presence" } }

  // MARK: JSON

  private var json: JSON {
    .object([
      .init("run", .text(run)), .init("step", .integer(step)),
      .init("shape", .list(shape.map { .integer($0) })), .init("images", .list(scenes.indices.map(image))),
    ])
  }

  private func image(_ index: Int) -> JSON {
    var members = [JSON.Member("image", .text(names[index])), .init("count", .integer(scenes[index].count))]
    if let presence {
      members.append(.init("presence", .list((0..<presence.steps).flatMap { presence[index, $0].map(number) })))
    }
    members.append(.init("objects", .list(scenes[index].parts.map { object($0, image: index) })))
    return .object(members)
  }

  private func object(_ part: Part, image: Int) -> JSON {
    var members = [JSON.Member("step", .integer(part.step))]
    if let presence = presence?[image, part.step].first { members.append(.init("presence", number(presence))) }
    members += [
      .init("corners", .list(part.corners.map { .list([.number($0.x), .number($0.y)]) })),
      .init("box", box(part.box)), .init("tight_box", part.tightBox.map(box) ?? .null),
    ]
    if let category = part.category { members.append(.init("category", .integer(category))) }
    members.append(
      .init("latents", .object(described.map { .init($0.name, .list($0[image, part.step].map(number))) })))
    return .object(members)
  }

  private func box(_ box: Box) -> JSON {
    .object([
      .init("left", .number(box.left)), .init("top", .number(box.top)), .init("right", .number(box.right)),
      .init("bottom", .number(box.bottom)),
    ])
  }

  /// A single-precision number, written with no more digits than needed.
  private func number(_ value: Float) -> JSON { .number(Double(value.description) ?? Double(value)) }

  // MARK: CSV

  private var csv: CSV {
    let edges = ["left", "top", "right", "bottom"]
    var columns = ["image", "step"] + (presence == nil ? [] : ["presence"]) + edges + edges.map { "tight_\($0)" }
    columns += (0..<4).flatMap { ["corner_\($0)_x", "corner_\($0)_y"] } + ["category"]
    for latent in described { columns += (0..<latent.size).map { "\(latent.name)_\($0)" } }
    return CSV([columns] + scenes.enumerated().flatMap { index, scene in scene.parts.map { row($0, image: index) } })
  }

  private func row(_ part: Part, image: Int) -> [String] {
    func edges(_ box: Box?) -> [String] {
      box.map { ["\($0.left)", "\($0.top)", "\($0.right)", "\($0.bottom)"] } ?? ["", "", "", ""]
    }
    var fields = [names[image], "\(part.step)"]
    if let presence { fields += presence[image, part.step].map(\.description) }
    fields += edges(part.box) + edges(part.tightBox) + part.corners.flatMap { ["\($0.x)", "\($0.y)"] }
    fields.append(part.category.map(String.init) ?? "")
    for latent in described { fields += latent[image, part.step].map(\.description) }
    return fields
  }

  // MARK: NPZ

  private var arrays: [(name: String, array: NPY)] {
    let images = scenes.count
    let steps = max(latents.map(\.steps).max() ?? 0, (scenes.flatMap(\.parts).map(\.step).max() ?? -1) + 1)
    var isObject = [Bool](repeating: false, count: images * steps)
    var corners = [Double](repeating: .nan, count: images * steps * 8)
    var boxes = [Double](repeating: .nan, count: images * steps * 4)
    var tight = boxes
    var categories = [Int64](repeating: -1, count: images * steps)
    for (index, scene) in scenes.enumerated() {
      for part in scene.parts {
        let place = index * steps + part.step
        isObject[place] = true
        corners.replaceSubrange(8 * place..<8 * place + 8, with: part.corners.flatMap { [$0.x, $0.y] })
        boxes.replaceSubrange(4 * place..<4 * place + 4, with: edges(part.box))
        if let box = part.tightBox { tight.replaceSubrange(4 * place..<4 * place + 4, with: edges(box)) }
        categories[place] = Int64(part.category ?? -1)
      }
    }
    return [
      ("count", NPY(shape: [images], .int64(scenes.map { Int64($0.count) }))),
      ("is_object", NPY(shape: [images, steps], .flags(isObject))),
      ("corners", NPY(shape: [images, steps, 4, 2], .float64(corners))),
      ("box", NPY(shape: [images, steps, 4], .float64(boxes))),
      ("tight_box", NPY(shape: [images, steps, 4], .float64(tight))),
      ("category", NPY(shape: [images, steps], .int64(categories))),
    ] + latents.map { ("latents/\($0.name)", NPY(shape: [images, $0.steps, $0.size], .float32($0.values))) }
  }

  private func edges(_ box: Box) -> [Double] { [box.left, box.top, box.right, box.bottom] }
}
