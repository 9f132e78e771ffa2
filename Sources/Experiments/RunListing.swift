import Configuration
import Glibc
import Pictures
import Tensors

/// The runs below a folder, which can be filtered, sorted and listed by the contents of their folders.
public struct RunListing {
  /// Sorted by name, with numbers in numeric order: `seed-2` before `seed-10`.
  public private(set) var runs: [RunRecord]
  /// The folders that could not be examined, and the files of runs that could not be read.
  public let problems: [String]
  private let folder: String

  /// Reads every run below a folder, or the run in the folder itself. Throws `RunError` if the folder does not exist.
  public init(below folder: String) throws {
    var search = RunSearch()
    search.visit(folder, as: "")
    if search.runs.isEmpty, let problem = search.problems.first, search.folders == 0 {
      throw RunError("\(problem); `airframe train CONFIG` leaves runs below runs/, name the folder where yours are")
    }
    self.folder = folder
    runs = Self.read(search.runs.map { ($0.path, $0.name.isEmpty ? lastPart(of: folder) : $0.name) })
    runs.sort { naturally($0.name, $1.name) }
    problems = search.problems + runs.flatMap(\.problems)
  }

  /// Reads on all cores, because there may be thousands of small files.
  private static func read(_ found: [(path: String, name: String)]) -> [RunRecord] {
    let shares = min(found.count, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let records = Lock([[RunRecord]](repeating: [], count: shares))
    SystemThread.forEach(shares) { share in
      let own = found[found.count * share / shares..<found.count * (share + 1) / shares]
        .map { RunRecord(reading: $0.path, as: $0.name) }
      records.withLock { $0[share] = own }
    }
    return records.withLock { $0.flatMap { $0 } }
  }

  /// Keeps the runs with these values (`status=failed`, `model.name=air`). A key that occurs more than once may have
  /// any of its values. Throws `RunError` for a key that no run has.
  public mutating func keep(_ conditions: [String]) throws {
    var wanted: [(key: String, values: [String])] = []
    for condition in conditions {
      let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      try check(parts[0], in: "'\(condition)'")
      if let index = wanted.firstIndex(where: { $0.key == parts[0] }) {
        wanted[index].values.append(parts[1])
      } else {
        wanted.append((parts[0], [parts[1]]))
      }
    }
    runs = runs.filter { run in
      wanted.allSatisfy { key, values in
        guard let found = run[key] else { return false }
        return values.contains { means($0, found) }
      }
    }
  }

  /// Sorts the runs by a value, in ascending order, or in descending order if the key has a minus sign before it. Runs
  /// without the value come last. Throws `RunError` for a key that no run has.
  public mutating func sort(by order: String) throws {
    let descends = order.hasPrefix("-")
    let key = descends ? String(order.dropFirst()) : order
    try check(key, in: "--sort \(order)")
    // Runs with equal values stay in the order of their names.
    let ranked = runs.enumerated().sorted { left, right in
      switch (left.element[key], right.element[key]) {
      case (let first?, let second?):
        if precedes(first, second) { return !descends }
        if precedes(second, first) { return descends }
        return left.offset < right.offset
      case (nil, nil): return left.offset < right.offset
      case (let first, _): return first != nil
      }
    }
    runs = ranked.map(\.element)
  }

  /// The columns of a list. `names` are separated by commas, and `all` means every column. Without `names`, the result
  /// is a few important columns and those that occur in `conditions` and `order`. Throws `RunError` for a key that no
  /// run has.
  public func columns(_ names: String?, conditions: [String] = [], order: String? = nil) throws -> [String] {
    guard let names else {
      let asked =
        conditions.map { String($0.prefix { $0 != "=" }) }
        + (order.map { [$0.hasPrefix("-") ? String($0.dropFirst()) : $0] } ?? [])
      let usual = Self.usualColumns.filter { name in runs.contains { $0[name] != nil } }
      return usual + Set(asked).subtracting(usual).sorted()
    }
    if names == "all" { return keys }
    // A key of an edited config may contain a comma. Then it is quoted.
    let columns = CSV.fields(ofRecord: names)?.map { String($0.drop { $0 == " " }) } ?? [names]
    for column in columns { try check(column, in: "--columns \(names)") }
    return columns
  }

  private static let usualColumns = [
    "run", "status", "step", "model.name", "dataset.name", "estimator.name", "training.seed", "nelbo", "count_accuracy",
    "what_if",
  ]

  /// Every name for which any run has a value.
  private var keys: [String] {
    var seen = Set(RunRecord.ownNames)
    return RunRecord.ownNames + runs.flatMap { $0.names }.filter { seen.insert($0).inserted }
  }

  private func check(_ key: String, in place: String) throws {
    let known = keys
    guard !runs.isEmpty, !known.contains(key) else { return }
    let hint = Spelling.suggestion(for: key, among: known)
    throw RunError(
      "\(place): no run below \(folder) has '\(key)'\(hint.isEmpty ? "." : hint) A key is run, status, step, reason, any key of a config "
        + "(training.seed) or a metric (`airframe runs \(folder) --columns all` shows them)")
  }
}

/// The output format of a list.
public enum RunListFormat: String, CaseIterable, Sendable { case text, csv, json }

extension RunListing {
  /// The runs as a table with one line each, as CSV with a header, or as a JSON list of objects.
  public func text(_ columns: [String], as format: RunListFormat) -> String {
    switch format {
    case .text:
      TextTable(columns, runs.map { run in columns.map { run[$0].map(shown) ?? "-" } }, alignRight: isNumeric(columns))
        .description
    case .csv:
      CSV([columns] + runs.map { run in columns.map { run[$0].map(written) ?? "" } }).text
    case .json:
      JSON.list(runs.map { run in .object(columns.map { .init($0, run[$0] ?? .null) }) }).description + "\n"
    }
  }

  private func isNumeric(_ columns: [String]) -> [Bool] {
    columns.map { column in runs.allSatisfy { run in run[column].map { $0.double != nil } ?? true } }
  }
}

/// Finds the folders of runs.
private struct RunSearch {
  private(set) var runs: [(path: String, name: String)] = []
  private(set) var problems: [String] = []
  private(set) var folders = 0
  /// The visited folders by device and inode number, so that links cannot cause an endless search.
  private var seen: Set<[UInt64]> = []

  mutating func visit(_ path: String, as name: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return problems.append("\(path): \(String(cString: strerror(errno)))") }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      return name.isEmpty ? problems.append("\(path): is not a folder") : ()
    }
    guard seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted else { return }
    if RunRecord.stands(in: path) { return runs.append((path, name)) }
    guard let stream = opendir(path) else { return problems.append("\(path): \(String(cString: strerror(errno)))") }
    defer { closedir(stream) }
    folders += 1
    var below: [String] = []
    while let entry = readdir(stream) {
      // Regular files are skipped. Links, and entries whose type the file system does not report, may be folders.
      guard entry.pointee.d_type != UInt8(DT_REG) else { continue }
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !file.hasPrefix(".") { below.append(file) }
    }
    for file in below.sorted() { visit("\(path)/\(file)", as: name.isEmpty ? file : "\(name)/\(file)") }
  }
}

extension RunRecord {
  var name: String { self["run"]?.string ?? path }
}

private func lastPart(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

/// Whether a word of the command line equals a value, as text or as a number.
private func means(_ word: String, _ value: JSON) -> Bool {
  if written(value) == word { return true }
  guard let number = value.double, let wanted = Double(word) else { return false }
  return number == wanted
}

/// Whether a value sorts before another one. Numbers come before texts.
private func precedes(_ left: JSON, _ right: JSON) -> Bool {
  switch (left.double, right.double) {
  case (let first?, let second?): first < second
  case (nil, nil): naturally(written(left), written(right))
  case (let first, _): first != nil
  }
}

/// Whether a text sorts before another one. Sequences of digits are compared as numbers.
private func naturally(_ left: String, _ right: String) -> Bool {
  func parts(_ text: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = text[...]
    while let first = rest.first {
      let part = rest.prefix { $0.isNumber == first.isNumber }
      parts.append(part)
      rest = rest.dropFirst(part.count)
    }
    return parts
  }
  for (first, second) in zip(parts(left), parts(right)) where first != second {
    if let first = Int(first), let second = Int(second), first != second { return first < second }
    return first < second
  }
  return left.count < right.count
}

/// The value as it is written in files.
func written(_ value: JSON) -> String { value.string ?? value.line }

/// The value for a table, with numbers shortened to a few digits.
func shown(_ value: JSON) -> String {
  guard case .number(let number) = value else { return written(value) }
  let size = abs(number)
  if number == 0 || size >= 1e-3 && size < 1e7 {
    return size >= 100 ? fixed(number, 2) : size >= 1 ? fixed(number, 3) : fixed(number, 4)
  }
  return "\(number)"
}
