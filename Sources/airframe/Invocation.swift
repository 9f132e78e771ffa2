import Experiments

/// A command from the table and the words that select it.
struct Invocation: Sendable {
  let command: Command
  /// `["config", "show"]`
  let path: [String]

  /// `airframe config show`
  var title: String { (["airframe"] + path).joined(separator: " ") }

  /// Finds the command that the first words name, and returns it with the remaining words.
  ///
  /// Throws `UsageError` for a word that is not a command; the error suggests the most similar command.
  static func find(_ words: [String]) throws -> (Invocation, rest: [String]) {
    var rest = words[...]
    guard let name = rest.popFirst(), let command = commands.first(where: { $0.name == name }) else {
      throw unknown("command", words.first, among: commands, usage: Help.overview)
    }
    let invocation = Invocation(command: command, path: [name])
    if let word = rest.first, let action = command.actions.first(where: { $0.name == word }) {
      return (Invocation(command: action, path: [name, word]), Array(rest.dropFirst()))
    }
    if command.run == nil, rest.first != "--help", rest.first != "-h" {
      throw unknown("action", rest.first, among: command.actions, usage: Help.usage(of: invocation))
    }
    return (invocation, Array(rest))
  }

  private static func unknown(
    _ what: String, _ word: String?, among commands: [Command], usage: String
  ) -> UsageError {
    guard let word else { return UsageError("no \(what) given\n\(usage)") }
    return UsageError(
      "unknown \(what) '\(Escaping.line(word))'\(suggestion(for: word, among: commands.map(\.name)))\n\(usage)")
  }
}
