import Configuration
import Layers
import Tensors

/// Convolutions from an image to a grid of places, each with the mean and log-variance of a normal vector.
///
/// The encoder applies convolutions with max-pooling, appends two channels of relative coordinates, and applies two
/// further convolutions.  Nash et al. 2017, appendix A.
struct PlaceEncoder {
  struct Config: Configurable {
    var channels = [32, 32, 64, 64]
    var pooling = [2, 2, 2, 1]
    var side = 3
    var hidden = [64]

    static let fields: [Field<Config>] = [
      .integers("channels", \.channels, in: 1...4096, "channels of the convolutions"),
      .integers("pooling", \.pooling, in: 1...8, "sides of the max-pooling after each of them; 1: none"),
      .integer("side", \.side, in: 1...15, "side of their kernels, odd"),
      .integers("hidden", \.hidden, in: 1...4096, "channels of those after the coordinates"),
    ]

    func problems() -> [Problem] {
      var problems: [Problem] = []
      if channels.isEmpty { problems.append(Problem(key: "channels", "is empty; name at least one convolution")) }
      if pooling.count != channels.count {
        let text = "has \(pooling.count) numbers for the \(channels.count) convolutions of 'channels'; name one each"
        problems.append(Problem(key: "pooling", text))
      }
      return problems + [oddSide(side)].compactMap { $0 }
    }

    /// Why images of this size do not work, and what to change; nil if they work.
    func obstacle(height: Int, width: Int) -> String? {
      var (rows, columns) = (height, width)
      for (index, pool) in pooling.enumerated() {
        guard rows % pool == 0, columns % pool == 0 else {
          return "encoder.convolutions.\(index) pools \(pool) x \(pool) pixels, which does not divide its \(rows) x "
            + "\(columns) pixels (images of \(height) x \(width)); change 'encoder.pooling', or the images' size to a "
            + "multiple of \(pooling.reduce(1, *))"
        }
        (rows, columns) = (rows / pool, columns / pool)
      }
      guard min(rows, columns) > side / 2 else {
        return "encoder.places has kernels of side \(side), too large for \(rows) x \(columns) places; "
          + "lower 'encoder.side' or pool less"
      }
      return nil
    }

    /// The number of rows and columns of the grid.
    func places(height: Int, width: Int) -> (rows: Int, columns: Int) {
      let factor = pooling.reduce(1, *)
      return (height / factor, width / factor)
    }
  }

  let rows, columns: Int
  private let convolutions: [Convolution]
  private let hidden: [Convolution]
  private let output: Convolution
  private let coordinates: Tensor

  /// `outputs` is the number of values per place. Requires an image size without an obstacle.
  init(_ config: Config, channels: Int, height: Int, width: Int, outputs: Int, in scope: Scope) {
    (rows, columns) = config.places(height: height, width: width)
    let sizes = [channels] + config.channels
    convolutions = config.channels.indices.map { index in
      Convolution(
        inputs: sizes[index], outputs: sizes[index + 1], side: config.side, activation: .elu,
        pooling: config.pooling[index], in: scope.child("convolutions").child("\(index)"))
    }
    let deep = [sizes[sizes.count - 1] + 2] + config.hidden
    hidden = config.hidden.indices.map { index in
      Convolution(
        inputs: deep[index], outputs: deep[index + 1], side: config.side, activation: .elu,
        in: scope.child("places").child("\(index)"))
    }
    output = Convolution(inputs: deep[deep.count - 1], outputs: outputs, side: 1, in: scope.child("output"))
    coordinates = PlaceEncoder.coordinates(rows, columns)
  }

  /// Encodes images [batch, channel, height, width] into [batch, rows, columns, outputs].
  func callAsFunction(_ images: Tensor) -> Tensor {
    let maps = convolutions.reduce(images.channelsLast()) { $1($0) }
    let tags = coordinates.repeated(rows: images.shape[0]).reshaped([images.shape[0], rows, columns, 2])
    return output(hidden.reduce(.concatenating([maps, tags])) { $1($0) })
  }

  /// The x and y coordinates of the center of each place, with the image spanning -1 to 1: [rows, columns, 2],
  /// flattened.
  private static func coordinates(_ rows: Int, _ columns: Int) -> Tensor {
    Tensor(shape: [rows * columns * 2]) { out in
      for place in 0..<rows * columns {
        out[2 * place] = Float(2 * (place % columns) + 1) / Float(columns) - 1
        out[2 * place + 1] = Float(2 * (place / columns) + 1) / Float(rows) - 1
      }
    }
  }
}

/// Returns a problem if the side of a kernel is even. Convolutions pad by half a side, which preserves the size of maps
/// only for an odd side.
func oddSide(_ side: Int) -> Problem? {
  side % 2 == 1 ? nil : Problem(key: "side", "is \(side); kernels need an odd side, such as \(side + 1)")
}
