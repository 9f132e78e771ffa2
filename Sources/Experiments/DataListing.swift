import Configuration
import Datasets
import Scenes

/// Lists the datasets and whether their files are available.
public enum DataListing {
  /// One dataset of the registry, with its default settings.
  public struct Entry: Equatable, Sendable {
    public let name: String
    public let summary: String
    /// The source of its files; nil for a dataset that is generated without files.
    public let needs: String?
    /// A file that is missing in the data folder; nil if all files are there.
    public let missing: String?
    /// What is wrong with the existing files; nil if they can be used.
    public let damage: String?
    /// Whether all files are the published ones. False for the user's files.
    public let isPublished: Bool
  }

  /// The names of all datasets, in the registry's order.
  public static var names: [String] { datasets.names }

  /// Every dataset of the registry, in its order.
  ///
  /// Each dataset reports which files it needs: it is made once without files, and once with the data folder.
  public static func entries(dataFolder: String) throws -> [Entry] {
    datasets.entries.map { entry in
      // No file can exist below a path that is not a folder.
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

  /// Whether all files of a source pass their check. False if that cannot be determined.
  private static func isPublished(_ source: String, _ dataFolder: String) -> Bool {
    guard let source = dataSources.first(where: { $0.name == source }) else { return false }
    return source.files.allSatisfy { file in
      do {
        return try DataFetch.fault(of: "\(dataFolder)/\(source.name)/\(file.name)", file.proof) == nil
      } catch { return false }
    }
  }

  /// The error of a dataset when it reads all its files; nil if it can use them.
  private static func damage(
    _ entry: Registry<DatasetContext, any Dataset>.Entry, _ dataFolder: String
  ) -> String? {
    do {
      let dataset = try entry.make(entry.defaults, DatasetContext(dataFolder: dataFolder))
      for split in Split.allCases { try dataset.prepare(split) }
      return nil
    } catch { return "\(error)" }
  }

  /// The list as text: name and summary, then the required files and where they are.
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
      // The files exist. Other errors are reported by `damage`.
      return nil
    }
  }
}
