import Configuration
import Glibc
import Tensors

/// The background behind the objects of a gray scene; random backgrounds differ from scene to scene.
///
/// Objects are drawn over it as ink of full level, `level + (1 - level) * ink`, so strokes stay the brightest pixels.
/// The objects of a scene do not depend on its background. To add a background, add a type here and a line below.
public protocol Background: Sendable {
  /// Paints behind the ink in `pixels`, `[height, width]`, 0...255.
  func paint(under pixels: inout [UInt8], height: Int, width: Int, random: RandomStream)
}

/// All backgrounds that a config can name.
public let backgrounds = Registry<Void, any Background>(
  "background",
  [
    .entry("none", "black", defaults: NoSettings()) { _, _ in NoBackground() },
    .entry("constant", "one gray level", defaults: ConstantBackground()) { config, _ in config },
    .entry("gradient", "a ramp in a random direction", defaults: GradientBackground()) { config, _ in config },
    .entry("texture", "a smooth random pattern", defaults: TextureBackground()) { config, _ in config },
  ])

struct NoBackground: Background {
  func paint(under pixels: inout [UInt8], height: Int, width: Int, random: RandomStream) {}
}

struct ConstantBackground: Background, Configurable {
  var level = 0.3

  static let fields: [Field<Self>] = [
    .number("level", \.level, in: 0...1, "gray level everywhere, 0 black to 1 white")
  ]

  func paint(under pixels: inout [UInt8], height: Int, width: Int, random: RandomStream) {
    lay(&pixels, height, width) { _, _ in Float(level) }
  }
}

struct GradientBackground: Background, Configurable {
  var low = 0.0, high = 0.4

  static let fields: [Field<Self>] = [
    .number("low", \.low, in: 0...1, "gray level at one end of the canvas"),
    .number("high", \.high, in: 0...1, "gray level at the opposite end"),
  ]

  func paint(under pixels: inout [UInt8], height: Int, width: Int, random: RandomStream) {
    var generator = random.child("background").generator()
    let angle = 2 * Double.pi * generator.uniform()
    let extent = abs(cos(angle)) * Double(width) + abs(sin(angle)) * Double(height)
    let slope = (high - low) / extent
    let across = Float(slope * cos(angle))
    let down = Float(slope * sin(angle))
    let start = Float((low + high) / 2) - across * Float(width - 1) / 2 - down * Float(height - 1) / 2
    lay(&pixels, height, width) { row, column in start + down * Float(row) + across * Float(column) }
  }
}

/// A sum of sinusoids of random direction, phase and wavelength, clipped at two standard deviations.
struct TextureBackground: Background, Configurable {
  var low = 0.0, high = 0.4, wavelength = 12.0, waves = 6

  static let fields: [Field<Self>] = [
    .number("low", \.low, in: 0...1, "gray level of the darkest places"),
    .number("high", \.high, in: 0...1, "gray level of the brightest places"),
    .number("wavelength", \.wavelength, in: 4...1000, "shortest wavelength in pixels; the longest is three times that"),
    .integer("waves", \.waves, in: 1...64, "sinusoids in the sum"),
  ]

  func paint(under pixels: inout [UInt8], height: Int, width: Int, random: RandomStream) {
    var generator = random.child("background").generator()
    // A quarter of the range of levels is one standard deviation of the sum.
    let amplitude = (high - low) / 4 / (Double(waves) / 2).squareRoot()
    withUnsafeTemporaryAllocation(of: Float.self, capacity: height * width + 2 * width) { memory in
      let levels = UnsafeMutableBufferPointer(rebasing: memory[..<(height * width)])
      let cosines = UnsafeMutableBufferPointer(rebasing: memory[(height * width)..<(height * width + width)])
      let sines = UnsafeMutableBufferPointer(rebasing: memory[(height * width + width)...])
      levels.initialize(repeating: Float((low + high) / 2))
      for _ in 0..<waves {
        let direction = 2 * Double.pi * generator.uniform()
        let phase = 2 * Double.pi * generator.uniform()
        let frequency = 2 * Double.pi / (wavelength * generator.uniform(in: 1...3))
        // cos(a + b) = cos a cos b - sin a sin b, so a wave needs no trigonometric function within a row.
        var phasor = Phasor(amplitude: amplitude, angle: phase, step: frequency * cos(direction))
        for column in 0..<width {
          cosines[column] = Float(phasor.cosine)
          sines[column] = Float(phasor.sine)
          phasor.advance()
        }
        phasor = Phasor(amplitude: 1, angle: 0, step: frequency * sin(direction))
        for row in 0..<height {
          let cosine = Float(phasor.cosine)
          let sine = Float(phasor.sine)
          let line = UnsafeMutableBufferPointer(rebasing: levels[row * width..<(row + 1) * width])
          for column in 0..<width { line[column] += cosines[column] * cosine - sines[column] * sine }
          phasor.advance()
        }
      }
      let lowest = Float(min(low, high))
      let highest = Float(max(low, high))
      lay(&pixels, height, width) { row, column in min(max(levels[row * width + column], lowest), highest) }
    }
  }
}

/// Cosine and sine at equal steps, each computed from the previous one. In Float64 the error is far below a gray level.
private struct Phasor {
  private(set) var cosine, sine: Double
  private let stepCosine, stepSine: Double

  init(amplitude: Double, angle: Double, step: Double) {
    (cosine, sine) = (amplitude * cos(angle), amplitude * sin(angle))
    (stepCosine, stepSine) = (cos(step), sin(step))
  }

  mutating func advance() {
    (cosine, sine) = (cosine * stepCosine - sine * stepSine, sine * stepCosine + cosine * stepSine)
  }
}

/// Draws ink over levels in 0...1.
private func lay(_ pixels: inout [UInt8], _ height: Int, _ width: Int, over level: (Int, Int) -> Float) {
  pixels.withUnsafeMutableBufferPointer { pixels in
    for row in 0..<height {
      for column in 0..<width {
        let ink = Float(pixels[row * width + column])
        let behind = min(max(level(row, column), 0), 1)
        pixels[row * width + column] = UInt8(ink + behind * (255 - ink) + 0.5)
      }
    }
  }
}
