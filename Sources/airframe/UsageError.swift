/// The arguments are invalid. The message says what would be valid.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// A message followed by the usage of the command and a pointer to the full help.
  init(_ message: String, of invocation: Invocation) {
    description = "\(message)\n\(Help.usage(of: invocation))\n`\(invocation.title) --help` says more."
  }
}
