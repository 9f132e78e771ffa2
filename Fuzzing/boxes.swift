// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

import Pictures

@testable import Datasets

private let names = ["0", "1", "a.png", "b,\"c\".png", "=d\n.png"]

/// A table of true boxes: objects lie within the image. The boxes, and any table of texts, can be written and are then
/// read back unchanged.
func check(_ input: [UInt8]) {
  if let texts = attempt(refusing: FileError.self, { try CSV(parsing: input, name: "fuzz.csv") }) {
    let rows = texts.rows.map(\.fields)
    let again = attempt(refusing: FileError.self) { try CSV(parsing: CSV(rows).bytes, name: "fuzz.csv") }
    let bytes = { (rows: [[String]]) in rows.map { $0.map { Array($0.utf8) } } }
    claim(again.map { bytes($0.rows.map(\.fields)) } == bytes(rows), "a table reads as it was written")
  }
  let shape = SceneShape(channels: 1, height: 40, width: 60)
  let read = { (bytes: [UInt8]) in
    try BoxTable(bytes: bytes, name: "fuzz.csv", images: names, in: "images", shape: shape)
  }
  guard let table = attempt(refusing: DatasetError.self, { try read(input) }) else { return }
  claim(table.objects.count == names.count, "every image has its objects")
  var rows = [["bottom", "image", "label", "left", "right", "top"]]
  for (name, objects) in zip(names, table.objects) {
    for object in objects {
      let box = object.box
      claim(
        0 <= box.left && box.left < box.right && box.right <= 60 && 0 <= box.top && box.top < box.bottom
          && box.bottom <= 40, "a box lies within its image")
      claim(table.classNames.indices.contains(object.label), "a label has a name")
      rows.append(["\(box.bottom)", name, "\(object.label)", "\(box.left)", "\(box.right)", "\(box.top)"])
    }
  }
  let again = attempt(refusing: DatasetError.self) { try read(CSV(rows).bytes) }
  let boxes = { (table: BoxTable) in table.objects.map { $0.map { "\($0.box) \($0.label)" } } }
  claim(again.map(boxes) == boxes(table), "boxes read as they were written")
}
