import Glibc
import Pictures
import Scenes
import Tensors

/// MNIST digits, 28 x 28, from the four files of LeCun and Cortes in `<data>/mnist/`.
///
/// Training and validation share the training files but no digits: the last sixth (10,000 of 60,000) is for validation.
/// The test files are read only when the test split is requested.
final class Digits: Sendable {
  static let side = 28
  /// The largest size of a decompressed file in bytes, enough for over 340,000 digits.
  static let byteLimit = 1 << 28

  /// One pair of files in memory.
  struct Images: Sendable {
    /// `[digit, 28, 28]`, row-major.
    let pixels: [UInt8]
    let labels: [UInt8]
  }

  /// The digits of a split: a range of one pair of files.
  struct Part: Sendable {
    let images: Images
    let range: Range<Int>
  }

  private let folder: String
  private let training = Lock<Images?>(nil)
  private let test = Lock<Images?>(nil)

  /// Throws `DatasetError.missing` if one of the four files does not exist.
  init(dataFolder: String) throws {
    folder = dataFolder + "/mnist"
    for file in files where access(file, R_OK) != 0 { throw DatasetError.missing(file: file, source: "mnist") }
  }

  /// The paths of the files.
  var files: [String] {
    ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"].map {
      "\(folder)/\($0)-ubyte.gz"
    }
  }

  /// The split's digits, read at the first call. Throws `FileError` or `DatasetError.unexpected`.
  func part(_ split: Split) throws -> Part {
    let images =
      switch split {
      case .train, .validation: try training.withLock { try load(&$0, "train") }
      case .test: try test.withLock { try load(&$0, "t10k") }
      }
    let count = images.labels.count
    let held = count - count / 6
    return switch split {
    case .train: Part(images: images, range: 0..<held)
    case .validation: Part(images: images, range: held..<count)
    case .test: Part(images: images, range: 0..<count)
    }
  }

  private func load(_ images: inout Images?, _ prefix: String) throws -> Images {
    if let images { return images }
    let imageFile = "\(folder)/\(prefix)-images-idx3-ubyte.gz"
    let labelFile = "\(folder)/\(prefix)-labels-idx1-ubyte.gz"
    let pixels = try IDX(file: imageFile, limit: Digits.byteLimit)
    let labels = try IDX(file: labelFile, limit: Digits.byteLimit)
    guard pixels.shape.count == 3, pixels.shape[1] == Digits.side, pixels.shape[2] == Digits.side else {
      throw DatasetError.unexpected(file: imageFile, problem: "holds shape \(pixels.shape), expected [digits, 28, 28]")
    }
    guard labels.shape == [pixels.shape[0]], labels.values.count >= 6 else {
      throw DatasetError.unexpected(
        file: labelFile, problem: "holds shape \(labels.shape), expected [\(pixels.shape[0])], and 6 digits or more")
    }
    if let largest = labels.values.max(), largest > 9 {
      throw DatasetError.unexpected(file: labelFile, problem: "holds the label \(largest), expected 0 to 9")
    }
    let loaded = Images(pixels: pixels.values, labels: labels.values)
    images = loaded
    return loaded
  }
}
