import Pictures

/// The stored value that means white: `dataset.maximum`, or that of the values' type.
struct WhiteLevel: Sendable {
  /// As the user said it; 0 where nothing was said.
  let maximum: Double
  /// How the user says it, for messages.
  let key: String

  /// A share of white: where no value reaches it, images come out nearly black, and white is likely to be another value.
  private static let darkest = 0.1

  /// Of a type of values; nil where the user has to say it.
  private func assumed(of type: String) -> Double? {
    if maximum > 0 { return maximum }
    return switch type {
    case "uint8": 255
    case "uint16": 65535
    case "bool", "float32", "float64": 1
    default: nil
    }
  }

  /// The value that means white among values of a type, NumPy's name for it. Throws `DatasetError`.
  func value(of type: String, at place: String) throws -> Double {
    guard let white = assumed(of: type) else {
      throw DatasetError.unusable(
        place: place, problem: "holds images of type \(type), which does not say what value is white",
        remedy: "set \(key) to that value (255, 4095, 65535, ...), or save them as uint8 (0 to 255) or float32 "
          + "(0 to 1)")
    }
    return white
  }

  /// Throws `DatasetError` where the values of a type are at most `largest`, which for white as it is assumed means that
  /// all is nearly black. What the user said is not doubted.
  func check(largest: Double, of type: String, at place: String) throws {
    guard maximum == 0, type != "bool", let white = assumed(of: type), largest > 0, largest < Self.darkest * white
    else {
      return
    }
    let (found, assumed) = (Self.words(largest), Self.words(white))
    throw DatasetError.unusable(
      place: place,
      problem: "has no value above \(found), which is nearly black where \(assumed) is white (values of type \(type))",
      remedy: "set \(key) to the value that means white, perhaps \(Self.guess(largest)); "
        + "\(key)=\(assumed) says that the images are so dark")
  }

  /// Throws `DatasetError` where files without an array of their own are nearly black, all of them.
  func check(_ images: [StoredImage], at place: String) throws {
    guard maximum == 0 else { return }
    let largest = images.lazy.map { Int($0.pixels.max() ?? 0) }.max() ?? 0
    // Only then is it worth to look at 16 bits.
    guard Double(largest) <= Self.darkest * 255 + 1 else { return }
    let levels = images.lazy.compactMap { $0.levels?.max() }.max()
    try check(
      largest: levels.map { (Double($0) * 65535).rounded() } ?? Double(largest),
      of: levels == nil ? "uint8" : "uint16", at: place)
  }

  /// The least of the usual values of white that none exceeds.
  private static func guess(_ largest: Double) -> String {
    let usual: [Double] = [1, 3, 15, 16, 100, 255, 1023, 4095, 16383, 65535]
    return words(usual.first { $0 >= largest } ?? largest)
  }

  /// A number without a needless `.0`.
  static func words(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
}
