/// A set of OpenBLAS's product kernels that is for all CPUs with certain instructions.
struct KernelSet: Equatable, Sendable {
  /// As the library spells it.
  let name: String
  /// What a CPU must have to run it.
  let needs: [String]
  /// Sets of the same width use the same instructions, as far as products of Float32 go.
  let width: Int

  /// The sets that a choice is made from, the narrowest first.
  static let all = [
    KernelSet(name: "Prescott", needs: ["sse3"], width: 0),
    KernelSet(name: "Nehalem", needs: ["sse3", "ssse3", "sse4.1", "sse4.2"], width: 1),
    KernelSet(name: "Sandybridge", needs: ["sse4.2", "avx"], width: 2),
    KernelSet(name: "Haswell", needs: ["avx", "fma", "avx2"], width: 3),
    KernelSet(
      name: "SkylakeX", needs: ["fma", "avx2", "avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"], width: 4),
    // All sets for 64-bit Arm use these instructions, but for some models with wider ones that the library knows.
    KernelSet(name: "armv8", needs: ["asimd"], width: 0),
  ]

  /// Sets for one model or one maker, which the library takes where it knows the CPU, and how wide they are.
  private static let others = [
    "opteron": 0, "opteron_sse3": 0, "barcelona": 0, "bobcat": 0, "core2": 0, "penryn": 0, "dunnington": 0, "atom": 0,
    "nano": 0, "bulldozer": 2, "piledriver": 2, "steamroller": 2, "excavator": 3, "zen": 3, "cooperlake": 4,
  ]

  static func named(_ name: String) -> KernelSet? { all.first { $0.isNamed(name) } }

  /// The width of a set; nil for one that is not known here: a newer library's, which knows the CPU.
  static func width(of name: String) -> Int? { named(name)?.width ?? others[name.lowercased()] }

  /// The sets that a CPU can run, the widest first.
  static func usable(on cpu: CPU) -> [KernelSet] { all.filter { cpu.has($0.needs) }.reversed() }

  func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }
}
