import Configuration
import Glibc
import Pictures

/// The folder of one run: the config it was made from and everything that came out of it.
public struct RunFolder {
  public let path: String

  /// An existing run. Throws where the folder holds none.
  public init(opening path: String) throws {
    self.path = path
    guard isFile("config.yaml") else {
      throw RunError("\(path): no run stands here (config.yaml is missing); `airframe train CONFIG` makes one")
    }
  }

  /// A new folder for a run. Throws where the folder already holds one, and what the file system says.
  public init(creating path: String) throws {
    self.path = path
    if isFile("config.yaml") {
      throw RunError("\(path): a run already stands here and stays as it is; choose another --name")
    }
    for folder in ["", "checkpoints", "images"] { try makeFolder(folder.isEmpty ? path : "\(path)/\(folder)") }
  }

  /// The first of NAME, NAME-2, NAME-3, ... that holds no run.
  static func free(_ base: String, _ name: String) -> String {
    var path = "\(base)/\(name)"
    var number = 2
    while access("\(path)/config.yaml", F_OK) == 0 {
      path = "\(base)/\(name)-\(number)"
      number += 1
    }
    return path
  }

  private func isFile(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

  public func write(_ text: String, to name: String) throws {
    try writeFileAtomically(Array(text.utf8), to: "\(path)/\(name)")
  }

  /// Checkpoints, from the oldest to the newest, as (step, path).
  public var checkpoints: [(step: Int, path: String)] {
    guard let folder = opendir("\(path)/checkpoints") else { return [] }
    defer { closedir(folder) }
    var found: [(step: Int, path: String)] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"),
        let step = Int(name.dropFirst(5).dropLast(12))
      else { continue }
      found.append((step, "\(path)/checkpoints/\(name)"))
    }
    return found.sorted { $0.step < $1.step }
  }

  func checkpointPath(_ step: Int) -> String { "\(path)/checkpoints/step-\(step).safetensors" }
}

/// Makes a folder and the ones above it. Throws what the file system says.
func makeFolder(_ path: String) throws {
  var built = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    built += (built.isEmpty || built.hasSuffix("/") ? "" : "/") + part
    if mkdir(built, 0o777) != 0 && errno != EEXIST {
      throw RunError("\(built): the folder cannot be made: \(String(cString: strerror(errno)))")
    }
  }
}

/// A file to which whole lines are appended.
final class LineFile {
  private let path: String
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw RunError("\(path): cannot be opened: \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  /// Appends a line, in one write.
  func append(_ line: String) throws {
    let bytes = Array((line + "\n").utf8)
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if written != bytes.count { throw RunError("\(path): cannot be written: \(String(cString: strerror(errno)))") }
  }
}
