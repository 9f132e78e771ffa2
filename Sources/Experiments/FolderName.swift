import Glibc

/// What the folders of runs are called after the file that they come from.
enum FolderName {
  /// Folders whose files are told apart by the folders below them.
  private static let roots = ["configs", "experiments"]
  private static let suffixes = [".yaml", ".yml"]
  /// Bytes of a name; a file system allows 255.
  private static let longest = 200

  /// The name of a config or an experiment: that of its file without the suffix. Below a folder `configs` or `experiments`,
  /// the folders between stand before it: `air-multi-mnist` for `configs/air/multi-mnist.yaml`.
  ///
  /// It depends on which file it is, not on how its path is written: links are followed, and the working folder does not
  /// count. It is never empty or hidden, and holds no control characters.
  static func of(file path: String) -> String {
    var folders = real(path).split(separator: "/").map(String.init)
    let file = folders.popLast() ?? ""
    let suffix = suffixes.first { file.hasSuffix($0) && file.utf8.count > $0.utf8.count } ?? ""
    let stem = String(file.dropLast(suffix.count))
    let above = folders.lastIndex(where: roots.contains).map { folders[($0 + 1)...] } ?? []
    return visible((above + [stem]).joined(separator: "-"))
  }

  /// The name with what cannot be seen or misleads replaced.
  private static func visible(_ name: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in name.unicodeScalars { result.append(scalar.isVisible ? scalar : "_") }
    // The end of a long name says more than its beginning.
    var bytes = result.reduce(0) { $0 + UTF8.width($1) }
    while bytes > longest { bytes -= UTF8.width(result.removeFirst()) }
    let shown = String(result.drop { ".- ".unicodeScalars.contains($0) })
    return shown.isEmpty ? "config" : shown
  }

  /// The absolute path without links; the path itself where there is no such file.
  private static func real(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }
}

extension Unicode.Scalar {
  /// Whether it shows as a character of its own: no control character, no line break, nothing that turns text around.
  var isVisible: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
    default: true
    }
  }

  /// `U+001B`
  var number: String {
    let digits = String(value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
