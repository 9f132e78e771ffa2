import Glibc

/// The sizes of a convolution of maps with their channels last and a square kernel.
struct ConvolutionShape: Hashable, Sendable {
  /// The size of one map, and its channels before and after the convolution.
  let height, width, inputs, outputs: Int
  /// The size, stride and padding of the kernel.
  let side, stride, padding: Int

  var outputHeight: Int { (height + 2 * padding - side) / stride + 1 }
  var outputWidth: Int { (width + 2 * padding - side) / stride + 1 }

  /// The number of values of one map.
  var inputSize: Int { height * width * inputs }
  var outputSize: Int { outputHeight * outputWidth * outputs }
  var weightSize: Int { side * side * inputs * outputs }

  /// The number of multiplications and additions for one map.
  var operations: Int { 2 * outputHeight * outputWidth * weightSize }

  /// Whether a convolution of these sizes exists. Where strides do not divide the map evenly, the last pixels are not
  /// read.
  var isPossible: Bool {
    height + 2 * padding >= side && width + 2 * padding >= side && stride > 0 && padding >= 0 && padding < side
  }
}

/// Convolves a fixed number of maps of one shape at a time, on the calling thread. Several threads may use one kernel
/// at once.
protocol ConvolutionKernel: Sendable {
  var shape: ConvolutionShape { get }
  /// The number of maps per call.
  var images: Int { get }
  /// Converts the kernel [side, side, inputs, outputs] to the layout of the forward pass, and of the gradient of the
  /// maps.
  func preparedForward(_ weights: Tensor) -> Tensor
  func preparedForInputs(_ weights: Tensor) -> Tensor
  /// y = x * weights + bias.
  func forward(_ x: UnsafePointer<Float>, _ prepared: Tensor, bias: Tensor, into y: UnsafeMutablePointer<Float>)
  /// Overwrites `dx`.
  func inputGradient(_ dy: UnsafePointer<Float>, _ prepared: Tensor, into dx: UnsafeMutablePointer<Float>)
  /// Returns zeros, to which gradients of weights and bias are added.
  func weightSum() -> WeightSum
  /// Adds the contribution of these maps to the gradient.
  func addWeightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, to sum: WeightSum)
  /// Converts the sum to [side, side, inputs, outputs].
  func weightGradient(_ sum: WeightSum) -> Tensor
}

/// Gradients of the weights, in the layout in which a kernel sums them, and of the bias.
struct WeightSum {
  let weights, bias: Tensor

  /// Adds the gradients of the parts of a batch, which are keyed by their first map. They are added in the order of the
  /// maps, whichever thread finished first.
  static func total(_ parts: [Int: WeightSum]) -> WeightSum? {
    let sums = parts.sorted { $0.key < $1.key }.map(\.value)
    return sums.first.map { first in
      sums.dropFirst().reduce(first) { WeightSum(weights: $0.weights + $1.weights, bias: $0.bias + $1.bias) }
    }
  }
}

/// The implementations of convolutions.
public enum ConvolutionKernels {
  public enum Choice: String, CaseIterable, Sendable { case onednn, openblas }

  /// The implementations that this program was built with.
  public static let available: [Choice] = OneDNNConvolution.version == nil ? [.openblas] : [.onednn, .openblas]

  /// The implementation in use: oneDNN if the program was built with it, unless the environment variable
  /// AIRFRAME_CONVOLUTIONS is `openblas` when the program starts. The results of the two differ in their last digits.
  public static var current: Choice { chosen.withLock { $0 } }

  /// The implementation in use, with its version.
  public static var description: String {
    switch current {
    case .onednn: "onednn \(OneDNNConvolution.version ?? "")"
    case .openblas: "openblas"
    }
  }

  private static let chosen = Lock(standard)
  private static var standard: Choice {
    let isRefused = getenv("AIRFRAME_CONVOLUTIONS").map { strcmp($0, "openblas") == 0 } ?? false
    return isRefused ? .openblas : available[0]
  }

  /// Returns a kernel for this shape and number of maps. Kernels are cached, so equal arguments give the same kernel.
  static func kernel(_ shape: ConvolutionShape, images: Int, _ choice: Choice) -> any ConvolutionKernel {
    made.withLock { made in
      let key = Key(shape: shape, images: images, choice: choice)
      if let kernel = made[key] { return kernel }
      let fast = choice == .onednn ? OneDNNConvolution(shape, images: images) : nil
      let kernel: any ConvolutionKernel = fast ?? UnfoldedConvolution(shape: shape, images: images)
      made[key] = kernel
      return kernel
    }
  }

  private struct Key: Hashable { let shape: ConvolutionShape, images: Int, choice: Choice }
  private static let made = Lock<[Key: any ConvolutionKernel]>([:])
}
