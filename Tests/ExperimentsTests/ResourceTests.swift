import Foundation
import Testing

@testable import Experiments

/// Too little of what the system gives is an error, and no wait without end.
struct ResourceTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  /// A sanitizer maps terabytes for itself.
  private var canBeLimited: Bool { ProcessInfo.processInfo.environment["AIRFRAME_SANITIZER"] == nil }

  /// Under limits on address space from too little to start to enough, in steps smaller than what one thread's products take.
  @Test func tooLittleMemoryIsSaidAndNotWaitedFor() throws {
    guard canBeLimited else { return }
    var statuses: Set<Int32> = []
    for limit in stride(from: 200, through: 1200, by: 100) {
      let outcome = try Program.run(
        [
          "-c", "ulimit -v \(limit)000; exec \"$0\" \"$@\"", Program.path, "train", "tiny.yaml", "--name", "m\(limit)",
          "training.threads=2", "training.steps=2",
        ], in: folder.path, environment: ["OPENBLAS_NUM_THREADS": "1"], program: "/bin/sh")
      // The loader of programs says itself where not even the libraries fit (127).
      #expect(!outcome.wasKilled && [0, 1, 127].contains(outcome.status), "\(limit): \(outcome)")
      #expect(outcome.status == 0 || outcome.messages.contains("ulimit") || outcome.status == 127, "\(outcome)")
      statuses.insert(outcome.status)
    }
    #expect(statuses.isSuperset(of: [0, 1]), "\(statuses)")
  }

  /// Root has no limit of processes, so it takes another user's name.
  @Test func tooFewThreadsAreSaidAndNotWaitedFor() throws {
    guard canBeLimited, getuid() == 0, access("/usr/bin/setpriv", X_OK) == 0 else { return }
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    // A user without other processes.
    let user = "\(60_000 + Int(getpid()) % 5000)"
    let outcome = try Program.run(
      [
        "--reuid", user, "--clear-groups", "/bin/bash", "-c", "ulimit -u 1; exec \"$0\" \"$@\"", Program.path, "train",
        "tiny.yaml", "training.threads=3",
      ], in: folder.path, environment: ["OPENBLAS_NUM_THREADS": "1"], program: "/usr/bin/setpriv")
    #expect(!outcome.wasKilled && outcome.status == 1, "\(outcome)")
    #expect(outcome.messages.contains("no further thread can be made"), "\(outcome)")
    // One thread needs no other: batches are made when they are taken.
    let alone = try Program.run(
      [
        "--reuid", user, "--clear-groups", "/bin/bash", "-c", "ulimit -u 1; exec \"$0\" \"$@\"", Program.path, "train",
        "tiny.yaml", "--name", "alone", "training.threads=1",
      ], in: folder.path, environment: ["OPENBLAS_NUM_THREADS": "1"], program: "/usr/bin/setpriv")
    #expect(!alone.wasKilled && alone.status == 0, "\(alone)")
    let listed = try Program.run(
      [
        "--reuid", user, "--clear-groups", "/bin/bash", "-c", "ulimit -u 1; exec \"$0\" \"$@\"", Program.path, "runs",
      ], in: folder.path, environment: ["OPENBLAS_NUM_THREADS": "1"], program: "/usr/bin/setpriv")
    #expect(!listed.wasKilled && listed.status == 0 && listed.output.contains("alone"), "\(listed)")
  }
}
