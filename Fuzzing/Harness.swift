import Glibc

/// What libFuzzer calls: gives the input to the target's `check`, which states what must hold.
///
/// Stops where that takes a second of processor time. (libFuzzer's own limit counts the time on the wall, which says
/// little on a busy machine.)
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let start = clock()
  check(Array(UnsafeBufferPointer(start: data, count: count)))
  claim(clock() - start < CLOCKS_PER_SEC, "an input takes less than a second")
  return 0
}

/// The input as text; what is not UTF-8 becomes U+FFFD.
func text(of input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }

/// Stops the fuzzer, which then keeps the input, where a claim does not hold.
func claim(_ holds: Bool, _ words: @autoclosure () -> String) {
  if !holds { fatalError("this should hold: \(words())") }
}

/// What `work` returns; nil where it throws an error of that type, which says something.
/// Any other error stops the fuzzer.
func attempt<Result, Fault: Error>(refusing fault: Fault.Type, _ work: () throws -> Result) -> Result? {
  do {
    return try work()
  } catch let error as Fault {
    claim(!"\(error)".isEmpty, "an error says what is wrong")
    return nil
  } catch {
    fatalError("an error of another type than \(fault): \(error)")
  }
}
