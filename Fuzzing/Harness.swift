import Glibc

/// The entry point for libFuzzer. It passes the input to the target's `check`, which tests what must hold.
///
/// Stops the fuzzer if a check takes a second of processor time. (libFuzzer's own limit counts wall-clock time, which
/// is unreliable on a busy machine.)
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let start = clock()
  check(Array(UnsafeBufferPointer(start: data, count: count)))
  claim(clock() - start < CLOCKS_PER_SEC, "an input takes less than a second")
  return 0
}

/// The input as text. Bytes that are not UTF-8 become U+FFFD.
func text(of input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }

/// Stops the fuzzer, which then saves the input, if a claim does not hold.
func claim(_ holds: Bool, _ words: @autoclosure () -> String) {
  if !holds { fatalError("this should hold: \(words())") }
}

/// The result of `work`; nil if it throws an error of the given type with a message.
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
