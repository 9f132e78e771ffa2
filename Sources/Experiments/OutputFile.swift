import Glibc
import Pictures

/// A file that a command writes for its user. It is checked before the work and written as a whole after it.
///
/// The extension of the name decides the format. An existing file is not replaced unless the command line allows it,
/// and an input is never replaced. Links are followed. A path that is not a regular file (a pipe, /dev/stdout,
/// /dev/null) is written to directly and not replaced.
public struct OutputFile: Sendable {
  public enum Format: String, Sendable { case png, svg, csv, json, npz, safetensors }

  /// Which existing file may be replaced.
  public enum Replacement: Sendable {
    case nothing
    case anything
    /// Only an empty file, or one that begins with this text.
    case fileThatBegins(with: String)
  }

  /// The path as the user gave it.
  public let path: String
  public let format: Format
  /// The path that receives the bytes: `path` with links resolved.
  private let place: String
  private let isFile: Bool
  private let replaces: Bool

  /// Checks a path before the work. `formats` are the possible formats, with the default one first. `chosen` is the
  /// format that the user named. `inputs` are the files, folders of PNG files and folders of runs that the work reads.
  ///
  /// Throws `RunError` for an extension that is none of these formats, for an input, and for an existing file that may
  /// not be replaced. Throws `FileError` if the folder cannot be written.
  public init(
    _ path: String, as formats: [Format], chosen: Format? = nil, replacing replacement: Replacement = .nothing,
    inputs: [String] = []
  ) throws {
    self.path = path
    (place, isFile) = try Self.resolve(path)
    format = try Self.format(path, formats, chosen, isFile: isFile)
    guard isFile else {
      replaces = false
      return
    }
    if let target = FileIdentity(place) {
      let read = inputs + inputs.flatMap(Self.data)
      for input in read where FileIdentity.files(readFrom: input).contains(target) {
        throw Self.fault(
          path, "is read (\(Escaping.line(input))), and what is read is never replaced; choose another name to write to"
        )
      }
      guard try replacement.allows(place) else {
        throw Self.fault(path, "exists and stays as it is; choose another name, or give --replace to replace it")
      }
      replaces = true
    } else {
      replaces = false
    }
    let folder = parentFolder(of: place)
    guard access(folder, W_OK | X_OK) == 0 else { throw systemError(path, "no file can be made in \(folder)", errno) }
  }

  /// An error about an output, on one line.
  private static func fault(_ path: String, _ words: String) -> RunError {
    RunError("\(Escaping.line(path)): \(words)")
  }

  /// The data files named by a config, or by the config of a run.
  private static func data(of input: String) -> [String] {
    let config =
      input.hasSuffix(".yaml") ? try? Runner.check(input, []) : try? RunFolder(opening: input).config()
    return config?.locatedFiles ?? []
  }

  /// Writes all bytes or nothing. Throws `OutputFileFailure`.
  public func write(_ bytes: [UInt8]) throws {
    do {
      if isFile {
        try writeFileAtomically(bytes, to: place, replacing: replaces)
      } else {
        try writeThrough(bytes, to: place)
      }
    } catch let error as FileError {
      throw OutputFileFailure(reason: "\(error)")
    }
  }

  /// Writes a picture as PNG. Throws `PictureError` and `OutputFileFailure`.
  func write(_ picture: Picture) throws { try write(try picture.png()) }

  /// Writes a chart as SVG or PNG. Throws as above.
  func write(_ chart: LineChart) throws {
    if format == .svg { try write(Array(chart.svg().utf8)) } else { try write(chart.picture()) }
  }

  /// Resolves links, and reports whether the path is a regular file or does not exist yet.
  private static func resolve(_ path: String) throws -> (place: String, isFile: Bool) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      guard errno == ENOENT, !path.hasSuffix("/") else { throw systemError(path, "cannot be written", errno) }
      return (path, true)
    }
    var place = path
    if status.st_mode & S_IFMT == S_IFLNK {
      guard stat(path, &status) == 0 else { throw systemError(path, "is a link to what cannot be found", errno) }
      if status.st_mode & S_IFMT == S_IFREG, let target = realpath(path, nil) {
        place = String(cString: target)
        free(target)
      }
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return (place, true)
    case S_IFDIR: throw Self.fault(path, "is a folder; name a file inside it")
    case S_IFBLK: throw Self.fault(path, "is a disk; name a file")
    default: return (place, false)
    }
  }

  private static func format(_ path: String, _ formats: [Format], _ chosen: Format?, isFile: Bool) throws -> Format {
    let name = path.split(separator: "/").last ?? ""
    let parts = name.split(separator: ".")
    let ending = parts.count > 1 && isFile ? parts[parts.count - 1].lowercased() : ""
    let names = formats.map { ".\($0.rawValue)" }
    let endings = names.dropLast().joined(separator: ", ") + (names.count > 1 ? " or " : "") + (names.last ?? "")
    if ending.isEmpty, let format = chosen ?? (isFile ? nil : formats.first) { return format }
    guard let format = formats.first(where: { $0.rawValue == ending }) else {
      throw Self.fault(path, "the name's ending decides the format; \(endings) can be written")
    }
    guard chosen == nil || chosen == format else {
      throw Self.fault(
        path, "--format \(chosen?.rawValue ?? "") is another format than the name's ending; leave one of them out"
      )
    }
    return format
  }
}

/// The error for an output that could not be written after the work was done.
public struct OutputFileFailure: Error, CustomStringConvertible {
  let reason: String
  public var description: String { reason }
}

extension OutputFile.Replacement {
  /// Whether the existing file may be replaced. Throws `FileError` if it cannot be read.
  fileprivate func allows(_ path: String) throws -> Bool {
    switch self {
    case .nothing: return false
    case .anything: return true
    case .fileThatBegins(let words):
      var status = stat()
      guard stat(path, &status) == 0, status.st_size > 0 else { return true }
      return try readFile(path).starts(with: words.utf8)
    }
  }
}

extension FileIdentity {
  /// The identity of the file at a path; nil if there is none.
  fileprivate init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The identities of the files that are read for a path: a file, a folder's PNG files, or all files of a run.
  fileprivate static func files(readFrom path: String) -> [FileIdentity] {
    func list(_ folder: String) -> [String] { (try? fileNames(in: folder)) ?? [] }
    let names = list(path)
    guard !names.isEmpty else { return [FileIdentity(path)].compactMap { $0 } }
    let isRun = names.contains("config.yaml")
    var found: [String] = []
    for name in names {
      let ending = name.split(separator: ".").last?.lowercased() ?? ""
      // Files of these formats in a run's folder belong to the user and are not read.
      let isGuest = ["png", "svg", "csv", "npz", "safetensors"].contains(ending)
      if isRun {
        let own = list("\(path)/\(name)")
        found += own.isEmpty ? (isGuest ? [] : [name]) : own.map { "\(name)/\($0)" }
      } else if ending == "png" {
        found.append(name)
      }
    }
    return found.compactMap { FileIdentity("\(path)/\($0)") }
  }
}

/// The folder of a file, `.` for a name without a folder.
private func parentFolder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
