/// A set of OpenBLAS's matrix product kernels that serves all CPUs with certain instructions.
struct KernelSet: Equatable, Sendable {
  /// The name, spelled as in the library.
  let name: String
  /// The CPU features that the set needs.
  let needs: [String]
  /// A rank by vector width. Sets of the same width use the same instructions for products of Float32.
  let width: Int

  /// The sets to choose from, the narrowest first.
  static let all = [
    KernelSet(name: "Prescott", needs: ["sse3"], width: 0),
    KernelSet(name: "Nehalem", needs: ["sse3", "ssse3", "sse4.1", "sse4.2"], width: 1),
    KernelSet(name: "Sandybridge", needs: ["sse4.2", "avx"], width: 2),
    KernelSet(name: "Haswell", needs: ["avx", "fma", "avx2"], width: 3),
    KernelSet(
      name: "SkylakeX", needs: ["fma", "avx2", "avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"], width: 4),
    // All sets for 64-bit Arm use these instructions, except for some models with wider ones that the library knows.
    KernelSet(name: "armv8", needs: ["asimd"], width: 0),
  ]

  /// Sets for one model or one vendor, with their widths. The library selects them on CPUs that it knows.
  private static let others = [
    "opteron": 0, "opteron_sse3": 0, "barcelona": 0, "bobcat": 0, "core2": 0, "penryn": 0, "dunnington": 0, "atom": 0,
    "nano": 0, "bulldozer": 2, "piledriver": 2, "steamroller": 2, "excavator": 3, "zen": 3, "cooperlake": 4,
  ]

  static func named(_ name: String) -> KernelSet? { all.first { $0.isNamed(name) } }

  /// The width of a set; nil for an unknown one, which comes from a newer library that knows the CPU.
  static func width(of name: String) -> Int? { named(name)?.width ?? others[name.lowercased()] }

  /// The sets that a CPU can run, the widest first.
  static func usable(on cpu: CPU) -> [KernelSet] { all.filter { cpu.has($0.needs) }.reversed() }

  func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }
}
