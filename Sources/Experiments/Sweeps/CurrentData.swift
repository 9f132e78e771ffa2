import Configuration
import Datasets

/// The current data of cells. Each dataset section is read once, and only if a run already exists.
struct CurrentData {
  private let dataFolder: String?
  /// A value is nil if the data cannot be used here. Training reports that error.
  private var fingerprints: [JSON: String?] = [:]

  init(_ dataFolder: String?) { self.dataFolder = dataFolder }

  /// The reason why the run in a cell's folder was not trained on this data; nil if it was, or if that is unknown.
  mutating func obstacle(to place: CellFolder, _ state: CellFolder.State) -> String? {
    guard let dataFolder, state != .waiting, let folder = try? RunFolder(opening: place.path),
      let trained = folder.json("environment.json")?[Provenance.dataKey]?.string
    else { return nil }
    let choice = place.cell.config.dataset
    let section = JSON(encodeSection(place.cell.config))["dataset"] ?? .null
    let known = fingerprints[section]
    let now = known ?? (try? datasets.make(choice, DatasetContext(dataFolder: dataFolder)).fingerprint)
    if known == nil { fingerprints[section] = .some(now) }
    guard let now, now != trained else { return nil }
    return "was trained on other data than dataset \(choice.name) holds now (fingerprint \(trained), now \(now))"
  }
}
