import CZlib

/// The bytes that a deflate stream expanded to, and the number of input bytes it consumed.
struct Inflated {
  var bytes: [UInt8]
  var consumed: Int
}

/// The reason why a deflate stream could not be expanded.
enum InflateFailure: Error {
  case truncated, tooLarge
  case damaged(String)
}

/// The format that zlib expects around the deflate stream.
enum InflateFormat: Int32 {
  case gzip = 31
  case raw = -15
}

/// Expands one stream at the start of `input` to at most `limit` bytes. `expected` only sets the size of the first
/// buffer.
///
/// Throws `InflateFailure`, and `FileError` if the expected size is larger than the free memory.
func inflateStream(
  _ input: UnsafeBufferPointer<UInt8>, format: InflateFormat, expected: Int, limit: Int
) throws -> Inflated {
  let stream = try InflateStream(format)
  let limit = min(max(0, limit), 1 << 48)
  var result = Inflated(bytes: [], consumed: 0)
  // Deflate expands by a factor of at most 1032, which bounds a false `expected`. One more byte reveals an overrun.
  var room = min(max(0, expected), limit, 1032 * input.count + 64) + 1
  try FreeMemory.require(room)
  while true {
    var ended = false
    var failure: InflateFailure?
    let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      while count < room, !ended, failure == nil {
        let free = UnsafeMutableBufferPointer(rebasing: buffer[count..<room])
        let outcome = inflateStep(stream.pointer, input, result.consumed, free)
        result.consumed += outcome.taken
        count += outcome.given
        ended = outcome.ended
        failure = outcome.failure
      }
    }
    if let failure { throw failure }
    if result.bytes.isEmpty { result.bytes = chunk } else { result.bytes += chunk }
    guard result.bytes.count <= limit else { throw InflateFailure.tooLarge }
    if ended { return result }
    room = min(max(result.bytes.count, 1 << 16), limit - result.bytes.count + 1)
  }
}

/// The first `count` bytes that `input` expands to, or all. Throws `InflateFailure` if it is damaged before that point.
func inflateHead(_ input: UnsafeBufferPointer<UInt8>, format: InflateFormat, count: Int) throws -> [UInt8] {
  guard count > 0 else { return [] }
  let stream = try InflateStream(format)
  var failure: InflateFailure?
  let head = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    var consumed = 0
    while filled < count, failure == nil {
      let free = UnsafeMutableBufferPointer(rebasing: buffer[filled..<count])
      let outcome = inflateStep(stream.pointer, input, consumed, free)
      consumed += outcome.taken
      filled += outcome.given
      failure = outcome.failure
      if outcome.ended { break }
    }
  }
  if let failure { throw failure }
  return head
}

/// The state of zlib. It must not move in memory, because zlib keeps a pointer to it.
private struct InflateStream: ~Copyable {
  let pointer: UnsafeMutablePointer<z_stream>

  init(_ format: InflateFormat) throws {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let begun = inflateInit2_(stream, format.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard begun == Z_OK else {
      stream.deallocate()
      throw InflateFailure.damaged("zlib cannot start, code \(begun)")
    }
    pointer = stream
  }

  deinit {
    inflateEnd(pointer)
    pointer.deallocate()
  }
}

private struct InflateOutcome {
  var taken = 0
  var given = 0
  var ended = false
  var failure: InflateFailure?
}

/// Calls zlib's inflate once, with at most 1 GiB of input and of output, because zlib's counts have 32 bits.
private func inflateStep(
  _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafeBufferPointer<UInt8>, _ offset: Int,
  _ output: UnsafeMutableBufferPointer<UInt8>
) -> InflateOutcome {
  let offered = min(input.count - offset, 1 << 30)
  let room = min(output.count, 1 << 30)
  stream.pointee.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + offset) }
  stream.pointee.avail_in = uInt(offered)
  stream.pointee.next_out = output.baseAddress
  stream.pointee.avail_out = uInt(room)
  let status = inflate(stream, Z_NO_FLUSH)
  var outcome = InflateOutcome(
    taken: offered - Int(stream.pointee.avail_in), given: room - Int(stream.pointee.avail_out))
  switch status {
  case Z_STREAM_END: outcome.ended = true
  case Z_OK: break
  case Z_BUF_ERROR: outcome.failure = .truncated
  default:
    outcome.failure = .damaged(stream.pointee.msg.map { String(cString: $0) } ?? "zlib code \(status)")
  }
  return outcome
}
