/// Named arrays in one file, as `numpy.savez` and `numpy.savez_compressed` write them: a zip archive of NPY files.
///
/// An array is expanded when it is read, to at most `limit` bytes, and only after its header has been checked against
/// its size and the free memory. Deflate expands one byte to at most 1032, so reading uses at most 3 x 1032 times the
/// bytes of the archive, whatever the archive claims.
public struct NPZ: Sendable {
  /// The names of the arrays, in the order of the archive.
  public let names: [String]

  private let archive: [UInt8]
  private let entries: [String: Zip.Entry]
  private let path: String?
  private let limit: Int

  /// Opens a file. The file and each of its arrays have at most `limit` bytes. Throws `FileError`.
  public init(file path: String, limit: Int = 1 << 31) throws {
    try self.init(readFile(path, limit: limit) { head, _ in try Zip.check(head) }, path: path, limit: limit)
  }

  /// Opens an archive already in memory. Throws `FileError`.
  public init(bytes: [UInt8], limit: Int = 1 << 31) throws {
    try self.init(bytes, path: nil, limit: limit)
  }

  private init(_ bytes: [UInt8], path: String?, limit: Int) throws {
    var names: [String] = []
    var entries: [String: Zip.Entry] = [:]
    do {
      for entry in try Zip.entries(bytes) where entry.name.hasSuffix(".npy") {
        let name = String(entry.name.dropLast(4))
        guard entries.updateValue(entry, forKey: name) == nil else {
          throw FileError(problem: "holds two arrays '\(name)'", nextStep: "save the arrays again with numpy.savez")
        }
        names.append(name)
      }
    } catch let error as FileError {
      throw path.map(error.at) ?? error
    }
    self.names = names
    self.entries = entries
    self.path = path
    self.limit = limit
    archive = bytes
  }

  /// The array with the given name, or nil. `check` receives the shape before the array is expanded, and may throw.
  ///
  /// Throws `FileError` if the array is damaged or needs more memory than is free, and the errors of `check`.
  public func array(_ name: String, check: (_ shape: [Int]) throws -> Void = { _ in }) throws -> NPY? {
    guard let entry = entries[name] else { return nil }
    do {
      let head = try Zip.extract(entry, from: archive, first: NPYHeader.longest)
      if let header = try NPYHeader(head, isWhole: head.count >= entry.size) {
        try header.check(size: entry.size)
        try check(header.shape)
      }
      if entry.size <= limit { try FreeMemory.require(3 * entry.size) }
      return try NPY(bytes: Zip.extract(entry, from: archive, limit: limit))
    } catch let error as FileError {
      // Errors about an entry already name it.
      let problem = error.problem.hasPrefix("entry ") ? error.problem : "array '\(name)' \(error.problem)"
      throw FileError(path: path, problem: problem, nextStep: error.nextStep)
    }
  }

  /// The CRC-32 of each array's file by name, as the archive lists them: a fingerprint that needs no expansion.
  public var checksums: [(name: String, crc: UInt32)] {
    names.compactMap { name in entries[name].map { (name, $0.crc) } }
  }

  /// The bytes of an archive with the named arrays, in their order. Requires names that differ. Throws `FileError`.
  public static func bytes(_ arrays: [(name: String, array: NPY)]) throws -> [UInt8] {
    try Zip.archive(arrays.map { ("\($0.name).npy", $0.array.bytes) })
  }
}
