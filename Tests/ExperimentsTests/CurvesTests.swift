import Foundation
import Testing

@testable import Experiments

struct CurvesTests {
  @Test func linesOfMetricsMayEndAsOnWindows() throws {
    let folder = try TemporaryFolder()
    _ = try emptyRun("\(folder.path)/tiny/run")
    try folder.write(tinyConfig.utf8, to: "tiny/run/config.yaml")
    let lines = [8, 16].map { "{\"step\": \($0), \"split\": \"validation\", \"nelbo\": \(100 - $0)}\r\n" }
    try folder.write(lines.joined().utf8, to: "tiny/run/metrics.jsonl")
    let table = "\(folder.path)/curves.csv"
    try Curves.write(runs: ["\(folder.path)/tiny/run"], metric: "nelbo", picture: nil, table: try output(table))
    #expect(try String(contentsOfFile: table, encoding: .utf8) == "step,tiny/run\n8,92.0\n16,84.0\n")
  }
}
