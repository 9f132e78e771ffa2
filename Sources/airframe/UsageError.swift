/// Arguments that cannot be used; the message says what would do.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// With the usage of the command, and where to read more.
  init(_ message: String, of invocation: Invocation) {
    description = "\(message)\n\(Help.usage(of: invocation))\n`\(invocation.title) --help` says more."
  }
}
