import COpenBLAS
import Glibc

/// Which of the BLAS library's kernel sets serves this CPU.
///
/// OpenBLAS chooses one by the CPU's model when it is loaded: one that is narrower than the CPU where the model is newer than
/// the library, and not always the fastest. The better choice follows from what the CPU can do and from a table, never from a
/// timing: the set decides the order of sums, so it is part of what makes a run reproducible
/// (docs/decisions/0006-product-kernels.md).
public enum ProductKernels {
  /// The kernel set in use.
  public static var current: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

  /// The sets that this CPU can run, the widest first.
  public static var usable: [String] { KernelSet.usable(on: .own).map(\.name) }

  /// What this CPU gets of a library that has every set: the widest, unless another measured faster.
  public static var best: String? { KernelChoice.best(on: .own)?.name }

  /// Lets products use the best kernel set that the library has for this CPU, or the one that the environment variable
  /// OPENBLAS_CORETYPE names. To be called before any work. Returns what a user should know about the choice.
  ///
  /// Throws `ProductKernelsError` where no set multiplies rightly, and for a set that this CPU cannot run.
  public static func choose() throws -> [String] {
    // Products are divided by our own threads: the library of a child need start none.
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    return try KernelChoice(cpu: .own, library: library()).make(forced: variable(forcing))
  }

  /// How the kernels in use are narrower than the CPU, which matters to whoever compares times; nil where they are not, and
  /// where the environment chose them.
  public static var shortfall: String? {
    variable(forcing)?.lowercased() == current.lowercased() ? nil : KernelChoice.shortfall(of: current, on: .own)
  }

  private static let forcing = "OPENBLAS_CORETYPE"

  private static func variable(_ name: String) -> String? {
    getenv(name).flatMap { $0.pointee == 0 ? nil : String(cString: $0) }
  }

  /// The library that is linked. With the environment variable AIRFRAME_LIBRARY_KERNELS it is one that has only the sets named
  /// there and chose the first: tests show it a CPU that it does not know.
  private static func library() -> KernelChoice.Library {
    let named = variable("AIRFRAME_LIBRARY_KERNELS")?.split(separator: ",").map(String.init)
    if let own = named?.first { openblas_take_kernels(own) }
    return KernelChoice.Library(
      current: { current },
      take: { if named?.contains($0) ?? true { openblas_take_kernels($0) } },
      isRight: { ProductCheck.passes(multiplyAlone) })
  }
}

/// No product can be trusted.
public struct ProductKernelsError: Error, CustomStringConvertible, Equatable {
  public let description: String
  /// Whether another value of OPENBLAS_CORETYPE helps.
  public let isOfEnvironment: Bool
}
