import Glibc

/// What a convolution is for: maps with their channels last, and a square kernel.
struct ConvolutionShape: Hashable, Sendable {
  /// Of one map, and its channels before and after.
  let height, width, inputs, outputs: Int
  /// Of the kernel.
  let side, stride, padding: Int

  var outputHeight: Int { (height + 2 * padding - side) / stride + 1 }
  var outputWidth: Int { (width + 2 * padding - side) / stride + 1 }

  /// Values of one map.
  var inputSize: Int { height * width * inputs }
  var outputSize: Int { outputHeight * outputWidth * outputs }
  var weightSize: Int { side * side * inputs * outputs }

  /// Multiplications and additions of one map.
  var operations: Int { 2 * outputHeight * outputWidth * weightSize }

  /// The last pixel that the windows reach; what strides leave over is not read.
  var isPossible: Bool {
    height + 2 * padding >= side && width + 2 * padding >= side && stride > 0 && padding >= 0 && padding < side
  }
}

/// Convolves a fixed number of maps of one shape at a time, on the thread that calls. Several threads may use one at once.
protocol ConvolutionKernel: Sendable {
  var shape: ConvolutionShape { get }
  /// Maps a call.
  var images: Int { get }
  /// The kernel [side, side, inputs, outputs] as it is wanted forwards, and for the gradient of the maps.
  func preparedForward(_ weights: Tensor) -> Tensor
  func preparedForInputs(_ weights: Tensor) -> Tensor
  /// y = x * weights + bias.
  func forward(_ x: UnsafePointer<Float>, _ prepared: Tensor, bias: Tensor, into y: UnsafeMutablePointer<Float>)
  /// Overwrites `dx`.
  func inputGradient(_ dy: UnsafePointer<Float>, _ prepared: Tensor, into dx: UnsafeMutablePointer<Float>)
  /// Zeros, to which gradients of weights and bias are added.
  func weightSum() -> WeightSum
  /// Adds what these maps contribute.
  func addWeightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, to sum: WeightSum)
  /// The sum as [side, side, inputs, outputs].
  func weightGradient(_ sum: WeightSum) -> Tensor
}

/// Gradients of weights, in whatever layout a kernel sums them, and of the bias.
struct WeightSum {
  let weights, bias: Tensor

  /// The sum of what the parts of a batch found, by their first map, in their order: whoever was faster.
  static func total(_ parts: [Int: WeightSum]) -> WeightSum? {
    let sums = parts.sorted { $0.key < $1.key }.map(\.value)
    return sums.first.map { first in
      sums.dropFirst().reduce(first) { WeightSum(weights: $0.weights + $1.weights, bias: $0.bias + $1.bias) }
    }
  }
}

/// Who convolves.
public enum ConvolutionKernels {
  public enum Choice: String, CaseIterable, Sendable { case onednn, openblas }

  /// Those that this program has.
  public static let available: [Choice] = OneDNNConvolution.version == nil ? [.openblas] : [.onednn, .openblas]

  /// The one in use: oneDNN where the program was built with it, unless AIRFRAME_CONVOLUTIONS is `openblas` when the program
  /// starts. The two differ in their last digits.
  public static var current: Choice { chosen.withLock { $0 } }

  /// With its version.
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

  /// A kernel for so many maps at a time: the same one for the same question.
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
