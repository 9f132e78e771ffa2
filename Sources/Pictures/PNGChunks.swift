/// The chunks of a PNG file (PNG specification, section 5.3): length, four letters, data, checksum.
enum PNGChunks {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The bytes of the signature and the first chunk, which says the size and kind of the picture.
  private static let headerEnd = 33
  /// The chunk beside the critical ones that changes what pixels mean, as far as it is read here.
  private static let transparency = Array("tRNS".utf8)
  /// A gamma of 1, with its length and checksum: libpng then hands out 16-bit samples as they are.
  private static let gammaOfOne: [UInt8] = [0, 0, 0, 4] + "gAMA".utf8 + [0, 1, 0x86, 0xA0, 0x31, 0xE8, 0x96, 0x5F]

  /// Throws `PictureError` where the first bytes of a file are not those of a PNG, and says of what they are.
  static func check(_ head: [UInt8]) throws {
    guard !head.isEmpty else {
      throw PictureError(problem: "an empty file is not a PNG", nextStep: "fetch or make the file again")
    }
    guard head.starts(with: signature) else {
      let words = FileFormat.words(head, wanted: "a readable PNG")
      throw PictureError(problem: words.problem, nextStep: words.nextStep ?? "fetch or make the file again")
    }
  }

  /// The file without chunks that describe rather than hold the picture: texts, times, gamma, color profiles.
  ///
  /// libpng takes as much memory for a color profile as the profile claims to need, up to gigabytes from a file of some
  /// hundred bytes, and changes samples by what it reads of gamma and color. Throws `PictureError` for what is no PNG, and
  /// where the file ends within a chunk.
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
      // Bit 5 of the first letter, lower case, marks what a reader may skip.
      if name.first.map({ $0 & 0x20 == 0 }) == true || name.elementsEqual(transparency) {
        result += file[place..<place + 12 + length]
      }
      place += 12 + length
      if place == headerEnd, file[24] == 16 { result += gammaOfOne }
      // What follows the end is no part of the picture.
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
