import Configuration
import Datasets
import Scenes

/// What datasets there are, and whether their files are at hand.
public enum DataListing {
  /// One dataset of the registry, with its default settings.
  public struct Entry: Equatable, Sendable {
    public let name: String
    public let summary: String
    /// The source its files come from; nil for one that is drawn from nothing.
    public let needs: String?
    /// A file that it looked for in the data folder in vain; nil where all are there.
    public let missing: String?
    /// What is wrong with files that are there; nil where they can be used.
    public let damage: String?
    /// Whether all files are the published ones; false too for the user's own.
    public let isPublished: Bool
  }

  /// The names of all datasets, in the registry's order.
  public static var names: [String] { datasets.names }

  /// Every dataset of the registry, in its order.
  ///
  /// Datasets themselves say what they need: they are made without files, and with those of the data folder.
  public static func entries(dataFolder: String) throws -> [Entry] {
    datasets.entries.map { entry in
      // Nothing can lie below a file that is no folder.
      let needs = lack(entry, dataFolder: "/dev/null")?.source
      let missing = needs.flatMap { _ in lack(entry, dataFolder: dataFolder)?.file }
      guard let needs, missing == nil else {
        return Entry(
          name: entry.name, summary: entry.summary, needs: needs, missing: missing, damage: nil, isPublished: false)
      }
      let isPublished = isPublished(needs, dataFolder)
      return Entry(
        name: entry.name, summary: entry.summary, needs: needs, missing: nil,
        damage: isPublished ? nil : damage(entry, dataFolder), isPublished: isPublished)
    }
  }

  /// Whether the files of a source are there as their proof wants them. False where that cannot be found out.
  private static func isPublished(_ source: String, _ dataFolder: String) -> Bool {
    guard let source = dataSources.first(where: { $0.name == source }) else { return false }
    return source.files.allSatisfy { file in
      do {
        return try DataFetch.fault(of: "\(dataFolder)/\(source.name)/\(file.name)", file.proof) == nil
      } catch { return false }
    }
  }

  /// What a dataset says of its files when it reads them all; nil where it can use them.
  private static func damage(
    _ entry: Registry<DatasetContext, any Dataset>.Entry, _ dataFolder: String
  ) -> String? {
    do {
      let dataset = try entry.make(entry.defaults, DatasetContext(dataFolder: dataFolder))
      for split in Split.allCases { try dataset.prepare(split) }
      return nil
    } catch { return "\(error)" }
  }

  /// The list as lines: name and summary, then what it needs and where that is.
  public static func text(dataFolder: String) throws -> String {
    let entries = try entries(dataFolder: dataFolder)
    let width = entries.map(\.name.count).max() ?? 0
    let margin = String(repeating: " ", count: width + 2)
    return entries.map { entry in
      let name = entry.name + margin.dropFirst(entry.name.count)
      return "\(name)\(entry.summary)\n\(margin)\(needs(of: entry, dataFolder))"
    }.joined(separator: "\n")
  }

  private static func needs(of entry: Entry, _ dataFolder: String) -> String {
    guard let source = entry.needs else { return "needs nothing" }
    let isFetched = dataSources.contains { $0.name == source }
    let remedy = isFetched ? "; run `airframe data fetch \(source)`" : ""
    if let damage = entry.damage { return "needs \(source): damaged (\(damage)\(remedy))" }
    guard let missing = entry.missing else {
      let note = isFetched && !entry.isPublished ? ", but not as published" : ""
      return "needs \(source): present in \(dataFolder)/\(source)\(note)"
    }
    return "needs \(source): missing (no \(missing)\(remedy))"
  }

  private static func lack(
    _ entry: Registry<DatasetContext, any Dataset>.Entry, dataFolder: String
  ) -> (file: String, source: String)? {
    do {
      _ = try entry.make(entry.defaults, DatasetContext(dataFolder: dataFolder))
      return nil
    } catch DatasetError.missing(let file, let source) {
      return (file, source)
    } catch DatasetError.notFound(let path, _, _) {
      return (path, entry.name)
    } catch {
      // The files are there; what is wrong with them is another matter.
      return nil
    }
  }
}
