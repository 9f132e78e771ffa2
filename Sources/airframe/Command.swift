/// One word of the command line and all that may follow it, declared once: from this come the parser, the help, the errors
/// and the completions.
struct Command: Sendable {
  let name: String
  /// A few words for lists of commands.
  let summary: String
  /// A paragraph for the help; lines are broken as they stand here.
  var details = ""
  /// Positional words, in their order; only the last may be optional or repeated.
  var words: [Word] = []
  /// What `key=value` means here; nil where there are no keys to set.
  var keys: Keys?
  var options: [Option] = []
  /// A whole command line that does something useful.
  let example: String
  /// Whether it multiplies matrices, so that the fastest kernels are worth a restart.
  var computes = false
  /// Words that may follow this one, each with arguments of its own.
  var actions: [Command] = []
  /// Does the work; nil for a command that needs one of its actions.
  var run: (@Sendable (Arguments) throws -> Void)?
}

/// A positional word.
struct Word: Sendable {
  enum Count: Sendable { case one, optional, any, oneOrMore }

  let name: String
  let kind: ValueKind
  let meaning: String
  var count = Count.one

  init(_ name: String, _ kind: ValueKind, _ meaning: String, count: Count = .one) {
    (self.name, self.kind, self.meaning, self.count) = (name, kind, meaning, count)
  }
}

/// `--name VALUE`, or a flag.
struct Option: Sendable {
  /// Without its dashes.
  let name: String
  /// What help calls the value; empty for a flag.
  let value: String
  let kind: ValueKind
  let meaning: String
  /// The value of an option that is not given, in words.
  var standard: String?
  var isRequired = false
  /// The positional word that is left out where this option is given.
  var replaces: String?

  init(
    _ name: String, _ value: String, _ kind: ValueKind, _ meaning: String, standard: String? = nil,
    isRequired: Bool = false, replaces: String? = nil
  ) {
    (self.name, self.value, self.kind, self.meaning) = (name, value, kind, meaning)
    (self.standard, self.isRequired, self.replaces) = (standard, isRequired, replaces)
  }

  /// An option without a value.
  init(flag name: String, _ meaning: String) {
    self.init(name, "", .flag, meaning)
  }

  /// `--out DIR`
  var form: String { value.isEmpty ? "--\(name)" : "--\(name) \(value)" }
}

/// What a word or a value stands for: what is accepted, and what a shell completes.
enum ValueKind: Sendable {
  case text
  case flag
  case integer(ClosedRange<Int>)
  case choice([String])
  /// The ending without its dot; empty for any file.
  case file(ending: String)
  case folder
  /// The folder of a run.
  case run
  /// A dotted key of a config.
  case key
}

/// What `key=value` sets.
struct Keys: Sendable {
  let meaning: String
  /// Whether the keys are those of a config, which shells complete.
  var areOfConfig = true
}
