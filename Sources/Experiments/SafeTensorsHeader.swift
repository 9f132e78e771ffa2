import Configuration

/// The header of a safetensors file: the position of each tensor, and metadata texts.
struct SafeTensorsHeader {
  struct Entry {
    let shape: [Int]
    /// The byte range, relative to the end of the header.
    let range: Range<Int>
  }

  /// The largest accepted header. It has room for about 8,000 tensors, and reading it takes less than 100 MB.
  static let longest = 1 << 20

  private(set) var entries: [String: Entry] = [:]
  private(set) var metadata: [String: String] = [:]

  /// The length of the header, from the first 8 bytes of a file. Throws `RunError` if it is not possible.
  static func length(_ bytes: some Collection<UInt8>, fileSize: Int, name file: String) throws -> Int {
    guard bytes.count == 8 else { throw broken(file, "\(fileSize) bytes are too few for a header") }
    let length = bytes.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    guard length <= UInt64(longest), Int(length) <= fileSize - 8 else {
      throw broken(file, "the header claims \(length) bytes of \(fileSize - 8), the limit is \(longest)")
    }
    return Int(length)
  }

  /// Parses a header that `dataSize` bytes of data follow. Throws `RunError` if it is not valid.
  init(_ bytes: some Collection<UInt8>, dataSize: Int, name file: String) throws {
    func broken(_ what: String) -> RunError { Self.broken(file, what) }
    let header: JSON
    do { header = try JSON(parsing: bytes) } catch { throw broken("its header is not JSON: \(error)") }
    func members(_ value: JSON, _ what: String) throws -> [JSON.Member] {
      guard case .object(let members) = value else { throw broken("\(what) is not a map") }
      guard Set(members.map(\.key)).count == members.count else { throw broken("\(what) has a key twice") }
      return members
    }
    for member in try members(header, "its header") {
      let (name, entry) = (member.key, member.value)
      let pairs = try members(entry, name)
      if name == "__metadata__" {
        for pair in pairs {
          guard let text = pair.value.string else { throw broken("\(pair.key) in __metadata__ is not a text") }
          metadata[pair.key] = text
        }
        continue
      }
      guard entry["dtype"] == "F32", let shape = entry["shape"]?.integers,
        let range = entry["data_offsets"]?.integers, range.count == 2, shape.allSatisfy({ $0 >= 0 })
      else { throw broken("\(name) is not described as an F32 tensor") }
      var size = 4
      for side in shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: max(1, side))
        guard !overflow else { throw broken("the shape of \(name) is too large") }
        size = product
      }
      if shape.contains(0) { size = 0 }
      guard range[0] >= 0, range[1] >= range[0], range[1] <= dataSize, range[1] - range[0] == size else {
        throw broken("\(name) spans bytes \(range[0]) to \(range[1]), shape \(shape) needs \(size)")
      }
      entries[name] = Entry(shape: shape, range: range[0]..<range[1])
    }
    try requireNoGaps(dataSize, file)
  }

  private func requireNoGaps(_ dataSize: Int, _ file: String) throws {
    var at = 0
    for range in entries.values.map(\.range).sorted(by: {
      ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound)
    }) {
      guard range.lowerBound == at else { throw Self.broken(file, "its data has a gap or an overlap at byte \(at)") }
      at = range.upperBound
    }
    guard at == dataSize else { throw Self.broken(file, "\(dataSize - at) bytes belong to no tensor") }
  }

  static func broken(_ file: String, _ what: String) -> RunError {
    RunError("\(file): not a usable safetensors file: \(what)")
  }
}
