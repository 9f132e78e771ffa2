import Configuration
import Foundation
import Testing

@testable import Experiments

/// A folder in which a training is under way, and what becomes of it.
struct LockedFolderTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/run" }

  init() throws { folder = try TemporaryFolder() }

  private func contents() throws -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { name in
        FileManager.default.contents(atPath: "\(path)/\(name)").map { (name, $0) }
      })
  }

  /// The folder is deleted or moved, or what is in it is deleted, while a training is about to begin; another run is
  /// trained in its place.
  @Test(arguments: ["deleted", "moved", "emptied"])
  func aTrainingWhoseFolderWasReplacedTouchesNothingOfTheNewRun(_ how: String) throws {
    let first = try Training(try workbench(try tiny()), in: try RunFolder(planning: path))
    switch how {
    case "deleted": try FileManager.default.removeItem(atPath: path)
    case "moved": try FileManager.default.moveItem(atPath: path, toPath: path + "-old")
    default:
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
      }
    }
    try Training(try workbench(try tiny("training.seed=5")), in: try RunFolder(planning: path)).run()
    let before = try contents()
    #expect(before.count > 8)
    #expect(throws: LostFolder.self) { try first.run() }
    #expect(try contents() == before)
    if how == "moved" {
      let old = try RunFolder(opening: path + "-old")
      #expect(old.json("status.json")?["reason"]?.string?.contains("was deleted, moved or replaced") == true)
    }
  }

  @Test func aDeletedFolderIsNotMadeAgain() throws {
    let first = try Training(try workbench(try tiny()), in: try RunFolder(planning: path))
    try FileManager.default.removeItem(atPath: path)
    let words = complaint { _ = try first.run() }
    #expect(
      words.hasPrefix("\(path): the folder of this training was deleted") && !isUnusableInput(LostFolder(path: path)))
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func onlyALockThatAnotherProcessHoldsIsCalledThat() throws {
    let run = try emptyRun(path)
    let first = try LockedFolder(run)
    #expect(complaint { _ = try LockedFolder(run) }.contains("another process is training in this folder"))
    withExtendedLifetime(first) {}
    for code in [EAGAIN, EACCES] { #expect(FolderLock.refusal("p", code, held: "held").description == "p: held") }
    for code in [ENOLCK, EOPNOTSUPP, EINVAL, ENOSYS, EIO] {
      let words = FolderLock.refusal("p", code, held: "held").description
      #expect(words.hasPrefix("p: cannot be locked: the file system refuses (") && words.contains("--out"))
      #expect(words.contains(String(cString: strerror(code))))
    }
  }

  @Test func onlyOwnLeftoversAreRemoved() throws {
    let run = try emptyRun(path)
    try folder.write([1], to: "other")
    let links = ["\(path)/.tmp-1-a", "\(path)/checkpoints/.tmp-1-a"]
    for link in links {
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "\(folder.path)/other")
    }
    try FileManager.default.createDirectory(atPath: "\(path)/evaluations", withIntermediateDirectories: true)
    for name in [".tmp-2-b", "images/.tmp-2-b", "evaluations/.tmp-2-b"] { try folder.write([1], to: "run/\(name)") }
    try LockedFolder(run).removeUnfinished()
    for name in [".tmp-2-b", "images/.tmp-2-b", "evaluations/.tmp-2-b"] {
      #expect(!FileManager.default.fileExists(atPath: "\(path)/\(name)"))
    }
    #expect(FileManager.default.fileExists(atPath: "\(folder.path)/other"))
  }

  /// After a power cut a log may hold zeros, or half a line, before what was written later.
  @Test func timesAreReadPastWhatCannotBeRead() throws {
    let lines = [
      #"{"step": 4, "steps": 4, "seconds": 1.5}"#, "\0\0\0", #"{"step": 8, "split": "validation", "seconds": 0.5}"#,
      #"{"step": 8, "st"#, #"{"step": 8, "steps": 4, "seconds": 2.5}"#, #"{"step": 12, "steps": 4, "seconds": 9}"#,
    ]
    try folder.write((lines.joined(separator: "\n") + "\n{\"step\"").utf8, to: "timing.jsonl")
    let file = try TimingFile(in: try OpenFolder(folder.path))
    try file.cut(after: 8)
    let totals = try file.totals()
    #expect(totals.steps == 8 && totals.stepSeconds == 4 && totals.evaluationSeconds == 0.5)
    #expect(try TimingFile.stepSeconds("\(folder.path)/timing.jsonl").map(\.seconds) == [1.5, 4])
    let text = try String(contentsOfFile: "\(folder.path)/timing.jsonl", encoding: .utf8)
    #expect(text == lines.dropLast().joined(separator: "\n") + "\n")
  }
}
