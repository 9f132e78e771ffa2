import CYAML

/// The events of a YAML stream, as libyaml reports them.
struct YAMLEvents: ~Copyable {
  struct Event {
    enum Kind {
      case streamStart, streamEnd, documentStart, documentEnd
      case scalar(String, isPlain: Bool)
      case sequenceStart, sequenceEnd, mappingStart, mappingEnd
      case alias(String)
    }

    let kind: Kind
    let place: Place
    var anchor: String?
    var hasTag = false
  }

  private let source: Place.Source
  private let bytes: UnsafeBufferPointer<UInt8>
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// Does not copy the bytes, which must outlive this value.
  init(source: Place.Source, bytes: UnsafeBufferPointer<UInt8>) {
    self.source = source
    self.bytes = bytes
    parser = .allocate(capacity: 1)
    precondition(yaml_parser_initialize(parser) == 1, "no memory for the YAML parser")
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event; throws `ConfigurationError` with libyaml's message and position.
  mutating func next() throws -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
    defer { yaml_event_delete(&event) }
    let start = place(event.start_mark)
    switch event.type {
    case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, place: start)
    case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, place: start)
    case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, place: start)
    case YAML_ALIAS_EVENT:
      return Event(kind: .alias(text(event.data.alias.anchor) ?? ""), place: start)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return Event(
        kind: .scalar(value, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), place: start,
        anchor: text(scalar.anchor), hasTag: scalar.tag != nil)
    case YAML_SEQUENCE_START_EVENT:
      let sequence = event.data.sequence_start
      return Event(
        kind: .sequenceStart, place: start, anchor: text(sequence.anchor), hasTag: sequence.tag != nil)
    case YAML_MAPPING_START_EVENT:
      let mapping = event.data.mapping_start
      return Event(kind: .mappingStart, place: start, anchor: text(mapping.anchor), hasTag: mapping.tag != nil)
    case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, place: start)
    case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, place: start)
    default: return Event(kind: .streamEnd, place: start)
    }
  }

  private func text(_ characters: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    characters.map { String(cString: $0) }
  }

  /// The place of a mark. Overrides are a single line, so their place is the override itself.
  private func place(_ mark: yaml_mark_t) -> Place {
    guard case .file = source else { return Place(source) }
    return Place(source, line: mark.line + 1, column: mark.column + 1)
  }

  private func fault() -> ConfigurationError {
    let state = parser.pointee
    let problem = state.problem.map { String(cString: $0) } ?? "it cannot be read"
    if state.error == YAML_READER_ERROR {
      let place = SourceText.place(ofByte: state.problem_offset, in: bytes, of: source)
      return ConfigurationError("broken YAML: \(problem)", at: place)
    }
    var text = "broken YAML: \(problem)"
    if let context = state.context {
      text += " \(String(cString: context))"
      if state.context_mark.line != state.problem_mark.line { text += " from line \(state.context_mark.line + 1)" }
    }
    if startsWithTab(line: state.problem_mark.line) { text += " (indent with spaces, not with tabs)" }
    return ConfigurationError(text, at: place(state.problem_mark))
  }

  /// Whether a line (counted from 0) begins with white space that contains a tab.
  private func startsWithTab(line: Int) -> Bool {
    let lines = bytes.split(
      separator: UInt8(ascii: "\n"), maxSplits: line + 1, omittingEmptySubsequences: false)
    guard line < lines.count else { return false }
    return lines[line].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.contains(UInt8(ascii: "\t"))
  }
}
