extension Scene {
  /// The number of pixels between each edge of the image and the first row or column that is not all black.
  ///
  /// For a black image every margin is the full width or height.
  public var margins: (left: Int, top: Int, right: Int, bottom: Int) {
    levels.map { blackEdges(of: $0) } ?? blackEdges(of: pixels)
  }

  private func blackEdges<Value: Comparable & ExpressibleByIntegerLiteral>(
    of values: [Value]
  ) -> (left: Int, top: Int, right: Int, bottom: Int) {
    var margins = (left: width, top: height, right: width, bottom: height)
    values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: values.count, by: height * width) {
        let plane = UnsafeBufferPointer(rebasing: values[start..<start + height * width])
        guard let ink = Box(ofPixelsAbove: 0, in: plane, height: height, width: width) else { continue }
        margins.left = min(margins.left, Int(ink.left))
        margins.top = min(margins.top, Int(ink.top))
        margins.right = min(margins.right, width - Int(ink.right))
        margins.bottom = min(margins.bottom, height - Int(ink.bottom))
      }
    }
    return margins
  }

  /// The scene with all of its contents moved, in pixels. Contents that leave the image are dropped, and uncovered
  /// pixels are black.
  public func moved(right: Int, down: Int) -> Scene {
    guard right != 0 || down != 0 else { return self }
    func moved<Value: ExpressibleByIntegerLiteral>(_ planes: [Value]) -> [Value] {
      var result = [Value](repeating: 0, count: planes.count)
      let columns = max(0, -right)..<max(max(0, -right), min(width, width - right))
      for start in stride(from: 0, to: planes.count, by: height * width) {
        for row in 0..<height where (0..<height).contains(row + down) && !columns.isEmpty {
          let source = start + row * width
          let target = start + (row + down) * width + right
          result.replaceSubrange(
            target + columns.lowerBound..<target + columns.upperBound,
            with: planes[source + columns.lowerBound..<source + columns.upperBound])
        }
      }
      return result
    }
    let objects = objects.map { object in
      var object = object
      object.center = Point(x: object.center.x + Double(right), y: object.center.y + Double(down))
      object.box.left += Double(right)
      object.box.right += Double(right)
      object.box.top += Double(down)
      object.box.bottom += Double(down)
      return object
    }
    return Scene(
      channels: channels, height: height, width: width, pixels: moved(pixels), objects: objects,
      masks: masks.map { moved($0) }, levels: levels.map { moved($0) }, isLabeled: isLabeled)
  }
}
