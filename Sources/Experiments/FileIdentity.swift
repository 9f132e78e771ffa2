import Glibc
import Pictures

/// Identifies a file independently of its name, by its device and inode number.
struct FileIdentity: Equatable {
  private let device, number: UInt64

  init(_ status: stat) { (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino)) }
}

/// Throws `FileError` if a path exists and is not a regular file. Reading a pipe could wait forever, and a device may
/// have side effects.
///
/// A missing file is not an error here. It is reported when the file is opened.
func requireRegularFile(_ path: String) throws {
  var status = stat()
  guard stat(path, &status) == 0, FileKind(status) != .regular else { return }
  throw FileError(
    path: path, problem: "is \(FileKind(status).words), not a regular file", nextStep: "put the file in its place")
}

/// The kind of file at a path.
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
