/// One constructor for each kind of value.
extension Field {
  /// An integer in a range; `1...Int.max` reads as "1 or more".
  public static func integer(
    _ key: String, _ path: WritableKeyPath<Owner, Int> & Sendable, in range: ClosedRange<Int>, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .integer(in: range))
  }

  /// A number in a range; `0 ... .infinity` reads as "0 or more".
  public static func number(
    _ key: String, _ path: WritableKeyPath<Owner, Double> & Sendable, in range: ClosedRange<Double>, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .number(in: range))
  }

  /// A number in a range, stored in single precision.
  public static func number(
    _ key: String, _ path: WritableKeyPath<Owner, Float> & Sendable, in range: ClosedRange<Float>, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .number(in: range))
  }

  /// `true` or `false`.
  public static func flag(
    _ key: String, _ path: WritableKeyPath<Owner, Bool> & Sendable, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .flag)
  }

  /// Any text.
  public static func text(
    _ key: String, _ path: WritableKeyPath<Owner, String> & Sendable, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .text)
  }

  /// The path of one of the user's files or folders; see `Coding.location`.
  public static func location(
    _ key: String, _ path: WritableKeyPath<Owner, String> & Sendable, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .location)
  }

  /// One of an enumeration's raw values.
  public static func choice<Kind: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: WritableKeyPath<Owner, Kind> & Sendable, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .choice)
  }

  /// A list of integers, each in the range.
  public static func integers(
    _ key: String, _ path: WritableKeyPath<Owner, [Int]> & Sendable, in range: ClosedRange<Int>, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .list(of: .integer(in: range), startingFrom: Bounds.example(in: range)))
  }

  /// A list of numbers, each in the range.
  public static func numbers(
    _ key: String, _ path: WritableKeyPath<Owner, [Double]> & Sendable, in range: ClosedRange<Double>,
    _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .list(of: .number(in: range), startingFrom: Bounds.example(in: range)))
  }

  /// A list of texts.
  public static func texts(
    _ key: String, _ path: WritableKeyPath<Owner, [String]> & Sendable, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .list(of: .text, startingFrom: "..."))
  }

  /// A nested section, merged by key.
  public static func section<Section: Configurable>(
    _ key: String, _ path: WritableKeyPath<Owner, Section> & Sendable, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .section)
  }

  /// A map with integer keys that the user chooses, such as `{ 0: 20000, 2: 20000 }`; a later layer replaces it as a
  /// whole.
  public static func counts(
    _ key: String, _ path: WritableKeyPath<Owner, [Int: Int]> & Sendable, keys: ClosedRange<Int>,
    values: ClosedRange<Int>, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .counts(keys: keys, values: values))
  }

  /// A section chosen by its `name`.
  public static func variant<Context, Product>(
    _ key: String, _ path: WritableKeyPath<Owner, Choice> & Sendable, in registry: Registry<Context, Product>,
    _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .variant(in: registry))
  }

  /// A list of sections, each chosen by its `name`; a later layer replaces it as a whole.
  public static func variants<Context, Product>(
    _ key: String, _ path: WritableKeyPath<Owner, [Choice]> & Sendable, in registry: Registry<Context, Product>,
    _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .variants(in: registry))
  }
}
