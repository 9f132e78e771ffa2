import Glibc

/// The GNT files of a folder, and the positions of each character in them.
struct GNTCollection: Sendable {
  /// An image in one of the files.
  struct Place: Sendable {
    let file: Int
    let record: GNTFile.Record
  }

  let folder: String
  /// The files in the order of their names.
  let files: [GNTFile]
  /// The positions of the images of each character, in the order of files and records.
  let places: [Unicode.Scalar: [Place]]

  /// Reads the headers of all records. Throws `DatasetError`.
  init(folder: String) throws {
    self.folder = folder
    let files = try Self.names(in: folder).map { try GNTFile(path: "\(folder)/\($0)") }
    self.files = files
    let encoding = try GBK()
    var characters: [UInt16: Unicode.Scalar] = [:]
    var places: [Unicode.Scalar: [Place]] = [:]
    for (index, file) in files.enumerated() {
      for record in file.records {
        if characters[record.code] == nil { characters[record.code] = try Self.character(record, file, encoding) }
        guard let character = characters[record.code] else { continue }
        places[character, default: []].append(Place(file: index, record: record))
      }
    }
    self.places = places
  }

  /// The most frequent Chinese characters; equally frequent ones are in the order of their code points. Throws
  /// `DatasetError` if there are none.
  func mostFrequent(_ count: Int) throws -> [Unicode.Scalar] {
    let all = places.filter { $0.key.properties.isUnifiedIdeograph }.map { (character: $0.key, count: $0.value.count) }
    guard !all.isEmpty else {
      throw DatasetError.unusable(
        place: folder, problem: "holds no Chinese characters", remedy: "name others in dataset.characters: \(examples)")
    }
    return all.sorted { ($1.count, $0.character) < ($0.count, $1.character) }.prefix(count).map(\.character)
  }

  /// Returns the same characters. Throws `DatasetError` if some of them have no images.
  func checked(_ characters: some Sequence<Unicode.Scalar>) throws -> [Unicode.Scalar] {
    let all = Array(characters)
    let missing = all.filter { places[$0] == nil }
    guard missing.isEmpty else {
      let some = missing.prefix(8).map { "'\($0.escaped(asASCII: false))'" }.joined(separator: ", ")
      throw DatasetError.unusable(
        place: folder,
        problem: "holds no image of \(some)\(missing.count > 8 ? " and \(missing.count - 8) others" : "")",
        remedy: "take what is not there out of dataset.characters; there are \(examples)")
    }
    return all
  }

  /// Some of the available characters, for messages.
  private var examples: String {
    let some = places.keys.sorted().prefix(10).map { String($0) }.joined(separator: " ")
    return places.count > 10 ? "\(some) and \(places.count - 10) others" : some
  }

  /// Reads images as `[image, side, side]`; 255 is ink. Each is resized to fit the square, with its proportions kept,
  /// and centered.
  func squares(of places: [Place], side: Int) throws -> [UInt8] {
    func fitted(_ record: GNTFile.Record) -> (height: Int, width: Int) {
      let longer = max(record.height, record.width)
      func length(_ input: Int) -> Int { max(1, (2 * input * side + longer) / (2 * longer)) }
      return (length(record.height), length(record.width))
    }
    var sizes: Set<[Int]> = []
    for place in places {
      let size = fitted(place.record)
      sizes.insert([place.record.height, size.height])
      sizes.insert([place.record.width, size.width])
    }
    let resampling = Resampling(sizes: sizes.map { ($0[0], $0[1]) })
    var squares = [UInt8](repeating: 0, count: places.count * side * side)
    var frame = [UInt8](repeating: 0, count: side * side)
    // Opens every file once.
    let byFile = Dictionary(grouping: places.indices) { places[$0].file }
    for (file, indices) in byFile.sorted(by: { $0.key < $1.key }) {
      var next = 0
      try files[file].ink(of: indices.map { places[$0].record }) { record, ink in
        let size = fitted(record)
        frame.withUnsafeMutableBufferPointer { frame in
          ink.withUnsafeBufferPointer { ink in
            guard let input = ink.baseAddress, let output = frame.baseAddress else { return }
            resampling.resize(
              input, height: record.height, width: record.width, stride: record.width, to: output,
              height: size.height, width: size.width)
          }
        }
        let corner = (side - size.height) / 2 * side + (side - size.width) / 2
        let start = indices[next] * side * side + corner
        for row in 0..<size.height {
          for column in 0..<size.width { squares[start + row * side + column] = frame[row * size.width + column] }
        }
        next += 1
      }
    }
    return squares
  }

  private static func character(
    _ record: GNTFile.Record, _ file: GNTFile, _ encoding: GBK
  ) throws -> Unicode.Scalar {
    let (high, low) = (UInt8(record.code >> 8), UInt8(record.code & 255))
    guard let character = encoding.character(high, low) else {
      let bytes = [high, low].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
      throw DatasetError.unusable(
        place: file.path,
        problem: "has the bytes \(bytes), which are no character of GBK (the record at byte \(record.offset))",
        remedy: "get the file again from its source, or take it out of the folder")
    }
    return character
  }

  /// The names of the folder's GNT files, sorted.
  private static func names(in path: String) throws -> [String] {
    guard access(path, F_OK) == 0 else {
      throw DatasetError.notFound(path: path, wanted: "a folder of CASIA's .gnt files", key: "folder")
    }
    guard let folder = opendir(path) else {
      throw DatasetError.unusable(
        place: path, problem: "cannot be listed (\(String(cString: strerror(errno))))",
        remedy: "name a folder of .gnt files, and check its permissions")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.lowercased().hasSuffix(".gnt"), !name.hasPrefix(".") { names.append(name) }
    }
    guard !names.isEmpty else {
      throw DatasetError.unusable(
        place: path, problem: "holds no file whose name ends in .gnt",
        remedy: "put the .gnt files of CASIA-HWDB there, out of their archives, or name another folder")
    }
    return names.sorted()
  }
}
