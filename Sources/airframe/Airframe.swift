import Experiments
import Glibc

@main struct Airframe {
  static func main() {
    reserveStandardDescriptors()
    // A closed pipe and a file-size limit must not end a training. With these signals ignored they are write errors,
    // which are reported and handled where they occur.
    for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
      try finishStandardOutput()
    } catch let stop as Interruption {
      writeToStandardError("airframe: \(stop)\n")
      exit(128 + stop.signal)
    } catch let stop as StopSignal.Ended {
      writeToStandardError("airframe: \(stop)\n")
      exit(128 + stop.signal)
    } catch let stop as SweepInterruption {
      writeToStandardError("airframe: \(stop)\n")
      exit(128 + stop.signal)
    } catch  where isLackOfResources(error) {
      writeToStandardError("airframe: \(error)\n")
      // `exit` would hang: the BLAS library waits for its threads, which wait for memory.
      _exit(1)
    } catch {
      writeToStandardError("airframe: \(error)\n")
      exit(error is UsageError || isUnusableInput(error) ? 2 : 1)
    }
  }

  private static func run(_ words: [String]) throws {
    switch words.first {
    case nil, "--help", "-h":
      return try print("Airframe discovers objects in images without labels.\n\n\(Help.overview)")
    case "--version": return try print("airframe \(airframeVersion)")
    case "help":
      // `airframe help train` is the same as `airframe train --help`.
      return try run(Array(words.dropFirst()) + ["--help"])
    default: break
    }
    let (invocation, rest) = try Invocation.find(words)
    if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
      return try print(Help.text(of: invocation))
    }
    let arguments = try Arguments(rest, of: invocation)
    if invocation.command.computes { try Runner.useBestProducts() }
    try invocation.command.run?(arguments)
  }
}
