/// Resizes gray images between prepared sizes with an antialiased triangle filter, like Pillow's `BILINEAR`.
///
/// An output pixel is the mean of the input under a triangle whose half width is one output pixel (or one input pixel
/// if the image grows). Both directions are computed in Float32 and rounded once. Pillow rounds twice, so single levels
/// differ by 1.
struct Resampling: Sendable {
  private let largestInput, largestOutput: Int
  private let tables: [Table?]  // [input, output]

  /// The weights of each output pixel, for `taps` inputs from its start on.
  private struct Table: Sendable {
    let taps: Int
    let starts: [Int]
    let weights: [Float]
  }

  /// Prepares these pairs of input and output sizes. All sizes must be positive.
  init(sizes: some Sequence<(input: Int, output: Int)>) {
    let sizes = Array(sizes)
    let largestInput = sizes.map(\.input).max() ?? 0
    let largestOutput = sizes.map(\.output).max() ?? 0
    var tables = [Table?](repeating: nil, count: (largestInput + 1) * (largestOutput + 1))
    for size in sizes { tables[size.input * (largestOutput + 1) + size.output] = Self.table(size.input, size.output) }
    self.largestInput = largestInput
    self.largestOutput = largestOutput
    self.tables = tables
  }

  private static func table(_ input: Int, _ output: Int) -> Table {
    let step = Double(input) / Double(output)
    let reach = max(step, 1)
    let taps = min(input, Int((2 * reach).rounded(.up)) + 1)
    var starts: [Int] = []
    var weights: [Float] = []
    for index in 0..<output {
      let center = (Double(index) + 0.5) * step
      let start = min(max(0, Int(center - reach + 0.5)), input - taps)
      let triangle = (start..<start + taps).map { max(0, 1 - abs((Double($0) + 0.5 - center) / reach)) }
      let sum = triangle.reduce(0, +)
      starts.append(start)
      weights += triangle.map { Float($0 / sum) }
    }
    return Table(taps: taps, starts: starts, weights: weights)
  }

  /// Resizes an image whose rows start `stride` apart into `output`, row-major without gaps. Both pairs of sizes must
  /// be prepared.
  func resize(
    _ input: UnsafePointer<UInt8>, height: Int, width: Int, stride: Int, to output: UnsafeMutablePointer<UInt8>,
    height outputHeight: Int, width outputWidth: Int
  ) {
    if height == outputHeight, width == outputWidth {
      for row in 0..<height { (output + row * width).update(from: input + row * stride, count: width) }
      return
    }
    guard let vertical = tables[height * (largestOutput + 1) + outputHeight],
      let horizontal = tables[width * (largestOutput + 1) + outputWidth]
    else { preconditionFailure("\(height) x \(width) to \(outputHeight) x \(outputWidth) was not prepared") }
    withUnsafeTemporaryAllocation(
      of: Float.self, capacity: height * width + outputHeight * width + outputHeight * outputWidth
    ) { memory in
      guard let levels = memory.baseAddress else { return }
      let columns = levels + height * width  // [width, outputHeight]
      let result = columns + width * outputHeight
      for row in 0..<height {
        for column in 0..<width { levels[row * width + column] = Float(input[row * stride + column]) }
      }
      Self.resample(levels, to: columns, length: outputHeight, breadth: width, vertical)
      Self.resample(columns, to: result, length: outputWidth, breadth: outputHeight, horizontal)
      for index in 0..<outputHeight * outputWidth { output[index] = UInt8(min(result[index] + 0.5, 255)) }
    }
  }

  /// Resamples `[rows, breadth]` along its rows to `[breadth, length]`. Two calls resize an image and restore the order
  /// of the axes.
  private static func resample(
    _ input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>, length: Int, breadth: Int, _ table: Table
  ) {
    table.starts.withUnsafeBufferPointer { starts in
      table.weights.withUnsafeBufferPointer { weights in
        for index in 0..<length {
          let line = input + starts[index] * breadth
          for column in 0..<breadth {
            var sum: Float = 0
            for tap in 0..<table.taps { sum += weights[index * table.taps + tap] * line[tap * breadth + column] }
            output[column * length + index] = sum
          }
        }
      }
    }
  }
}
