import Configuration

/// `; did you mean 'train'?`, or nothing where no candidate is near the word.
public func suggestion(for word: String, among candidates: [String]) -> String {
  Spelling.suggestion(for: word, among: candidates)
}
