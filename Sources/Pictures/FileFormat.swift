/// The kind of a file, recognized by its first bytes, so that errors can name it when another kind was expected.
package enum FileFormat: String, CaseIterable, Sendable {
  case png = "a PNG picture"
  case npz = "a zip archive (as of NumPy's .npz)"
  case npy = "a NumPy array (.npy)"
  case gzip = "gzip data"
  case idx = "IDX data (as of MNIST)"
  case html = "a web page (HTML)"
  case jpeg = "a JPEG picture"
  case gif = "a GIF picture"
  case webp = "a WebP picture"
  case bmp = "a BMP picture"
  case tiff = "a TIFF picture"
  case hdf5 = "an HDF5 file"
  case tfRecord = "a TFRecord file (TensorFlow)"
  case pickle = "a Python pickle"
  case pdf = "a PDF document"
  case xz = "xz data"
  case bzip2 = "bzip2 data"
  case zstandard = "Zstandard data"
  case lfsPointer = "a Git LFS pointer, not the file that it refers to"
  case text = "text"

  /// The largest number of bytes that `init(_:)` examines.
  package static let headLength = 1024

  /// The kind of a file that starts with these bytes; nil if none is recognized.
  package init?(_ head: some Collection<UInt8>) {
    let head = Array(head.prefix(Self.headLength))
    func starts(_ bytes: UInt8...) -> Bool { head.starts(with: bytes) }
    func starts(_ text: String, at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: text.utf8) }
    if starts(0x89, 0x50, 0x4E, 0x47) {
      self = .png
    } else if starts(0x50, 0x4B, 3, 4) || starts(0x50, 0x4B, 5, 6) {
      self = .npz
    } else if starts(0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59) {
      self = .npy
    } else if starts(0x1F, 0x8B) {
      self = .gzip
    } else if starts(0xFF, 0xD8, 0xFF) {
      self = .jpeg
    } else if starts("GIF87a") || starts("GIF89a") {
      self = .gif
    } else if starts("RIFF"), starts("WEBP", at: 8) {
      self = .webp
    } else if starts(0x49, 0x49, 0x2A, 0) || starts(0x4D, 0x4D, 0, 0x2A) {
      self = .tiff
    } else if starts(0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A) {
      self = .hdf5
    } else if starts("%PDF-") {
      self = .pdf
    } else if starts(0xFD, 0x37, 0x7A, 0x58, 0x5A, 0) {
      self = .xz
    } else if starts("BZh"), Self.isBlock(head) {
      self = .bzip2
    } else if starts(0x28, 0xB5, 0x2F, 0xFD) {
      self = .zstandard
    } else if head.count >= 2, head[0] == 0x80, (2...5).contains(head[1]) {
      self = .pickle
    } else if head.count >= 4, head[0] == 0, head[1] == 0, [8, 9, 11, 12, 13, 14].contains(head[2]),
      (1...4).contains(head[3])
    {
      self = .idx
    } else if Self.isBitmap(head) {
      self = .bmp
    } else if Self.isRecord(head) {
      self = .tfRecord
    } else if let kind = Self.textKind(head) {
      self = kind
    } else {
      return nil
    }
  }

  /// The problem with a file that starts with `head` when `wanted` (such as `gzip data`) was expected, and the next
  /// step.
  ///
  /// The next step is nil if it depends on the caller.
  package static func words(_ head: some Collection<UInt8>, wanted: String) -> (problem: String, nextStep: String?) {
    guard let kind = FileFormat(head) else {
      let found = head.isEmpty ? "is empty" : "starts with \(hexadecimal(head.prefix(8)))"
      return ("is not \(wanted): it \(found)", nil)
    }
    return ("is \(kind.rawValue), not \(wanted)", kind.nextStep)
  }

  /// How to convert or obtain such a file in a form that can be read; nil if that depends on the expected kind.
  private var nextStep: String? {
    switch self {
    case .html: "the address answered with a page, perhaps an error or a login: fetch the file itself"
    case .jpeg, .gif, .webp, .bmp, .tiff, .pdf:
      "convert it to PNG, for instance with Pillow: Image.open(FILE).save('FILE.png')"
    case .hdf5: "read it with h5py, and save the images with numpy.savez(FILE, images=...)"
    case .tfRecord: "read it with TensorFlow, and save the images with numpy.savez(FILE, images=...)"
    case .pickle:
      "load it with Python's pickle where you trust it, and save the images with numpy.savez(FILE, images=...)"
    case .xz: "expand it with `xz -d`"
    case .bzip2: "expand it with `bzip2 -d`"
    case .zstandard: "expand it with `zstd -d`"
    case .lfsPointer: "run `git lfs pull` where the file comes from"
    case .png, .npz, .npy, .gzip, .idx, .text: nil
    }
  }

  /// Whether a bzip2 header is followed by the magic number of a block or by that of the end of an empty file.
  private static func isBlock(_ head: [UInt8]) -> Bool {
    let magic = head.dropFirst(4).prefix(6)
    return magic.elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
      || magic.elementsEqual([0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
  }

  /// Whether the bytes start with `BM` and a header of a known size.
  private static func isBitmap(_ head: [UInt8]) -> Bool {
    head.count >= 18 && head.starts(with: "BM".utf8) && [12, 40, 52, 56, 64, 108, 124].contains(head[14])
      && head[15] == 0 && head[16] == 0 && head[17] == 0
  }

  /// Whether the bytes start with an 8-byte length and its masked CRC-32C.
  private static func isRecord(_ head: [UInt8]) -> Bool {
    guard head.count >= 12 else { return false }
    var crc = ~UInt32(0)
    for byte in head[..<8] {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    let sum = ~crc
    let masked = (sum >> 15 | sum << 17) &+ 0xA282_EAD8
    return masked == head[8..<12].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The kind of a text; nil if some byte cannot be part of a text.
  private static func textKind(_ head: [UInt8]) -> FileFormat? {
    guard !head.isEmpty, head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (9...13).contains($0) }) else { return nil }
    // The head may end within a character, after at most three of its bytes.
    guard (0...3).contains(where: { $0 < head.count && String(validating: head.dropLast($0), as: UTF8.self) != nil })
    else { return nil }
    let text = String(decoding: head, as: UTF8.self).lowercased().drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    if ["<!doctype html", "<html", "<head", "<body"].contains(where: text.hasPrefix) { return .html }
    return text.hasPrefix("version https://git-lfs") ? .lfsPointer : .text
  }
}
