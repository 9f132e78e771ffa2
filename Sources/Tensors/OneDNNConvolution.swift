import CKernels
import COneDNN

/// Direct convolutions by oneDNN. Maps have their channels last throughout, so they are not reordered between layers.
///
/// The library's blocked layout for maps is no faster here (docs/decisions/0005-convolutions.md). Only the weights,
/// which are small, use it.
final class OneDNNConvolution: ConvolutionKernel {
  let shape: ConvolutionShape
  let images: Int
  private let handle: Handle
  private let work: Int

  /// The library's object, which is immutable.
  private struct Handle: @unchecked Sendable { let pointer: OpaquePointer }

  /// The library's version; nil if the program was built without the library.
  static let version: String? = od_version().map { String(cString: $0) }

  /// Returns nil if the library has no fast implementation for the shape. Kernels are kept for as long as the program
  /// runs.
  init?(_ shape: ConvolutionShape, images: Int) {
    var sizes = od_shape(
      images: Int64(images), height: Int64(shape.height), width: Int64(shape.width), inputs: Int64(shape.inputs),
      outputs: Int64(shape.outputs), side: Int64(shape.side), stride: Int64(shape.stride),
      padding: Int64(shape.padding))
    guard let pointer = od_make(&sizes) else { return nil }
    (self.shape, self.images, handle) = (shape, images, Handle(pointer: pointer))
    work = Int(od_work_size(pointer))
  }

  func preparedForward(_ weights: Tensor) -> Tensor {
    let prepared = Tensor(uninitialized: [Int(od_forward_weights_size(handle.pointer))])
    check(od_prepare_forward(handle.pointer, weights.pointer, prepared.pointer))
    return prepared
  }

  func preparedForInputs(_ weights: Tensor) -> Tensor {
    let prepared = Tensor(uninitialized: [Int(od_input_weights_size(handle.pointer))])
    check(od_prepare_input_gradient(handle.pointer, weights.pointer, prepared.pointer))
    return prepared
  }

  func forward(_ x: UnsafePointer<Float>, _ prepared: Tensor, bias: Tensor, into y: UnsafeMutablePointer<Float>) {
    withWork { check(od_forward(handle.pointer, x, prepared.pointer, bias.pointer, y, $0)) }
  }

  func inputGradient(_ dy: UnsafePointer<Float>, _ prepared: Tensor, into dx: UnsafeMutablePointer<Float>) {
    withWork { check(od_input_gradient(handle.pointer, dy, prepared.pointer, dx, $0)) }
  }

  func weightSum() -> WeightSum {
    WeightSum(weights: .zeros([Int(od_weight_gradient_size(handle.pointer))]), bias: .zeros([shape.outputs]))
  }

  func addWeightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, to sum: WeightSum) {
    let (weights, bias) = (Tensor(uninitialized: sum.weights.shape), Tensor(uninitialized: sum.bias.shape))
    withWork { check(od_weight_gradient(handle.pointer, x, dy, weights.pointer, bias.pointer, $0)) }
    ck_affine(1, 0, weights.pointer, sum.weights.pointer, 1, Int64(weights.count))
    ck_affine(1, 0, bias.pointer, sum.bias.pointer, 1, Int64(bias.count))
  }

  func weightGradient(_ sum: WeightSum) -> Tensor {
    let gradient = Tensor(uninitialized: [shape.side, shape.side, shape.inputs, shape.outputs])
    check(od_unpack_weight_gradient(handle.pointer, sum.weights.pointer, gradient.pointer))
    return gradient
  }

  private func withWork(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    let memory = Storage(count: work)
    withExtendedLifetime(memory) { body(memory.pointer) }
  }

  private func check(_ status: Int32) {
    precondition(status == 0, "oneDNN failed with status \(status) on \(images) maps of \(shape)")
  }
}
