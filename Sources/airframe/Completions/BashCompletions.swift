/// Generates the completion script for bash from the table of commands.
enum BashCompletions {
  static var script: String {
    """
    # Completion of airframe for bash, made by `airframe completions bash`.

    _airframe() {
      COMPREPLY=()
      # The words up to the cursor; bash breaks them at '=', here they are whole again.
      local -a words=()
      local index
      for ((index = 1; index <= COMP_CWORD; index++)); do
        if ((${#words[@]} > 0)) && [[ ${COMP_WORDS[index]} == = || ${COMP_WORDS[index - 1]} == = ]]; then
          words[${#words[@]} - 1]+=${COMP_WORDS[index]}
        else
          words+=("${COMP_WORDS[index]}")
        fi
      done
      local last=$((${#words[@]} - 1))
      local current=${words[last]}
      unset "words[last]"

      # The command, with its action: what may follow it.
      local path=${words[0]} rest=1
      case "$path ${words[1]}" in
    \(actions)
      esac
      local names="" options="" kinds=() more="" keys=""
      case $path in
        "") names="\(commands.map(\.name).joined(separator: " ")) help" options="--help --version" ;;
        help) kinds=("choice:\(commands.map(\.name).joined(separator: " "))") ;;
    \(everyInvocation.map(declaration).joined(separator: "\n"))
      esac

      # The positional words so far; at the end, `kind` is what an option before the cursor waits for.
      local kind="" prefix="" given=()
      for ((index = rest; index < ${#words[@]}; index++)); do
        if [[ -n $kind ]]; then
          kind=""
          continue
        fi
        case ${words[index]} in
          *=*) ;;
          -*) _airframe_value_of "$path ${words[index]}" ;;
          *) given+=("${words[index]}") ;;
        esac
      done

      if [[ -n $kind ]]; then
        keys=""
      elif [[ $current == --*=* ]]; then
        _airframe_value_of "$path ${current%%=*}"
        keys=""
        prefix=${current%%=*}=
        current=${current#*=}
      elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
        return
      else
        ((${#given[@]} > 0)) || COMPREPLY=($(compgen -W "$names" -- "$current"))
        kind=${kinds[${#given[@]}]:-$more}
      fi

      case $kind in
        choice:*) COMPREPLY+=($(compgen -W "${kind#choice:}" -- "$current")) ;;
        folder) _airframe_files "" ;;
        file:*) _airframe_files "${kind#file:}" ;;
        key) COMPREPLY+=($(compgen -W "$(_airframe_keys "${given[0]}")" -- "$current")) ;;
      esac
      if [[ $keys == anywhere || -z $kind && -n $keys ]]; then
        COMPREPLY+=($(compgen -S = -W "$(_airframe_keys "${given[0]}")" -- "$current"))
        compopt -o nospace 2> /dev/null
      fi
      [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
    }

    # What the value of an option is, into `kind`.
    _airframe_value_of() {
      case $1 in
    \(everyInvocation.flatMap(values).joined(separator: "\n"))
      esac
    }

    # Folders, and files with that ending.
    _airframe_files() {
      local file
      while IFS= read -r file; do
        if [[ -d $file || -n $1 && ( $1 == any || $file == *."$1" ) ]]; then COMPREPLY+=("$file"); fi
      done < <(compgen -f -- "$current")
      compopt -o filenames 2> /dev/null
    }

    # The keys of a config or of a run; of the defaults where it cannot be read.
    _airframe_keys() {
      local config=$1
      [[ -d $config ]] && config=$config/config.yaml
      "${COMP_WORDS[0]}" config keys "$config" 2> /dev/null || "${COMP_WORDS[0]}" config keys 2> /dev/null
    }

    complete -F _airframe airframe

    """
  }

  /// The branches of `case "$path ${words[1]}"`.
  private static var actions: String {
    let names = everyInvocation.filter { $0.path.count > 1 }.map { "\"\($0.path.joined(separator: " "))\"" }
    return "    \(names.joined(separator: " | "))) path=\"$path ${words[1]}\" rest=2 ;;"
  }

  /// The completions after a command.
  private static func declaration(_ invocation: Invocation) -> String {
    let command = invocation.command
    var line = "    \"\(invocation.path.joined(separator: " "))\")"
    if !command.actions.isEmpty { line += " names=\"\(command.actions.map(\.name).joined(separator: " "))\"" }
    line += " options=\"\((command.options.map { "--\($0.name)" } + ["--help"]).joined(separator: " "))\""
    let kinds = command.words.map { "\"\(text($0.kind))\"" }
    if !kinds.isEmpty { line += " kinds=(\(kinds.joined(separator: " ")))" }
    if let last = command.words.last, last.count == .any || last.count == .oneOrMore {
      line += " more=\"\(text(last.kind))\""
    }
    if command.keys?.areOfConfig == true {
      line += command.words.first?.count == .optional ? " keys=anywhere" : " keys=last"
    }
    return line + " ;;"
  }

  /// The completions for the values of a command's options.
  private static func values(_ invocation: Invocation) -> [String] {
    invocation.command.options.compactMap { option in
      if case .flag = option.kind { return nil }
      return "    \"\(invocation.path.joined(separator: " ")) --\(option.name)\") kind=\"\(text(option.kind))\" ;;"
    }
  }

  private static func text(_ kind: ValueKind) -> String {
    switch kind {
    case .text, .flag, .integer: "text"
    case .choice(let choices): "choice:\(choices.joined(separator: " "))"
    case .file(let ending): "file:\(ending.isEmpty ? "any" : ending)"
    case .folder, .run: "folder"
    case .key: "key"
    }
  }
}

/// All commands, each followed by its actions.
var everyInvocation: [Invocation] {
  commands.flatMap { command in
    [Invocation(command: command, path: [command.name])]
      + command.actions.map { Invocation(command: $0, path: [command.name, $0.name]) }
  }
}
