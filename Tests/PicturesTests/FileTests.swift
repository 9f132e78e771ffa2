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
      // A folder stands where the file should go.
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
    #expect(throws: FileError.self) { try readFile("/dev/zero", limit: 100_000) }
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
