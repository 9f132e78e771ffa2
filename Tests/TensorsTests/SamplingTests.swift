import Foundation
import Tensors
import TestKit
import Testing

@Suite struct SamplingTests {
  /// The positions (x, y) at which each output pixel is sampled, in pixels of an image with the given size.
  static func positions(_ t: ArraySlice<Float>, image: [Int], output: [Int]) -> [(x: Double, y: Double)] {
    let t = t.map(Double.init)
    return (0..<output[0] * output[1]).map { at in
      let u = Double(2 * (at % output[1]) + 1) / Double(output[1]) - 1
      let v = Double(2 * (at / output[1]) + 1) / Double(output[0]) - 1
      let (x, y) = (t[0] * u + t[1] * v + t[2], t[3] * u + t[4] * v + t[5])
      return ((x + 1) / 2 * Double(image[1]) - 0.5, (y + 1) / 2 * Double(image[0]) - 0.5)
    }
  }

  /// Bilinear sampling by definition: each pixel contributes a pyramid that extends one pixel to each side.
  static func reference(_ images: Tensor, _ transforms: Tensor, height: Int, width: Int) -> Tensor {
    let (batch, channels, rows, columns) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3])
    let (pixels, t) = (images.array().map(Double.init), transforms.array())
    var out: [Float] = []
    for b in 0..<batch {
      let positions = positions(t[6 * b..<6 * b + 6], image: [rows, columns], output: [height, width])
      for c in 0..<channels {
        for (x, y) in positions {
          var sum = 0.0
          for i in 0..<rows {
            for j in 0..<columns {
              let weight = max(0, 1 - abs(x - Double(j))) * max(0, 1 - abs(y - Double(i)))
              sum += weight * pixels[((b * channels + c) * rows + i) * columns + j]
            }
          }
          out.append(Float(sum))
        }
      }
    }
    return Tensor(shape: [batch, channels, height, width], out)
  }

  /// The kinds of random transforms, [batch, 6].
  enum Kind: String, CaseIterable, Sendable {
    case aligned, mirrored, general, magnified, shrunk, faraway
    var isAligned: Bool { self == .aligned || self == .mirrored }

    func transform(_ random: inout RandomGenerator) -> [Float] {
      func draw(_ range: ClosedRange<Double>) -> Float { Float(random.uniform(in: range)) }
      switch self {
      case .aligned: return [draw(0.2...1.2), 0, draw(-1...1), 0, draw(0.2...1.2), draw(-1...1)]
      case .mirrored: return [draw(-1.2 ... -0.2), 0, draw(-1...1), 0, draw(-1.2 ... -0.2), draw(-1...1)]
      case .general: return (0..<6).map { _ in draw(-1...1) }
      case .magnified: return (0..<6).map { $0 % 3 == 2 ? draw(-0.8...0.8) : draw(-0.1...0.1) }
      case .shrunk: return (0..<6).map { $0 % 3 == 2 ? draw(-1...1) : draw(-4...4) }
      case .faraway: return (0..<6).map { $0 % 3 == 2 ? draw(0.9...1.6) : draw(-0.5...0.5) }
      }
    }

    func transforms(_ batch: Int, seed: Int = 1) -> Tensor {
      var random = RandomStream(seed: seed).child(rawValue).generator()
      return Tensor(shape: [batch, 6], (0..<batch).flatMap { _ in transform(&random) })
    }

    /// Transforms with no sample near a row or column of pixels, where the gradient jumps.
    func smoothTransforms(_ batch: Int, image: [Int], output: [Int], seed: Int = 1) -> Tensor {
      var random = RandomStream(seed: seed).child("smooth \(rawValue)").generator()
      var found: [Float] = []
      while found.count < 6 * batch {
        let candidate = transform(&random)
        let isSmooth = positions(candidate[...], image: image, output: output).allSatisfy {
          abs($0.x - $0.x.rounded()) > 0.02 && abs($0.y - $0.y.rounded()) > 0.02
        }
        if isSmooth { found += candidate }
      }
      return Tensor(shape: [batch, 6], found)
    }
  }

  static let sizes = [
    [[1, 1], [1, 1]], [[1, 1], [3, 3]], [[5, 7], [1, 1]], [[5, 7], [4, 3]], [[3, 2], [8, 9]], [[12, 12], [6, 6]],
  ]  // image, output

  @Test(arguments: Kind.allCases, sizes)
  func samplesMatchTheirDefinition(kind: Kind, sizes: [[Int]]) {
    for channels in [1, 3] {
      let images = Tensor.normals([4, channels] + sizes[0])
      let transforms = kind.transforms(4)
      let (height, width) = (sizes[1][0], sizes[1][1])
      let expected = SamplingTests.reference(images, transforms, height: height, width: width)
      expectClose(images.sampled(at: transforms, height: height, width: width), expected, absolute: 2e-5)
      if kind.isAligned {
        let found = images.sampled(at: transforms, height: height, width: width, isAligned: true)
        expectClose(found, expected, absolute: 2e-5, "aligned")
      }
    }
  }

  @Test(arguments: Kind.allCases, [[[1, 1], [2, 2]], [[3, 4], [2, 3]], [[4, 3], [3, 2]], [[5, 5], [2, 2]]])
  func gradientsMatchFiniteDifferences(kind: Kind, sizes: [[Int]]) {
    let (height, width) = (sizes[1][0], sizes[1][1])
    let images = Tensor.normals([2, 2] + sizes[0])
    let transforms = kind.smoothTransforms(2, image: sizes[0], output: sizes[1])
    expectGradients(
      of: { $0[0].sampled(at: $0[1], height: height, width: width) }, at: [images, transforms], step: 0x1p-10,
      absolute: 3e-3, relative: 3e-3)
  }

  @Test(arguments: Kind.allCases.filter(\.isAligned), [[[3, 4], [2, 3]], [[5, 5], [4, 2]], [[2, 3], [7, 6]]])
  func alignedGradientsEqualGeneralOnes(kind: Kind, sizes: [[Int]]) {
    let (height, width) = (sizes[1][0], sizes[1][1])
    let transforms = kind.smoothTransforms(3, image: sizes[0], output: sizes[1])
    let parameters = [Parameter("images", .normals([3, 2] + sizes[0])), Parameter("transforms", transforms)]
    let cotangent = Tensor.normals([3, 2, height, width], seed: 2)
    let results = [true, false].map { isAligned in
      let out = parameters[0].tensor.sampled(
        at: parameters[1].tensor, height: height, width: width, isAligned: isAligned)
      return pulledBack(cotangent, from: out, to: parameters)
    }
    expectClose(results[0][0], results[1][0], absolute: 2e-5)
    // For aligned transforms, the entries for rotation and shear get no gradient.
    let isUsed = Tensor(shape: [6], [1, 0, 1, 0, 1, 1])
    expectClose(results[0][1], results[1][1] * isUsed, absolute: 1e-4)
  }

  @Test func theIdentityGivesTheImage() {
    let identity = Tensor(shape: [6], [1, 0, 0, 0, 1, 0]).repeated(rows: 2)
    let images = Tensor.normals([2, 3, 7, 5])
    for isAligned in [true, false] {
      let found = images.sampled(at: identity, height: 7, width: 5, isAligned: isAligned)
      expectClose(found, images, absolute: 1e-6)
    }
  }

  @Test func mirroringTurnsTheImageAround() {
    let mirror = Tensor(shape: [1, 6], [-1, 0, 0, 0, -1, 0])
    let image = Tensor.counting([1, 1, 3, 4])
    for isAligned in [true, false] {
      let found = image.sampled(at: mirror, height: 3, width: 4, isAligned: isAligned)
      expectClose(found, image.array().reversed(), absolute: 1e-5)
    }
  }

  @Test func aQuarterTurnTurnsTheImage() {
    // x = -v, y = u: the output at (row i, column j) is the image at (row j, column 2 - i).
    let image = Tensor.counting([1, 1, 3, 3])
    let found = image.sampled(at: Tensor(shape: [1, 6], [0, -1, 0, 1, 0, 0]), height: 3, width: 3)
    expectClose(found, [2, 5, 8, 1, 4, 7, 0, 3, 6], absolute: 1e-5)
  }

  @Test(arguments: [[3, 0], [0, 3], [-3, 0], [0, -3], [2.5, -2.5], [1e6, 0]] as [[Float]])
  func gradientIsZeroOutsideTheWindow(shift: [Float]) {
    let transform = Tensor(shape: [1, 6], [0.5, 0, shift[0], 0, 0.5, shift[1]])
    for isAligned in [true, false] {
      let parameters = [Parameter("image", .normals([1, 2, 6, 6])), Parameter("transform", transform)]
      let out = parameters[0].tensor.sampled(at: parameters[1].tensor, height: 4, width: 4, isAligned: isAligned)
      #expect(out.array() == Array(repeating: 0, count: 32))
      let found = pulledBack(.normals([1, 2, 4, 4]), from: out, to: parameters)
      #expect(found[0].array() == Array(repeating: 0, count: 72))
      #expect(found[1].array() == Array(repeating: 0, count: 6))
    }
  }

  @Test func absurdTransformsReadNothingWrong() {
    let image = Tensor.ones([1, 1, 4, 4])
    for value in [Float.nan, .infinity, -.infinity, 1e30, -1e30, 0] {
      for entry in [0, 2, 4, 5] {
        var transform: [Float] = [0.5, 0, 0.1, 0, 0.5, 0.1]
        transform[entry] = value
        for isAligned in [true, false] {
          let parameters = [Parameter("image", image), Parameter("transform", Tensor(shape: [1, 6], transform))]
          let out = parameters[0].tensor.sampled(at: parameters[1].tensor, height: 3, width: 3, isAligned: isAligned)
          #expect(out.array().allSatisfy { $0 >= 0 && $0 <= 1.00001 }, "\(transform)")
          let gradient = pulledBack(.ones([1, 1, 3, 3]), from: out, to: parameters)[0]
          #expect(gradient.array().allSatisfy { $0 >= 0 && $0 <= 9.0001 }, "\(transform)")
        }
      }
    }
  }

  @Test func writingPutsBackWhatWasRead() {
    // A glimpse of 4 x 4 pixels from an image of 8 x 8, aligned to whole pixels at row 1, column 3.
    let (scale, x, y) = (Float(0.5), Float(3 + 2) / 4 - 1, Float(1 + 2) / 4 - 1)
    let forward = Tensor(shape: [1, 6], [scale, 0, x, 0, scale, y])
    let inverse = Tensor(shape: [1, 6], [1 / scale, 0, -x / scale, 0, 1 / scale, -y / scale])
    let image = Tensor.counting([1, 1, 8, 8])
    for isAligned in [true, false] {
      let glimpse = image.sampled(at: forward, height: 4, width: 4, isAligned: isAligned)
      expectClose(glimpse, (1..<5).flatMap { row in (3..<7).map { Float(8 * row + $0) } }, absolute: 1e-5)
      let written = glimpse.sampled(at: inverse, height: 8, width: 8, isAligned: isAligned)
      let expected = (0..<64).map { (1..<5).contains($0 / 8) && (3..<7).contains($0 % 8) ? Float($0) : 0 }
      expectClose(written, expected, absolute: 1e-4)
    }
  }

  @Test func transformsThatDoNotFitTheBatchAreRefused() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor.zeros([2, 1, 3, 3]).sampled(at: .zeros([3, 6]), height: 2, width: 2)
    }
  }
}
