import CKernels

/// The vector kernels of this module (Sources/CKernels).
public enum VectorKernels {
  /// The instruction set that they use on this CPU: "x86-64-v4", "x86-64-v3" or "default".
  public static var current: String { String(cString: ck_instruction_set()) }
}
