import Experiments

extension Command {
  static let completions = Command(
    name: "completions", summary: "print a script with which a shell completes airframe's words",
    details: """
      For bash, in ~/.bashrc:  source <(airframe completions bash)
      For zsh, in ~/.zshrc after compinit:  source <(airframe completions zsh)
      Commands, options, their choices, files, runs and the keys of configs are completed.
      """,
    words: [.shell], example: "airframe completions bash > ~/.local/share/bash-completion/completions/airframe"
  ) { arguments in
    try print(arguments.one(.shell) == "zsh" ? ZshCompletions.script : BashCompletions.script, terminator: "")
  }
}

extension Word {
  fileprivate static let shell = Word("SHELL", .choice(["bash", "zsh"]), "whose script to print")
}
