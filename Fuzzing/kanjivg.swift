// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

@testable import Datasets

/// KanjiVG's XML: each component has a name and strokes, and the strokes are lines in or near the drawing area.
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
