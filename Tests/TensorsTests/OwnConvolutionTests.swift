import Tensors
import TestKit
import Testing

struct OwnConvolutionTests {
  /// The convolution by definition, element by element.
  private func reference(_ x: Tensor, _ kernels: Tensor) -> [Float] {
    let (images, height, width, side) = (x.shape[0], x.shape[1], x.shape[2], kernels.shape[1])
    let (pixels, weights) = (x.array(), kernels.array())
    return (0..<images * height * width).map { place in
      let (n, i, j) = (place / (height * width), place / width % height, place % width)
      var sum: Float = 0
      for u in 0..<side {
        for v in 0..<side {
          let (row, column) = (i + u - side / 2, j + v - side / 2)
          guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
          sum += weights[(n * side + u) * side + v] * pixels[(n * height + row) * width + column]
        }
      }
      return sum
    }
  }

  @Test(arguments: [[1, 1, 1, 1], [2, 5, 7, 3], [3, 28, 28, 5], [2, 9, 33, 9]])
  func everyImageMeetsItsOwnKernel(size: [Int]) {
    let (x, kernels) = (
      Tensor.normals([size[0], size[1], size[2]]), Tensor.normals([size[0], size[3], size[3]], seed: 2)
    )
    expectClose(x.convolved(withOwn: kernels), Tensor(shape: x.shape, reference(x, kernels)), absolute: 2e-5)
  }

  @Test func gradientsMatchFiniteDifferences() {
    expectGradients(
      of: { $0[0].convolved(withOwn: $0[1]) }, at: [.normals([2, 4, 5]), .normals([2, 3, 3])], absolute: 2e-3)
  }
}
