import Foundation
import Tensors
import Testing

/// The program `airframe`, which is built beside the tests, as a shell would start it.
final class Program {
  private let process = Process()
  private let files: [String]

  /// Starts it in a folder, where its output is gathered; `pool` and the like as environment variables.
  ///
  /// It multiplies with the kernels that this process was given, not with better ones, so that the two can be compared.
  init(
    _ words: [String], in folder: String, environment: [String: String] = [:], program: String = Program.path
  ) throws {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = words
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ["OPENBLAS_CORETYPE": ProductKernels.current]
      .merging(ProcessInfo.processInfo.environment.filter { $0.key != "AIRFRAME_DATA" }) { $1 }
      .merging(environment) { $1 }
    let place = FileManager.default.temporaryDirectory.path
    files = ["out", "err"].map { "\(place)/airframe-\($0)-\(UUID().uuidString)" }
    for file in files { _ = FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: files[0]))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: files[1]))
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    for file in files { try? FileManager.default.removeItem(atPath: file) }
  }

  var isRunning: Bool { process.isRunning }

  /// What it has written to stderr so far.
  var messages: String { (try? String(contentsOfFile: files[1], encoding: .utf8)) ?? "" }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  struct Outcome {
    /// The exit status, or the number of the signal that ended it.
    let status: Int32
    let wasKilled: Bool
    let output, messages: String
  }

  /// Waits for its end; kills it where that does not come within minutes. Turns are counted rather than seconds: a machine that
  /// is busy, or had these processes stopped, is no fault.
  func finish() throws -> Outcome {
    var turns = 0
    while process.isRunning && turns < 500_000 {
      usleep(500)
      turns += 1
    }
    if process.isRunning { send(SIGKILL) }
    process.waitUntilExit()
    let texts = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
    return Outcome(
      status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal, output: texts[0],
      messages: texts[1])
  }

  /// Runs it to its end.
  static func run(
    _ words: [String], in folder: String, environment: [String: String] = [:], program: String = Program.path
  ) throws -> Outcome {
    try Program(words, in: folder, environment: environment, program: program).finish()
  }

  /// Every command and action, as the words that name it, from the program's own lists.
  static func commands(in folder: String) throws -> [[String]] {
    func listed(_ help: String) -> [String] {
      help.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("    ") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
    }
    let names = listed(try run(["--help"], in: folder).output)
    return try names.flatMap { name in
      let help = try run([name, "--help"], in: folder).output
      let usage = help.components(separatedBy: "\n\n")[0]
      let actions = listed(help).filter { usage.contains("airframe \(name) \($0)") && $0.first?.isLowercase == true }
      return [[name]] + actions.map { [name, $0] }
    }
  }

  static let path = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("airframe").path
}
