// Bounds: 64 KiB of input, 16 MiB an allocation, 512 MiB in all.

import Pictures

@testable import Datasets

private let names = ["0", "1", "a.png", "b,\"c\".png"]

/// A table of true boxes: objects lie within the image, and a table that is written of them reads the same.
func check(_ input: [UInt8]) {
  let shape = SceneShape(channels: 1, height: 40, width: 60)
  let read = { (bytes: [UInt8]) in
    try BoxTable(bytes: bytes, name: "fuzz.csv", images: names, in: "images", shape: shape)
  }
  guard let table = attempt(refusing: DatasetError.self, { try read(input) }) else { return }
  claim(table.objects.count == names.count, "every image has its objects")
  var text = "bottom,image,label,left,right,top\r\n"
  for (name, objects) in zip(names, table.objects) {
    for object in objects {
      let box = object.box
      claim(
        0 <= box.left && box.left < box.right && box.right <= 60 && 0 <= box.top && box.top < box.bottom
          && box.bottom <= 40, "a box lies within its image")
      claim(table.classNames.indices.contains(object.label), "a label has a name")
      let quoted = "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
      text += "\(box.bottom),\(quoted),\(object.label),\(box.left),\(box.right),\(box.top)\r\n"
    }
  }
  let again = attempt(refusing: DatasetError.self) { try read(Array(text.utf8)) }
  let boxes = { (table: BoxTable) in table.objects.map { $0.map { "\($0.box) \($0.label)" } } }
  claim(again.map(boxes) == boxes(table), "boxes read as they were written")
}
