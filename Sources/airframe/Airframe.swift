import Experiments
import Glibc

@main struct Airframe {
  static func main() {
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch let stop as Interruption {
      writeToStandardError("airframe: \(stop)\n")
      exit(128 + stop.signal)
    } catch let stop as SweepInterruption {
      writeToStandardError("airframe: \(stop)\n")
      exit(128 + stop.signal)
    } catch {
      writeToStandardError("airframe: \(error)\n")
      exit(error is UsageError || isUnusableInput(error) ? 2 : 1)
    }
  }

  private static func run(_ words: [String]) throws {
    switch words.first {
    case nil, "--help", "-h": return print("Airframe discovers objects in images without labels.\n\n\(Help.overview)")
    case "--version": return print("airframe \(airframeVersion)")
    case "help":
      // `airframe help train` is `airframe train --help`.
      return try run(Array(words.dropFirst()) + ["--help"])
    default: break
    }
    let (invocation, rest) = try Invocation.find(words)
    if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
      return print(Help.text(of: invocation))
    }
    let arguments = try Arguments(rest, of: invocation)
    if invocation.command.computes { try Runner.useBestProducts() }
    try invocation.command.run?(arguments)
  }
}
