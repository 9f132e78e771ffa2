import Glibc

/// The names of run folders, derived from the file of their config or experiment.
enum FolderName {
  /// Folders below which the path is part of the name.
  private static let roots = ["configs", "experiments"]
  private static let suffixes = [".yaml", ".yml"]
  /// The largest number of bytes in a name. A file system allows 255.
  private static let longest = 200

  /// The name for a config or an experiment: its file's name without the suffix. Below a folder `configs` or
  /// `experiments`, the folders in between are prepended: `configs/air/multi-mnist.yaml` gives `air-multi-mnist`.
  ///
  /// The name depends on the file, not on how its path is written: links are resolved, and the working folder has no
  /// influence. The name is never empty or hidden, and has no control characters.
  static func of(file path: String) -> String {
    var folders = real(path).split(separator: "/").map(String.init)
    let file = folders.popLast() ?? ""
    let suffix = suffixes.first { file.hasSuffix($0) && file.utf8.count > $0.utf8.count } ?? ""
    let stem = String(file.dropLast(suffix.count))
    let above = folders.lastIndex(where: roots.contains).map { folders[($0 + 1)...] } ?? []
    return visible((above + [stem]).joined(separator: "-"))
  }

  /// The name with invisible and misleading characters replaced.
  private static func visible(_ name: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in name.unicodeScalars { result.append(scalar.isVisible ? scalar : "_") }
    // The end of a long name is more informative than its beginning.
    var bytes = result.reduce(0) { $0 + UTF8.width($1) }
    while bytes > longest { bytes -= UTF8.width(result.removeFirst()) }
    let shown = String(result.drop { ".- ".unicodeScalars.contains($0) })
    return shown.isEmpty ? "config" : shown
  }

  /// The absolute path without links, or the path itself if the file does not exist.
  private static func real(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }
}

extension Unicode.Scalar {
  /// Whether the character is visible: no control character, no line break, and no character that changes the text
  /// direction.
  var isVisible: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
    default: true
    }
  }

  /// The code point: `U+001B`.
  var number: String {
    let digits = String(value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
