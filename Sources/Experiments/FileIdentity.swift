import Glibc
import Pictures

/// Which file it is, whatever it is called: its device and its number there.
struct FileIdentity: Equatable {
  private let device, number: UInt64

  init(_ status: stat) { (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino)) }
}

/// Throws `FileError` where something else than a regular file stands at a path: a pipe would be waited for without end, a
/// device may do anything. Nothing at all is for whoever opens it to report.
func requireRegularFile(_ path: String) throws {
  var status = stat()
  guard stat(path, &status) == 0, FileKind(status) != .regular else { return }
  throw FileError(
    path: path, problem: "is \(FileKind(status).words), not a regular file", nextStep: "put the file in its place")
}

/// What stands at a path.
enum FileKind: Equatable {
  case regular, folder, link, pipe, other

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .folder
    case S_IFLNK: self = .link
    case S_IFIFO: self = .pipe
    default: self = .other
    }
  }

  var words: String {
    switch self {
    case .regular: "a file"
    case .folder: "a folder"
    case .link: "a symbolic link"
    case .pipe: "a named pipe"
    case .other: "a device or a socket"
    }
  }
}
