import Experiments

// Files that commands write for their users: every one of them goes through here, before the work begins.

extension Option {
  /// For every command with an output file.
  static let replace = Option(flag: "replace", "replace the file that is written, if it exists")
}

extension Arguments {
  /// The file that an option names, checked; nil where the option is not given. `formats` are what can be written, the usual
  /// one first; `chosen` is what `--format` says; `replacing` is what may go without --replace.
  ///
  /// Throws `RunError` and `FileError` for a name that cannot be written to.
  func output(
    _ option: Option, as formats: [OutputFile.Format], chosen: String? = nil,
    replacing replacement: OutputFile.Replacement = .nothing
  ) throws -> OutputFile? {
    let replacement = has(.replace) ? .anything : replacement
    return try self[option].map {
      try OutputFile(
        $0, as: formats, chosen: chosen.flatMap(OutputFile.Format.init), replacing: replacement, inputs: inputs)
    }
  }

  /// The same for an option that must be given. Throws `UsageError` where it is not.
  func requiredOutput(
    _ option: Option, as formats: [OutputFile.Format], chosen: String? = nil
  ) throws -> OutputFile {
    guard let file = try output(option, as: formats, chosen: chosen) else { throw fault("\(option.form) is missing") }
    return file
  }

  /// Every file, folder and run that the command line names to be read.
  private var inputs: [String] {
    let command = invocation.command
    let words = command.words.filter { $0.kind.isRead }.flatMap(all)
    // Of options with files, those that are written are the ones a command checks here.
    let options = command.options.filter { $0.kind.isRead && !$0.isWritten }.compactMap { self[$0] }
    let keys = keys.compactMap { $0.split(separator: "=", maxSplits: 1).last.map(String.init) }
    return words + options + keys
  }
}

extension ValueKind {
  /// Whether it names something that is read. A folder that holds datasets or runs is not searched.
  fileprivate var isRead: Bool {
    switch self {
    case .file, .run: true
    case .text, .flag, .integer, .choice, .folder, .key: false
    }
  }
}

extension Option {
  /// Options of these names are files that are written, in every command.
  fileprivate var isWritten: Bool { ["out", "csv", "seeds-file"].contains(name) }
}
