import Experiments

/// The texts of `--help`, generated from the table of commands.
enum Help {
  /// The list of all commands, one line each.
  static var overview: String {
    """
    usage: airframe COMMAND ...

    \(table(commands.map { ($0.name, $0.summary) }))

    `airframe COMMAND --help` says more and shows an example; `airframe --version` says the version.

    Exit status: 0 all was done and printed; 1 the work or its output failed; 2 what was given cannot be used;
    129, 130, 143 ended by SIGHUP, Ctrl-C or SIGTERM.
    """
  }

  /// The help of one command.
  static func text(of invocation: Invocation) -> String {
    let command = invocation.command
    let words = command.words.map { ($0.name, $0.meaning + accepted($0.kind)) }
    let keys = command.keys.map { [("key=value", $0.meaning)] } ?? []
    let options = command.options.map { ($0.form, $0.meaning + accepted($0.kind) + standard($0)) }
    let actions = command.actions.map { ($0.name, $0.summary) }
    let sections = [
      usage(of: invocation), command.details.isEmpty ? sentence(command.summary) : command.details, table(actions),
      table(words + keys), table(options),
      command.actions.isEmpty ? "" : "`\(invocation.title) ACTION --help` says more.", "example: \(command.example)",
    ]
    return sections.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  /// `usage: airframe evaluate RUN [--split SPLIT] ...`, with a line for each action if the command has actions.
  static func usage(of invocation: Invocation) -> String {
    let command = invocation.command
    let own = command.run == nil ? [] : [synopsis(invocation)]
    let below = command.actions.map { synopsis(Invocation(command: $0, path: invocation.path + [$0.name])) }
    return "usage: " + (own + below).joined(separator: "\n       ")
  }

  /// ` from 1 to 256`, without bounds that are only those of the type.
  static func words(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max ? "from \(range.lowerBound) on" : "from \(range.lowerBound) to \(range.upperBound)"
  }

  private static func synopsis(_ invocation: Invocation) -> String {
    let command = invocation.command
    var parts = command.words.map { word in form(word, command) }
    parts += command.options.filter(\.isRequired).map(\.form)
    if command.keys != nil { parts.append("[key=value ...]") }
    parts += command.options.filter { !$0.isRequired && $0.replaces == nil }.map { "[\($0.form)]" }
    // Long lines continue below the first word after the command. `usage: ` takes 7 columns.
    let margin = String(repeating: " ", count: 7 + invocation.title.count)
    var lines = [invocation.title]
    for part in parts {
      if lines[lines.count - 1].count + 1 + part.count > (lines.count == 1 ? 93 : 100) { lines.append(margin) }
      lines[lines.count - 1] += " " + part
    }
    return lines.joined(separator: "\n")
  }

  private static func form(_ word: Word, _ command: Command) -> String {
    let form =
      switch word.count {
      case .one: word.name
      case .optional: "[\(word.name)]"
      case .any: "[\(word.name) ...]"
      case .oneOrMore: "\(word.name) ..."
      }
    guard let other = command.options.first(where: { $0.replaces == word.name }) else { return form }
    return "(\(form) | \(other.form))"
  }

  private static func accepted(_ kind: ValueKind) -> String {
    switch kind {
    case .integer(let range): ", \(words(range))"
    case .choice(let choices) where choices.count > 1: ": \(choices.joined(separator: ", "))"
    default: ""
    }
  }

  private static func standard(_ option: Option) -> String {
    option.isRequired ? " (required)" : option.standard.map { " (default: \($0))" } ?? ""
  }

  /// Turns `list datasets` into `List datasets.`
  private static func sentence(_ words: String) -> String { words.prefix(1).uppercased() + words.dropFirst() + "." }

  /// Aligns pairs of texts in two columns.
  private static func table(_ rows: [(name: String, meaning: String)]) -> String {
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { row in
      let gap = String(repeating: " ", count: width - row.name.count + 2)
      let margin = String(repeating: " ", count: width + 4)
      return "  \(row.name)\(gap)" + row.meaning.split(separator: "\n").joined(separator: "\n\(margin)")
    }.joined(separator: "\n")
  }
}
