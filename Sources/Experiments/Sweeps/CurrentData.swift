import Configuration
import Datasets

/// What the data of cells holds now: each dataset section is looked at once, and only where a run stands already.
struct CurrentData {
  private let dataFolder: String?
  /// Nil where the data cannot be used here, of which training tells.
  private var fingerprints: [JSON: String?] = [:]

  init(_ dataFolder: String?) { self.dataFolder = dataFolder }

  /// Why the run in a cell's folder is not one on this data; nil where it is, or cannot be told.
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
