/// One command and everything that may follow it, declared once.
///
/// The parser, the help, the error messages and the completions are all derived from this declaration.
struct Command: Sendable {
  let name: String
  /// A short description for lists of commands.
  let summary: String
  /// A paragraph for the help. Line breaks are kept.
  var details = ""
  /// The positional arguments in their order. Only the last may be optional or repeated.
  var words: [Word] = []
  /// The meaning of `key=value` arguments; nil if the command has no keys to set.
  var keys: Keys?
  var options: [Option] = []
  /// A complete, useful command line.
  let example: String
  /// Whether the command multiplies matrices, so that a restart of the program with the fastest kernels pays off.
  var computes = false
  /// The subcommands, each with its own arguments.
  var actions: [Command] = []
  /// Runs the command; nil for a command that requires one of its actions.
  var run: (@Sendable (Arguments) throws -> Void)?
}

/// A positional argument.
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

/// An option, `--name VALUE`, or a flag, `--name`.
struct Option: Sendable {
  /// The name without its dashes.
  let name: String
  /// The name of the value in the help; empty for a flag.
  let value: String
  let kind: ValueKind
  let meaning: String
  /// A description of the default value.
  var standard: String?
  var isRequired = false
  /// The name of the positional argument that this option replaces.
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

/// The kind of an argument or option value. It determines the accepted values and the shell completions.
enum ValueKind: Sendable {
  case text
  case flag
  case integer(ClosedRange<Int>)
  case choice([String])
  /// A file with the given extension (without its dot); empty for any file.
  case file(ending: String)
  case folder
  /// A run folder.
  case run
  /// A dotted key of a config.
  case key
}

/// The keys that `key=value` arguments set.
struct Keys: Sendable {
  let meaning: String
  /// Whether the keys are config keys, which shells complete.
  var areOfConfig = true
}
