import Configuration
import Testing

@testable import Experiments

/// Keys by other programs' names.
struct KeyHintTests {
  private func words(_ override: String) -> String { complaint { _ = try tiny(override) } }

  @Test(arguments: [
    ("seed=3", "did you mean 'training.seed' or 'dataset.seed'?"), ("lr=1", "did you mean 'training.optimizer.rate'?"),
    ("training.learning_rate=1", "did you mean 'training.optimizer.rate'?"),
    ("training.optimizer.lr=1", "did you mean 'rate'?"), ("batch_size=3", "did you mean 'training.batch'?"),
    ("training.batch-size=3", "did you mean 'batch'?"), ("evaluation.batch_size=3", "did you mean 'batch'?"),
    ("epochs=2", "did you mean 'training.steps'?"), ("num_steps=2", "did you mean 'training.steps'?"),
    ("model.type=air", "did you mean 'name'?"), ("dataset.kind=x", "did you mean 'name'?"),
    ("optimizer=adam", "did you mean 'training.optimizer'?"), ("device=cuda", "Airframe computes on CPUs"),
    ("gpu=0", "did you mean 'training.threads'?"), ("output_dir=x", "--out DIR"),
    ("grad_clip=1", "'training.clip_norm'"),
    ("estimator.baseline.learning_rate=1", "did you mean 'rate'?"),
  ])
  func synonymsNameTheKey(_ override: String, _ hint: String) {
    #expect(words(override).contains(hint), "\(words(override))")
  }

  @Test func everyHintNamesKeysThatEveryConfigHas() throws {
    let known = Set(try ConfigReading(defaultsWith: []).keys + ["training.optimizer"])
    let named = RunConfig.hints.flatMap(\.keys).filter { $0.contains(".") }
    #expect(!named.isEmpty && Set(named).subtracting(known).isEmpty)
  }

  @Test func explainKnowsSynonymsToo() throws {
    let reading = try ConfigReading(defaultsWith: [])
    #expect(complaint { _ = try reading.explanation(of: "seed") }.contains("'training.seed' or 'dataset.seed'"))
  }
}
