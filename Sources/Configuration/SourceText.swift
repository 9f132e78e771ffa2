import Glibc

/// The UTF-8 text of a file, a string or an override's value.
struct SourceText {
  let source: Place.Source
  let bytes: [UInt8]

  /// Checks the text and removes a byte order mark, which some Windows editors write.
  /// Throws `ConfigurationError` for more than 4 MB and for bytes that are not UTF-8.
  init(_ written: [UInt8], of source: Place.Source) throws {
    let bytes = written.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(written.dropFirst(3)) : written
    self.source = source
    self.bytes = bytes
    if bytes.count > YAMLParser.maximumBytes {
      throw ConfigurationError(
        "is larger than \(YAMLParser.maximumBytes >> 20) MB, too large for a config", at: Place(source))
    }
    if String(validating: bytes, as: UTF8.self) == nil {
      throw ConfigurationError("is not UTF-8 text; save it as UTF-8", at: Self.firstBrokenPlace(bytes, of: source))
    }
  }

  /// Reads a regular file; throws `ConfigurationError` at `place` for anything else.
  ///
  /// Other kinds of file are not opened: a pipe would wait for a writer, and opening a device can have side effects.
  static func file(_ path: String, at place: Place?, hint: String) throws -> SourceText {
    var status = stat()
    guard stat(path, &status) == 0 else { throw unreadable(path, at: place, hint: hint) }
    try requireFile(status, path, at: place, hint: hint)
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { throw unreadable(path, at: place, hint: hint) }
    defer { close(file) }
    guard fstat(file, &status) == 0 else { throw unreadable(path, at: place, hint: hint) }
    try requireFile(status, path, at: place, hint: hint)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= YAMLParser.maximumBytes {
      let count = read(file, &chunk, chunk.count)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw unreadable(path, at: place, hint: hint)
      }
      bytes += chunk[..<count]
    }
    return try SourceText(bytes, of: .file(path))
  }

  private static func unreadable(_ path: String, at place: Place?, hint: String) -> ConfigurationError {
    unreadable(path, String(cString: strerror(errno)), at: place, hint: hint)
  }

  private static func unreadable(
    _ path: String, _ reason: String, at place: Place?, hint: String
  ) -> ConfigurationError {
    ConfigurationError("cannot read '\(path)': \(reason)\(hint)", at: place)
  }

  private static func requireFile(_ status: stat, _ path: String, at place: Place?, hint: String) throws {
    let kind: String
    switch status.st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: kind = String(cString: strerror(EISDIR))
    case S_IFIFO: kind = "it is a pipe, not a file"
    case S_IFSOCK: kind = "it is a socket, not a file"
    default: kind = "it is a device, not a file"
    }
    throw unreadable(path, kind, at: place, hint: hint)
  }

  /// The line and column of the byte at an offset.
  static func place(ofByte offset: Int, in bytes: some Collection<UInt8>, of source: Place.Source) -> Place {
    guard case .file = source else { return Place(source) }
    let before = bytes.prefix(offset)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let rest = before.suffix { $0 != UInt8(ascii: "\n") }
    return Place(source, line: line, column: String(decoding: rest, as: UTF8.self).unicodeScalars.count + 1)
  }

  private static func firstBrokenPlace(_ bytes: [UInt8], of source: Place.Source) -> Place {
    var offset = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: line, as: UTF8.self) == nil {
        let valid = String(decoding: line, as: UTF8.self).unicodeScalars.prefix { $0 != "\u{FFFD}" }
        return place(ofByte: offset + String(valid).utf8.count, in: bytes, of: source)
      }
      offset += line.count + 1
    }
    return Place(source)
  }
}

extension Collection where Element == UInt8 {
  fileprivate func suffix(while holds: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let array = Array(self)
    let start = array.lastIndex { !holds($0) }.map { $0 + 1 } ?? 0
    return array[start...]
  }
}
