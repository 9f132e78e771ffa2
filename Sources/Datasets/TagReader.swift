import Glibc

/// Finds the tags of XML as KanjiVG writes it: attributes in quotes, only spaces between tags, no entities.
///
/// It supports only what KanjiVG needs, not all of XML: entities in values are not expanded, and declarations are not
/// understood.
struct TagReader {
  /// `<name key="value">`, `</name>` or `<name .../>`.
  struct Tag: CustomStringConvertible {
    enum Kind { case opening, closing, empty }

    let name: String
    let kind: Kind
    private let attributes: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]

    init(_ name: String, _ kind: Kind, _ attributes: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]) {
      (self.name, self.kind, self.attributes) = (name, kind, attributes)
    }

    /// The value of an attribute, in the bytes of the file.
    subscript(key: String) -> ArraySlice<UInt8>? { attributes.first { $0.key.elementsEqual(key.utf8) }?.value }

    var description: String { kind == .closing ? "</\(name)>" : "<\(name)>" }
  }

  private let bytes: [UInt8]
  private let file: String
  /// The position at which reading continues.
  private var offset = 0

  init(_ bytes: [UInt8], file: String) {
    (self.bytes, self.file) = (bytes, file)
  }

  /// Moves to the next occurrence of a text and returns its position.
  mutating func next(_ text: StaticString) -> Int? {
    let length = text.utf8CodeUnitCount
    let found = bytes.withUnsafeBytes { buffer -> Int? in
      var start = offset
      while start + length <= buffer.count, let base = buffer.baseAddress,
        let hit = memchr(base + start, Int32(text.utf8Start[0]), buffer.count - start - length + 1)
      {
        if memcmp(hit, text.utf8Start, length) == 0 { return UnsafeRawPointer(hit) - base }
        start = UnsafeRawPointer(hit) - base + 1
      }
      return nil
    }
    offset = found ?? bytes.count
    return found
  }

  /// Reads the tag that starts at an offset and moves past it; returns nil for a comment. Throws `DatasetError`.
  mutating func tag(at start: Int) throws -> Tag? {
    offset = start + 1
    if bytes[offset...].starts(with: "!--".utf8) {
      guard next("-->") != nil else { throw fault("has a comment without an end", at: start) }
      return nil
    }
    let isClosing = take(UInt8(ascii: "/"))
    let name = word()
    guard !name.isEmpty, name.count <= 64 else { throw fault("has a tag without a name", at: start) }
    var attributes: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
    while true {
      skipSpaces()
      let isEmpty = take(UInt8(ascii: "/"))
      if take(UInt8(ascii: ">")) {
        return Tag(
          String(decoding: name, as: UTF8.self), isClosing ? .closing : isEmpty ? .empty : .opening, attributes)
      }
      let key = word()
      guard !isEmpty, !isClosing, !key.isEmpty, attributes.count < 64, take(UInt8(ascii: "=")),
        let value = quoted()
      else { throw fault("has a tag that is damaged", at: start) }
      attributes.append((key, value))
    }
  }

  /// The error for a problem at an offset, by default at the current position.
  func fault(_ problem: String, at place: Int? = nil) -> DatasetError {
    .unexpected(file: file, problem: "\(problem) (byte \(place ?? offset) of its XML)")
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard offset < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  /// Reads a name: letters, digits and the other characters that names may have.
  private mutating func word() -> ArraySlice<UInt8> {
    let start = offset
    while offset < bytes.count, isNamePart(bytes[offset]) { offset += 1 }
    return bytes[start..<offset]
  }

  private func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x80...: true
    default: false
    }
  }

  private mutating func quoted() -> ArraySlice<UInt8>? {
    guard offset < bytes.count else { return nil }
    let quote = bytes[offset]
    guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
      let end = bytes[(offset + 1)...].firstIndex(of: quote)
    else { return nil }
    let value = bytes[(offset + 1)..<end]
    offset = end + 1
    return value.contains(UInt8(ascii: "<")) ? nil : value
  }

  private mutating func skipSpaces() {
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
  }
}
