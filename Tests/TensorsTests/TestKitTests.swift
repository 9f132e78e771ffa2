import Tensors
import TestKit
import Testing

@Suite struct TestKitTests {
  @Test func expectCloseRefusesWhatIsNotClose() {
    withKnownIssue { expectClose([1, 2], [1, 2.1]) }
    withKnownIssue { expectClose([1, .nan], [1, 2]) }
    withKnownIssue { expectClose([1, 2], [1, .nan]) }
    withKnownIssue { expectClose([1], [.infinity]) }
    withKnownIssue { expectClose([.infinity], [-.infinity]) }
    withKnownIssue { expectClose([1], [1, 1]) }
    withKnownIssue { expectClose(Tensor.ones([2, 3]), Tensor.ones([3, 2])) }
    withKnownIssue { expectClose([0.1], [0], absolute: 0.05) }
    withKnownIssue { expectClose([110], [100], absolute: 0, relative: 0.05) }
  }

  @Test func expectCloseAcceptsWhatIsClose() {
    expectClose([1, .nan, .infinity], [1, .nan, .infinity])
    expectClose([0.1], [0], absolute: 0.11, relative: 0)
    expectClose([110], [100], absolute: 0, relative: 0.11)
  }

  @Test func expectGradientFindsAWrongGradient() {
    let x = Tensor.normals([2, 3])
    expectGradient(of: { $0 * $0 }, at: x)
    withKnownIssue { expectGradient(of: { $0 * $0.detached() }, at: x) }
    withKnownIssue { expectGradient(of: { $0.straightThrough(to: $0 * 1.01) }, at: x) }
    withKnownIssue { expectGradients(of: { $0[0] * $0[1].detached() }, at: [x, x]) }
  }

  @Test func expectGradientsLeavesParametersAsTheyWere() {
    let parameter = Parameter("p", .normals([5]))
    expectGradients(of: { parameter.tensor.exp() }, for: [parameter])
    #expect(parameter.tensor.array() == Tensor.normals([5]).array())
  }
}
