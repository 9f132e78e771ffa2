import Configuration
import Foundation
import Models
import Pictures
import Tensors
import TestKit
import Testing

@testable import Experiments

/// Figures of what a model knows, and scenes of one's choice.
struct ModelFigureTests {
  private let folder: TemporaryFolder
  private let run: String
  private let bench: Workbench

  init() throws {
    folder = try TemporaryFolder()
    (run, bench) = try Self.makeRun(in: folder, "symbols", "model.name=discrete-air", Self.categories)
  }

  private static let categories =
    "model.appearance={ name: category, categories: 3, attributes: 2, encoder: [6], template: [6], modifier: [6] }"

  private static func makeRun(in folder: TemporaryFolder, _ name: String, _ overrides: String...) throws
    -> (String, Workbench)
  {
    let bench = try workbench(try tiny(overrides + ["model.controller.presence_bias=0"]))
    for parameter in bench.parameters {
      let noise = RandomStream(seed: 2).child(parameter.name).normals(parameter.shape)
      parameter.assign(parameter.tensor.detached() + noise)
    }
    let run = try emptyRun("\(folder.path)/runs/\(name)")
    try run.write(ConfigurationFile.encode(bench.config), to: "config.yaml")
    try Checkpoint.write(bench, step: 7, to: run.checkpointPath(7))
    return (run.path, bench)
  }

  private func picture(_ draw: (String) throws -> Void) throws -> Picture {
    let path = "\(folder.path)/figure.png"
    try draw(path)
    return try Picture(png: Array(Data(contentsOf: URL(fileURLWithPath: path))))
  }

  private func scene(_ text: String) throws -> String { try folder.write(text.utf8, to: "scene.yaml") }

  private func compose(_ text: String, run other: String? = nil) throws -> Tensor {
    try Runner.compose(run: other ?? run, scene: try scene(text), step: nil, dataFolder: "/dev/null")
  }

  @Test func aSceneIsTheSumOfItsObjectsWhereTheyWerePut() throws {
    let one = "{ category: 2, x: 5, y: 4, size: 6, attributes: [0.5, -1] }"
    let other = "{ category: 0, x: 11, y: 10, width: 4, height: 8, angle: 90 }"
    let (first, second) = (try compose("objects: [\(one)]"), try compose("objects: [\(other)]"))
    let both = try compose("objects: [\(one), \(other)]")
    #expect(both.shape == [1, 1, 16, 16])
    expectClose(both, zip(first.array(), second.array()).map { $0 + $1 }, absolute: 1e-6)
    // Ink lies within the windows: columns 2 to 8 and rows 1 to 7; a turn changes what is in a window, not its extent
    // (the scale comes after the rotation, Wang et al. 2019, eq. (6)).
    func inked(_ image: Tensor) -> (columns: Set<Int>, rows: Set<Int>) {
      let lit = image.array().indices.filter { image.array()[$0] > 0 }
      return (Set(lit.map { $0 % 16 }), Set(lit.map { $0 / 16 }))
    }
    #expect(inked(first).columns.isSubset(of: Set(1...8)) && inked(first).rows.isSubset(of: Set(0...7)))
    #expect(inked(first).columns.count >= 6 && inked(first).rows.count >= 6)
    #expect(inked(second).columns.isSubset(of: Set(8...13)) && inked(second).rows.isSubset(of: Set(5...14)))
    #expect(inked(second).columns.count >= 4 && inked(second).rows.count >= 8)
  }

  /// A whole-canvas window of the glimpse's own size shows the patch pixel for pixel.
  @Test func aCategoryDrawsItsTemplateWithItsAttributes() throws {
    let (run, bench) = try Self.makeRun(
      in: folder, "large", "model.name=discrete-air", Self.categories, "model.glimpse=16")
    let image = try compose("objects: [{ category: 1, x: 8, y: 8, size: 16, attributes: [0.7] }]", run: run)
    func layer(_ name: String, _ x: [Double]) throws -> [Double] {
      func values(_ part: String) throws -> [Double] {
        let wanted = "appearance.\(name).\(part)"
        return try #require(bench.parameters.first { $0.name == wanted }).tensor.array().map(Double.init)
      }
      let (weight, bias) = (try values("weight"), try values("bias"))
      return bias.indices.map { column in
        bias[column] + x.indices.reduce(0) { $0 + x[$1] * weight[$1 * bias.count + column] }
      }
    }
    let template = try layer("template.output", layer("template.layers.0", [0, 1, 0]).map { max(0, $0) })
    let change = try layer("modifier.output", layer("modifier.layers.0", [0.7, 0]).map { max(0, $0) })
    let expected = zip(template, change).map { Float(1 / (1 + exp(2 - $0 - $1))) }
    expectClose(image, expected, absolute: 1e-5)
  }

  @Test func figuresHaveARowForEachCategory() throws {
    let memory = try picture {
      try ModelFigures.memory(
        run: run, step: nil, samples: 5, rows: nil, seed: 0, dataFolder: "/dev/null", to: output($0))
    }
    let attributes = try picture {
      try ModelFigures.attributes(
        run: run, step: 7, attribute: 1, columns: 5, reach: 2.5, dataFolder: "/dev/null", to: output($0))
    }
    #expect(memory.height == attributes.height && memory.width == attributes.width)
    #expect(memory != attributes)
    let stages = try picture {
      let file = try scene("objects: [{ category: 1, x: 4, y: 4 }, { category: 2, x: 12, y: 12 }]")
      try ModelFigures.generate(run: run, step: nil, scene: file, dataFolder: "/dev/null", to: output($0))
    }
    #expect(stages.width > 2 * stages.height - 4)
  }

  @Test func runsAreParsedSideBySide() throws {
    let (other, _) = try Self.makeRun(in: folder, "plain")
    func width(_ runs: [String]) throws -> Int {
      try picture {
        try ParseFigure.write(runs: runs, split: .test, count: 3, step: nil, dataFolder: "/dev/null", to: output($0))
      }.width
    }
    #expect(try width([run, other]) > 2 * width([run]) - 3)
    let (foreign, _) = try Self.makeRun(in: folder, "foreign", "dataset.seed=5")
    #expect { try width([run, foreign]) } throws: { "\($0)".contains("was trained on other scenes than \(run)") }
  }

  /// Each with what is said of it.
  @Test(arguments: [
    ("objects: [{ category: 3 }]", "scene.yaml:1:10: 'objects' has an object (number 1) of category 3; "),
    ("objects: [{ category: 1, attributes: [1, 2, 3] }]", "with 3 attributes; the run's model has 2"),
    ("objects: []", "scene.yaml:1:10: 'objects' is empty; name at least one object"),
    ("objects: [{ category: 1, sise: 4 }]", "unknown key 'sise' in objects[0]; did you mean 'size'?"),
    ("objects: [{ category: 1, size: 0 }]", "'objects[0].size' is 0, outside its range"),
  ])
  func scenesThatCannotBeDrawnAreToldApart(_ text: String, _ words: String) throws {
    #expect { try compose(text) } throws: { isUnusableInput($0) && "\($0)".contains(words) }
  }

  @Test func whatAModelLacksIsRefusedInsteadOfDropped() throws {
    let (plain, _) = try Self.makeRun(in: folder, "bare")
    for (key, value) in [("category", "0"), ("angle", "10")] {
      let text = "objects: [{ x: 4, y: 4 }, { x: 8, y: 8, \(key): \(value) }]"
      #expect { try compose(text, run: plain) } throws: {
        isUnusableInput($0)
          && "\($0)".contains(
            "has an object (number 2) with '\(key)'; the run's model has places and sizes, 3 attributes, no angles")
      }
    }
    _ = try compose("objects: [{ x: 4, y: 4, attributes: [1] }]", run: plain)
    _ = try compose("objects: [{ category: 0, x: 4, y: 4, angle: 10 }]")
  }

  @Test func modelsWithoutCategoriesOrAttributesSaySo() throws {
    let (plain, _) = try Self.makeRun(in: folder, "air")
    #expect {
      try picture {
        try ModelFigures.memory(
          run: plain, step: nil, samples: 2, rows: nil, seed: 0, dataFolder: "/dev/null", to: output($0))
      }
    } throws: { isUnusableInput($0) && "\($0)".contains("has neither categories nor a memory") }
    #expect {
      try picture {
        try ModelFigures.attributes(
          run: run, step: nil, attribute: 2, columns: 3, reach: 1, dataFolder: "/dev/null", to: output($0))
      }
    } throws: { isUnusableInput($0) && "\($0)".contains("this model has 2 attributes (0 to 1), not attribute 2") }
  }
}
