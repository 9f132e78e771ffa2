/// Generates the completion script for zsh from the table of commands.
enum ZshCompletions {
  static var script: String {
    """
    #compdef airframe
    # Completion of airframe for zsh, made by `airframe completions zsh`.

    _airframe() {
      local program=$words[1]
      if ((CURRENT == 2)); then
        \(describe("command", commands + [help]))
        return
      fi
      case "$words[2] $words[3]" in
    \(actions)
        *) words=("airframe $words[2]" "${(@)words[3,-1]}"); ((CURRENT -= 1)) ;;
      esac
      case $words[1] in
        "airframe help") _arguments \(quoted("1:COMMAND:(\(commands.map(\.name).joined(separator: " ")))")) ;;
    \(everyInvocation.map(declaration).joined(separator: "\n"))
      esac
    }

    # The keys of a config or of a run; of the defaults where it cannot be read.
    _airframe_keys() {
      local config=${${(@)words[2,CURRENT-1]:#*=*}[(r)[^-]*]}
      [[ -d $config ]] && config=$config/config.yaml
      local -a keys=(${(f)"$($program config keys $config 2> /dev/null || $program config keys 2> /dev/null)"})
      compadd "$@" -a keys
    }

    # Read as a file of a function path, this is the function's body; sourced, it is declared.
    if [[ $funcstack[1] == _airframe ]]; then _airframe "$@"; else compdef _airframe airframe; fi

    """
  }

  private static let help = Command(name: "help", summary: "say more about a command", example: "airframe help train")

  /// The branches for actions of `case "$words[2] $words[3]"`.
  private static var actions: String {
    let names = everyInvocation.filter { $0.path.count > 1 }.map { "\"\($0.path.joined(separator: " "))\"" }
    return """
          \(names.joined(separator: " | ")))
            if ((CURRENT > 3)); then
              words=("airframe $words[2] $words[3]" "${(@)words[4,-1]}"); ((CURRENT -= 2))
            else
              words=("airframe $words[2]" "${(@)words[3,-1]}"); ((CURRENT -= 1))
            fi
            ;;
      """
  }

  private static func declaration(_ invocation: Invocation) -> String {
    let command = invocation.command
    var lines = ["    \"\(invocation.title)\")"]
    if !command.actions.isEmpty {
      let describe = "      ((CURRENT == 2)) && \(describe("action", command.actions))"
      if command.run == nil { return lines[0] + "\n" + describe + "\n      ;;" }
      lines.append(describe)
    }
    var specs = command.options.map(option) + ["--help[say more]"]
    for (index, word) in command.words.enumerated() {
      let isList = word.count == .any || word.count == .oneOrMore
      let place = isList ? "*" : "\(index + 1)"
      specs.append("\(place):\(word.name):\(action(word.kind))")
    }
    let last = command.words.last?.count
    if command.keys?.areOfConfig == true, last != .any, last != .oneOrMore {
      specs.append("*:key=value:_airframe_keys -S =")
    }
    lines.append("      _arguments " + specs.map(quoted).joined(separator: " \\\n        "))
    return lines.joined(separator: "\n") + "\n      ;;"
  }

  private static func option(_ option: Option) -> String {
    let meaning = option.meaning.split(separator: "\n").joined(separator: " ")
    let described = "--\(option.name)" + (option.value.isEmpty ? "" : "=") + "[\(escaped(meaning))]"
    return option.value.isEmpty ? described : "\(described):\(escaped(option.value)):\(action(option.kind))"
  }

  private static func action(_ kind: ValueKind) -> String {
    switch kind {
    case .text, .flag, .integer: " "
    case .choice(let choices): "(\(choices.joined(separator: " ")))"
    case .file(let ending): ending.isEmpty ? "_files" : "_files -g \"*.\(ending)\""
    case .folder, .run: "_files -/"
    case .key: "_airframe_keys"
    }
  }

  private static func describe(_ what: String, _ commands: [Command]) -> String {
    let items = commands.map { quoted("\($0.name):\(escaped($0.summary))") }
    return "{ local -a names=(\(items.joined(separator: " "))); _describe \(what) names; }"
  }

  /// Escapes colons and brackets, which would end parts of a specification.
  private static func escaped(_ text: String) -> String {
    text.map { ":[]".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" ? "'\\''" : "\($0)" }.joined() + "'"
  }
}
