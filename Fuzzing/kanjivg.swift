// Bounds: 64 KiB of input, 16 MiB an allocation, 512 MiB in all.

@testable import Datasets

/// KanjiVG's XML: the strokes of what is read lie near the field, and each belongs to one component.
func check(_ input: [UInt8]) {
  let read = { try KanjiVG(bytes: input, name: "fuzz.xml", characters: "明").characters }
  guard let characters = attempt(refusing: DatasetError.self, read) else { return }
  claim(characters.map(\.name) == ["明"], "a character that was asked for is there")
  for component in characters.flatMap(\.components) {
    claim(!component.name.isEmpty && !component.strokes.isEmpty, "a component has a name and strokes")
    for point in component.strokes.joined() {
      claim(max(abs(point.x), abs(point.y)) < 2000, "a stroke has an end, near the field")
    }
    claim(component.strokes.allSatisfy { $0.count > 1 }, "a stroke is a line")
  }
}
