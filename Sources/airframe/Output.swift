import Experiments
import Glibc

/// Writes a complete line to stdout immediately. Throws `OutputFailure`.
///
/// This function shadows Swift's `print`, which silently drops text that cannot be written. A call without `try` does
/// not compile.
func print(_ items: Any..., terminator: String = "\n") throws {
  let text = items.map { "\($0)" }.joined(separator: " ") + terminator
  // Control characters are escaped only for a terminal, which would interpret them. Other readers get the text
  // unchanged.
  try writeToStandardOutput(isatty(1) == 1 ? Escaping.terminal(text) : text)
}

/// The output of a command could not be written completely.
struct OutputFailure: Error, CustomStringConvertible {
  /// The system's error code.
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
      // Another process that shares the terminal or pipe has made it nonblocking.
      var stdout = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
      poll(&stdout, 1, -1)
    } else if put == 0 || errno != EINTR {
      throw OutputFailure(code: put == 0 ? ENOSPC : errno)
    }
  }
}

/// Reports write errors on stdout that some file systems report only on closing. Throws `OutputFailure`.
func finishStandardOutput() throws {
  // A copy is closed, so that no file that is opened later gets the descriptor of stdout.
  let copy = dup(1)
  guard copy < 0 || close(copy) == 0 || errno == EINTR else { throw OutputFailure(code: errno) }
}

/// Opens stdin, stdout and stderr if they are closed, so that reading finds nothing and writing fails.
///
/// A caller may start the program with these descriptors closed. The next file that is opened would then get such a
/// descriptor and receive printed text.
func reserveStandardDescriptors() {
  for descriptor in 0...2 as ClosedRange<Int32> where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
    // `open` returns the lowest free descriptor, which is this one.
    _ = open("/dev/null", O_RDONLY)
  }
}
