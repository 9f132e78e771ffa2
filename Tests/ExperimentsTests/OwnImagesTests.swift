import Configuration
import Datasets
import Foundation
import Models
import Pictures
import Scenes
import Tensors
import Testing

@testable import Experiments

/// A trained model on the user's own images, and scenes of its own.
struct OwnImagesTests {
  private let folder: TemporaryFolder
  private let run: String
  private let bench: Workbench

  /// A run whose model finds 0, 1 or 2 objects: parameters far from their start, presences as likely as not.
  init() throws {
    folder = try TemporaryFolder()
    (run, bench) = try Self.makeRun(in: folder, try tiny("model.controller.presence_bias=0"))
  }

  private static func makeRun(in folder: TemporaryFolder, _ config: RunConfig) throws -> (String, Workbench) {
    let bench = try Workbench(withoutScenes: config, dataFolder: "/dev/null")
    for parameter in bench.parameters {
      let noise = RandomStream(seed: 2).child(parameter.name).normals(parameter.shape)
      parameter.assign(parameter.tensor.detached() + noise.scaled(by: 2))
    }
    let run = try emptyRun("\(folder.path)/runs/\(config.dataset.name)")
    try run.write(ConfigurationFile.encode(bench.config), to: "config.yaml")
    try Checkpoint.write(bench, step: 7, to: run.checkpointPath(7))
    return (run.path, bench)
  }

  /// Blobs of 16 x 16 pixels.
  private func photos(_ count: Int = 12) throws -> [Picture] {
    (0..<count).map { index in
      let pixels = (0..<256).map { pixel in
        UInt8(max(0, 255 - 12 * (abs(pixel % 16 - index) + abs(pixel / 16 - 3 * index % 16))))
      }
      return Picture(width: 16, height: 16, channels: 1, pixels: pixels)
    }
  }

  private func files(_ photos: [Picture]) throws -> [String] {
    try photos.enumerated().map { try folder.write($1.png(), to: "photo-\($0).png") }
  }

  private func infer(_ files: [String], step: Int? = nil) throws -> InferredImages {
    try Runner.infer(run: run, files: files, step: step, dataFolder: "/dev/null")
  }

  private func json(_ result: InferredImages) throws -> [JSON] {
    let document = try JSON(parsing: try result.bytes(.json))
    guard case .list(let images) = try #require(document["images"]) else { return [] }
    return images
  }

  private func objects(_ image: JSON) throws -> [JSON] {
    guard case .list(let objects) = try #require(image["objects"]) else { return [] }
    return objects
  }

  @Test func resultsAreTheModelsOwnExplanation() throws {
    let photos = try self.photos()
    let files = try self.files(photos)
    let images = Tensor(shape: [12, 1, 16, 16], photos.flatMap { $0.pixels.map { Float($0) / 255 } })
    let wanted = bench.model.explain(images)
    #expect(Set(wanted.scenes.map(\.count)).count > 1)
    // Evaluation takes 5 images at a time: batches join without a seam.
    let found = try json(infer(files, step: 7))
    #expect(found.map { $0["image"]?.string } == files)
    #expect(found.map { $0["count"]?.double } == wanted.scenes.map { Double($0.count) })
    let presence = try #require(wanted.latents.first { $0.name == "presence" })
    for (index, image) in found.enumerated() {
      for (object, part) in zip(try objects(image), wanted.scenes[index].parts) {
        #expect(object["step"]?.double == Double(part.step))
        #expect(abs((object["presence"]?.double ?? 0) - Double(presence[index, part.step].first ?? 0)) < 1e-5)
        #expect(abs((object["box"]?["left"]?.double ?? 0) - part.box.left) < 1e-3)
        guard case .list(let window)? = object["latents"]?["window"] else {
          Issue.record("no window")
          continue
        }
        #expect(window.count == wanted.latents.first { $0.name == "window" }?.size)
        #expect((object["tight_box"] == .null) == (part.tightBox == nil))
      }
    }
  }

  @Test func allFormatsSayTheSame() throws {
    let result = try infer(try files(try photos()))
    let images = try json(result)
    let lines = String(decoding: try result.bytes(.csv), as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let all = try images.flatMap { image in try objects(image).map { (image, $0) } }
    #expect(!all.isEmpty && lines.count == all.count + 1)
    #expect(lines.allSatisfy { $0.count == lines[0].count } && Set(lines[0]).count == lines[0].count)
    let left = try #require(lines[0].firstIndex(of: "left"))
    let code = try #require(lines[0].firstIndex(of: "appearance_2"))
    let archive = try NPZ(bytes: try result.bytes(.npz))
    guard case .int64(let counts)? = try archive.array("count")?.values,
      case .float64(let boxes)? = try archive.array("box")?.values,
      case .flags(let isObject)? = try archive.array("is_object")?.values
    else {
      Issue.record("an array is missing")
      return
    }
    #expect(counts.map(Double.init) == images.compactMap { $0["count"]?.double })
    #expect(isObject.filter { $0 }.count == all.count)
    let lefts = isObject.indices.filter { isObject[$0] }.map { boxes[4 * $0] }
    for (index, (image, object)) in all.enumerated() {
      let line = lines[index + 1]
      #expect(String(line[0]) == image["image"]?.string)
      #expect(Double(line[left]) == object["box"]?["left"]?.double && lefts[index] == Double(line[left]))
      guard case .list(let codes)? = object["latents"]?["appearance"] else { continue }
      #expect(codes.count == 3 && Double(line[code]) == codes[2].double)
    }
    #expect(boxes.indices.allSatisfy { isObject[$0 / 4] || boxes[$0].isNaN })
    #expect(try archive.array("latents/appearance")?.shape == [12, 2, 3])
  }

  @Test func foldersArraysAndColorsGiveTheSameAsFiles() throws {
    let photos = try self.photos()
    let wanted = try json(infer(try files(photos)))
    let other = try TemporaryFolder()
    // Gray as colors: its luma is the same level.
    for (index, photo) in photos.enumerated() { try other.write(photo.rgb().png(), to: "\(index + 10).png") }
    let array = NPY(shape: [12, 16, 16], .uint8(photos.flatMap(\.pixels)))
    let npz = try folder.write(NPZ.bytes([("images", array)]), to: "photos.npz")
    for (place, name) in [(other.path, "\(other.path)/12.png"), (npz, "\(npz), image 2")] {
      let found = try json(infer([place]))
      #expect(found[2]["image"]?.string == name)
      #expect(found.map { $0["objects"] } == wanted.map { $0["objects"] })
    }
  }

  @Test func floatsOfAnArrayReachTheModelAsTheyAre() throws {
    let levels = (0..<12 * 256).map { Float($0 * 7919 % 4093) / 4093 }
    let wanted = bench.model.explain(Tensor(shape: [12, 1, 16, 16], levels))
    let array = NPY(shape: [12, 16, 16], .float32(levels))
    let codes = try #require(wanted.latents.first { $0.name == "appearance" })
    for file in [
      try folder.write(NPZ.bytes([("images", array)]), to: "floats.npz"),
      try folder.write(array.bytes, to: "floats.npy"),
    ] {
      let found = try infer([file])
      let own = try #require(found.latents.first { $0.name == "appearance" })
      // Batches of 5 round otherwise than one of 12; rounded to 256 levels, codes would be off by far more.
      #expect(own.values.count == codes.values.count)
      #expect(zip(own.values, codes.values).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }

  @Test func theScaleOfInferredImagesIsSaidWithTheirKey() throws {
    let bits = NPY(shape: [2, 16, 16], .uint8((0..<512).map { UInt8($0 % 2) }))
    let file = try folder.write(bits.bytes, to: "bits.npy")
    #expect(complaint { _ = try infer([file]) }.contains("set --maximum to the value that means white, perhaps 1"))
    let flags = NPY(shape: [2, 16, 16], .flags((0..<512).map { $0 % 2 == 1 }))
    let wanted = try infer([try folder.write(flags.bytes, to: "flags.npy")])
    let found = try Runner.infer(run: run, files: [file], step: nil, maximum: 1, dataFolder: "/dev/null")
    #expect(found.scenes == wanted.scenes)
    let dark = try folder.write(Picture(width: 16, height: 16, channels: 1, fill: 1).png(), to: "dark.png")
    #expect(complaint { _ = try infer([dark]) }.contains("dark.png: has no value above 1, which is nearly black"))
  }

  @Test func whatCannotBeUsedIsNamed() throws {
    let files = try self.files(try self.photos(2))
    let wide = try folder.write(Picture(width: 18, height: 16, channels: 1).png(), to: "wide.png")
    let broken = try folder.write([1, 2], to: "broken.png")
    let other = try folder.write(NPZ.bytes([("x", NPY(shape: [], .uint8([1])))]), to: "x.npz")
    let cases: [(files: [String], problem: String)] = [
      ([wide], "wide.png: is 16 x 18 pixels, wanted 16 x 16"), (files + [wide], "wide.png: is 16 x 18 pixels"),
      (["\(folder.path)/none.png"], "none.png: no such file or folder"),
      ([broken], "broken.png: is not a readable PNG: it starts with 01 02"),
      ([other], "x.npz: holds no array 'images'"),
    ]
    for (files, problem) in cases {
      #expect(complaint { _ = try infer(files) }.contains(problem))
    }
    #expect(complaint { _ = try infer(files, step: 8) }.contains("no checkpoint after step 8 (there are: 7)"))
    let words = complaint {
      _ = try Runner.infer(run: folder.path, files: files, step: nil, dataFolder: "/dev/null")
    }
    #expect(words.contains("there is no run here"))
  }

  @Test(arguments: ["multi-mnist", "omniglot"]) func aRunWorksWithoutTheFilesOfItsDataset(_ dataset: String) throws {
    var config = try tiny()
    config.dataset = datasets.choice(dataset)
    #expect(throws: DatasetError.self) { try Workbench(config, dataFolder: "/dev/null") }
    let (run, bench) = try Self.makeRun(in: folder, config)
    let side = bench.dataset.width
    let photo = try folder.write(Picture(width: side, height: side, channels: 1).png(), to: "photo.png")
    let result = try Runner.infer(run: run, files: [photo], step: nil, dataFolder: "/dev/null")
    #expect(try json(result).count == 1)
  }

  @Test func aRunOfOwnImagesKeepsTheirShape() throws {
    let photos = try TemporaryFolder()
    for index in 0..<20 {
      try photos.write(Picture(width: 9, height: 7, channels: 3, fill: UInt8(12 * index)).png(), to: "\(index).png")
    }
    let config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    // A dataset of another name drops the keys of the first.
    let outcome = try Runner.train(
      config: config, overrides: ["dataset={name: images, path: \(photos.path)}", "training.steps=2"],
      base: folder.path, name: "own", dataFolder: "/dev/null")
    #expect(outcome.validation["squared_error"] != nil && outcome.validation["count_accuracy"] == nil)
    for name in try FileManager.default.contentsOfDirectory(atPath: photos.path) where name != "3.png" {
      try FileManager.default.removeItem(atPath: "\(photos.path)/\(name)")
    }
    let result = try Runner.infer(
      run: outcome.folder, files: ["\(photos.path)/3.png"], step: nil, dataFolder: "/dev/null")
    let document = try JSON(parsing: try result.bytes(.json))
    #expect(document["shape"]?.integers == [3, 7, 9])
  }

  @Test func sampledScenesRepeatAndAreWrittenInBothFormats() throws {
    func sample(_ seed: Int = 0, objects: Int? = 2) throws -> SceneExplanation {
      try Runner.sample(run: run, count: 5, objects: objects, seed: seed, step: nil, dataFolder: "/dev/null")
    }
    let first = try sample()
    #expect(try sample().reconstruction.array() == first.reconstruction.array())
    #expect(try sample(1).reconstruction.array() != first.reconstruction.array())
    let grid = try Picture(png: first.png())
    // 16 pixels, four times as large, 2 apart: 3 columns and 2 rows.
    #expect(grid.width == 196 && grid.height == 130)
    let archive = try NPZ(bytes: first.npz())
    #expect(try archive.array("images")?.values == .float32(first.reconstruction.array()))
    #expect(try archive.array("count") == NPY(shape: [5], .int64([2, 2, 2, 2, 2])))
    #expect(complaint { _ = try sample(objects: 3) }.contains("explains at most 2 objects, 3 were asked for"))
    // The default prior ends at 1e-9: nothing is expected.
    #expect(try sample(objects: nil).scenes.allSatisfy { $0.count == 0 })
  }
}
