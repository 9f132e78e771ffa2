import CKernels
import Foundation
import TestKit
import Testing

@testable import Tensors

@Suite struct PhiloxTests {
  static func inC(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
    var out: [UInt32] = [0, 0, 0, 0]
    ck_philox(counter, key, &out)
    return out
  }

  static func inSwift(_ c: [UInt32], _ key: [UInt32]) -> [UInt32] {
    let words = philox((c[0], c[1], c[2], c[3]), (key[0], key[1]))
    return [words.0, words.1, words.2, words.3]
  }

  /// Counter, key and output words from Random123's file of known answers (kat_vectors, philox4x32-10).
  static let known: [[[UInt32]]] = [
    [[0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]],
    [
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
    ],
    [
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ],
  ]

  @Test(arguments: known)
  func publishedVectorsAreMet(vector: [[UInt32]]) {
    #expect(PhiloxTests.inC(vector[0], vector[1]) == vector[2])
    #expect(PhiloxTests.inSwift(vector[0], vector[1]) == vector[2])
  }

  @Test func bothFormsAgree() {
    var random = RandomStream(seed: 3).generator()
    for _ in 0..<1000 {
      let words = (0..<6).map { _ in UInt32(truncatingIfNeeded: random.next()) }
      let (counter, key) = (Array(words[..<4]), Array(words[4...]))
      #expect(PhiloxTests.inC(counter, key) == PhiloxTests.inSwift(counter, key))
    }
  }
}

@Suite struct RandomStreamTests {
  static let million = 1_000_000

  struct Moments {
    var mean = 0.0, variance = 0.0, skewness = 0.0, kurtosis = 0.0
    init(_ values: [Float]) {
      let n = Double(values.count)
      mean = values.reduce(0) { $0 + Double($1) } / n
      var sums = (0.0, 0.0, 0.0)
      for value in values {
        let d = Double(value) - mean
        sums = (sums.0 + d * d, sums.1 + d * d * d, sums.2 + d * d * d * d)
      }
      variance = sums.0 / n
      skewness = sums.1 / n / pow(variance, 1.5)
      kurtosis = sums.2 / n / (variance * variance)
    }
  }

  /// sqrt(n) times the largest distance between the empirical distribution and `distribution`; above 1.95 in 1 of 1000.
  static func kolmogorov(_ values: [Float], _ distribution: (Double) -> Double) -> Double {
    let n = Double(values.count)
    let distance = values.sorted().enumerated().reduce(0.0) { largest, item in
      let expected = distribution(Double(item.element))
      return max(largest, expected - Double(item.offset) / n, Double(item.offset + 1) / n - expected)
    }
    return distance * n.squareRoot()
  }

  /// sqrt(n) times the correlation, which is standard normal for independent values.
  static func correlation(_ a: [Float], _ b: [Float]) -> Double {
    let (momentsA, momentsB) = (Moments(a), Moments(b))
    let covariance = zip(a, b).reduce(0.0) { $0 + (Double($1.0) - momentsA.mean) * (Double($1.1) - momentsB.mean) }
    return covariance / (momentsA.variance * momentsB.variance * Double(a.count)).squareRoot()
  }

  @Test func uniformsAreUniform() {
    let values = RandomStream(seed: 1).uniforms([RandomStreamTests.million]).array()
    let moments = Moments(values)
    #expect(values.allSatisfy { $0 > 0 && $0 < 1 })
    #expect(abs(moments.mean - 0.5) < 0.0015)
    #expect(abs(moments.variance - 1.0 / 12) < 0.0004)
    #expect(RandomStreamTests.kolmogorov(values) { $0 } < 1.95)
  }

  @Test func normalsAreStandardNormal() {
    let values = RandomStream(seed: 1).normals([RandomStreamTests.million]).array()
    let moments = Moments(values)
    #expect(abs(moments.mean) < 0.005)
    #expect(abs(moments.variance - 1) < 0.007)
    #expect(abs(moments.skewness) < 0.0125)
    #expect(abs(moments.kurtosis - 3) < 0.025)
    #expect(RandomStreamTests.kolmogorov(values) { erfc(-$0 / 2.0.squareRoot()) / 2 } < 1.95)
    let extremes = values.filter { abs($0) > 4 }.count
    #expect((30...100).contains(extremes), "63 of a million are expected beyond 4 deviations, not \(extremes)")
  }

  @Test func gumbelsAndLogisticsFollowTheirDistributions() {
    let gumbels = RandomStream(seed: 1).gumbels([200_000]).array()
    #expect(RandomStreamTests.kolmogorov(gumbels) { exp(-exp(-$0)) } < 1.95)
    let logistics = RandomStream(seed: 2).logistics([200_000]).array()
    #expect(RandomStreamTests.kolmogorov(logistics) { 1 / (1 + exp(-$0)) } < 1.95)
    #expect((gumbels + logistics).allSatisfy { $0.isFinite })
  }

  @Test func bernoullisComeAsOftenAsAsked() {
    let stream = RandomStream(seed: 1)
    for probability in [Float(0.1), 0.5, 0.9] {
      let values = stream.bernoullis(probability, [100_000]).array()
      #expect(values.allSatisfy { $0 == 0 || $0 == 1 })
      #expect(abs(Moments(values).mean - Double(probability)) < 0.008)
    }
    #expect(stream.bernoullis(0, [1000]).array().allSatisfy { $0 == 0 })
    #expect(stream.bernoullis(1, [1000]).array().allSatisfy { $0 == 1 })
  }

  @Test func neighboursAreUncorrelated() {
    let values = RandomStream(seed: 5).normals([200_000]).array()
    for lag in [1, 2, 3, 4, 64] {
      #expect(abs(RandomStreamTests.correlation(Array(values.dropFirst(lag)), Array(values.dropLast(lag)))) < 4)
    }
  }

  @Test func theSameStreamGivesTheSameBits() {
    func draw() -> [Float] { RandomStream(seed: 9).child("noise").at(17).child("window").at(2).normals([100]).array() }
    #expect(draw() == draw())
    #expect(RandomStream(seed: 9).child("a").at(3) == RandomStream(seed: 9).child("a").at(3))
    #expect(RandomStream(seed: 4).uniforms([2, 3]).array() == RandomStream(seed: 4).uniforms([6]).array())
  }

  /// Computed outside this package from the definitions of seeds, names and numbers. Changing these definitions changes
  /// the results of every experiment.
  static let firstWords: [(RandomStream, [UInt32])] = [
    (RandomStream(seed: 1), [0x9967_2ee7, 0xe294_7272, 0x6d2b_9f4b, 0xe9d9_220c]),
    (RandomStream(seed: 1).child("noise").at(3), [0x384a_3eb6, 0x0c1f_c83b, 0xbb27_a4ef, 0x90f9_7534]),
    (RandomStream(seed: -7).child("näme").at(0).at(9), [0xc6fb_cee6, 0xc7d4_782a, 0x7a56_5d0a, 0xf4e2_bf41]),
    (RandomStream(seed: 1 << 40).at(5).child("x"), [0x37e4_5c5a, 0x43d4_844c, 0x1ea7_5a75, 0x70f1_a36f]),
  ]

  @Test func aStreamKeepsItsBitsOverTheYears() {
    for (stream, words) in RandomStreamTests.firstWords {
      #expect(stream.uniforms([4]).array() == words.map { (Float($0 >> 9) + 0.5) * 0x1p-23 })
    }
  }

  @Test func streamsOfOtherNamesAreOtherStreams() {
    let root = RandomStream(seed: 1)
    let streams = [
      root, RandomStream(seed: 0), RandomStream(seed: -1), RandomStream(seed: 2), root.child("a"), root.child("b"),
      root.child("ab"), root.child("a").child("b"), root.child("b").child("a"), root.child(""), root.at(0), root.at(1),
      root.at(0).at(0), root.at(0).at(1), root.at(1).at(0), root.child("a").at(0), root.at(0).child("a"),
      root.at(1).child("a"), root.child("a").at(0).child("a"), root.child("1"), root.at(0).at(0).at(0),
    ]
    let draws = streams.map { $0.normals([20_000]).array() }
    for i in draws.indices {
      for j in 0..<i {
        #expect(abs(RandomStreamTests.correlation(draws[i], draws[j])) < 4.5, "streams \(i) and \(j)")
      }
    }
  }

  @Test func manySubstreamsShareNothing() {
    let root = RandomStream(seed: 1).child("steps")
    let first = (0..<20_000).map { root.at($0).uniforms([1]).scalar }
    #expect(RandomStreamTests.kolmogorov(first) { $0 } < 1.95)
    #expect(abs(RandomStreamTests.correlation(Array(first.dropFirst()), Array(first.dropLast()))) < 4)
    let children = (0..<20_000).map { root.child("\($0)").uniforms([1]).scalar }
    #expect(RandomStreamTests.kolmogorov(children) { $0 } < 1.95)
    var words: Set<UInt64> = []
    for index in 0..<20_000 {
      for stream in [root.at(index), root.child("\(index)")] {
        var generator = stream.generator()
        words.insert(generator.next())
      }
    }
    #expect(words.count == 40_000)
  }

  @Test func theFirstElementsDoNotDependOnTheCount() {
    let stream = RandomStream(seed: 3).child("prefix").at(5)
    let (uniforms, normals) = (stream.uniforms([300]).array(), stream.normals([300]).array())
    for count in 0..<300 {
      #expect(stream.uniforms([count]).array() == Array(uniforms[..<count]))
      #expect(stream.normals([count]).array() == Array(normals[..<count]))
    }
  }

  @Test func uniformsAndNormalsFollowTheGeneratorsWords() {
    let stream = RandomStream(seed: 11).child("words").at(2)
    var generator = stream.generator()
    let words = (0..<500).flatMap { _ in
      let pair = generator.next()
      return [UInt32(truncatingIfNeeded: pair), UInt32(truncatingIfNeeded: pair >> 32)]
    }
    let uniforms = words.map { (Double($0 >> 9) + 0.5) / 8_388_608 }
    #expect(stream.uniforms([1000]).array() == uniforms.map { Float($0) })
    let normals = stride(from: 0, to: 1000, by: 2).flatMap { pair in
      let (radius, angle) = ((-2 * log(uniforms[pair])).squareRoot(), 2 * Double.pi * uniforms[pair + 1])
      return [Float(radius * cos(angle)), Float(radius * sin(angle))]
    }
    expectClose(stream.normals([1000]), normals, absolute: 1e-6, relative: 1e-6)
  }

  @Test(arguments: [0, 1, 2, 5, 100])
  func aPermutationHoldsEveryNumberOnce(n: Int) {
    let permutation = RandomStream(seed: 1).permutation(n)
    #expect(permutation.sorted() == Array(0..<n))
  }

  @Test func allPermutationsAreEquallyLikely() {
    let root = RandomStream(seed: 1)
    var counts: [[Int]: Double] = [:]
    for index in 0..<24_000 { counts[root.at(index).permutation(4), default: 0] += 1 }
    #expect(counts.count == 24)
    let chiSquare = counts.values.reduce(0) { $0 + ($1 - 1000) * ($1 - 1000) / 1000 }
    #expect(chiSquare < 49.7)  // exceeded in 1 of 1000, 23 degrees of freedom
  }
}

@Suite struct RandomGeneratorTests {
  @Test func integersAreUniformBelowTheBound() {
    var random = RandomStream(seed: 1).generator()
    var counts = Array(repeating: 0.0, count: 7)
    for _ in 0..<70_000 { counts[random.integer(below: 7)] += 1 }
    let chiSquare = counts.reduce(0) { $0 + ($1 - 10_000) * ($1 - 10_000) / 10_000 }
    #expect(chiSquare < 22.5)  // exceeded in 1 of 1000, 6 degrees of freedom
    #expect((0..<100).allSatisfy { _ in random.integer(below: 1) == 0 })
  }

  @Test func uniformsStayInTheirRange() {
    var random = RandomStream(seed: 1).generator()
    let values = (0..<50_000).map { _ in Float(random.uniform(in: -2...3)) }
    #expect(values.allSatisfy { $0 >= -2 && $0 <= 3 })
    #expect(RandomStreamTests.kolmogorov(values) { ($0 + 2) / 5 } < 1.95)
  }

  @Test func normalsAreStandardNormal() {
    var random = RandomStream(seed: 1).generator()
    let values = (0..<100_000).map { _ in Float(random.normal()) }
    #expect(RandomStreamTests.kolmogorov(values) { erfc(-$0 / 2.0.squareRoot()) / 2 } < 1.95)
  }

  @Test func aBoundOfZeroIsRefused() async {
    await #expect(processExitsWith: .failure) {
      var random = RandomStream(seed: 1).generator()
      _ = random.integer(below: 0)
    }
  }
}
