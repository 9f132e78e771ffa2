import Configuration
import Datasets
import Layers
import Tensors

/// Times in isolation each dense product of the AIR step, in its shape, and each kernel that matters there.
///
/// Operands stay in the caches as far as they fit. The sum over the products of a step is therefore less than their
/// share of the step's time.
enum KernelBenchmark {
  static func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    let steps = try TrainingSteps(
      StepBenchmark.config("air", options), dataFolder: options.dataFolder)
    steps.next()
    let products = Profile.record { steps.next() }.products.sorted { order($0.key, $1.key) }
      .filter { options.wants($0.key.words) }
    let kernels = KernelCase.all(steps).filter { options.wants($0.name) }
    guard !products.isEmpty || !kernels.isEmpty else {
      throw RunError(
        "--filter \(options.filter ?? ""): no product and no kernel is called so; `airframe bench kernels` lists them")
    }
    let share = options.seconds / Double(products.count + kernels.count)

    var productTable = BenchmarkResult.Table(
      "products", columns: ["us_per_call", "gflop_per_second", "calls_per_step", "ms_per_step"])
    for (product, calls) in products {
      let time = time(product, for: share)
      productTable.add(
        product.words, 1e6 * time, product.operations / time * 1e-9, Double(calls), 1000 * time * Double(calls))
    }
    var kernelTable = BenchmarkResult.Table("kernels", columns: ["us_per_call", "ns_per_element", "gb_per_second"])
    for kernel in kernels {
      let time = Samples.repeating(for: share, kernel.work).median
      kernelTable.add(
        kernel.name, 1e6 * time, 1e9 * time / Double(kernel.elements), kernel.bytes.map { Double($0) / time * 1e-9 })
    }
    return BenchmarkResult(
      "kernels", options, tables: [productTable, kernelTable].filter { !$0.rows.isEmpty },
      notes: [
        "medians; product m x n x k: [m, k] x [k, n], a' and b' where an operand is stored transposed, added where c grows",
        "gradients include their walk over the tape",
      ])
  }

  /// Sorts by the amount of arithmetic, largest first.
  private static func order(_ a: Profile.Product, _ b: Profile.Product) -> Bool {
    a.operations != b.operations ? a.operations > b.operations : a.words < b.words
  }

  /// The median time of one call, in seconds.
  private static func time(_ product: Profile.Product, for duration: Double) -> Double {
    let random = RandomStream(seed: 0)
    let (m, n, k) = (product.m, product.n, product.k)
    let (a, b) = (random.normals([m * k]), random.at(1).normals([k * n]))
    let c = Tensor.zeros([m * n])
    return Samples.repeating(for: duration) {
      multiply(
        a.pointer, transposed: product.isFirstTransposed, b.pointer, otherTransposed: product.isSecondTransposed,
        into: c.pointer, m: m, n: n, k: k, accumulates: product.accumulates ? 1 : 0)
    }.median
  }
}

extension BenchmarkOptions {
  fileprivate func wants(_ name: String) -> Bool { filter.map { name.contains($0) } ?? true }
}

extension Profile.Product {
  /// A description of the product: `product 64 x 1024 x 309, a' b, added` (m x n x k).
  fileprivate var words: String {
    "product \(m) x \(n) x \(k), a\(isFirstTransposed ? "'" : "") b\(isSecondTransposed ? "'" : "")"
      + (accumulates ? ", added" : "")
  }
}
