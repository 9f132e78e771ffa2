// Bounds: 64 KiB of input, 64 MiB per allocation, 512 MiB in total.

import Pictures

/// A PNG file: a picture that was read can be written as a PNG and is then read back unchanged.
///
/// libpng stops at the first wrong checksum. The input is therefore also read with all checksums repaired, and with its
/// data taken as uncompressed rows, which are compressed here.
func check(_ file: [UInt8]) {
  let chunks = Chunk.all(of: file)
  for input in [file, Chunk.file(chunks), Chunk.file(chunks.map(\.packed))] {
    guard let picture = attempt(refusing: PictureError.self, { try Picture(png: input) }) else { continue }
    claim(
      picture.pixels.count == picture.width * picture.height * picture.channels, "as many samples as the sizes say")
    // Large pictures would only take time.
    guard picture.pixels.count <= 1 << 16 else { continue }
    let again = attempt(refusing: PictureError.self) { try Picture(png: picture.png()) }
    claim(again == picture, "a picture comes back from its PNG")
  }
}

/// A chunk of a PNG file: a four-letter name and data.
private struct Chunk {
  let name: [UInt8]
  let data: [UInt8]

  /// The chunks after the first eight bytes. A chunk whose length exceeds the file gets the data that is there.
  static func all(of file: [UInt8]) -> [Chunk] {
    var chunks: [Chunk] = []
    var rest = file.dropFirst(8)
    while rest.count >= 8 {
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      let name = Array(rest.dropFirst(4).prefix(4))
      rest = rest.dropFirst(8)
      chunks.append(Chunk(name: name, data: Array(rest.prefix(length))))
      rest = rest.dropFirst(length + 4)
    }
    return chunks
  }

  /// The same chunk, with pixel data taken as uncompressed and wrapped in a zlib stream.
  var packed: Chunk { name == Array("IDAT".utf8) ? Chunk(name: name, data: Self.stored(data)) : self }

  /// A file made of chunks, with correct lengths and checksums.
  static func file(_ chunks: [Chunk]) -> [UInt8] {
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    return chunks.reduce(into: signature) { file, chunk in
      let body = chunk.name + chunk.data
      file += bigEndian(UInt32(chunk.data.count)) + body + bigEndian(checksum(body))
    }
  }

  /// A zlib stream (RFC 1950) of uncompressed blocks.
  private static func stored(_ data: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var rest = data[...]
    repeat {
      let block = rest.prefix(0xFFFF)
      rest = rest.dropFirst(0xFFFF)
      let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
      stream += [rest.isEmpty ? 1 : 0, low, high, ~low, ~high] + block
    } while !rest.isEmpty
    var (a, b) = (UInt32(1), UInt32(0))
    for byte in data {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return stream + bigEndian(b << 16 | a)
  }

  /// The CRC-32 of PNG, computed bit by bit.
  private static func checksum(_ data: [UInt8]) -> UInt32 {
    ~data.reduce(~0) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
