import TestKit
import Testing

@testable import Tensors

struct MapsTests {
  @Test func poolsHoldTheirLargest() {
    let x = Tensor.normals([2, 4, 6, 17])
    let (values, pooled) = (x.array(), x.maxPooled(by: 2).array())
    for place in 0..<pooled.count {
      let (n, i, j, c) = (place / 17 / 3 / 2, place / 17 / 3 % 2, place / 17 % 3, place % 17)
      let window = (0..<4).map { values[((n * 4 + 2 * i + $0 / 2) * 6 + 2 * j + $0 % 2) * 17 + c] }
      #expect(pooled[place] == window.max())
    }
  }

  @Test func ofEqualsTheFirstGetsTheGradient() {
    let parameter = Parameter("x", .zeros([1, 2, 2, 1]))
    #expect(gradients(of: parameter.tensor.maxPooled(by: 2).sum(), for: [parameter])[0].array() == [1, 0, 0, 0])
    let objects = Parameter("x", .zeros([3, 2]))
    #expect(gradients(of: objects.tensor.maxOver(objects: 3).sum(), for: [objects])[0].array() == [1, 1, 0, 0, 0, 0])
  }

  /// Computed by hand: the center of an enlarged pixel is a quarter pixel from the nearest original center.
  @Test func enlargingIsBilinearBetweenPixelCenters() {
    let row = Tensor(shape: [1, 1, 3, 1], [0, 4, 8]).upsampled(by: 2).array()
    #expect(row == [0, 1, 3, 5, 7, 8] + [0, 1, 3, 5, 7, 8])
    let plane = Tensor(shape: [1, 2, 2, 1], [0, 4, 8, 12]).upsampled(by: 2).array()
    #expect(plane == [0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12])
  }

  @Test func objectsAreUnitedElementByElement() {
    let x = Tensor.normals([6, 3, 50])
    let (values, largest, sums) = (x.array(), x.maxOver(objects: 3).array(), x.sumOver(objects: 3).array())
    for place in 0..<300 {
      let own = (0..<3).map { values[(place / 150 * 3 + $0) * 150 + place % 150] }
      #expect(largest[place] == own.max())
      #expect(abs(sums[place] - own.reduce(0, +)) < 1e-5)
    }
  }

  @Test func enlargingWithinAUnionIsEnlargingBeforeIt() {
    let parameter = Parameter("x", .normals([6, 3, 4, 5]))
    let cotangent = Tensor.normals([2, 6, 8, 5], seed: 2)
    for byMaximum in [true, false] {
      func unite(_ x: Tensor, _ factor: Int) -> Tensor {
        byMaximum ? x.maxOver(objects: 3, upsampling: factor) : x.sumOver(objects: 3, upsampling: factor)
      }
      let (fused, composed) = (unite(parameter.tensor, 2), unite(parameter.tensor.upsampled(by: 2), 1))
      #expect(fused.shape == [2, 6, 8, 5] && fused.array() == composed.array())
      expectClose(
        pulledBack(cotangent, from: fused, to: [parameter])[0],
        pulledBack(cotangent, from: composed, to: [parameter])[0], absolute: 1e-6)
    }
  }

  @Test func gradientsMatchFiniteDifferences() {
    // The values differ enough that no step changes which one is the largest.
    let apart = Tensor(shape: [2, 4, 4, 3], (0..<96).map { Float($0 * 37 % 96) / 10 })
    expectGradient(of: { $0.maxPooled(by: 2) }, at: apart)
    expectGradient(of: { $0.maxOver(objects: 2) }, at: apart)
    expectGradient(of: { $0.sumOver(objects: 2) }, at: apart, absolute: 1e-3)
    for factor in 1...3 {
      expectGradient(of: { $0.upsampled(by: factor) }, at: .normals([2, 3, 2, 3]), absolute: 1e-3)
    }
  }

  @Test func theLargestColumnsComeInOrder() {
    let x = Tensor(shape: [2, 4], [1, 3, 2, 3, -1, -4, -2, -3])
    #expect(x.largestColumns(3) == [[1, 3, 2], [0, 2, 3]])
    #expect(x.largestColumns(0) == [[], []])
  }

  /// Only the gathered rows get a gradient.
  @Test func pickedPlacesHaveGradients() {
    let scores = Tensor(shape: [2, 3], [0, 5, 1, 7, 2, 3])
    let places = scores.largestColumns(2).enumerated().flatMap { row, columns in columns.map { row * 3 + $0 } }
    #expect(places == [1, 2, 3, 5])
    expectGradient(of: { $0.gathered(rows: places).squared() }, at: .normals([6, 4]), absolute: 2e-3)
  }

  @Test func logitsStandForProbabilities() {
    let images = Tensor(shape: [2, 3], [0, 0.25, 1, 1, 0.5, 0])
    let logits = Tensor.normals([2, 3])
    expectClose(
      images.bernoulliLogLikelihood(logits: logits),
      images.bernoulliLogLikelihood(canvas: logits.sigmoid(), epsilon: 1e-7), absolute: 1e-5)
    // A canvas in single precision cannot represent this probability: log sigmoid(-200) = -200.
    #expect(Tensor.ones([1, 1]).bernoulliLogLikelihood(logits: Tensor(repeating: -200, shape: [1, 1])).scalar == -200)
    expectGradient(of: { images.bernoulliLogLikelihood(logits: $0) }, at: logits)
  }
}
