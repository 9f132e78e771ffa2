/// Arguments that cannot be used; the message says what would do.
struct UsageError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The words after a command: positional ones, `key=value` overrides, `--option value` and `--flag`.
struct Arguments {
  private(set) var positional: [String] = []
  private(set) var overrides: [String] = []
  private var options: [String: String] = [:]
  private var flags: Set<String> = []

  /// Throws `UsageError` for an option that the command does not have, or one without its value.
  init(_ words: some Sequence<String>, options known: [String], flags knownFlags: [String] = [], help: String) throws {
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--") {
        let name = String(word.dropFirst(2))
        if knownFlags.contains(name) {
          flags.insert(name)
        } else if known.contains(name) {
          guard let value = rest.popFirst() else { throw UsageError("\(word) needs a value\n\n\(help)") }
          options[name] = value
        } else {
          let all = (known + knownFlags).map { "--\($0)" }.joined(separator: ", ")
          throw UsageError("unknown option \(word) (known: \(all))\n\n\(help)")
        }
      } else if word.contains("="), !word.hasPrefix("/"), !word.hasPrefix(".") {
        overrides.append(word)
      } else {
        positional.append(word)
      }
    }
  }

  subscript(option: String) -> String? { options[option] }

  func has(_ flag: String) -> Bool { flags.contains(flag) }

  /// An option as an integer in a range; nil where it is not given.
  func integer(_ option: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = options[option] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw UsageError("--\(option) \(text): a whole number from \(range.lowerBound) to \(range.upperBound) is wanted")
    }
    return value
  }

  /// The positional words; throws where there are more or fewer than named.
  func words(_ names: String..., help: String) throws -> [String] {
    guard positional.count == names.count else {
      let wanted = names.joined(separator: " ")
      throw UsageError(
        "wanted \(wanted.isEmpty ? "no further words" : wanted), found \(positional.isEmpty ? "nothing" : positional.joined(separator: " "))\n\n\(help)"
      )
    }
    return positional
  }
}
