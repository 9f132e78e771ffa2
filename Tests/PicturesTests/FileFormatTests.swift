import Glibc
import Pictures
import Testing

@Suite struct FileFormatTests {
  /// The first bytes of files, with the kind of each.
  static let heads: [(bytes: [UInt8], kind: FileFormat)] = [
    (Fixtures.gray, .png), (Fixtures.npz, .npz), (Fixtures.NumPy.uint8, .npy), ([0x1F, 0x8B, 8, 0], .gzip),
    ([0, 0, 8, 3, 0, 0, 0, 1], .idx), (Array("<!DOCTYPE html>\n<html>".utf8), .html),
    (Array("\n <HTML lang=en>".utf8), .html), ([0xFF, 0xD8, 0xFF, 0xE0], .jpeg), (Array("GIF89a".utf8), .gif),
    (Array("RIFF".utf8) + [1, 0, 0, 0] + Array("WEBPVP8 ".utf8), .webp),
    (Array("BM".utf8) + [UInt8](repeating: 0, count: 12) + [40, 0, 0, 0], .bmp), ([0x49, 0x49, 0x2A, 0, 8], .tiff),
    ([0x4D, 0x4D, 0, 0x2A, 0], .tiff), ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5),
    // A record of 5 bytes, as TensorFlow writes it.
    ([5, 0, 0, 0, 0, 0, 0, 0, 0xEA, 0xB2, 0x04, 0x3E, 1, 2, 3, 4, 5], .tfRecord), ([0x80, 4, 0x95, 0], .pickle),
    (Array("%PDF-1.7".utf8), .pdf), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .xz),
    (Array("BZh9".utf8) + [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], .bzip2), ([0x28, 0xB5, 0x2F, 0xFD], .zstandard),
    (Array("version https://git-lfs.github.com/spec/v1\noid".utf8), .lfsPointer), (Array("größe, 3\n".utf8), .text),
  ]

  @Test(arguments: heads.indices) func filesAreRecognizedByTheirFirstBytes(index: Int) {
    #expect(FileFormat(Self.heads[index].bytes) == Self.heads[index].kind)
  }

  @Test func otherBytesAreNotGuessed() {
    for bytes in [[], [1, 2, 3], [0x80], [0xC3, 0x28, 0x41, 0x42], Array("BMW".utf8) + [0]] as [[UInt8]] {
      #expect(FileFormat(bytes) == nil)
    }
    // A text that is cut within a character still counts as text.
    #expect(FileFormat(Array("größe".utf8.prefix(3))) == .text)
  }

  /// Every reader names the kind of file it was given and the next step.
  @Test func everyReaderNamesAForeignFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/file.gz"
      let readers: [(name: String, read: () throws -> Void)] = [
        ("a readable PNG", { _ = try Picture(pngFile: path) }), ("gzip data", { _ = try IDX(file: path) }),
        ("a zip archive", { _ = try NPZ(file: path) }), ("NPY data", { _ = try NPY(file: path) }),
      ]
      for (bytes, kind, help) in [
        (Array("<html>404 Not Found</html>".utf8), FileFormat.html, "fetch the file itself"),
        ([0xFF, 0xD8, 0xFF, 0xE0], .jpeg, "convert it to PNG"),
        ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5, "h5py"),
        ([0x80, 4, 0x95, 0], .pickle, "numpy.savez"),
      ] as [([UInt8], FileFormat, String)] {
        try writeFileAtomically(bytes, to: path)
        for (wanted, read) in readers {
          let words = message(of: read)
          #expect(words.hasPrefix("\(path): is \(kind.rawValue), not \(wanted); ") && words.contains(help), "\(words)")
        }
      }
    }
  }
}
