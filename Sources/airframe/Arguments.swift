import Experiments

/// The words after a command, parsed according to the command's declaration.
struct Arguments {
  let invocation: Invocation
  /// The `key=value` words, in their order.
  private(set) var keys: [String] = []
  private var words: [String: [String]] = [:]
  private var values: [String: String] = [:]

  /// Parses `words`.
  ///
  /// Throws `UsageError` for an option that the command does not have, an option given twice or without its value, a
  /// value outside its range or choices, and for missing and surplus words.
  init(_ words: some Sequence<String>, of invocation: Invocation) throws {
    self.invocation = invocation
    var positional: [String] = []
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      if word == "--" {
        positional += rest
        rest = []
      } else if word.hasPrefix("-"), word.count > 1 {
        try read(option: word, &rest)
      } else if Self.setsKey(word) {
        guard invocation.command.keys != nil else { throw fault("'\(word)': no keys can be set here") }
        keys.append(word)
      } else {
        positional.append(word)
      }
    }
    try assign(positional)
    for option in invocation.command.options where option.isRequired && values[option.name] == nil {
      throw fault("\(option.form) is missing")
    }
  }

  /// The value of an option, empty for a flag; nil if the option is not given.
  subscript(option: Option) -> String? {
    precondition(invocation.command.options.contains { $0.name == option.name }, "--\(option.name) is not declared")
    return values[option.name]
  }

  func has(_ flag: Option) -> Bool { self[flag] != nil }

  /// The value of an integer option, which is in the option's range; nil if it is not given.
  func integer(_ option: Option) -> Int? { self[option].flatMap { Int($0) } }

  /// The words given for a positional argument.
  func all(_ word: Word) -> [String] {
    precondition(invocation.command.words.contains { $0.name == word.name }, "\(word.name) is not declared")
    return words[word.name] ?? []
  }

  func first(_ word: Word) -> String? { all(word).first }

  /// The word given for a required positional argument. Throws `UsageError` if an option replaces it.
  func one(_ word: Word) throws -> String {
    guard let text = first(word) else { throw fault("\(word.name) is missing") }
    return text
  }

  /// The value of an option that the caller requires. Throws `UsageError` if it is not given.
  func one(_ option: Option) throws -> String {
    guard let value = self[option] else { throw fault("\(option.form) is missing") }
    return value
  }

  func fault(_ message: String) -> UsageError { UsageError(Escaping.line(message), of: invocation) }

  /// Whether a word is `key=value` rather than a path: the part before `=` contains no slash, and there is no leading
  /// dot.
  private static func setsKey(_ word: String) -> Bool {
    guard let sign = word.firstIndex(of: "="), let first = word.first else { return false }
    return first != "." && !word[..<sign].contains("/")
  }
}

extension Arguments {
  private mutating func read(option word: String, _ rest: inout ArraySlice<String>) throws {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let option = invocation.command.options.first(where: { "--\($0.name)" == parts[0] }) else {
      throw fault(unknown(parts[0]))
    }
    guard values[option.name] == nil else { throw fault("\(parts[0]) is given twice") }
    if case .flag = option.kind {
      guard parts.count == 1 else { throw fault("\(parts[0]) takes no value") }
      values[option.name] = ""
      return
    }
    let value = try parts.count == 2 ? parts[1] : next(for: option, &rest)
    guard !value.isEmpty else { throw fault("\(parts[0]): the value is empty; \(option.form) is wanted") }
    try check(value, option.kind, as: "\(parts[0]) \(value)")
    values[option.name] = value
  }

  /// The word after an option, which is its value. Throws `UsageError` if it begins with two dashes.
  private func next(for option: Option, _ rest: inout ArraySlice<String>) throws -> String {
    guard let value = rest.first else { throw fault("--\(option.name) needs a value: \(option.form)") }
    if value.hasPrefix("--") {
      throw fault(
        "--\(option.name) needs a value, and '\(value)' looks like an option; write --\(option.name)=\(value) if it is one"
      )
    }
    rest.removeFirst()
    return value
  }

  private func unknown(_ word: String) -> String {
    let names = invocation.command.options.map { "--\($0.name)" }
    let known = names.isEmpty ? "it has none" : "options: \(names.joined(separator: ", "))"
    return "unknown option \(word)\(suggestion(for: word, among: names + ["--help"])) (\(known))"
  }

  private func check(_ text: String, _ kind: ValueKind, as place: String) throws {
    switch kind {
    case .integer(let range):
      guard let value = Int(text), range.contains(value) else {
        throw fault("\(place): a whole number \(Help.words(range)) is wanted")
      }
    case .choice(let choices):
      guard choices.contains(text) else {
        throw fault(
          "\(place): unknown\(suggestion(for: text, among: choices)) (known: \(choices.joined(separator: ", ")))")
      }
    case .text, .flag, .file, .folder, .run, .key: break
    }
  }

  private mutating func assign(_ positional: [String]) throws {
    var rest = positional[...]
    for word in invocation.command.words {
      if let option = invocation.command.options.first(where: { $0.replaces == word.name && values[$0.name] != nil }) {
        guard rest.isEmpty else {
          throw fault("--\(option.name) is in the place of \(word.name); leave '\(rest[rest.startIndex])' out")
        }
        continue
      }
      let isList = word.count == .any || word.count == .oneOrMore
      let own = Array(isList ? rest : rest.prefix(1))
      rest = rest.dropFirst(own.count)
      if own.isEmpty, word.count == .one || word.count == .oneOrMore { throw fault("\(word.name) is missing") }
      for text in own {
        guard !text.isEmpty else { throw fault("\(word.name) is empty") }
        try check(text, word.kind, as: "\(word.name) '\(text)'")
      }
      words[word.name] = own
    }
    if let surplus = rest.first { throw fault("'\(surplus)' is one word too many") }
  }
}
