import Testing

@testable import Tensors

/// The choice of a kernel set for each kind of CPU and library.
struct ProductKernelsTests {
  private static let sse = ["sse3", "ssse3", "sse4.1", "sse4.2"]
  private static let avx2 = sse + ["avx", "fma", "avx2"]
  private static let avx512 = avx2 + ["avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"]
  private static let everySet = ["Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX", "Cooperlake"]

  private static func intel(_ features: [String]) -> CPU { CPU(vendor: "GenuineIntel", family: 6, features: features) }
  private static func amd(_ family: Int, _ features: [String]) -> CPU {
    CPU(vendor: "AuthenticAMD", family: family, features: features)
  }

  /// A library with the given kernel sets, one of which it has chosen itself. The sets in `wrong` give wrong products.
  private final class Library {
    let sets: [String]
    let wrong: Set<String>
    private(set) var current: String
    private(set) var taken: [String] = []

    init(_ sets: [String], choosing own: String, wrong: Set<String> = []) {
      (self.sets, self.wrong, current) = (sets, wrong, own)
    }

    func chosen(on cpu: CPU, forced: String? = nil) throws -> [String] {
      let library = KernelChoice.Library(
        current: { self.current },
        take: {
          self.taken.append($0)
          if self.sets.contains($0) { self.current = $0 }
        }, isRight: { !self.wrong.contains(self.current) })
      return try KernelChoice(cpu: cpu, library: library).make(forced: forced)
    }
  }

  private struct Unknown: CustomTestStringConvertible {
    let testDescription: String
    let cpu: CPU
    let expected: String
  }

  private static let unknown = [
    Unknown(testDescription: "Intel with AVX-512", cpu: intel(avx512 + ["avx512vnni"]), expected: "SkylakeX"),
    Unknown(testDescription: "Intel with AVX2", cpu: intel(avx2), expected: "Haswell"),
    // Only many-core accelerators have AVX-512 without DQ, BW and VL.
    Unknown(
      testDescription: "Intel with a part of AVX-512", cpu: intel(avx2 + ["avx512f", "avx512cd"]), expected: "Haswell"),
    Unknown(testDescription: "AVX alone", cpu: intel(sse + ["avx"]), expected: "Sandybridge"),
    Unknown(testDescription: "AVX2 without FMA", cpu: intel(sse + ["avx", "avx2"]), expected: "Sandybridge"),
    Unknown(testDescription: "AVX that the system does not save", cpu: intel(sse), expected: "Nehalem"),
    Unknown(testDescription: "SSE3 alone", cpu: intel(["sse3"]), expected: "Prescott"),
    Unknown(testDescription: "AMD with AVX2", cpu: amd(30, avx2), expected: "Haswell"),
    Unknown(testDescription: "AMD with AVX-512", cpu: amd(30, avx512), expected: "SkylakeX"),
    Unknown(testDescription: "another maker", cpu: CPU(vendor: "", family: 0, features: avx2), expected: "Haswell"),
  ]

  @Test(arguments: unknown) private func aCPUThatTheLibraryDoesNotKnowGetsItsWidestKernels(_ unknown: Unknown) throws {
    let library = Library(Self.everySet, choosing: "Prescott")
    #expect(try library.chosen(on: unknown.cpu).isEmpty)
    #expect(library.current == unknown.expected)
  }

  @Test(
    arguments: [
      (intel(avx512), "SkylakeX"), (intel(avx512 + ["avx512bf16"]), "Cooperlake"), (amd(26, avx512), "Cooperlake"),
      (intel(avx2), "Haswell"), (amd(23, avx2), "Zen"), (amd(21, avx2), "Excavator"), (intel(sse), "Nehalem"),
      // A kernel set from a newer library.
      (intel(avx512), "SapphireRapids"), (CPU(vendor: "", family: 0, features: ["asimd"]), "neoversev1"),
      (CPU(vendor: "", family: 0, features: ["asimd"]), "armv8"),
    ])
  func aChoiceOfTheLibraryThatIsAsWideAsTheCPUStands(cpu: CPU, own: String) throws {
    let library = Library(Self.everySet, choosing: own)
    #expect(try library.chosen(on: cpu).isEmpty)
    #expect(library.current == own && library.taken.isEmpty)
  }

  @Test(arguments: ["Prescott", "Haswell", "Zen", "SkylakeX", "Cooperlake"])
  func whatMeasuredFasterIsTakenWhateverTheLibraryChose(own: String) throws {
    let library = Library(Self.everySet, choosing: own)
    #expect(try library.chosen(on: Self.amd(25, Self.avx512)).isEmpty)
    #expect(library.current == (own == "Zen" ? "Zen" : "Haswell"))  // Zen and Haswell multiply in the same way.
    // Zen 3 belongs to the same CPU family.
    let zen3 = Library(Self.everySet, choosing: "Zen")
    #expect(try zen3.chosen(on: Self.amd(25, Self.avx2)).isEmpty && zen3.current == "Zen")
  }

  @Test func aLibraryWithoutTheBestKernelsGivesTheNextAndThatIsSaid() throws {
    let library = Library(["Prescott", "Sandybridge", "Haswell"], choosing: "Prescott")
    let notes = try library.chosen(on: Self.intel(Self.avx512))
    #expect(library.current == "Haswell" && library.taken == ["SkylakeX", "Haswell"])
    #expect(notes.count == 1 && notes[0].contains("Haswell") && notes[0].contains("SkylakeX"), "\(notes)")
    let fixed = Library(["Prescott"], choosing: "Prescott")
    #expect(try fixed.chosen(on: Self.intel(Self.avx2)).count == 1)
    #expect(fixed.current == "Prescott")
  }

  @Test func kernelsThatMultiplyWronglyAreRefused() throws {
    let library = Library(Self.everySet, choosing: "Prescott", wrong: ["SkylakeX"])
    let notes = try library.chosen(on: Self.intel(Self.avx512))
    #expect(library.current == "Haswell")
    #expect(notes.contains { $0.contains("SkylakeX kernels multiply wrongly") }, "\(notes)")
    // The set that the library itself chose is checked too.
    let own = Library(Self.everySet, choosing: "SkylakeX", wrong: ["SkylakeX", "Haswell"])
    #expect(try own.chosen(on: Self.intel(Self.avx512)).count == 3)
    #expect(own.current == "Sandybridge")
    let none = Library(["Prescott"], choosing: "Prescott", wrong: ["Prescott"])
    #expect(throws: ProductKernelsError.self) { try none.chosen(on: Self.intel(Self.avx512)) }
  }

  @Test func theEnvironmentOverrulesTheChoice() throws {
    let library = Library(Self.everySet, choosing: "Prescott")
    #expect(try library.chosen(on: Self.intel(Self.avx512), forced: "prescott").isEmpty)
    #expect(library.current == "Prescott" && library.taken.isEmpty)
  }

  @Test func aSetThatTheCPUCannotRunOrThatIsWrongIsRefusedInTheEnvironment() throws {
    let library = Library(Self.everySet, choosing: "SkylakeX", wrong: ["SkylakeX"])
    for (cpu, word) in [(Self.intel(Self.avx2), "avx512f"), (Self.intel(Self.avx512), "wrongly")] {
      let error = #expect(throws: ProductKernelsError.self) { try library.chosen(on: cpu, forced: "SkylakeX") }
      #expect(
        error?.isOfEnvironment == true && error?.description.contains(word) == true, "\(String(describing: error))")
    }
  }

  @Test func aNameThatTheLibraryDoesNotKnowIsSaidAndTheRuleFollowed() throws {
    let library = Library(Self.everySet, choosing: "Prescott")
    let notes = try library.chosen(on: Self.intel(Self.avx512), forced: "skylake")
    #expect(library.current == "SkylakeX")
    #expect(notes.count == 1 && notes[0].contains("skylake"), "\(notes)")
  }

  @Test func whatThisLibraryMultipliesIsRightAndFaultsAreSeen() {
    #expect(ProductCheck.passes(multiplyAlone))
    // Faults: in one layout, in the last column, when accumulating onto existing values, and only in large products.
    #expect(
      !ProductCheck.passes { a, ta, b, tb, c, m, n, k, accumulates in
        multiplyAlone(
          a, transposed: ta, b, otherTransposed: tb && !ta, into: c, m: m, n: n, k: k, accumulates: accumulates)
      })
    #expect(
      !ProductCheck.passes { a, ta, b, tb, c, m, n, k, accumulates in
        multiplyAlone(a, transposed: ta, b, otherTransposed: tb, into: c, m: m, n: n, k: k, accumulates: accumulates)
        if m > 100, ta, tb { c[m * n - 1] += 1 }
      })
    #expect(
      !ProductCheck.passes { a, ta, b, tb, c, m, n, k, _ in
        multiplyAlone(a, transposed: ta, b, otherTransposed: tb, into: c, m: m, n: n, k: k)
      })
  }

  @Test func theFeaturesOfThisCPUAreThoseThatTheSystemTells() throws {
    let features = CPU.own.features
    #expect(!features.isEmpty && !ProductKernels.usable.isEmpty)
    #expect(ProductKernels.usable.contains(ProductKernels.current) || KernelSet.named(ProductKernels.current) == nil)
  }
}
