import Datasets

/// Published files from which datasets are made.
public struct DataSource: Sendable {
  /// A file as its authors publish it.
  public struct File: Sendable {
    /// The name of the file in the data folder.
    public let name: String
    /// The name under which the file is published.
    let publishedName: String
    let proof: Proof

    /// A file that has the same name in both places, and this checksum (64 hexadecimal digits).
    init(name: String, sha256: String) { (self.name, publishedName, proof) = (name, name, .checksum(sha256)) }

    init(name: String, publishedAs publishedName: String, _ proof: Proof) {
      (self.name, self.publishedName, self.proof) = (name, publishedName, proof)
    }
  }

  /// How a file is checked.
  enum Proof: Sendable {
    /// By its SHA-256, as 64 hexadecimal digits.
    case checksum(String)
    /// By its contents. The function receives the path and throws an error that describes what is wrong.
    case content(@Sendable (String) throws -> Void)
  }

  /// The argument of `airframe data fetch`, and the folder in the data folder that receives the files.
  public let name: String
  /// URLs of folders that hold the files, in the order in which they are tried. Each URL ends with a slash.
  let mirrors: [String]
  let files: [File]

  /// The source with this name. Throws `RunError` if there is none.
  public static func named(_ name: String) throws -> DataSource {
    guard let source = dataSources.first(where: { $0.name == name }) else {
      let known = dataSources.map(\.name).joined(separator: ", ")
      throw RunError("nothing called '\(name)' can be fetched (known: \(known)); see `airframe data list`")
    }
    return source
  }
}

/// All sources that can be fetched.
public let dataSources: [DataSource] = [.mnist, .omniglot, .kanjivg]

extension DataSource {
  /// The four files of MNIST (LeCun and Cortes). The checksums are those of the official files.
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

  /// The two small background sets of Omniglot (Lake et al. 2015), as their authors publish them.
  static let omniglot = DataSource(
    name: "omniglot",
    mirrors: [
      "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/",
      "https://github.com/brendenlake/omniglot/raw/master/python/",
    ],
    files: [
      File(
        name: "images_background_small1.zip",
        sha256: "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"),
      File(
        name: "images_background_small2.zip",
        sha256: "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"),
    ])
  /// KanjiVG (Ulrich Apel) as one file, release 2025-08-16.
  ///
  /// No checksum is published. A file is accepted if it decompresses without an error and holds the default characters
  /// of `hanzi`.
  static let kanjivg = DataSource(
    name: "kanjivg", mirrors: ["https://github.com/KanjiVG/kanjivg/releases/download/r20250816/"],
    files: [
      File(
        name: "kanjivg.xml.gz", publishedAs: "kanjivg-20250816.xml.gz",
        .content { file in try Hanzi.check(file: file) })
    ])
}
