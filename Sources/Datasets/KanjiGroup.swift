/// Strokes that KanjiVG groups together: a character, or a part of one, with the groups it is made of.
struct KanjiGroup: Equatable {
  /// The character that the group looks like; nil for one that only says where its members stand.
  var element: String?
  /// Which piece of its element this is, from 1, and of which of several such elements, where the strokes of one stand in
  /// several groups.
  var part: Int?
  var number: String?
  /// Whether some strokes of the element are not there, or are shared with another.
  var isPartial = false
  var members: [Member] = []

  enum Member: Equatable {
    /// A stroke's number within the character.
    case stroke(Int)
    case group(KanjiGroup)
  }

  /// All strokes below, in the order in which they are written.
  var strokes: [Int] {
    members.flatMap { member in
      switch member {
      case .stroke(let stroke): [stroke]
      case .group(let group): group.strokes
      }
    }
  }
}

/// A part of a character that others share: an object of a scene.
struct KanjiComponent: Equatable {
  /// As KanjiVG calls it.
  let name: String
  /// The numbers of its strokes within the character.
  let strokes: [Int]
}

extension KanjiGroup {
  /// The components of a character, whose strokes they share out among them; `name` is what it is called as a whole.
  ///
  /// A group is taken apart, again and again, into the nearest named groups within it, where these hold all its strokes,
  /// are two or more, and have two strokes or more each; else it is a component. So the same strokes are never a component
  /// here and two there, but for characters whose strokes KanjiVG groups differently. An element whose pieces stand in
  /// several groups (as the frame around others does) is one component. Where a piece is missing, or is shared with another
  /// element, nothing is taken apart.
  func components(calling name: String) -> [KanjiComponent] {
    guard let parts else { return [KanjiComponent(name: name, strokes: strokes)] }
    return parts.flatMap { part in
      part.pieces.count == 1
        ? part.pieces[0].components(calling: part.element)
        : [KanjiComponent(name: part.element, strokes: part.strokes)]
    }
  }

  /// One element, with all groups that hold its pieces.
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

  /// What the group is taken apart into; nil where it is one component.
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

  /// The nearest groups with an element.
  private var namedGroups: [KanjiGroup] {
    members.flatMap { member -> [KanjiGroup] in
      guard case .group(let group) = member else { return [] }
      return group.element == nil ? group.namedGroups : [group]
    }
  }
}
