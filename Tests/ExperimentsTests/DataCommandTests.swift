import Configuration
import Datasets
import Foundation
import Pictures
import Scenes
import Testing

@testable import Experiments

/// A folder of its own for each test, removed with it.
private final class Scratch {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("airframe \(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws {
    let file = "\(path)/\(name)"
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try writeFileAtomically(Array(text.utf8), to: file)
  }

  func text(_ name: String) throws -> String { String(decoding: try readFile("\(path)/\(name)"), as: UTF8.self) }

  /// The names in a folder, sorted; nil where it does not exist.
  func names(in folder: String) -> [String]? {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)"))?.sorted()
  }

  func url(_ folder: String) -> String { URL(fileURLWithPath: "\(path)/\(folder)").absoluteString }
}

/// What `printf alpha` and `printf beta` give `sha256sum`.
private let alpha = "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"
private let beta = "f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753"
private let tiny = DataSource(
  name: "tiny", mirrors: [], files: [.init(name: "a.gz", sha256: alpha), .init(name: "b.gz", sha256: beta)])

/// What fetching throws; nil where it throws nothing, or something else.
private func failure(_ work: () throws -> Void) -> DataFetchError? {
  do { try work() } catch { return error as? DataFetchError }
  return nil
}

struct DataFetchTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    try scratch.write("alpha", to: "mirror/a.gz")
    try scratch.write("beta", to: "mirror/b.gz")
  }

  private func fetch(from folders: String..., progress: (String) -> Void = { _ in }) throws -> [DataFetch.FetchedFile] {
    let mirrors = try folders.map { try DataFetch.mirror(scratch.url($0)) }
    return try DataFetch.run(tiny, into: "\(scratch.path)/data", from: mirrors, progress: progress)
  }

  @Test func filesComeWholeAndNothingElseIsLeft() throws {
    var lines: [String] = []
    let files = try fetch(from: "mirror") { lines.append($0) }
    #expect(files.map(\.outcome) == [.fetched, .fetched])
    #expect(files.map(\.path) == ["a.gz", "b.gz"].map { "\(scratch.path)/data/tiny/\($0)" })
    #expect(scratch.names(in: "data/tiny") == ["a.gz", "b.gz"])
    #expect(try scratch.text("data/tiny/a.gz") == "alpha")
    #expect(try scratch.text("data/tiny/b.gz") == "beta")
    #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("fetching file:///") })
  }

  @Test func rightFilesAreKeptWithoutADownload() throws {
    _ = try fetch(from: "mirror")
    let files = try DataFetch.run(tiny, into: "\(scratch.path)/data", from: [])
    #expect(files.map(\.outcome) == [.present, .present])
  }

  @Test func aFileThatIsNotThePublishedOneIsReplacedAndKeptAside() throws {
    for (number, kept) in [(1, "a.gz.old"), (2, "a.gz.old-2")] {
      try scratch.write("my own \(number)", to: "data/tiny/a.gz")
      let files = try fetch(from: "mirror")
      guard case .replaced(let problem, let aside) = files[0].outcome else {
        Issue.record("found \(files[0].outcome)")
        return
      }
      #expect(problem.contains("expected \(alpha)") && aside.hasSuffix("/\(kept)"))
      #expect(files[0].description.contains("is kept as \(aside)"))
      #expect(try scratch.text("data/tiny/a.gz") == "alpha")
      #expect(try scratch.text("data/tiny/\(kept)") == "my own \(number)")
    }
    #expect(scratch.names(in: "data/tiny") == ["a.gz", "a.gz.old", "a.gz.old-2", "b.gz"])
  }

  @Test func aFileStaysWhereItsReplacementDoesNotCome() throws {
    try scratch.write("my own", to: "data/tiny/a.gz")
    #expect(failure { _ = try fetch(from: "nowhere") } != nil)
    #expect(try scratch.text("data/tiny/a.gz") == "my own")
    #expect(scratch.names(in: "data/tiny") == ["a.gz"])
  }

  @Test func whatAKilledFetchLeftIsRemovedByTheNext() throws {
    try scratch.write("al", to: "data/tiny/a.gz.part-123")
    try scratch.write("al", to: "data/tiny/a.gz.part-4ab3")
    // Another process that fetches the same holds its part.
    let held = "\(scratch.path)/data/tiny/a.gz.part-held"
    try scratch.write("al", to: "data/tiny/a.gz.part-held")
    let descriptor = open(held, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    _ = try fetch(from: "mirror")
    #expect(scratch.names(in: "data/tiny") == ["a.gz", "a.gz.part-held", "b.gz"])
  }

  /// curl writes to this process, so its next write ends it where nobody reads.
  @Test func aProgramEndsWhereNobodyWantsItsOutput() throws {
    var received = 0
    let result = try SystemCommand.run("yes", []) { bytes in
      received += bytes.count
      return received < 1 << 20
    }
    #expect(!result.succeeded && received < 1 << 21)
    var text = ""
    let whole = try SystemCommand.run("sh", ["-c", "echo out; echo err >&2"]) { bytes in
      text += String(decoding: bytes, as: UTF8.self)
      return true
    }
    #expect(whole.succeeded && text == "out\n" && whole.output == "err\n")
  }

  @Test func aFileOverTheLimitIsNotFetched() throws {
    // Sparse, so that it costs nothing on the disk.
    let file = "\(scratch.path)/mirror/a.gz"
    #expect(truncate(file, DataFetch.byteLimit + 1) == 0)
    let words = try #require(failure { _ = try fetch(from: "mirror") }).description
    #expect(words.contains("larger than \(DataFetch.byteLimit) bytes") || words.contains("curl: (63)"), "\(words)")
    #expect(scratch.names(in: "data") == nil)
  }

  @Test func aWrongChecksumLeavesNothingAndSaysBoth() throws {
    try scratch.write("beta", to: "mirror/a.gz")
    let error = failure { _ = try fetch(from: "mirror") }
    let words = try #require(error).description
    #expect(words.contains("the file there has sha256 \(beta), expected \(alpha)"))
    #expect(scratch.names(in: "data") == nil)
  }

  @Test func completeFilesStayWhereALaterOneFails() throws {
    try scratch.write("alpha", to: "mirror/b.gz")
    #expect(failure { _ = try fetch(from: "mirror") } != nil)
    #expect(scratch.names(in: "data/tiny") == ["a.gz"])
    try scratch.write("beta", to: "mirror/b.gz")
    #expect(try fetch(from: "mirror").map(\.outcome) == [.present, .fetched])
  }

  @Test func anUnreachableMirrorIsNamedWithTheReasonAndARemedy() throws {
    let error = failure { _ = try fetch(from: "nowhere", "nothing") }
    guard case .failed(let path, let attempts) = try #require(error) else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path == "\(scratch.path)/data/tiny/a.gz")
    #expect(attempts.map(\.url) == ["nowhere", "nothing"].map { scratch.url($0) + "/a.gz" })
    #expect(attempts.allSatisfy { $0.problem.hasPrefix("curl: (37)") })
    let words = try #require(error).description
    for part in ["nowhere/a.gz", "nothing/a.gz", "--from URL", "https_proxy"] { #expect(words.contains(part)) }
    #expect(!isUnusableInput(try #require(error)))
    #expect(scratch.names(in: "data") == nil)
  }

  @Test func theNextMirrorIsAskedWhereOneFails() throws {
    try scratch.write("not alpha", to: "broken/a.gz")
    let files = try fetch(from: "broken", "nowhere", "mirror")
    #expect(files.map(\.outcome) == [.fetched, .fetched])
    #expect(try scratch.text("data/tiny/a.gz") == "alpha")
  }

  /// A file without a known checksum: it must begin with an a, and has another name where it is published.
  private func fetchJudged(from folders: [String]) throws -> [DataFetch.FetchedFile] {
    struct Wrong: Error, CustomStringConvertible { var description: String { "it begins with something else" } }
    let judged = DataSource(
      name: "judged", mirrors: [],
      files: [
        .init(
          name: "a.gz", publishedAs: "a-1.gz",
          .content { path in if try readFile(path).first != UInt8(ascii: "a") { throw Wrong() } })
      ])
    return try DataFetch.run(
      judged, into: "\(scratch.path)/data", from: try folders.map { try DataFetch.mirror(scratch.url($0)) })
  }

  @Test func aFileWithoutAChecksumIsJudgedByWhatItHolds() throws {
    try scratch.write("alpha", to: "published/a-1.gz")
    try scratch.write("beta", to: "wrong/a-1.gz")
    let words = try #require(failure { _ = try fetchJudged(from: ["wrong"]) }).description
    #expect(words.contains("wrong/a-1.gz: the file there is of no use (it begins with something else)"))
    #expect(words.contains("wrong/a.gz: curl: (37)") && scratch.names(in: "data") == nil)

    let fetched = try fetchJudged(from: ["wrong", "published"])
    #expect(fetched.map(\.outcome) == [.fetched] && scratch.names(in: "data/judged") == ["a.gz"])
    #expect(fetched[0].description.hasSuffix("fetched, with what is needed (no published checksum is known)"))
    #expect(try fetchJudged(from: []).map(\.outcome) == [.present])
    try scratch.write("my own", to: "data/judged/a.gz")
    let replaced = try fetchJudged(from: ["published"])
    #expect(
      replaced[0].description.contains("what was there is of no use (it begins with something else), and is kept as"))
    #expect(try scratch.text("data/judged/a.gz") == "alpha" && scratch.text("data/judged/a.gz.old") == "my own")
  }

  @Test func aMirrorMayUseTheNameOfTheDataFolder() throws {
    #expect(try fetchJudged(from: ["mirror"]).map(\.outcome) == [.fetched])
    #expect(try scratch.text("data/judged/a.gz") == "alpha")
  }

  @Test func kanjiThatAreNoneAreRefusedWithTheReason() throws {
    for (bytes, problem) in [
      (Array("<html>no such page</html>".utf8), "is not KanjiVG's XML"),
      (try Gzip.compress([1, 2, 3]), "is not KanjiVG"),
      (Array(try Gzip.compress(Array(repeating: 9, count: 999)).dropLast(9)), "the compressed data ends too early"),
      (try Gzip.compress(Array("<kanji id=\"kvg:kanji_0660e\"></kanji>".utf8)), "has no character '"),
    ] {
      try writeFileAtomically(bytes, to: "\(scratch.path)/mirror/kanjivg-20250816.xml.gz")
      let error = failure {
        let mirror = try DataFetch.mirror(scratch.url("mirror"))
        _ = try DataFetch.run(.kanjivg, into: "\(scratch.path)/data", from: [mirror])
      }
      let words = try #require(error).description
      #expect(
        words.contains("kanjivg-20250816.xml.gz: the file there is of no use (") && words.contains(problem), "\(words)")
      #expect(scratch.names(in: "data") == nil)
    }
  }

  /// Needs the real KanjiVG: set AIRFRAME_DATA to the folder that holds kanjivg/ (skipped otherwise).
  @Test(.enabled(if: hasKanjiVG)) func theRealKanjiAreAccepted() throws {
    let folder = URL(fileURLWithPath: try #require(dataFolder) + "/kanjivg").absoluteString
    let files = try DataFetch.run(.kanjivg, into: "\(scratch.path)/data", from: [try DataFetch.mirror(folder)])
    #expect(files.map(\.outcome) == [.fetched] && scratch.names(in: "data/kanjivg") == ["kanjivg.xml.gz"])
  }

  @Test func whatIsNoURLIsRefused() {
    for text in ["mirror", "://x", "/data/mnist", ""] {
      #expect(throws: RunError.self) { try DataFetch.mirror(text) }
    }
  }

  @Test func aMissingProgramIsNamed() {
    #expect(throws: SystemCommand.Failure.missing(program: "no-such-program-here")) {
      try SystemCommand.run("no-such-program-here", [])
    }
    #expect(DataFetchError(.missing(program: "curl")).description.contains("apt-get install curl"))
  }

  @Test func aProgramsWordsStatusAndSignalComeBack() throws {
    let result = try SystemCommand.run("sh", ["-c", "echo out; echo err >&2; exit 3"])
    #expect(result.output == "out\nerr\n" && result.status == 3 && !result.succeeded)
    #expect(try SystemCommand.run("sh", ["-c", "kill -TERM $$"]).status == 128 + 15)
    #expect(throws: SystemCommand.Failure.interrupted) { try SystemCommand.run("sh", ["-c", "kill -INT $$"]) }
  }

  @Test(arguments: dataSources.map(\.name)) func aSourcesFilesAreThoseThatDatasetsRead(name: String) throws {
    let source = try DataSource.named(name)
    for file in source.files {
      guard case .checksum(let digits) = file.proof else { continue }
      #expect(digits.count == 64 && digits.allSatisfy(\.isHexDigit))
    }
    #expect(source.mirrors.allSatisfy { $0.hasPrefix("https://") && $0.hasSuffix("/") })
    let before = try DataListing.entries(dataFolder: "\(scratch.path)/data").filter { $0.needs == name }
    #expect(!before.isEmpty && before.allSatisfy { $0.missing != nil })
    for file in source.files { try scratch.write("", to: "data/\(name)/\(file.name)") }
    let entries = try DataListing.entries(dataFolder: "\(scratch.path)/data")
    #expect(entries.filter { $0.needs == name }.allSatisfy { $0.missing == nil })
    #expect(throws: RunError.self) { try DataSource.named("minst") }
  }
}

private let hasKanjiVG =
  dataFolder.map { FileManager.default.fileExists(atPath: $0 + "/kanjivg/kanjivg.xml.gz") } ?? false

struct DataListingTests {
  @Test func damagedFilesAreListedAsDamagedWithTheCommandThatRepairsThem() throws {
    let scratch = try Scratch()
    let source = try DataSource.named("mnist")
    for file in source.files { try scratch.write("<html>Not Found</html>", to: "mnist/\(file.name)") }
    let entry = try #require(try DataListing.entries(dataFolder: scratch.path).first { $0.name == "multi-mnist" })
    #expect(entry.missing == nil && entry.damage?.contains("is a web page (HTML), not gzip data") == true)
    let text = try DataListing.text(dataFolder: scratch.path)
    #expect(text.contains("needs mnist: damaged (") && text.contains("; run `airframe data fetch mnist`)"))
  }

  @Test func everyDatasetIsListedWithWhatItNeeds() throws {
    let scratch = try Scratch()
    let entries = try DataListing.entries(dataFolder: scratch.path)
    #expect(entries.map(\.name) == datasets.names)
    let digits = try #require(entries.first { $0.name == "multi-mnist" })
    #expect(digits.needs == "mnist")
    #expect(digits.missing == "\(scratch.path)/mnist/train-images-idx3-ubyte.gz")
    let sprites = try #require(entries.first { $0.name == "multi-sprites" })
    #expect(sprites.needs == nil && sprites.missing == nil)
    let text = try DataListing.text(dataFolder: scratch.path)
    for entry in datasets.entries { #expect(text.contains(entry.name) && text.contains(entry.summary)) }
    #expect(text.contains("airframe data fetch mnist") && text.contains("needs nothing"))
    // Whatever a dataset needs can be fetched by that name, but for the user's own files.
    for source in entries.compactMap(\.needs) where !["images", "casia-gnt"].contains(source) {
      #expect(dataSources.map(\.name).contains(source))
    }
    for own in ["images", "casia-gnt"] {
      #expect(text.contains("needs \(own): missing (no \(scratch.path)/\(own))"))
    }
  }
}

struct DataPreviewTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func preview(_ overrides: [String], split: Split = .train, count: Int = 16) throws -> Picture {
    let choice = try DataPreview.choice(dataset: "multi-sprites", overrides)
    let path = "\(scratch.path)/grid.png"
    try DataPreview.write(choice, split: split, count: count, dataFolder: scratch.path, to: output(path))
    return try Picture(pngFile: path)
  }

  @Test func theGridHasACellForEachScene() throws {
    // 64 pixels three times as large, with a strip of 13 below; 5 scenes take 3 columns and 2 rows, 2 pixels apart.
    let grid = try preview([], count: 5)
    #expect(grid.width == 580 && grid.height == 412 && grid.channels == 3)
    // Ten scenes of 16 pixels, four times as large, are all there are: 4 columns and 3 rows.
    let small = try preview(["side=16", "diameter={smallest: 4, largest: 8}", "counts={2: 10}"])
    #expect(small.width == 262 && small.height == 235)
  }

  @Test func boxesAndCountsAreDrawn() throws {
    let choice = try DataPreview.choice(dataset: "multi-sprites", ["counts={2: 10}"])
    let dataset = try datasets.make(choice, DatasetContext(dataFolder: scratch.path))
    try dataset.prepare(.train)
    let scene = dataset.scene(0, of: .train)
    let grid = try preview(["counts={2: 10}"], count: 1)
    for (object, color) in zip(scene.objects, Color.palette) {
      let pixel = 3 * (Int(object.box.top) * 3 * grid.width + Int(object.box.left) * 3)
      #expect(Array(grid.pixels[pixel..<pixel + 3]) == [color.red, color.green, color.blue])
    }
    let strip = grid.pixels[(192 * grid.width * 3)...]
    #expect(strip.contains(255) && strip.contains(40))
  }

  @Test func splitsDiffer() throws {
    let grids = try Split.allCases.map { try preview([], split: $0) }
    #expect(grids[0] != grids[1] && grids[1] != grids[2] && grids[0] != grids[2])
  }

  @Test func aConfigsDatasetIsDrawn() throws {
    try scratch.write(
      "dataset: { name: multi-sprites, side: 32, diameter: { smallest: 6, largest: 12 } }\n", to: "c.yaml")
    let choice = try DataPreview.choice(config: "\(scratch.path)/c.yaml", ["counts={1: 3}"])
    try DataPreview.write(choice, dataFolder: scratch.path, to: output("\(scratch.path)/grid.png"))
    let grid = try Picture(pngFile: "\(scratch.path)/grid.png")
    // Three scenes of 32 pixels, four times as large: 2 columns and 2 rows.
    #expect(grid.width == 258 && grid.height == 284)
  }

  @Test func whatCannotBeDrawnSaysWhy() throws {
    func words(_ work: () throws -> Void) -> String {
      do { try work() } catch { return "\(error)" }
      return ""
    }
    let unknown = words { _ = try DataPreview.choice(dataset: "multi-sprite", []) }
    #expect(unknown.contains("did you mean 'multi-sprites'?"))
    let misspelt = words { _ = try DataPreview.choice(dataset: "multi-sprites", ["count={2: 10}"]) }
    #expect(misspelt.contains("did you mean 'counts'?"))
    let empty = words { _ = try preview(["test_size=0"], split: .test) }
    #expect(empty.contains("no test scenes"))
    let missing = words {
      let choice = try DataPreview.choice(dataset: "multi-mnist", [])
      try DataPreview.write(choice, dataFolder: scratch.path, to: output("\(scratch.path)/grid.png"))
    }
    #expect(missing.contains("airframe data fetch mnist"))
    #expect(scratch.names(in: "") == [])
  }
}
