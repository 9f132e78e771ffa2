/// Maps other names that people use for a key to its name here.
public struct KeyHint: Sendable {
  let words: Set<String>
  /// The keys to suggest; empty if there is only a note.
  public let keys: [String]
  let note: String?

  /// A hint for the given `words`, which are in lower case with underscores.
  ///
  /// `keys` are dotted names from the top level, the most likely first. A key without a dot is suggested only in
  /// sections that have it. `note` adds what the key alone does not explain, or says what to do if there is no such
  /// key.
  public init(_ words: String..., keys: [String], note: String? = nil) {
    (self.words, self.keys, self.note) = (Set(words), keys, note)
  }

  /// `; did you mean 'training.optimizer.rate'?`, for an unknown key in a section with the keys `siblings`.
  ///
  /// Nil if the hint does not apply there.
  fileprivate func suggestion(besides siblings: [String]) -> String? {
    let note = note.map { " (\($0))" } ?? ""
    if let own = keys.compactMap({ $0.split(separator: ".").last.map(String.init) }).first(where: siblings.contains) {
      return "; did you mean '\(own)'?\(note)"
    }
    let others = keys.filter { $0.contains(".") }.map { "'\($0)'" }
    if others.isEmpty { return keys.isEmpty ? self.note.map { "; \($0)" } : nil }
    return "; did you mean \(others.joined(separator: " or "))?\(note)"
  }
}

/// A key that a section does not have, and the parts of the error message about it.
struct UnknownKey: Sendable, Hashable {
  let key: String
  /// The name of the section in messages.
  let title: String
  /// The keys that the section has.
  let siblings: [String]
  /// A suggestion of a similar key; may be empty.
  var suggestion: String
  var owners = ""

  init<Section: Configurable>(
    _ key: String, in title: String, at path: String, siblings: [String], of section: Section, owners: String = ""
  ) {
    (self.key, self.title, self.siblings, self.owners) = (key, title, siblings, owners)
    suggestion = Spelling.suggestion(for: key, among: siblings)
    if suggestion.isEmpty, let deeper = pathBelow(section, to: key) {
      suggestion = "; did you mean '\(YAMLNode.path(path, key: deeper))'?"
    }
  }

  /// The same key with the suggestion of the first hint that contains it, if that hint applies here.
  func hinted(by hints: [KeyHint]) -> UnknownKey {
    let word = String(key.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
    guard let hint = hints.first(where: { $0.words.contains(word) }),
      let suggestion = hint.suggestion(besides: siblings)
    else { return self }
    var hinted = self
    hinted.suggestion = suggestion
    return hinted
  }

  /// `unknown key 'hiden' in model.controller; did you mean 'hidden'? (keys: hidden, ...)`
  var text: String {
    let place = title.isEmpty ? "at the top level" : "in \(title)"
    return "unknown key '\(key)' \(place)\(suggestion) (keys: \(siblings.joined(separator: ", ")))\(owners)"
  }
}

/// The path to a key with that name in a nested section.
private func pathBelow<Section: Configurable>(_ section: Section, to key: String) -> String? {
  for field in Section.fields {
    guard let below = field.section(section) else { continue }
    if let path = path(in: below, to: key) { return YAMLNode.path(field.key, key: path) }
  }
  return nil
}

private func path<Section: Configurable>(in section: Section, to key: String) -> String? {
  Section.fields.contains { $0.key == key } ? key : pathBelow(section, to: key)
}

extension ConfigurationError {
  /// The same faults; those about unknown keys get the suggestions of matching hints.
  func hinted(by hints: [KeyHint]) -> ConfigurationError {
    guard !hints.isEmpty else { return self }
    return ConfigurationError(
      messages.map { message in message.unknownKey.map { Message($0.hinted(by: hints), at: message.place) } ?? message }
    )
  }
}
