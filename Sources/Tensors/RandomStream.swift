import CKernels
import Glibc

/// A stream of random numbers that is a pure function of its seed and its name (Philox 4x32-10, counter-based).
///
/// Streams are values without state. Children by name and substreams by number are independent of each other, so the
/// noise of training step n depends only on (seed, purpose, n). Salmon et al. 2011.
public struct RandomStream: Sendable, Equatable {
  private let key: UInt64
  private let stream: UInt64

  public init(seed: Int) {
    key = scramble(UInt64(bitPattern: Int64(seed)) &+ 0x9E37_79B9_7F4A_7C15)
    stream = 0
  }

  private init(key: UInt64, stream: UInt64) {
    self.key = key
    self.stream = stream
  }

  /// The independent stream with this name.
  public func child(_ name: String) -> RandomStream {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return RandomStream(key: scramble(key ^ scramble(hash &+ stream)), stream: 0)
  }

  /// The independent substream with this number, which must not be negative.
  public func at(_ index: Int) -> RandomStream {
    precondition(index >= 0, "substream \(index) was asked for")
    return RandomStream(
      key: stream == 0 ? key : scramble(key ^ scramble(stream)), stream: UInt64(bitPattern: Int64(index)) &+ 1)
  }

  /// Uniform in (0, 1), never 0 or 1.
  public func uniforms(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape) { out in
      if let start = out.baseAddress { ck_uniform(key, stream, 0, start, Int64(out.count)) }
    }
  }

  /// Standard normal.
  public func normals(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape) { out in
      if let start = out.baseAddress { ck_normal(key, stream, 0, start, Int64(out.count)) }
    }
  }

  /// Standard Gumbel: -log(-log u).
  public func gumbels(_ shape: [Int]) -> Tensor { -(-uniforms(shape).log()).log() }

  /// Standard logistic: log u - log(1 - u).
  public func logistics(_ shape: [Int]) -> Tensor { uniforms(shape).logit() }

  /// 1 with the given probability, else 0.
  public func bernoullis(_ probability: Float, _ shape: [Int]) -> Tensor {
    (probability - uniforms(shape)).isAbove(0)
  }

  /// A generator of single numbers, starting at the beginning of this stream.
  public func generator() -> RandomGenerator { RandomGenerator(key: key, stream: stream) }

  /// A permutation of 0 ..< n (Fisher and Yates).
  public func permutation(_ n: Int) -> [Int] {
    var generator = generator()
    return generator.permutation(n)
  }
}

extension Tensor {
  /// log x - log(1 - x).
  public func logit() -> Tensor { log() - (1 - self).log() }
}

/// Single random numbers in sequence, from one stream.
public struct RandomGenerator: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private let stream: (UInt32, UInt32)
  private var block: UInt64 = 0
  private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4

  init(key: UInt64, stream: UInt64) {
    self.key = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    self.stream = (UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
  }

  private mutating func word() -> UInt32 {
    if used == 4 {
      words = philox(
        (UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), stream.0, stream.1), key)
      block += 1
      used = 0
    }
    used += 1
    switch used {
    case 1: return words.0
    case 2: return words.1
    case 3: return words.2
    default: return words.3
    }
  }

  public mutating func next() -> UInt64 { UInt64(word()) | UInt64(word()) << 32 }

  /// Uniform in (0, 1), never 0 or 1.
  public mutating func uniform() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }

  public mutating func uniform(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// Uniform in 0 ..< bound; requires a positive bound.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "an integer below \(bound) was asked for")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Standard normal (Box and Muller).
  public mutating func normal() -> Double {
    let radius = (-2 * Glibc.log(uniform())).squareRoot()
    return radius * Glibc.cos(2 * Double.pi * uniform())
  }

  /// A permutation of 0 ..< n.
  public mutating func permutation(_ n: Int) -> [Int] {
    var order = Array(0..<n)
    for last in stride(from: n - 1, to: 0, by: -1) { order.swapAt(last, integer(below: last + 1)) }
    return order
  }
}

/// Philox 4x32-10, the same function as `ck_philox`, for one block.
func philox(
  _ counter: (UInt32, UInt32, UInt32, UInt32), _ key: (UInt32, UInt32)
) -> (UInt32, UInt32, UInt32, UInt32) {
  var (c0, c1, c2, c3) = counter
  var (k0, k1) = key
  for _ in 0..<10 {
    let first = UInt64(c0) &* 0xD251_1F53
    let second = UInt64(c2) &* 0xCD9E_8D57
    (c0, c1, c2, c3) = (
      UInt32(truncatingIfNeeded: second >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: second),
      UInt32(truncatingIfNeeded: first >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: first)
    )
    k0 &+= 0x9E37_79B9
    k1 &+= 0xBB67_AE85
  }
  return (c0, c1, c2, c3)
}

/// A bijective mix of 64 bits in which every input bit affects every output bit (the finalizer of SplitMix64).
private func scramble(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}
