import CKernels

/// The properties of a CPU on which the choice of kernels depends.
public struct CPU: Equatable, Sendable {
  /// The vendor as reported by CPUID, `AuthenticAMD` or `GenuineIntel`; empty on 64-bit Arm.
  public let vendor: String
  /// The family number reported by CPUID; 0 on 64-bit Arm.
  public let family: Int
  /// The vector instructions that the CPU has and that the operating system lets programs use, spelled as in
  /// /proc/cpuinfo.
  public let features: [String]

  public init(vendor: String, family: Int, features: [String]) {
    self.vendor = vendor
    self.family = family
    self.features = features
  }

  /// The CPU on which this process runs.
  public static let own: CPU = {
    var vendor = [CChar](repeating: 0, count: 13)
    var features = [CChar](repeating: 0, count: 256)
    let family = Int(ck_cpu_family(&vendor))
    ck_cpu_features(&features)
    return CPU(vendor: text(vendor), family: family, features: text(features).split(separator: " ").map(String.init))
  }()

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  func has(_ features: [String]) -> Bool { features.allSatisfy(self.features.contains) }
}
