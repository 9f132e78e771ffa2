import Testing

@testable import Configuration

/// Paths of users' files in configs.
struct LocationTests {
  private struct Own: Configurable {
    var path = "images"
    var label = ""
    static let fields: [Field<Own>] = [.location("path", \.path, "a file"), .text("label", \.label, "a text")]
  }

  private func path(_ text: String, in file: String, _ overrides: String...) throws -> String {
    try ConfigurationFile.load(Own.self, text: text, name: file, overrides: overrides).value.path
  }

  @Test func aRelativePathIsSeenFromTheFileThatSaysIt() throws {
    #expect(try path("path: ./a.npz", in: "/x/y/c.yaml") == "/x/y/a.npz")
    #expect(try path("path: ../a/./b.npz", in: "/x/y/c.yaml") == "/x/a/b.npz")
    let here = FilePath.identity(of: ".")
    #expect(try path("path: ./a.npz", in: "c.yaml") == "\(here)/a.npz")
    #expect(try path("", in: "/x/y/c.yaml", "path=./a.npz") == "\(here)/a.npz")
    #expect(try path("path: ./a.npz", in: "/x/y/c.yaml", "path=../b") == FilePath.identity(of: "..") + "/b")
  }

  @Test func otherPathsStayAsTheyAre() throws {
    for text in ["/z/a.npz", "photos", "photos/2026", ".hidden"] {
      #expect(try path("path: \(text)", in: "/x/y/c.yaml") == text)
    }
    #expect(try path("", in: "/x/y/c.yaml") == "images")
  }

  @Test func keysOfPathsAreKnown() { #expect(locationKeys(of: Own()) == ["path"]) }
}
