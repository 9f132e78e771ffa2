import CKernels

/// What a CPU can do, as far as the choice of kernels depends on it.
public struct CPU: Equatable, Sendable {
  /// As CPUID spells it, `AuthenticAMD` or `GenuineIntel`; empty on 64-bit Arm.
  public let vendor: String
  /// CPUID's number of the family; 0 on 64-bit Arm.
  public let family: Int
  /// The vector instructions that the CPU has and the operating system lets programs use, in the spelling of /proc/cpuinfo.
  public let features: [String]

  public init(vendor: String, family: Int, features: [String]) {
    self.vendor = vendor
    self.family = family
    self.features = features
  }

  /// The one that this process runs on.
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
