/// An 8-bit sRGB color.
public struct Color: Sendable, Equatable, Hashable {
  public var red, green, blue: UInt8

  /// A color from its red, green and blue components, 0 to 255.
  public init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// A color from 0xRRGGBB.
  init(hex: UInt32) {
    self.init(red: UInt8(hex >> 16 & 255), green: UInt8(hex >> 8 & 255), blue: UInt8(hex & 255))
  }

  public static let black = Color(hex: 0x000000)
  public static let white = Color(hex: 0xFFFFFF)

  /// Ten colors that are easy to distinguish on black: Okabe and Ito's set (2008), brightened, then white, violet and
  /// lime.
  public static let palette: [Color] = [
    0x6FCBFF, 0xFFA51F, 0x00D79A, 0xF8EC50, 0xFF5A36, 0xF48CC8, 0x3F66FF, 0xFFFFFF, 0xB26BFF, 0xA4F04A,
  ].map { Color(hex: $0) }

  /// Eight colors that are easy to distinguish on white: Okabe and Ito's set (2008), with violet instead of yellow and
  /// dark gray instead of black.
  static let chartPalette: [Color] = [
    0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x6A3D9A, 0x555555,
  ].map { Color(hex: $0) }

  /// The brightness, 0 to 255, with the weights of ITU-R BT.601.
  package var luma: UInt8 {
    let thousandfold: Int = 299 * Int(red) + 587 * Int(green) + 114 * Int(blue)
    return UInt8((thousandfold + 500) / 1000)
  }

  /// `#RRGGBB`.
  var hex: String {
    let digits = Array("0123456789ABCDEF".utf8)
    let bytes = [red, green, blue].flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return "#" + String(decoding: bytes, as: UTF8.self)
  }
}
