/// A record in CASIA's GNT format: a gray image (255 is paper) of the character whose two-byte GBK code is `code`.
public func gntRecord(_ code: [UInt8], height: Int, width: Int, _ pixels: [UInt8]) -> [UInt8] {
  func littleEndian(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  return littleEndian(10 + height * width, 4) + code + littleEndian(width, 2) + littleEndian(height, 2) + pixels
}
