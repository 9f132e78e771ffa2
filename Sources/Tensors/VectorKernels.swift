import CKernels

/// The vector kernels of this module (Sources/CKernels).
public enum VectorKernels {
  /// The instruction set that they use: "x86-64-v4", "x86-64-v3" or "default", the widest of this CPU unless the environment
  /// variable AIRFRAME_VECTORS names a narrower one when the program starts; "neon" on 64-bit Arm.
  public static var current: String { String(cString: ck_instruction_set()) }
}
