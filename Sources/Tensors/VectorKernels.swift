import CKernels

/// The vector kernels of this module (Sources/CKernels).
public enum VectorKernels {
  /// The instruction set that the kernels use: "x86-64-v4", "x86-64-v3" or "default" on x86-64, "neon" on 64-bit Arm.
  ///
  /// It is the widest that this CPU has, unless the environment variable AIRFRAME_VECTORS names a narrower one when the
  /// program starts.
  public static var current: String { String(cString: ck_instruction_set()) }
}
