import Glibc
import Testing

@testable import Configuration

/// Files and overrides that are built to use up time or memory.
///
/// Before there were limits, each of them took minutes or gigabytes, or overflowed the stack.
@Suite(.timeLimit(.minutes(1))) struct LimitTests {
  /// Requires less than a second of processor time, which other load does not affect. Milliseconds are typical.
  private func quickFault(_ text: String, _ override: String? = nil) -> String {
    let start = processorSeconds()
    let words = override.map { fault(text, $0) } ?? fault(text)
    #expect(processorSeconds() - start < 1)
    return words
  }

  private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  @Test func ofManyFaultsTheFirstAreToldAndTheRestCounted() {
    let lines = (0..<9_000).map { "k\($0): &a\($0) 1" }.joined(separator: "\n")
    let unknown = quickFault(lines).split(separator: "\n")
    #expect(unknown.count == 21 && unknown[1].hasSuffix("9000 unknown keys in all at the top level"))
    #expect(unknown[0].hasPrefix("x.yaml:1:1: unknown key 'k0' at the top level"))
    #expect(unknown[20] == "... and 1 more faults")
    let twice = quickFault(String(repeating: "training:\n", count: 9_000)).split(separator: "\n")
    #expect(twice.count == 21 && twice[0].contains("a second time") && twice[20] == "... and 8979 more faults")
    let counts = (0..<9_000).map { "x\($0): 1" }.joined(separator: ", ")
    #expect(quickFault("counts: { \(counts) }").hasSuffix("... and 8980 more faults"))
  }

  @Test func longTextsAreRefusedRatherThanComparedAndRepeated() throws {
    let long = String(repeating: "x", count: 3_000_000)
    #expect(
      quickFault("model: { name: \(long) }") == "x.yaml:1:16: a text of 3000000 bytes; a config's have at most 10000")
    #expect(
      quickFault("model:\n  ? \(long)\n  : 1") == "x.yaml:2:5: a key of 3000000 bytes; keys have at most 128")
    #expect(quickFault("", "training.note=\(long)").hasSuffix("a text of 3000000 bytes; a config's have at most 10000"))
    #expect(quickFault("", "training.\(long)=1").hasSuffix("a key of 3000000 bytes; keys have at most 128"))
    #expect(quickFault("", "training.note=\(long)").utf8.count < 400)
    #expect(try load("training: { note: \(long.prefix(10_000)) }").value.training.note.utf8.count == 10_000)
  }

  /// The path of each value in the list contains all keys above it.
  @Test func longKeysAboveManyValuesAreRefused() {
    let keys = (0..<60).map { String(repeating: " ", count: $0) + String(repeating: "k", count: 1_000) + ":\n" }
    let list = String(repeating: "1,", count: 9_000)
    #expect(quickFault(keys.joined() + String(repeating: " ", count: 60) + "[\(list)]").contains("a key of 1000 bytes"))
  }

  @Test func overridesAreNoDeeperThanFiles() {
    let deep = String(repeating: "a.", count: 60_000) + "a=1"
    #expect(quickFault("", deep).hasSuffix("more than 64 keys joined by dots; no config is so deep"))
    #expect(quickFault("", "training.note=" + String(repeating: "[", count: 100_000)).contains("nested deeper than 64"))
  }

  /// libyaml compares each directive with all earlier ones.
  @Test func manyDirectivesAreRefused() {
    let lines = (0..<150_000).map { "%TAG !a\($0)! x:\n" }.joined()
    #expect(quickFault(lines + "---\na: 1\n").hasPrefix("x.yaml:101:1: more than 100 lines begin with '%'"))
    #expect(quickFault("training: {}\r...\r" + lines.replacing("\n", with: "\r")).contains("more than 100 lines"))
    let text = "training: { note: \"" + String(repeating: "100% of % \n  50%", count: 400) + "\" }"
    #expect(quickFault(text) == "")
  }

  @Test func whatIsNoRegularFileIsNotOpened() throws {
    let folder = try Folder(["a.yaml": "extends: pipe\n", "b.yaml": "extends: /dev/zero\n", "c.yaml": "extends: .\n"])
    try #require(mkfifo(folder.path + "/pipe", 0o600) == 0)
    #expect(
      folder.fault("a.yaml")
        == "a.yaml:1:10: cannot read 'pipe': it is a pipe, not a file ('extends' is relative to the folder of this file)"
    )
    #expect(folder.fault("pipe") == "cannot read 'pipe': it is a pipe, not a file")
    #expect(folder.fault("b.yaml") == "b.yaml:1:10: cannot read '/dev/zero': it is a device, not a file")
    #expect(folder.fault("c.yaml").contains("Is a directory"))
  }

  @Test func chainsOfFilesEnd() throws {
    let chain = Dictionary(
      uniqueKeysWithValues: (0..<100).map { ("\($0).yaml", $0 < 99 ? "extends: \($0 + 1).yaml" : "training: {}") })
    let folder = try Folder(chain)
    #expect(folder.fault("0.yaml") == "31.yaml:1:10: 'extends' joins more than 32 files")
    #expect(try folder.load("68.yaml").value.training.steps == 10_000)
  }
}
