import Glibc

/// A new folder below TMPDIR (or /tmp), which is removed with its contents when this object is released.
final class TemporaryFolder {
  let path: String

  /// Throws `RunError`.
  init(_ name: String) throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw RunError("\(parent): no folder can be made here (\(String(cString: strerror(errno)))); set TMPDIR")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = try? SystemCommand.run("rm", ["-rf", path]) }
}
