import Configuration
import Testing

/// A kind of value that another target adds: either a number or a section.
struct CodingTests {
  let text = "training: { rate: { schedule: exponential, from: 1e-3 } }"

  @Test func eitherFormIsRead() throws {
    #expect(try load("training: { rate: 0.5 }").value.training.rate == .constant(0.5))
    #expect(try load(text).value.training.rate == .exponential(.init(from: 1e-3)))
  }

  @Test func partsMergeUnlessTheKindChanges() throws {
    #expect(try load(text, "training.rate.to=1").value.training.rate == .exponential(.init(from: 1e-3, to: 1)))
    #expect(try load(text, "training.rate=2").value.training.rate == .constant(2))
    #expect(
      fault(text, "training.rate={schedule: x}")
        == "override 'training.rate={schedule: x}': 'training.rate.schedule' must be exponential, not the text 'x' (for example schedule: exponential)"
    )
  }

  @Test func faultsOfThePartsAreLocated() {
    #expect(
      fault("training: { rate: { schedule: exponential, form: 1, to: 11 } }") == """
        x.yaml:1:44: unknown key 'form' in training.rate; did you mean 'from'? (keys: schedule, from, to, end)
        x.yaml:1:57: 'training.rate.to' is 11, outside its range: 0 to 10
        """)
    #expect(
      fault("", "training.rate.to=1")
        == "override 'training.rate.to=1': 'training.rate' needs a key 'schedule' (known: exponential)")
  }
}
