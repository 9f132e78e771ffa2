import Glibc
import Pictures
import Testing

@Suite struct FileTests {
  @Test func writtenBytesAreReadAndReplaced() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/file"
      for count in [0, 1, 70_000, 3] {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try writeFileAtomically(bytes, to: path)
        #expect(try readFile(path) == bytes)
        #expect(try readFile(path, limit: count) == bytes)
      }
      #expect(fileNames(in: folder) == ["file"])
      #expect(message { _ = try readFile(path, limit: 2) }.contains("holds 3 bytes, the limit is 2"))
    }
  }

  @Test func failedWritesLeaveNothingBehind() throws {
    try withTemporaryFolder { folder in
      // There is a folder at the path of the file.
      #expect(mkdir("\(folder)/taken", 0o755) == 0)
      defer { rmdir("\(folder)/taken") }
      #expect(message { try writeFileAtomically([1], to: "\(folder)/taken") }.contains("cannot be put in place"))
      #expect(fileNames(in: folder) == ["taken"])
      #expect(message { try writeFileAtomically([1], to: "\(folder)/none/file") }.contains("No such file or directory"))
    }
  }

  @Test func errorsNameTheFileAndTheNextStep() throws {
    try withTemporaryFolder { folder in
      #expect(
        message { _ = try readFile("\(folder)/none") }
          == "\(folder)/none: cannot be opened (No such file or directory); "
          + "check the spelling, and that the folder exists")
      #expect(message { _ = try readFile(folder) }.contains("is a folder, not a file"))
    }
  }

  @Test func filesOfUnknownSizeAreReadToTheEnd() throws {
    #expect(try readFile("/proc/self/stat").count > 50)
  }

  /// Opening a pipe without a writer waits forever; a device may never end.
  @Test func pipesDevicesAndSocketsAreNotRead() throws {
    try withTemporaryFolder { folder in
      let pipe = "\(folder)/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(
        message { _ = try readFile(pipe) } == "\(pipe): is a pipe, not a file; write it to a file first, and name that")
      #expect(message { _ = try Picture(pngFile: pipe) }.contains("is a pipe, not a file"))
      #expect(message { _ = try readFile("/dev/zero") } == "/dev/zero: is a device, not a file; name a file")
    }
  }

  @Test func theFirstBytesAreCheckedBeforeTheRestIsRead() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/file"
      let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
      try writeFileAtomically(bytes, to: path)
      var seen: (head: [UInt8], size: Int) = ([], 0)
      #expect(try readFile(path) { seen = ($0, $1) } == bytes)
      #expect(seen.head == Array(bytes.prefix(4096)) && seen.size == 10_000)
      let refused = FileError(problem: "is none of ours", nextStep: "name another")
      #expect(message { _ = try readFile(path) { _, _ in throw refused } }.hasPrefix("\(path): is none of ours"))
      // A sparse file with 2 GB of zeros. No format begins with zeros only.
      #expect(truncate(path, 0) == 0 && truncate(path, 2_000_000_000) == 0)
      let readers: [() throws -> Void] = [
        { _ = try NPY(file: path) }, { _ = try IDX(file: path) }, { _ = try PNG(file: path) },
      ]
      for read in readers {
        #expect(throws: FileError.self, performing: read)
      }
    }
  }

  @Test func concurrentWritersLeaveOneWholeFile() async throws {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let path = "\(base)/pictures-tests-concurrent-\(getpid())"
    defer { unlink(path) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for value in 0..<8 {
        group.addTask { try writeFileAtomically([UInt8](repeating: UInt8(value), count: 50_000), to: path) }
      }
      try await group.waitForAll()
    }
    let bytes = try readFile(path)
    #expect(bytes.count == 50_000 && Set(bytes).count == 1)
  }
}
