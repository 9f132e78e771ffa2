import Glibc

/// Paths as text.
enum FilePath {
  /// `path` as seen from the folder that holds `file`, without needless `.` and `..`.
  static func resolve(_ path: String, besides file: String) -> String {
    if path.hasPrefix("/") { return normalized(path) }
    guard let slash = file.lastIndex(of: "/") else { return normalized(path) }
    return normalized(file[...slash] + path)
  }

  /// Where a path of the user's leads that a value at `place` names: one that starts with `./` or `../` is seen from the
  /// folder of the file that says it, or from the working folder where no file does, and becomes absolute.
  static func location(_ path: String, at place: Place) -> String {
    guard isRelative(path) else { return path }
    var folder = "."
    if case .file(let file) = place.source, let slash = file.lastIndex(of: "/") { folder = String(file[...slash]) }
    return normalized("\(identity(of: folder))/\(path)")
  }

  /// Whether a path says that it is seen from some folder.
  static func isRelative(_ path: String) -> Bool {
    path == "." || path == ".." || path.hasPrefix("./") || path.hasPrefix("../")
  }

  /// The one path of a file that several paths may lead to; the path itself where there is no such file.
  static func identity(of path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }
}
