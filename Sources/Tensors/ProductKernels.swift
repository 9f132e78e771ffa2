import COpenBLAS
import Glibc

/// Which of the BLAS library's kernel sets serves this CPU.
///
/// OpenBLAS chooses one when it is loaded and does not always choose the fastest. The better choice is a table by CPU, never
/// a timing: the kernel set decides the order of sums, so it is part of what makes a run reproducible.
public enum ProductKernels {
  /// Kernel sets that measured faster than the library's own choice (docs/performance.md), by CPU.
  fileprivate static let better: [CPU: String] = [
    // Zen 4 splits 512-bit operations, and the AVX2 kernels beat the library's AVX-512 ones on every shape.
    CPU(vendor: "AuthenticAMD", family: 25, hasAVX512: true): "Haswell"
  ]

  fileprivate struct CPU: Hashable { let vendor: String, family: Int, hasAVX512: Bool }

  /// The kernel set in use.
  public static var current: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

  /// Starts the program again with the better kernel set, if there is one and the environment names none.
  /// Does not return in that case. To be called before any work.
  public static func restartWithBetter() {
    // Products are divided by our own threads: the library of a new process, this program's or a child's, need start none.
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    guard getenv("OPENBLAS_CORETYPE") == nil, let wanted = CPU.own.flatMap({ better[$0] }) else { return }
    setenv("OPENBLAS_CORETYPE", wanted, 1)
    // On failure the program goes on with the library's choice.
    // The link is resolved first, so that the process keeps its name in lists.
    var path = [CChar](repeating: 0, count: 4097)
    if readlink("/proc/self/exe", &path, 4096) > 0 { execv(path, CommandLine.unsafeArgv) }
  }
}

extension ProductKernels.CPU {
  /// This machine's, from the head of /proc/cpuinfo; nil where that cannot be read.
  fileprivate static var own: ProductKernels.CPU? {
    guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    var vendor: String?
    var family: Int?
    var hasAVX512 = false
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].filter { $0 != "\t" }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      switch key {
      case "vendor_id": vendor = vendor ?? String(value)
      case "cpu family": family = family ?? Int(value)
      case "flags": hasAVX512 = hasAVX512 || value.split(separator: " ").contains("avx512f")
      default: break
      }
    }
    guard let vendor, let family else { return nil }
    return ProductKernels.CPU(vendor: vendor, family: family, hasAVX512: hasAVX512)
  }
}
