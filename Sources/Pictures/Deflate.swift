import CZlib

/// Compresses `input` into one stream of the given format; `level` is 0 (store) to 9 (smallest).
///
/// Throws `FileError` if memory runs out.
func deflateStream(_ input: UnsafeBufferPointer<UInt8>, format: InflateFormat, level: Int) throws -> [UInt8] {
  // zlib keeps a pointer to the stream, so the stream must not move in memory.
  let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  stream.initialize(to: z_stream())
  defer { stream.deallocate() }
  let begun = deflateInit2_(
    stream, Int32(level), Z_DEFLATED, format.rawValue, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
    Int32(MemoryLayout<z_stream>.size))
  guard begun == Z_OK else { throw deflateFailure(begun) }
  defer { deflateEnd(stream) }

  let bound = Int(deflateBound(stream, uLong(input.count))) + 64
  var status = Z_OK
  let output = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
    var offset = 0
    while status == Z_OK {
      let offered = min(input.count - offset, 1 << 30)
      let room = min(bound - count, 1 << 30)
      stream.pointee.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + offset) }
      stream.pointee.avail_in = uInt(offered)
      stream.pointee.next_out = buffer.baseAddress.map { $0 + count }
      stream.pointee.avail_out = uInt(room)
      status = deflate(stream, offset + offered == input.count ? Z_FINISH : Z_NO_FLUSH)
      offset += offered - Int(stream.pointee.avail_in)
      count += room - Int(stream.pointee.avail_out)
    }
  }
  guard status == Z_STREAM_END else { throw deflateFailure(status) }
  return output
}

private func deflateFailure(_ code: Int32) -> FileError {
  FileError(problem: "zlib cannot compress (code \(code))", nextStep: "check that memory is left")
}
