// Bounds: 16 KiB of input, 32 MiB per allocation, 1024 MiB in total.

import Configuration
import Experiments

/// Overrides of the command line, one per line: the resulting config, written as text, loads to the same config.
func check(_ input: [UInt8]) {
  let lines = text(of: input).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  let load = { (text: String, overrides: [String]) in
    try ConfigurationFile.load(RunConfig.self, text: text, name: "fuzz.yaml", overrides: overrides)
  }
  guard let loaded = attempt(refusing: ConfigurationError.self, { try load("", lines) }) else { return }
  let written = ConfigurationFile.encode(loaded.value)
  let again = attempt(refusing: ConfigurationError.self) { try load(written, []) }
  claim(again.map { ConfigurationFile.encode($0.value) } == written, "a config loads as it was written:\n\(written)")
  let repeated = attempt(refusing: ConfigurationError.self) { try load(written, lines) }
  claim(
    repeated.map { ConfigurationFile.encode($0.value) } == written,
    "overrides change nothing a second time:\n\(written)")
}
