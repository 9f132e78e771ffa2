// Bounds: 64 KiB of input, 32 MiB per allocation, 1024 MiB in total.

import Configuration
import Experiments

/// A config file: a config that loads, written as text, loads to the same config.
func check(_ input: [UInt8]) {
  let load = { (text: String) in try ConfigurationFile.load(RunConfig.self, text: text, name: "fuzz.yaml") }
  guard let loaded = attempt(refusing: ConfigurationError.self, { try load(text(of: input)) }) else { return }
  let written = ConfigurationFile.encode(loaded.value)
  let again = attempt(refusing: ConfigurationError.self) { try load(written) }
  claim(again.map { ConfigurationFile.encode($0.value) } == written, "a config loads as it was written:\n\(written)")
  claim((try? loaded.explain())?.isEmpty == false, "every key is explained")
}
