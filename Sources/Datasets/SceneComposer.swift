import Scenes
import Tensors

/// Draws objects on a gray canvas, one after the other, until a drawing satisfies the overlap rule.
///
/// A drawing is discarded at the first object that breaks the rule, because later objects cannot fix it, and begun
/// again from the first object. So scenes follow the distribution of unrestricted drawings, conditioned on the rule.
struct SceneComposer: Sendable {
  let height, width: Int
  let overlap: OverlapRule
  let background: any Background

  /// `check` refuses settings that need more drawings per scene than this, on average over `probes` scenes.
  static let mostTries = 200
  private static let probes = 16

  /// Makes a scene of `count` objects. `draw` draws one object into the stamp and places it.
  ///
  /// Settings that pass `check` take at most about 200 drawings per scene. If 100,000 drawings do not suffice (for such
  /// settings the probability is below e^-250), the last one is used with its overlap, and its sums are clipped.
  func compose(
    count: Int, withMasks: Bool, random: RandomStream,
    draw: (inout Stamp, inout RandomGenerator) -> Void
  ) -> Scene {
    var drawing = Drawing(withMasks: withMasks, tries: 100_000)
    var generator = random.generator()
    var pixels = [UInt8](unsafeUninitializedCapacity: height * width) { canvas, size in
      size = height * width
      _ = compose(count, &drawing, on: canvas, &generator, draw)
    }
    background.paint(under: &pixels, height: height, width: width, random: random)
    return Scene(height: height, width: width, pixels: pixels, objects: drawing.objects, masks: drawing.masks)
  }

  /// Throws `DatasetError.crowded` if too few unrestricted drawings of `count` objects satisfy the rule.
  func check(count: Int, random: RandomStream, draw: (inout Stamp, inout RandomGenerator) -> Void) throws {
    var drawing = Drawing(withMasks: false, tries: Self.mostTries * Self.probes)
    for probe in 0..<Self.probes {
      var generator = random.at(probe).generator()
      let isKept = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: height * width) {
        compose(count, &drawing, on: $0, &generator, draw)
      }
      if !isKept {
        throw DatasetError.crowded(objects: count, rule: overlap.rawValue, height: height, width: width)
      }
    }
  }

  /// The objects drawn so far, and the number of drawings that are left.
  private struct Drawing {
    let withMasks: Bool
    var tries: Int
    var objects: [SceneObject] = []
    var masks: [[UInt8]] = []
  }

  /// Draws until the rule is satisfied or no tries are left; returns whether it is satisfied.
  private func compose(
    _ count: Int, _ drawing: inout Drawing, on canvas: UnsafeMutableBufferPointer<UInt8>,
    _ generator: inout RandomGenerator, _ draw: (inout Stamp, inout RandomGenerator) -> Void
  ) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: height * width) { memory in
      guard let ink = memory.baseAddress, let base = canvas.baseAddress else { return true }
      drawing.objects.reserveCapacity(count)
      while true {
        drawing.tries -= 1
        drawing.objects.removeAll(keepingCapacity: true)
        drawing.masks.removeAll()
        canvas.initialize(repeating: 0)
        let isLast = drawing.tries <= 0
        var isKept = true
        for _ in 0..<count where isKept || isLast {
          var stamp = Stamp(ink: ink)
          draw(&stamp, &generator)
          isKept = add(stamp, to: base) && isKept
          // Most drawings of crowded scenes end here, before the object is measured.
          guard isKept || isLast else { break }
          let object = stamp.object()
          isKept = isKept && (overlap != .boxes || isApart(object, from: drawing.objects))
          drawing.objects.append(object)
          if drawing.withMasks { drawing.masks.append(stamp.mask(height: height, width: width)) }
        }
        if isKept || isLast { return isKept }
      }
    }
  }

  /// Adds the ink, clipped at 255, and returns whether the pixels still satisfy the rule.
  private func add(_ stamp: Stamp, to canvas: UnsafeMutablePointer<UInt8>) -> Bool {
    var exceeds: UInt8 = 0
    var shared: UInt8 = 0
    for row in 0..<stamp.height {
      let line = canvas + (stamp.top + row) * width + stamp.left
      let ink = stamp.ink + row * stamp.width
      for column in 0..<stamp.width {
        let sum = line[column] &+ ink[column]
        let wraps: UInt8 = sum < ink[column] ? 255 : 0
        exceeds |= wraps
        shared |= min(line[column], ink[column])
        line[column] = sum | wraps
      }
    }
    return switch overlap {
    case .saturation: exceeds == 0
    case .strokes: shared == 0
    case .boxes, .allowed: true
    }
  }

  private func isApart(_ object: SceneObject, from others: [SceneObject]) -> Bool {
    others.allSatisfy { $0.box.sharedArea(with: object.box) == 0 }
  }
}
