import Pictures

/// Names that stand in one word of the command line, separated by commas: `--only ROW,ROW`.
///
/// The word is a record of a CSV file: a name with a comma or a quote stands in quotes, in which quotes are doubled. Where
/// that is no list of known names, a word that can be cut at its commas into known names in exactly one way is that list.
public enum NameList {
  /// Throws `RunError` where the word is no list of known names: it says how they are written. `option` is where it stands,
  /// `kind` what is named ("row").
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
      problem = "is no list of \(kind)s: a name with a comma or a quote stands in quotes, with quotes in it doubled"
    }
    throw RunError("\(option) '\(word)': \(problem) (\(kind)s: \(spelled))")
  }

  /// A name as it stands in such a list.
  static func spelling(_ name: String) -> String { CSV.record([name]) }

  /// The ways to cut a word at commas into known names; spaces after a comma may be left out.
  private struct Cuts {
    /// How many there are, 2 for more.
    let count: Int
    /// The only one.
    let only: [String]?

    init(_ word: String, _ known: Set<String>) {
      let pieces = word.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      // From the end: how many ways the rest can be cut in, and the length of the first name of one.
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
