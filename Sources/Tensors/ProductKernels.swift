import COpenBLAS
import Glibc

/// The choice among the BLAS library's kernel sets for this CPU.
///
/// OpenBLAS chooses a set by the CPU's model when it is loaded. Its choice is narrower than the CPU if the model is
/// newer than the library, and it is not always the fastest. The better choice follows from the CPU's features and from
/// a table, never from a timing: the set decides the order of sums, so it is part of what makes a run reproducible
/// (docs/decisions/0006-product-kernels.md).
public enum ProductKernels {
  /// The kernel set in use.
  public static var current: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

  /// The sets that this CPU can run, the widest first.
  public static var usable: [String] { KernelSet.usable(on: .own).map(\.name) }

  /// The set to use on this CPU if the library has every set: the widest, unless another measured faster.
  public static var best: String? { KernelChoice.best(on: .own)?.name }

  /// Makes products use the best kernel set that the library has for this CPU, or the one that the environment variable
  /// OPENBLAS_CORETYPE names.
  ///
  /// Call it before any work. Returns notes for the user about the choice. Throws `ProductKernelsError` if no set
  /// computes correct products or if the environment names a set that cannot be used on this CPU.
  public static func choose() throws -> [String] {
    // Our own threads divide the products, so the library of a child process need not start threads.
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    return try KernelChoice(cpu: .own, library: library()).make(forced: variable(forcing))
  }

  /// A message that the kernels in use are narrower than the CPU, for readers who compare times. Nil if they are not,
  /// or if the environment chose them.
  public static var shortfall: String? {
    variable(forcing)?.lowercased() == current.lowercased() ? nil : KernelChoice.shortfall(of: current, on: .own)
  }

  private static let forcing = "OPENBLAS_CORETYPE"

  private static func variable(_ name: String) -> String? {
    getenv(name).flatMap { $0.pointee == 0 ? nil : String(cString: $0) }
  }

  /// The linked library. If the environment variable AIRFRAME_LIBRARY_KERNELS is set, it behaves like a library that
  /// has only the sets named there and chose the first. Tests use this to imitate a CPU that the library does not know.
  private static func library() -> KernelChoice.Library {
    let named = variable("AIRFRAME_LIBRARY_KERNELS")?.split(separator: ",").map(String.init)
    if let own = named?.first { openblas_take_kernels(own) }
    return KernelChoice.Library(
      current: { current },
      take: { if named?.contains($0) ?? true { openblas_take_kernels($0) } },
      isRight: { ProductCheck.passes(multiplyAlone) })
  }
}

/// No kernel set, or not the one that the environment names, can be used for products.
public struct ProductKernelsError: Error, CustomStringConvertible, Equatable {
  public let description: String
  /// Whether the cause is the value of OPENBLAS_CORETYPE, so that another value helps.
  public let isOfEnvironment: Bool
}
