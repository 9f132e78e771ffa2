/// A group of strokes in KanjiVG: a character, or a part of one, with the groups that it contains.
struct KanjiGroup: Equatable {
  /// The character that the group looks like; nil for a group that only gives the position of its members.
  var element: String?
  /// If the strokes of an element are in several groups: which piece of the element this group is, from 1, and which of
  /// several such elements it belongs to.
  var part: Int?
  var number: String?
  /// Whether some strokes of the element are missing, or are shared with another element.
  var isPartial = false
  var members: [Member] = []

  enum Member: Equatable {
    /// A stroke's number within the character.
    case stroke(Int)
    case group(KanjiGroup)
  }

  /// All strokes in the group and its subgroups, in the order in which they are written.
  var strokes: [Int] {
    members.flatMap { member in
      switch member {
      case .stroke(let stroke): [stroke]
      case .group(let group): group.strokes
      }
    }
  }
}

/// A part of a character that other characters share. It is an object of a scene.
struct KanjiComponent: Equatable {
  /// The name in KanjiVG.
  let name: String
  /// The numbers of its strokes within the character.
  let strokes: [Int]
}

extension KanjiGroup {
  /// The components of a character. Each stroke belongs to one component. `name` is the name of the whole character.
  ///
  /// A group is split repeatedly into its nearest named subgroups. The conditions for a split are that the subgroups
  /// hold all of its strokes, that there are at least two, and that each has at least two strokes. A group that is not
  /// split is a component. So the same strokes are never one component in one character and two in another, except in
  /// characters whose strokes KanjiVG groups differently. An element whose pieces are in several groups (like a frame
  /// around other elements) is one component. If a piece is missing, or is shared with another element, the group is
  /// not split.
  func components(calling name: String) -> [KanjiComponent] {
    guard let parts else { return [KanjiComponent(name: name, strokes: strokes)] }
    return parts.flatMap { part in
      part.pieces.count == 1
        ? part.pieces[0].components(calling: part.element)
        : [KanjiComponent(name: part.element, strokes: part.strokes)]
    }
  }

  /// An element with all groups that hold its pieces.
  private struct Part {
    let element: String
    var pieces: [KanjiGroup]
    var strokes: [Int] { pieces.flatMap(\.strokes) }

    /// Whether the group is the element's next piece.
    func isContinued(by group: KanjiGroup) -> Bool {
      guard let last = pieces.last, let part = last.part else { return false }
      return group.element == element && group.number == last.number && group.part == part + 1
    }

    var isWhole: Bool { pieces.count > 1 || pieces[0].part == nil }
  }

  /// The parts into which the group is split; nil if it is one component.
  private var parts: [Part]? {
    var parts: [Part] = []
    for group in namedGroups {
      guard let element = group.element, !group.isPartial else { return nil }
      if let index = parts.firstIndex(where: { $0.isContinued(by: group) }) {
        parts[index].pieces.append(group)
      } else {
        guard (group.part ?? 1) == 1 else { return nil }
        parts.append(Part(element: element, pieces: [group]))
      }
    }
    let sizes = parts.map(\.strokes.count)
    guard parts.count > 1, sizes.reduce(0, +) == strokes.count, sizes.allSatisfy({ $0 > 1 }),
      parts.allSatisfy(\.isWhole)
    else { return nil }
    return parts
  }

  /// The nearest subgroups with an element.
  private var namedGroups: [KanjiGroup] {
    members.flatMap { member -> [KanjiGroup] in
      guard case .group(let group) = member else { return [] }
      return group.element == nil ? group.namedGroups : [group]
    }
  }
}
