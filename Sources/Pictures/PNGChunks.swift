/// The chunks of a PNG file (PNG specification, section 5.3): length, four letters, data, checksum.
enum PNGChunks {
  /// The chunks beside the critical ones that change what pixels mean, as far as it is read here.
  private static let kept = ["tRNS", "gAMA", "sRGB"].map { Array($0.utf8) }

  /// The file without chunks that describe rather than hold the picture: texts, times, color profiles.
  ///
  /// libpng takes as much memory for a color profile as the profile claims to need, up to gigabytes from a file of some
  /// hundred bytes. What is no PNG at all is left for libpng to name. Throws `PictureError` where the file ends within a
  /// chunk.
  static func essential(_ file: [UInt8]) throws -> [UInt8] {
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    guard file.starts(with: signature) else { return file }
    var result = signature
    result.reserveCapacity(file.count)
    var place = signature.count
    while place < file.count {
      guard file.count - place >= 12 else { throw cut(file.count, place, needed: 12) }
      let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - place - 12 else { throw cut(file.count, place, needed: length + 12) }
      let name = file[place + 4..<place + 8]
      // Bit 5 of the first letter, lower case, marks what a reader may skip.
      if name.first.map({ $0 & 0x20 == 0 }) == true || kept.contains(Array(name)) {
        result += file[place..<place + 12 + length]
      }
      place += 12 + length
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
