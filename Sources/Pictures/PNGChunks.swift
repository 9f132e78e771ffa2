/// The chunks of a PNG file (PNG specification, section 5.3). A chunk has a length, a four-letter name, data and a
/// checksum.
enum PNGChunks {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The length in bytes of the signature and the first chunk, which states the size and color type of the picture.
  private static let headerEnd = 33
  /// The only chunk kept in addition to the critical ones, because it makes pixels transparent.
  private static let transparency = Array("tRNS".utf8)
  /// A complete gamma chunk for a gamma of 1. With it, libpng returns 16-bit samples unchanged.
  private static let gammaOfOne: [UInt8] = [0, 0, 0, 4] + "gAMA".utf8 + [0, 1, 0x86, 0xA0, 0x31, 0xE8, 0x96, 0x5F]

  /// Throws `PictureError` if a file does not start like a PNG; the error names the kind of file that it is.
  static func check(_ head: [UInt8]) throws {
    guard !head.isEmpty else {
      throw PictureError(problem: "an empty file is not a PNG", nextStep: "fetch or make the file again")
    }
    guard head.starts(with: signature) else {
      let words = FileFormat.words(head, wanted: "a readable PNG")
      throw PictureError(problem: words.problem, nextStep: words.nextStep ?? "fetch or make the file again")
    }
  }

  /// The file without the chunks that only describe the picture: texts, times, gamma, color profiles.
  ///
  /// libpng allocates as much memory for a color profile as the profile claims to need, which can be gigabytes for a
  /// file of a few hundred bytes. It also changes samples according to gamma and color chunks. Throws `PictureError` if
  /// the file is not a PNG or ends within a chunk.
  static func essential(_ file: [UInt8]) throws -> [UInt8] {
    try check(file)
    var result = signature
    result.reserveCapacity(file.count + gammaOfOne.count)
    var place = signature.count
    while place < file.count {
      guard file.count - place >= 12 else { throw cut(file.count, place, needed: 12) }
      let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - place - 12 else { throw cut(file.count, place, needed: length + 12) }
      let name = file[place + 4..<place + 8]
      // Bit 5 of the first letter (lower case) marks chunks that a reader may skip.
      if name.first.map({ $0 & 0x20 == 0 }) == true || name.elementsEqual(transparency) {
        result += file[place..<place + 12 + length]
      }
      place += 12 + length
      if place == headerEnd, file[24] == 16 { result += gammaOfOne }
      // Bytes after IEND are not part of the picture.
      if name.elementsEqual("IEND".utf8) { break }
    }
    return result
  }

  private static func cut(_ count: Int, _ place: Int, needed: Int) -> PictureError {
    PictureError(
      problem: "is a broken PNG: ends at byte \(count), but the chunk at byte \(place) takes \(needed) bytes",
      nextStep: "fetch or make the file again")
  }
}
