import Pictures

/// Strokes and components of some characters, from the one-file form of KanjiVG (Ulrich Apel), plain or in gzip.
///
/// The file has `<kanji id="kvg:kanji_0660e">` with the character's code point in hexadecimal digits. In it, nested `<g
/// kvg:element="...">` surround `<path d="..."/>`, one per stroke, on a field of 109 x 109 units. Only the requested
/// characters are read beyond their id. A file has at most 64 MiB, and at most 256 MiB when decompressed.
struct KanjiVG: Sendable {
  /// The side of the field in which characters are drawn.
  static let side: Float = 109

  /// A character whose strokes are divided among its components.
  struct Character: Equatable, Sendable {
    let name: String
    let components: [Component]

    struct Component: Equatable, Sendable {
      let name: String
      /// The strokes in units of the field, in the order in which they are written.
      let strokes: [Polyline]
    }
  }

  /// The characters in the order in which they were requested.
  let characters: [Character]

  /// Throws `FileError` for a file that cannot be read, and `DatasetError` for one with errors or without some of the
  /// characters.
  init(file: String, characters: String) throws {
    var bytes = try readFile(file, limit: 1 << 26)
    if bytes.starts(with: [0x1F, 0x8B]) {
      do { bytes = try Gzip.decompress(bytes, limit: 1 << 28) } catch let error as FileError {
        throw FileError(path: file, problem: error.problem, nextStep: error.nextStep)
      }
    }
    try self.init(bytes: bytes, name: file, characters: characters)
  }

  /// Reads the text of a file; `name` is its name in messages. Throws `DatasetError`.
  init(bytes: [UInt8], name: String, characters: String) throws {
    let wanted = Set(characters.unicodeScalars)
    var found: [Unicode.Scalar: Character] = [:]
    var tags = TagReader(bytes, file: name)
    var isKanjiVG = false
    while let start = tags.next("<kanji") {
      isKanjiVG = true
      guard let tag = try tags.tag(at: start), tag.name == "kanji", tag.kind == .opening,
        let scalar = Self.scalar(tag), wanted.contains(scalar), found[scalar] == nil
      else { continue }
      found[scalar] = try Self.read(String(scalar), &tags)
    }
    guard isKanjiVG else {
      let kind = FileFormat(bytes)
      let found = kind.map { $0 == .text ? "" : "is \($0.rawValue), and " } ?? ""
      throw DatasetError.unexpected(file: name, problem: "\(found)is not KanjiVG's XML: it has no <kanji ...>")
    }
    let missing = characters.unicodeScalars.filter { found[$0] == nil }
    guard missing.isEmpty else {
      let some = missing.prefix(8).map { "'\($0.escaped(asASCII: false))'" }.joined(separator: ", ")
      throw DatasetError.unusable(
        place: name, problem: "has no character \(some)\(missing.count > 8 ? " and \(missing.count - 8) others" : "")",
        remedy: "take what is not there out of dataset.characters")
    }
    self.characters = characters.unicodeScalars.compactMap { found[$0] }
  }

  /// The character of an id; nil for a variant (`kvg:kanji_0660e-Kaisho`) and other ids.
  private static func scalar(_ tag: TagReader.Tag) -> Unicode.Scalar? {
    guard let id = tag["id"], let mark = id.lastIndex(of: UInt8(ascii: "_")), id.endIndex - mark <= 9 else {
      return nil
    }
    return UInt32(String(decoding: id[(mark + 1)...], as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
  }

  /// Reads a character up to `</kanji>`.
  private static func read(_ name: String, _ tags: inout TagReader) throws -> Character {
    var strokes: [Polyline] = []
    // The innermost group is last; the first one represents <kanji> itself.
    var open = [KanjiGroup()]
    var groups = 0
    while true {
      guard let start = tags.next("<") else { throw tags.fault("ends within the character '\(name)'") }
      guard let tag = try tags.tag(at: start) else { continue }
      switch (tag.name, tag.kind) {
      case ("g", .opening):
        groups += 1
        guard open.count < 32, groups <= 200 else {
          throw tags.fault("has more than 200 groups for '\(name)', or more than 31 within each other", at: start)
        }
        open.append(group(tag))
      case ("g", .closing) where open.count > 1:
        let group = open.removeLast()
        open[open.count - 1].members.append(.group(group))
      case ("g", .empty): break
      case ("path", .empty):
        guard strokes.count < 200 else { throw tags.fault("has more than 200 strokes for '\(name)'", at: start) }
        guard let path = tag["d"] else { throw tags.fault("has a stroke of '\(name)' without a path", at: start) }
        open[open.count - 1].members.append(.stroke(strokes.count))
        do { strokes.append(try StrokePath.polyline(path)) } catch let fault as StrokePath.Fault {
          throw tags.fault("has a stroke of '\(name)' whose path \(fault.problem)", at: path.startIndex + fault.offset)
        }
      case ("kanji", .closing) where open.count == 1 && !strokes.isEmpty:
        return Character(
          name: name,
          components: components(of: open[0], name).map { component in
            Character.Component(name: component.name, strokes: component.strokes.map { strokes[$0] })
          })
      default:
        throw tags.fault("has \(tag) within '\(name)', where it does not belong", at: start)
      }
    }
  }

  private static func group(_ tag: TagReader.Tag) -> KanjiGroup {
    func text(_ key: String) -> String? {
      tag[key].flatMap { $0.isEmpty || $0.count > 64 ? nil : String(decoding: $0, as: UTF8.self) }
    }
    return KanjiGroup(
      element: text("kvg:element"), part: text("kvg:part").flatMap { Int($0) }, number: text("kvg:number"),
      isPartial: tag["kvg:partial"] != nil)
  }

  /// <kanji> usually has one member, the character's own group.
  private static func components(of kanji: KanjiGroup, _ name: String) -> [KanjiComponent] {
    guard kanji.members.count == 1, case .group(let group) = kanji.members[0] else {
      return kanji.components(calling: name)
    }
    return group.components(calling: name)
  }
}
