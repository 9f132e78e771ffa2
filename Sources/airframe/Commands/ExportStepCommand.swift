import Experiments

extension Command {
  static let exportStep = Command(
    name: "export-step", summary: "write one training step with its noise and gradients",
    details: """
      Lays one training step bare, for checking against other implementations: parameters, images, noise,
      terms, losses, gradients. scripts/parity/air_step.py recomputes such a file.
      """,
    words: [.config], keys: .config, options: [.out, .replace, .step, .data],
    example: "airframe export-step configs/air/multi-mnist.yaml --out step.safetensors", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.out, as: [.safetensors])
    try ExportStep.write(
      try Runner.check(try arguments.one(.config), arguments.keys), dataFolder: arguments.dataFolder,
      step: arguments.integer(.step) ?? 0, to: out)
  }
}

extension Option {
  fileprivate static let out = Option(
    "out", "FILE", .file(ending: "safetensors"), "the file to write", isRequired: true)
  fileprivate static let step = Option(
    "step", "N", .integer(0...1_000_000_000), "which training step", standard: "0, the first")
}
