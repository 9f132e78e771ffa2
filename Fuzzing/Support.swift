/// The fuzzer's input as an array.
func bytes(_ data: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
  Array(UnsafeBufferPointer(start: data, count: count))
}

/// The fuzzer's input as text; what is not UTF-8 becomes U+FFFD.
func text(_ data: UnsafePointer<UInt8>?, _ count: Int) -> String {
  String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
}

/// Stops the fuzzer, which then keeps the input, where a claim does not hold.
func claim(_ holds: Bool, _ words: @autoclosure () -> String) {
  if !holds { fatalError("this should hold: \(words())") }
}

/// What `work` returns; nil where it throws an error of that type, whose words are short and not empty.
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
