/// The three disjoint parts of a dataset.
public enum Split: String, CaseIterable, Codable, Sendable {
  case train, validation, test
}
