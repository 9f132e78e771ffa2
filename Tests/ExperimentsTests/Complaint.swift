import Foundation
import Testing

@testable import Experiments

/// Words for the program that it cannot use, and what must stand in its message: a part that names the place and the
/// value, and one that helps.
struct Complaint: CustomTestStringConvertible {
  let arguments: [String]
  let place: String
  let help: String

  init(_ arguments: String..., place: String, help: String) {
    (self.arguments, self.place, self.help) = (arguments, place, help)
  }

  var testDescription: String { arguments.map { String($0.prefix(80)) }.joined(separator: " ") }

  /// Expects the message, exit status 2, and a folder that stays as it was.
  ///
  /// The program has two seconds of processor time, ten under a sanitizer; time on the wall would depend on other tests.
  func check(in folder: TemporaryFolder, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let before = try contents(of: folder)
    let seconds = ProcessInfo.processInfo.environment["AIRFRAME_SANITIZER"] == nil ? 2 : 10
    let outcome = try Program.run(
      ["-c", "ulimit -t \(seconds); exec \"$0\" \"$@\"", Program.path] + arguments, in: folder.path,
      program: "/bin/sh")
    let told = outcome.messages
    #expect(!outcome.wasKilled && outcome.status == 2, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(told.hasPrefix("airframe: ") && told.utf8.count < 4_000, "\(told)", sourceLocation: sourceLocation)
    #expect(told.contains(place), "\(told)", sourceLocation: sourceLocation)
    #expect(told.contains(help), "\(told)", sourceLocation: sourceLocation)
    #expect(try contents(of: folder) == before, "files were left", sourceLocation: sourceLocation)
  }

  /// All files and folders below the folder, with their sizes.
  private func contents(of folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted().map { name in
      "\(name) \(try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")[.size] ?? 0)"
    }
  }
}
