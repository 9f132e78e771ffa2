import Glibc

/// Operations on paths.
enum FilePath {
  /// `path` resolved relative to the folder that contains `file`, without redundant `.` and `..`.
  static func resolve(_ path: String, besides file: String) -> String {
    if path.hasPrefix("/") { return normalized(path) }
    guard let slash = file.lastIndex(of: "/") else { return normalized(path) }
    return normalized(file[...slash] + path)
  }

  /// The location of a user's path that a config value at `place` names.
  ///
  /// A path that starts with `./` or `../` becomes absolute: relative to the folder of the config file that contains
  /// it, or to the working folder if the value does not come from a file. Any other path is returned unchanged.
  static func location(_ path: String, at place: Place) -> String {
    guard isRelative(path) else { return path }
    var folder = "."
    if case .file(let file) = place.source, let slash = file.lastIndex(of: "/") { folder = String(file[...slash]) }
    return normalized("\(identity(of: folder))/\(path)")
  }

  /// Whether a path is explicitly relative: `.`, `..`, or a path that starts with `./` or `../`.
  static func isRelative(_ path: String) -> Bool {
    path == "." || path == ".." || path.hasPrefix("./") || path.hasPrefix("../")
  }

  /// The canonical path of a file, with symbolic links resolved; `path` itself if there is no such file.
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
