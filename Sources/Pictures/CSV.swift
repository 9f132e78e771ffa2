/// A table of texts as comma-separated values (RFC 4180). All CSV tables are read and written through this type.
///
/// A written table is read back exactly. Fields with a comma, a quote, a line break, or a space at either end are
/// quoted. A spreadsheet would evaluate a field that starts with `=`, `+`, `-`, `@`, a tab or a line break and is not a
/// number. Writing puts an apostrophe before such a field, and reading removes it. A text that consists of such a field
/// after one or more apostrophes gets one more.
///
/// When reading, lines may end in LF, CR LF or CR; a byte order mark and empty lines are skipped.
public struct CSV: Equatable, Sendable {
  /// A row of the table. In a file it spans several lines if a field contains line breaks.
  public struct Row: Equatable, Sendable {
    /// The number of the row's first line in the file, counted from 1.
    public let line: Int
    public let fields: [String]
  }

  public let rows: [Row]

  /// A table to write. Rows without fields are left out.
  public init(_ rows: [[String]]) {
    self.rows = rows.filter { !$0.isEmpty }.enumerated().map { Row(line: $0 + 1, fields: $1) }
  }

  /// Reads the bytes of a file.
  ///
  /// Throws `FileError`, with the line, for bytes that are not UTF-8 and for quotes that RFC 4180 does not allow,
  /// because the content of such a field is ambiguous.
  public init(parsing bytes: [UInt8], name: String) throws {
    var reader = CSVReader(name)
    // A byte order mark, which spreadsheets write, is not part of the first name.
    try reader.read(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...])
    rows = reader.rows
  }

  /// The table as text, with LF after each row.
  public var text: String { rows.map { CSV.record($0.fields) + "\n" }.joined() }

  /// The table as the bytes of a file.
  public var bytes: [UInt8] { Array(text.utf8) }

  /// The fields as one record, without a line break at the end.
  public static func record(_ fields: [String]) -> String {
    // An empty line would not be read as a row.
    fields == [""] ? "\"\"" : fields.map { quoted(defused($0)) }.joined(separator: ",")
  }

  /// The fields of a text that is one record, exactly as they are; nil if it is not one record.
  public static func fields(ofRecord text: String) -> [String]? {
    guard let table = try? CSV(parsing: Array(text.utf8), name: ""), table.rows.count == 1 else { return nil }
    return table.rows[0].fields
  }

  private static func quoted(_ field: String) -> String {
    let characters = field.unicodeScalars
    guard
      characters.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) || field.first == " " || field.last == " "
        || field.unicodeScalars.first == "\u{FEFF}"
    else { return field }
    return "\"" + characters.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
  }

  private static func defused(_ field: String) -> String {
    isFormula(field.unicodeScalars.drop { $0 == "'" }) ? "'" + field : field
  }

  /// The inverse of `defused`.
  fileprivate static func restored(_ field: String) -> String {
    guard field.utf8.first == UInt8(ascii: "'"), isFormula(field.unicodeScalars.drop { $0 == "'" }) else {
      return field
    }
    return String(field.unicodeScalars.dropFirst())
  }

  private static func isFormula(_ text: Substring.UnicodeScalarView) -> Bool {
    // Some spreadsheets also evaluate the full-width forms of these signs.
    guard let first = text.first, "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains(first) else {
      return false
    }
    return Double(String(text)) == nil
  }
}

/// Reads the rows of a table byte by byte.
private struct CSVReader {
  private(set) var rows: [CSV.Row] = []

  private enum State {
    case start, plain, quoted
    /// After a quote in a quoted field: either the field ends here, or this is the first half of an escaped quote.
    case quote
  }

  private let name: String
  private var state = State.start
  private var fields: [String] = []
  private var field: [UInt8] = []
  private var (line, first) = (1, 1)

  init(_ name: String) { self.name = name }

  mutating func read(_ bytes: ArraySlice<UInt8>) throws {
    var before: UInt8 = 0
    for byte in bytes {
      // CR LF is one line break.
      let isSecondHalf = byte == UInt8(ascii: "\n") && before == UInt8(ascii: "\r")
      try take(byte, isSecondHalf: isSecondHalf)
      if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") && !isSecondHalf {
        line += 1
        if state == .start && fields.isEmpty { first = line }
      }
      before = byte
    }
    guard state != .quoted else { throw fault("has a quote that does not end", "close it", at: first) }
    try endRow()
  }

  private mutating func take(_ byte: UInt8, isSecondHalf: Bool) throws {
    switch (state, byte) {
    case (.quoted, UInt8(ascii: "\"")): state = .quote
    case (.quoted, _): field.append(byte)
    case (.quote, UInt8(ascii: "\"")):
      field.append(byte)
      state = .quoted
    case (_, UInt8(ascii: ",")): try endField()
    case (_, UInt8(ascii: "\r")): try endRow()
    case (_, UInt8(ascii: "\n")): if !isSecondHalf { try endRow() }
    case (.start, UInt8(ascii: "\"")): state = .quoted
    case (_, UInt8(ascii: "\"")), (.quote, _):
      throw fault(
        "has a field of which quotes are only a part",
        "put the whole field into quotes, and double those in it: \"a \"\"b\"\"\"", at: line)
    default:
      field.append(byte)
      state = .plain
    }
  }

  private mutating func endField() throws {
    guard let text = String(validating: field, as: UTF8.self) else {
      throw fault("is not UTF-8 text", "save the table as UTF-8 (in spreadsheets: CSV UTF-8)", at: line)
    }
    fields.append(CSV.restored(text))
    field = []
    state = .start
  }

  private mutating func endRow() throws {
    if state != .start || !fields.isEmpty {
      try endField()
      rows.append(CSV.Row(line: first, fields: fields))
      fields = []
    }
    state = .start
  }

  private func fault(_ problem: String, _ nextStep: String, at line: Int) -> FileError {
    FileError(path: "\(name):\(line)", problem: problem, nextStep: nextStep)
  }
}
