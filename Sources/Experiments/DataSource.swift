/// Published files that datasets are made from.
public struct DataSource: Sendable {
  /// A file as its authors publish it.
  public struct File: Sendable {
    public let name: String
    /// 64 hexadecimal digits.
    public let sha256: String
  }

  /// What follows `airframe data fetch`, and the folder in the data folder where the files go.
  public let name: String
  /// Folders on the web that hold the files, the first one first asked; each URL ends in a slash.
  let mirrors: [String]
  let files: [File]

  /// The source of that name. Throws `RunError` where there is none.
  public static func named(_ name: String) throws -> DataSource {
    guard let source = dataSources.first(where: { $0.name == name }) else {
      let known = dataSources.map(\.name).joined(separator: ", ")
      throw RunError("nothing called '\(name)' can be fetched (known: \(known)); see `airframe data list`")
    }
    return source
  }
}

/// All that can be fetched.
public let dataSources: [DataSource] = [.mnist]

extension DataSource {
  /// MNIST's four files (LeCun and Cortes). The checksums are those of the official files.
  static let mnist = DataSource(
    name: "mnist",
    mirrors: ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
    files: [
      File(
        name: "train-images-idx3-ubyte.gz",
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
      File(
        name: "train-labels-idx1-ubyte.gz",
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
      File(
        name: "t10k-images-idx3-ubyte.gz",
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
      File(
        name: "t10k-labels-idx1-ubyte.gz",
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ])
}
