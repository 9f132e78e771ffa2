/// The place where a value of a config was set.
public struct Place: Sendable, Hashable {
  /// What sets the value: the program's defaults, a file, or an override on the command line.
  public enum Source: Sendable, Hashable {
    case defaults
    case file(String)
    case override(String)
  }

  public var source: Source
  /// The line, counted from 1; 0 if the source has no lines.
  public var line: Int
  /// The column in characters, counted from 1; 0 if the source has no lines.
  public var column: Int

  public init(_ source: Source, line: Int = 0, column: Int = 0) {
    self.source = source
    self.line = line
    self.column = column
  }

  /// The place of values that no file and no override has set.
  public static let defaults = Place(.defaults)
}

extension Place: CustomStringConvertible {
  /// `configs/air.yaml:12:3`, `override 'training.steps=5'` or `default`.
  public var description: String {
    switch source {
    case .defaults: "default"
    case .file(let name): line > 0 ? "\(name):\(line):\(column)" : name
    case .override(let text): "override '\(text.prefix(200))\(text.count > 200 ? "..." : "")'"
    }
  }
}

extension Place: Comparable {
  /// Orders defaults before files and files before overrides; files by name, and places within a file by line and
  /// column.
  public static func < (left: Place, right: Place) -> Bool {
    let (leftRank, rightRank) = (left.rank, right.rank)
    if leftRank != rightRank { return leftRank < rightRank }
    return (left.line, left.column) < (right.line, right.column)
  }

  private var rank: (Int, String) {
    switch source {
    case .defaults: (0, "")
    case .file(let name): (1, name)
    case .override: (2, "")
    }
  }
}
