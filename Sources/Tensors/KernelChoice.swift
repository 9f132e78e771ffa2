/// The rule that chooses a kernel set. It can be applied to any CPU and any library.
struct KernelChoice {
  /// A BLAS library with several kernel sets.
  struct Library {
    /// The set in use; at first the one chosen by the library or by the environment.
    let current: () -> String
    /// Switches to a set if the library has it.
    let take: (String) -> Void
    /// Whether the set in use computes correct products.
    let isRight: () -> Bool
  }

  let cpu: CPU
  let library: Library

  /// Sets that measured faster than any other (docs/performance.md). They take precedence over the library's choice.
  private static let measured: [(vendor: String, family: Int, features: [String], set: String)] = [
    // Zen 4 splits 512-bit operations, and the AVX2 kernels beat the library's AVX-512 ones on every shape.
    ("AuthenticAMD", 25, ["avx512f"], "Haswell")
  ]

  /// The set that measured best on a CPU, or else the widest one that it can run.
  static func best(on cpu: CPU) -> KernelSet? {
    let usable = KernelSet.usable(on: cpu)
    let exception = measured.first { $0.vendor == cpu.vendor && $0.family == cpu.family && cpu.has($0.features) }
    return exception.flatMap { exception in usable.first { $0.isNamed(exception.set) } } ?? usable.first
  }

  /// The sets to try, the best first, on a CPU for which the library chose `own`: better sets, then the library's
  /// choice, then the other usable sets of at most its width in case the first ones compute wrong products.
  static func order(_ own: String, on cpu: CPU) -> [String] {
    let usable = KernelSet.usable(on: cpu)
    guard let best = best(on: cpu), let width = KernelSet.width(of: own) else { return [own] + usable.map(\.name) }
    let better = width > best.width ? [best] : usable.filter { $0.width > width && $0.width <= best.width }
    let others = usable.filter { !better.contains($0) && !$0.isNamed(own) && $0.width <= width }
    return better.map(\.name) + [own] + others.map(\.name)
  }

  /// A message that a set is narrower than the best one for the CPU; nil if it is not, or if its width is unknown.
  static func shortfall(of set: String, on cpu: CPU) -> String? {
    guard let best = best(on: cpu), let width = KernelSet.width(of: set), width < best.width else { return nil }
    return "products use the BLAS library's \(set) kernels, which are narrower than this CPU's instructions: "
      + "with \(best.name) kernels, which this library does not offer, they would be faster"
  }

  /// Makes the library use the first set in the order that it has and that computes correct products.
  ///
  /// `forced` is the set that the environment names. Returns notes for the user. Throws `ProductKernelsError` if no set
  /// can be used, or if the forced one cannot.
  func make(forced: String?) throws -> [String] {
    var notes: [String] = []
    if let forced {
      let missing = KernelSet.named(forced)?.needs.filter { !cpu.features.contains($0) } ?? []
      guard missing.isEmpty else {
        throw unusable(forced, "need what this CPU lacks (\(missing.joined(separator: ", ")))")
      }
      if library.current().lowercased() == forced.lowercased() {
        guard library.isRight() else { throw unusable(forced, "multiply wrongly on this CPU") }
        return []
      }
      notes.append("OPENBLAS_CORETYPE names the kernels \(forced), which the BLAS library does not take on this CPU")
    }
    for set in Self.order(library.current(), on: cpu) {
      if library.current() != set { library.take(set) }
      guard library.current() == set else { continue }
      if library.isRight() { return notes + (Self.shortfall(of: set, on: cpu).map { [$0] } ?? []) }
      notes.append("the BLAS library's \(set) kernels multiply wrongly on this CPU and are not used")
    }
    throw ProductKernelsError(
      description: "every kernel set of this BLAS library multiplies wrongly on this CPU: install another version",
      isOfEnvironment: false)
  }

  private func unusable(_ set: String, _ reason: String) -> ProductKernelsError {
    let names = KernelSet.usable(on: cpu).map(\.name).joined(separator: ", ")
    return ProductKernelsError(
      description: "the environment variable OPENBLAS_CORETYPE names the kernels \(set), which \(reason): "
        + "unset it, or name one of \(names)",
      isOfEnvironment: true)
  }
}
