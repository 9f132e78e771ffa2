import Configuration

/// The differences between two runs: their configs, their environments, and their results.
public struct RunDifference {
  /// The values of both runs for one key; nil for a run that has none.
  public struct Line: Sendable, Equatable {
    public let key: String
    public let left: JSON?
    public let right: JSON?

    /// The right value minus the left one, if both are numbers.
    var difference: JSON? {
      if case (.integer(let left)?, .integer(let right)?) = (left, right) {
        return right.subtractingReportingOverflow(left).overflow ? nil : .integer(right - left)
      }
      guard let left = left?.double, let right = right?.double else { return nil }
      return .number(right - left)
    }
  }

  public let left: RunRecord
  public let right: RunRecord
  /// The keys of the config that differ.
  public let config: [Line]
  /// The entries of `environment.json` that differ, without times and values that follow from the config.
  public let environment: [Line]
  /// Status, step and every metric of either run, including those that are equal.
  public let results: [Line]

  /// Reads both runs. Throws `RunError` if a folder holds no run.
  public init(_ left: String, _ right: String) throws {
    let runs = [try Self.record(left), try Self.record(right)]
    (self.left, self.right) = (runs[0], runs[1])
    config = Self.lines(runs, runs.map(\.configKeys)).filter { $0.left != $0.right }
    results = Self.lines(runs, runs.map { ["status", "step"] + $0.metrics })
    let places = [left, right].map { Self.environment(of: $0) }
    environment = Self.union(places.map { $0.map(\.key) }).compactMap { key in
      let values = places.map { place in place.first { $0.key == key }?.value }
      return values[0] == values[1] ? nil : Line(key: key, left: values[0], right: values[1])
    }
  }

  private static func record(_ path: String) throws -> RunRecord {
    guard RunRecord.stands(in: path) else {
      throw RunError("\(path): there is no run here; `airframe runs` lists those there are")
    }
    return RunRecord(reading: path, as: path)
  }

  private static func lines(_ runs: [RunRecord], _ names: [[String]]) -> [Line] {
    union(names).map { Line(key: $0, left: runs[0][$0], right: runs[1][$0]) }
  }

  /// The names in both runs, with those of the first run first.
  private static func union(_ names: [[String]]) -> [String] {
    let known = Set(names[0])
    return names[0] + names[1].filter { !known.contains($0) }
  }

  /// Times and hashes differ between any two runs and add no information.
  private static let omitted: Set<String> = ["started", "resumed", "config_hash", "config_hash_without_seed"]

  private static func environment(of path: String) -> [(key: String, value: JSON)] {
    guard let folder = try? RunFolder(opening: path), let json = folder.json("environment.json") else { return [] }
    return json.leaves.filter { !omitted.contains($0.key) }
  }
}

extension RunDifference {
  /// A table for each of the three parts. A part without differences is reported as such.
  public var text: String {
    let names = Self.shortNames(left.path, right.path)
    func cells(_ line: Line) -> [String] { [line.key] + [line.left, line.right].map { $0.map(shown) ?? "-" } }
    func table(_ title: String, _ lines: [Line]) -> String {
      if lines.isEmpty { return "\(title): no differences\n" }
      return TextTable([title] + names, lines.map(cells), alignRight: [false, false, false]).description
    }
    let numbers = results.map { line in cells(line) + [line.difference.map(shown) ?? ""] }
    let measured = TextTable(["results"] + names + ["difference"], numbers, alignRight: [false, true, true, true])
    return [table("config", config), table("environment", environment), measured.description].joined(separator: "\n")
  }

  /// The paths without their common beginning, with at least the last component.
  private static func shortNames(_ left: String, _ right: String) -> [String] {
    let parts = [left, right].map { $0.split(separator: "/") }
    let shared = zip(parts[0], parts[1]).prefix { $0 == $1 }.count
    return parts.map { $0.dropFirst(min(shared, $0.count - 1)).joined(separator: "/") }
  }

  /// `{"config": {KEY: [LEFT, RIGHT]}, "environment": ..., "results": ...}`
  public var json: String {
    func object(_ lines: [Line]) -> JSON {
      .object(lines.map { .init($0.key, .list([$0.left ?? .null, $0.right ?? .null])) })
    }
    let parts: [JSON.Member] = [
      .init("runs", .list([.text(left.path), .text(right.path)])), .init("config", object(config)),
      .init("environment", object(environment)), .init("results", object(results)),
    ]
    return JSON.object(parts).description + "\n"
  }
}
