import Pictures
import Scenes

/// Ground truth boxes of the user's own images, from a CSV file.
///
/// The first row names the columns, in any order: `image`, `left`, `top`, `right`, `bottom` in pixels, and optionally
/// `label` (0 to 9999). `image` is a file's name, or an index in an array. An image without a row has no objects. A
/// file has at most 64 MiB.
struct BoxTable: Sendable {
  /// The objects of each image, in the order of their rows.
  let objects: [[SceneObject]]
  /// The name of label `l` is `classNames[l]`.
  let classNames: [String]
  /// The file's bytes.
  let bytes: [UInt8]

  /// The largest size of a file in bytes.
  private static let byteLimit = 1 << 26
  private static let required = ["image", "left", "top", "right", "bottom"]
  private static let largestLabel = 9999

  /// Reads a file for these images. Throws `FileError`, and `DatasetError` with the line.
  init(file path: String, images: ImageCollection) throws {
    try self.init(
      bytes: readFile(path, limit: Self.byteLimit), name: path, images: images.names, in: images.path,
      shape: images.shape)
  }

  /// Reads bytes as the content of a file with this name, for images with these names. Throws `DatasetError`.
  init(bytes: [UInt8], name path: String, images: [String], in collection: String, shape: SceneShape) throws {
    self.bytes = bytes
    let table = try Self.table(bytes, path)
    let header = table.first?.fields ?? []
    let columns = try Self.columns(header, at: "\(path):\(table.first?.line ?? 1)")
    let indices = Dictionary(grouping: images.indices) { images[$0] }
    var objects = [[SceneObject]](repeating: [], count: images.count)
    var largest = 0
    for entry in table.dropFirst() {
      let row = Row(fields: entry.fields, columns: columns, place: "\(path):\(entry.line)")
      guard entry.fields.count == header.count else {
        throw row.fault(
          "has \(entry.fields.count) fields, the first row names \(header.count)", "write one field a column")
      }
      let name = row["image"] ?? ""
      guard let candidates = indices[name] else {
        throw row.fault("names the image '\(short(name))', which is not in \(collection)", "write it as \(images[0])")
      }
      // Swift compares two encodings of one text (é as one character, or as two) as equal, but files distinguish them.
      guard let index = candidates.first(where: { images[$0].utf8.elementsEqual(name.utf8) }) ?? candidates.only else {
        throw row.fault(
          "names the image '\(short(name))', of which \(collection) has \(candidates.count) in other encodings (NFC, NFD)",
          "write the name in the encoding of the file")
      }
      let object = try row.object(in: shape)
      largest = max(largest, object.label)
      objects[index].append(object)
    }
    self.objects = objects
    classNames = columns["label"] == nil ? ["object"] : (0...largest).map(String.init)
  }

  private static func table(_ bytes: [UInt8], _ path: String) throws -> [CSV.Row] {
    do {
      return try CSV(parsing: bytes, name: path).rows
    } catch let error as FileError {
      throw DatasetError.unusable(place: error.path ?? path, problem: error.problem, remedy: error.nextStep)
    }
  }

  private static func columns(_ names: [String], at place: String) throws -> [String: Int] {
    let known = required + ["label"]
    let all = "image, left, top, right, bottom, and perhaps label"
    var columns: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      guard known.contains(name), columns.updateValue(index, forKey: name) == nil else {
        throw DatasetError.unusable(
          place: place, problem: "has the column '\(short(name))', unknown or named twice",
          remedy: "the first row names \(all)")
      }
    }
    if let missing = required.first(where: { columns[$0] == nil }) {
      throw DatasetError.unusable(
        place: place, problem: "has no column '\(missing)'", remedy: "the first row names \(all)")
    }
    return columns
  }

  /// One line of the file.
  private struct Row {
    let fields: [String]
    let columns: [String: Int]
    let place: String

    subscript(_ column: String) -> String? { columns[column].map { fields[$0] } }

    func fault(_ problem: String, _ remedy: String) -> DatasetError {
      .unusable(place: place, problem: problem, remedy: remedy)
    }

    func object(in shape: SceneShape) throws -> SceneObject {
      let box = Box(
        left: try number("left"), top: try number("top"), right: try number("right"), bottom: try number("bottom"))
      guard 0 <= box.left, box.left < box.right, box.right <= Double(shape.width), 0 <= box.top, box.top < box.bottom,
        box.bottom <= Double(shape.height)
      else {
        throw fault(
          "has the box left \(box.left), top \(box.top), right \(box.right), bottom \(box.bottom), which is empty or "
            + "leaves the image of \(shape.height) x \(shape.width) pixels",
          "write pixels from the left and top edge")
      }
      return SceneObject(
        label: try label(), center: box.center, box: box, scale: max(box.width, box.height) / Double(shape.width))
    }

    private func number(_ column: String) throws -> Double {
      let text = self[column] ?? ""
      guard let value = Double(text), value.isFinite else {
        throw fault("has '\(short(text))' as \(column), which is not a number", "write pixels, such as 12 or 12.5")
      }
      return value
    }

    private func label() throws -> Int {
      guard let text = self["label"] else { return 0 }
      guard let label = Int(text), (0...BoxTable.largestLabel).contains(label) else {
        throw fault("has the label '\(short(text))'", "write a whole number from 0 to \(BoxTable.largestLabel)")
      }
      return label
    }
  }
}

/// The part of a field that a message shows. The field may be as long as the file.
private func short(_ field: String) -> String { field.count > 80 ? field.prefix(80) + "..." : field }

extension Collection {
  /// The only element; nil if there are none or several.
  fileprivate var only: Element? { count == 1 ? first : nil }
}
