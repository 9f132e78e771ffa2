import Configuration

/// `; did you mean 'train'?`, or an empty text if no candidate is similar to the word.
public func suggestion(for word: String, among candidates: [String]) -> String {
  Spelling.suggestion(for: word, among: candidates)
}
