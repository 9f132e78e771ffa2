import Configuration

extension Schedule: Configurable {
  public static let fields: [Field<Schedule>] = [
    .choice("schedule", \.kind, "how the value moves"),
    .number("from", \.from, in: -1e12...1e12, "value up to step `begin`"),
    .number("to", \.to, in: -1e12...1e12, "value from step `end` on"),
    .integer("begin", \.begin, in: 0...1_000_000_000, "first step of the change"),
    .integer("end", \.end, in: 0...1_000_000_000, "last step of the change"),
    .integers("steps", \.steps, in: 0...1_000_000_000, "piecewise: steps at which the value changes, rising"),
    .numbers("values", \.values, in: -1e12...1e12, "piecewise: the value from each of these steps on"),
  ]

  public func problems() -> [Problem] {
    switch kind {
    case .constant:
      let moves = to != 0 || begin != 0 || end != 0 || !steps.isEmpty
      return moves
        ? [Problem(key: "schedule", "is constant, but `to` or its steps are set; say how the value moves")] : []
    case .piecewise:
      if steps.isEmpty || steps.count != values.count {
        return [Problem(key: "values", "has \(values.count) values for \(steps.count) steps; piecewise needs one each")]
      }
      let isRising = zip(steps, steps.dropFirst()).allSatisfy { $0 < $1 }
      return isRising ? [] : [Problem(key: "steps", "\(steps) must rise")]
    case .linear, .exponential, .cosine:
      if end <= begin { return [Problem(key: "end", "\(end) is not after begin (\(begin))")] }
      if kind == .exponential && (from <= 0 || to <= 0) {
        return [Problem(key: from <= 0 ? "from" : "to", "must be above 0 in an exponential schedule")]
      }
      return []
    }
  }
}

extension Field {
  /// A number that may follow a schedule: `rate: 1e-4` or `rate: { schedule: linear, from: 1e-3, to: 1e-4, begin: 0,
  /// end: 9000 }`.
  public static func schedule(
    _ key: String, _ path: WritableKeyPath<Owner, Schedule> & Sendable, in range: ClosedRange<Double>, _ meaning: String
  ) -> Field {
    Field(key, path, meaning, coding: .schedule(in: range))
  }
}

extension Coding where Value == Schedule {
  /// A constant or a schedule whose values all lie in the range.
  static func schedule(in range: ClosedRange<Double>) -> Coding {
    let number: JSON = ["type": "number", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
    return Coding(
      schema: ["anyOf": [number, sectionSchema(Schedule())]], mergedBy: "schedule",
      decode: { node, current in
        if node.scalar != nil { return Schedule(try node.number(in: range)) }
        let schedule = try decodeSection(Schedule.self, from: node, startingFrom: current)
        let reached = schedule.extremes
        guard range.contains(reached.lowerBound), range.contains(reached.upperBound) else {
          throw node.fault(
            "reaches \(range.contains(reached.lowerBound) ? reached.upperBound : reached.lowerBound), outside "
              + "\(range.lowerBound) to \(range.upperBound)")
        }
        return schedule
      },
      encode: { schedule in
        switch schedule.kind {
        case .constant: .number(schedule.from)
        case .piecewise:
          .map([
            ("schedule", .text(schedule.kind.rawValue)), ("from", .number(schedule.from)),
            ("steps", .list(schedule.steps.map(YAMLNode.integer))),
            ("values", .list(schedule.values.map(YAMLNode.number))),
          ])
        default:
          .map([
            ("schedule", .text(schedule.kind.rawValue)), ("from", .number(schedule.from)), ("to", .number(schedule.to)),
            ("begin", .integer(schedule.begin)), ("end", .integer(schedule.end)),
          ])
        }
      })
  }
}
