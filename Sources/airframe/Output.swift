import Experiments
import Glibc

/// Writes a line to stdout, all of it, at once. Throws `OutputFailure`.
///
/// It hides Swift's own `print`, which drops what cannot be written without a word: a call without `try` does not compile.
func print(_ items: Any..., terminator: String = "\n") throws {
  let text = items.map { "\($0)" }.joined(separator: " ") + terminator
  // A program that reads it gets every character; a terminal would obey some.
  try writeToStandardOutput(isatty(1) == 1 ? Escaping.terminal(text) : text)
}

/// What a command printed could not be written whole.
struct OutputFailure: Error, CustomStringConvertible {
  /// What the system says.
  let code: Int32

  var description: String {
    "stdout: not everything could be printed (\(String(cString: strerror(code)))); make room, or print to another place"
  }
}

private func writeToStandardOutput(_ text: String) throws {
  let bytes = Array(text.utf8)
  var done = 0
  while done < bytes.count {
    let put = bytes.withUnsafeBytes { write(1, $0.baseAddress.map { $0 + done }, bytes.count - done) }
    if put > 0 {
      done += put
    } else if put < 0, errno == EAGAIN {
      // Someone else who holds the terminal or pipe has set it so that it does not wait.
      var stdout = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
      poll(&stdout, 1, -1)
    } else if put == 0 || errno != EINTR {
      throw OutputFailure(code: put == 0 ? ENOSPC : errno)
    }
  }
}

/// What some file systems say only now of what was written to stdout. Throws `OutputFailure`.
func finishStandardOutput() throws {
  // A copy, so that no file that is opened later takes the place of stdout.
  let copy = dup(1)
  guard copy < 0 || close(copy) == 0 || errno == EINTR else { throw OutputFailure(code: errno) }
}

/// Whoever started the program may have closed stdin, stdout or stderr: the next file that is opened would take the place,
/// and receive what is printed. They are opened so that reading finds nothing and writing fails.
func reserveStandardDescriptors() {
  for descriptor in 0...2 as ClosedRange<Int32> where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
    // The lowest that is free: this one.
    _ = open("/dev/null", O_RDONLY)
  }
}
