import Pictures

/// A list of names in one word of the command line, separated by commas: `--only ROW,ROW`.
///
/// The word is a CSV record: a name with a comma or a quote is enclosed in quotes, and quotes in it are doubled. If
/// that does not give known names, the word is cut at its commas into known names, provided that there is exactly one
/// way to do so.
public enum NameList {
  /// Throws `RunError` with the correct spelling if the word is not a list of known names. `option` is the option that
  /// holds the word, and `kind` names the items ("row").
  public static func names(in word: String, among known: [String], option: String, kind: String) throws -> [String] {
    let record = CSV.fields(ofRecord: word)
    let set = Set(known)
    if let record, record.allSatisfy(set.contains) { return record }
    let cuts = Cuts(word, set)
    if let only = cuts.only { return only }
    let spelled = known.prefix(20).map(spelling).joined(separator: ",") + (known.count > 20 ? ",..." : "")
    let problem: String
    if cuts.count > 1 {
      problem = "can be read in more than one way"
    } else if let wrong = record?.first(where: { !set.contains($0) }) {
      problem = "no \(kind) is called '\(wrong)'\(suggestion(for: wrong, among: known))"
    } else {
      problem = "is not a list of \(kind)s: put a name with a comma or a quote in quotes, and double the quotes in it"
    }
    throw RunError("\(option) '\(word)': \(problem) (\(kind)s: \(spelled))")
  }

  /// The spelling of a name in such a list.
  static func spelling(_ name: String) -> String { CSV.record([name]) }

  /// The ways to cut a word at commas into known names. Spaces after a comma may be skipped.
  private struct Cuts {
    /// The number of ways, with 2 for more than one.
    let count: Int
    /// The names, if there is exactly one way.
    let only: [String]?

    init(_ word: String, _ known: Set<String>) {
      let pieces = word.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      // From the end: the number of ways to cut the rest, and the first name of one of them with the start of what
      // follows.
      var ways = [Int](repeating: 0, count: pieces.count + 1)
      var first = [(name: String, next: Int)?](repeating: nil, count: pieces.count + 1)
      ways[pieces.count] = 1
      let longest = known.map { $0.count { $0 == "," } }.max() ?? 0
      for start in pieces.indices.reversed() {
        for end in start..<min(pieces.count, start + longest + 1) where ways[end + 1] > 0 {
          let text = pieces[start...end].joined(separator: ",")
          let name = known.contains(text) ? text : String(text.drop { $0 == " " })
          guard known.contains(name) else { continue }
          ways[start] = min(2, ways[start] + ways[end + 1])
          first[start] = (name, end + 1)
        }
      }
      count = pieces.isEmpty ? 0 : ways[0]
      guard count == 1 else {
        only = nil
        return
      }
      var names: [String] = []
      var place = 0
      while place < pieces.count, let cut = first[place] {
        names.append(cut.name)
        place = cut.next
      }
      only = names
    }
  }
}
