import Experiments
import Glibc

@main struct Airframe {
  static func main() {
    let words = Array(CommandLine.arguments.dropFirst())
    do {
      try run(words)
    } catch let error as UsageError {
      writeToStandardError("airframe: \(error)\n")
      exit(2)
    } catch let stop as Interruption {
      writeToStandardError("airframe: \(stop)\n")
      exit(128 + stop.signal)
    } catch {
      writeToStandardError("airframe: \(error)\n")
      exit(isUnusableInput(error) ? 2 : 1)
    }
  }

  private static func run(_ words: [String]) throws {
    guard let name = words.first, name != "--help", name != "help" else { return print(help) }
    if name == "--version" { return print("airframe \(airframeVersion)") }
    guard let command = commands.first(where: { $0.name == name }) else {
      throw UsageError("unknown command '\(name)'\n\n\(help)")
    }
    let rest = words.dropFirst()
    if rest.contains("--help") { return print(command.help) }
    if command.computes { Runner.useFastestProducts() }
    try command.run(Array(rest), command.help)
  }

  private static var help: String {
    let width = commands.map(\.name.count).max() ?? 0
    let lines = commands.map { command in
      "  " + command.name + String(repeating: " ", count: width - command.name.count + 2) + command.summary
    }
    return """
      Airframe discovers objects in images without labels.

      usage: airframe COMMAND ...

      \(lines.joined(separator: "\n"))

      `airframe COMMAND --help` says more and shows an example.
      """
  }
}
