import Foundation

/// A page of documentation with commands that can be run.
///
/// A ```` ```console ```` block holds lines that begin with `$ `, each a command for bash, and below each the output that it
/// is to print, on stdout and stderr together; `> ` goes on with a command. In the output, `...` stands for any text, and on
/// a line of its own for any lines. Without output only success is asked for. Output that begins with `airframe: ` is an
/// error: the exit status is to be 2. A ```` ```yaml ```` block whose first line is `# NAME.yaml` is a file of that name.
struct ConsolePage {
  /// What a page asks for, in its order.
  enum Step: Equatable {
    case file(name: String, text: String)
    case command(String, output: [String], line: Int)
  }

  let steps: [Step]

  init(_ text: String) {
    var steps: [Step] = []
    var fence: String?
    var block: [String] = []
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      let isFence = line.hasPrefix("```")
      switch fence {
      case nil where isFence: (fence, block) = (String(line.dropFirst(3)), [])
      case "console"? where !isFence: Self.read(line, index + 1, into: &steps)
      case "yaml"? where isFence:
        if let name = block.first?.dropFirst(2), name.hasSuffix(".yaml"), !name.contains(" ") {
          steps.append(.file(name: String(name), text: block.joined(separator: "\n") + "\n"))
        }
        fence = nil
      case _? where isFence: fence = nil
      case _?: block.append(line)
      case nil: break
      }
    }
    self.steps = steps
  }

  private static func read(_ line: String, _ number: Int, into steps: inout [Step]) {
    if line.hasPrefix("$ ") { return steps.append(.command(String(line.dropFirst(2)), output: [], line: number)) }
    guard case .command(let command, let output, let start)? = steps.popLast() else { return }
    let goesOn = line.hasPrefix("> ") && output.isEmpty
    steps.append(
      goesOn
        ? .command(command + "\n" + line.dropFirst(2), output: [], line: start)
        : .command(command, output: output + [line], line: start))
  }

  /// Runs the page in a folder, with `airframe` as `program`; returns what went otherwise than it says.
  func faults(in folder: String, environment: [String: String], program: String = Program.path) throws -> [String] {
    let tools = "\(folder)/.bin"
    try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(tools)/airframe", withDestinationPath: program)
    let variables = environment.merging(["PATH": "\(tools):/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"]) { $1 }
    var faults: [String] = []
    for step in steps {
      switch step {
      case .file(let name, let text): try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      case .command(let command, let output, let line):
        let outcome = try Program.run(
          ["-o", "pipefail", "-c", "{ \(command)\n} 2>&1"], in: folder, environment: variables, program: "/bin/bash")
        let wanted: Int32 = output.first?.hasPrefix("airframe: ") == true ? 2 : 0
        let found = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let lines = found.last == "" ? Array(found.dropLast()) : found
        if outcome.status != wanted {
          faults.append("line \(line): \(command): status \(outcome.status): \(outcome.output)")
        }
        if !output.isEmpty, !Self.matches(lines[...], output[...]) {
          faults.append("line \(line): \(command): printed\n\(outcome.output)")
        }
      }
    }
    return faults
  }

  /// Whether lines are those that the page shows.
  static func matches(_ lines: ArraySlice<String>, _ shown: ArraySlice<String>) -> Bool {
    guard let first = shown.first else { return lines.isEmpty }
    if first == "..." {
      return (lines.startIndex...lines.endIndex).contains { matches(lines[$0...], shown.dropFirst()) }
    }
    guard let line = lines.first, matches(line, first) else { return false }
    return matches(lines.dropFirst(), shown.dropFirst())
  }

  private static func matches(_ line: String, _ shown: String) -> Bool {
    let parts = shown.components(separatedBy: "...")
    guard parts.count > 1, let first = parts.first, let last = parts.last else { return line == shown }
    guard line.hasPrefix(first) else { return false }
    var rest = line.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }
}
