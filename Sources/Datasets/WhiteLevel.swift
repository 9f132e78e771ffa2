import Pictures

/// The stored value that means white: `dataset.maximum`, or the default for the type of the values.
struct WhiteLevel: Sendable {
  /// The value that the user gave; 0 if none was given.
  let maximum: Double
  /// The name of the setting for messages.
  let key: String

  /// A share of white. If no value reaches it, images are nearly black, and white is likely to be another value.
  private static let darkest = 0.1

  /// The value for a type; nil if the user has to give it.
  private func assumed(of type: String) -> Double? {
    if maximum > 0 { return maximum }
    return switch type {
    case "uint8": 255
    case "uint16": 65535
    case "bool", "float32", "float64": 1
    default: nil
    }
  }

  /// The value that means white for a type, which is given by its NumPy name. Throws `DatasetError`.
  func value(of type: String, at place: String) throws -> Double {
    guard let white = assumed(of: type) else {
      throw DatasetError.unusable(
        place: place, problem: "holds images of type \(type), which does not say what value is white",
        remedy: "set \(key) to that value (255, 4095, 65535, ...), or save them as uint8 (0 to 255) or float32 "
          + "(0 to 1)")
    }
    return white
  }

  /// Throws `DatasetError` if the largest value of this type is nearly black for the assumed white. A value that the
  /// user gave is not questioned.
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

  /// Throws `DatasetError` if images from separate files are all nearly black.
  func check(_ images: [StoredImage], at place: String) throws {
    guard maximum == 0 else { return }
    let largest = images.lazy.map { Int($0.pixels.max() ?? 0) }.max() ?? 0
    // The 16-bit levels are checked only in this case.
    guard Double(largest) <= Self.darkest * 255 + 1 else { return }
    let levels = images.lazy.compactMap { $0.levels?.max() }.max()
    try check(
      largest: levels.map { (Double($0) * 65535).rounded() } ?? Double(largest),
      of: levels == nil ? "uint8" : "uint16", at: place)
  }

  /// The smallest common white value that is at least as large as the largest value.
  private static func guess(_ largest: Double) -> String {
    let usual: [Double] = [1, 3, 15, 16, 100, 255, 1023, 4095, 16383, 65535]
    return words(usual.first { $0 >= largest } ?? largest)
  }

  /// A number without an unnecessary `.0`.
  static func words(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
}
