import Experiments

// Every output file of a command is checked here before the work begins.

extension Option {
  /// The option of every command that writes an output file.
  static let replace = Option(flag: "replace", "replace the file that is written, if it exists")
}

extension Arguments {
  /// The output file that an option names, after checks; nil if the option is not given.
  ///
  /// `formats` are the supported formats, the default first. `chosen` is the value of `--format`. `replacing` states
  /// which existing files may be replaced without --replace. Throws `RunError` and `FileError` for a path that cannot
  /// be written.
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

  /// The same for a required option. Throws `UsageError` if it is not given.
  func requiredOutput(
    _ option: Option, as formats: [OutputFile.Format], chosen: String? = nil
  ) throws -> OutputFile {
    guard let file = try output(option, as: formats, chosen: chosen) else { throw fault("\(option.form) is missing") }
    return file
  }

  /// All files, folders and runs on the command line that the command reads.
  private var inputs: [String] {
    let command = invocation.command
    let words = command.words.filter { $0.kind.isRead }.flatMap(all)
    // Options that name output files are left out.
    let options = command.options.filter { $0.kind.isRead && !$0.isWritten }.compactMap { self[$0] }
    let keys = keys.compactMap { $0.split(separator: "=", maxSplits: 1).last.map(String.init) }
    return words + options + keys
  }
}

extension ValueKind {
  /// Whether a value of this kind names an input. Folders that contain datasets or runs are not searched.
  fileprivate var isRead: Bool {
    switch self {
    case .file, .run: true
    case .text, .flag, .integer, .choice, .folder, .key: false
    }
  }
}

extension Option {
  /// Whether the option names an output file. These names are output files in every command.
  fileprivate var isWritten: Bool { ["out", "csv", "seeds-file"].contains(name) }
}
