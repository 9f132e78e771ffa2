import Configuration
import Foundation
import Pictures
import Testing

@testable import Experiments

/// A file that a test writes to, in the format of its ending.
func output(_ path: String) throws -> OutputFile { try OutputFile(path, as: [.png, .svg, .csv], replacing: .anything) }

/// Files that commands write for their users.
struct OutputFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8)
  }

  private func kind(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  @Test func theEndingDecidesTheFormatOrTheListOfThemIsSaid() throws {
    let chart: [OutputFile.Format] = [.png, .svg]
    #expect(try OutputFile("\(folder.path)/a.svg", as: chart).format == .svg)
    #expect(try OutputFile("\(folder.path)/a.b.PNG", as: chart).format == .png)
    for name in ["a.pdf", "a.png.csv", "png", ".png", "a."] {
      let words = complaint { _ = try OutputFile("\(folder.path)/\(name)", as: chart) }
      #expect(words.contains(".png or .svg can be written"), "\(name): \(words)")
    }
    #expect(try OutputFile("\(folder.path)/a", as: [.json, .csv], chosen: .csv).format == .csv)
    #expect(try OutputFile("\(folder.path)/a.csv", as: [.json, .csv], chosen: .csv).format == .csv)
    #expect(
      complaint { _ = try OutputFile("\(folder.path)/a.json", as: [.json, .csv], chosen: .csv) }
        .contains("--format csv is another format"))
  }

  @Test func anExistingFileStaysUnlessTheCommandSaysSo() throws {
    let path = try folder.write("old".utf8, to: "a.csv")
    let words = complaint { _ = try OutputFile(path, as: [.csv]) }
    #expect(words.contains("exists and stays") && words.contains("--replace"), "\(words)")
    try OutputFile(path, as: [.csv], replacing: .anything).write(Array("new".utf8))
    #expect(try text("a.csv") == "new")
    // One that comes while the work goes on stays, too.
    let late = try OutputFile("\(folder.path)/b.csv", as: [.csv])
    try folder.write("other".utf8, to: "b.csv")
    #expect(throws: OutputFileFailure.self) { try late.write(Array("mine".utf8)) }
    #expect(try text("b.csv") == "other")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a.csv", "b.csv"])
  }

  @Test func onlyAnEarlierSeedsFileGoesWithoutBeingAskedFor() throws {
    let rule = OutputFile.Replacement.fileThatBegins(with: ResultTable.headOfSeeds)
    let seeds = try folder.write("\(ResultTable.headOfSeeds),nelbo\na,0,finished,1,2\n".utf8, to: "seeds.csv")
    let notes = try folder.write("row,count\n".utf8, to: "notes.csv")
    try OutputFile(seeds, as: [.csv], replacing: rule).write(Array("new".utf8))
    #expect(try text("seeds.csv") == "new")
    #expect(complaint { _ = try OutputFile(notes, as: [.csv], replacing: rule) }.contains("--replace"))
  }

  @Test func whatIsReadIsNeverReplacedUnderAnyOfItsNames() throws {
    let files = FileManager.default
    let image = try folder.write("pixels".utf8, to: "a.png")
    try files.linkItem(atPath: image, toPath: "\(folder.path)/hard.png")
    try files.createSymbolicLink(atPath: "\(folder.path)/soft.png", withDestinationPath: "a.png")
    for name in ["a.png", "hard.png", "soft.png", "../\(folder.path.split(separator: "/").last ?? "")/a.png"] {
      for input in [image, folder.path] {
        let words = complaint {
          _ = try OutputFile("\(folder.path)/\(name)", as: [.png], replacing: .anything, inputs: [input])
        }
        #expect(words.contains("never replaced"), "\(name): \(words)")
      }
    }
    let run = try emptyRun("\(folder.path)/run")
    for name in ["config.yaml", "evaluation.json", "checkpoints/step-1.safetensors", "found.csv"] {
      try run.write("", to: name)
    }
    for name in ["evaluation.json", "checkpoints/step-1.safetensors"] {
      let words = complaint {
        _ = try OutputFile(
          "\(run.path)/\(name)", as: [.json, .safetensors], replacing: .anything, inputs: [run.path])
      }
      #expect(words.contains("never replaced"), "\(name): \(words)")
    }
    // The data that a run's config names.
    let config = try tiny("dataset={ name: images, path: \(folder.path)/data.npz }")
    try run.write(ConfigurationFile.encode(config), to: "config.yaml")
    let data = try folder.write([], to: "data.npz")
    #expect(
      complaint { _ = try OutputFile(data, as: [.npz], replacing: .anything, inputs: [run.path]) }
        .contains("never replaced"))
    // What someone put beside a run's own files is theirs.
    _ = try OutputFile("\(run.path)/found.csv", as: [.csv], replacing: .anything, inputs: [run.path])
  }

  @Test func aLinkIsFollowedAndALinkToNothingRefused() throws {
    let files = FileManager.default
    try files.createDirectory(atPath: "\(folder.path)/far", withIntermediateDirectories: false)
    try folder.write("old".utf8, to: "far/a.csv")
    try files.createSymbolicLink(atPath: "\(folder.path)/near.csv", withDestinationPath: "far/a.csv")
    try OutputFile("\(folder.path)/near.csv", as: [.csv], replacing: .anything).write(Array("new".utf8))
    #expect(try text("far/a.csv") == "new" && kind("\(folder.path)/near.csv") == S_IFLNK)
    try files.createSymbolicLink(atPath: "\(folder.path)/lost.csv", withDestinationPath: "nowhere/a.csv")
    #expect(complaint { _ = try OutputFile("\(folder.path)/lost.csv", as: [.csv]) }.contains("cannot be found"))
  }

  @Test func whatIsNoFileIsWrittenThroughAndStays() throws {
    let pipe = "\(folder.path)/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try OutputFile(pipe, as: [.json, .csv]).write(Array("whole".utf8))
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(reader, &bytes, 16)
    #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "whole" && kind(pipe) == S_IFIFO)
    #expect(throws: FileError.self) { try writeFileAtomically([1], to: pipe) }
    #expect(kind(pipe) == S_IFIFO)
    // Devices can be made by root alone: /dev/full (1, 7), and a disk.
    let (full, disk) = ("\(folder.path)/full", "\(folder.path)/disk")
    guard mknod(full, S_IFCHR | 0o600, 1 << 8 | 7) == 0, mknod(disk, S_IFBLK | 0o600, 0) == 0 else { return }
    let sink = try OutputFile(full, as: [.json])
    // A container may forbid to open it; it stays in any case.
    #expect(throws: OutputFileFailure.self) { try sink.write([1]) }
    #expect(throws: FileError.self) { try writeFileAtomically([1], to: full) }
    #expect(kind(full) == S_IFCHR)
    #expect(complaint { _ = try OutputFile(disk, as: [.json]) }.contains("is a disk"))
  }

  @Test func aFolderThatTakesNoFileIsSaidBeforeTheWork() throws {
    #expect(complaint { _ = try OutputFile("\(folder.path)/none/a.csv", as: [.csv]) }.contains("No such file"))
    #expect(complaint { _ = try OutputFile("/dev/null/a.csv", as: [.csv]) }.contains("Not a directory"))
    #expect(complaint { _ = try OutputFile(folder.path, as: [.csv]) }.contains("is a folder"))
  }
}
