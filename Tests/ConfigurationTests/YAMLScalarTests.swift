import Configuration
import Testing

/// YAML 1.2.2, section 10.3.2.
struct YAMLScalarTests {
  @Test(arguments: [
    "no", "on", "yes", "off", "1:30", "1_000", "0b11", "1e", "e4", ".", "+", "-", "0x", "0xfg", "0o8", "1.2.3", "inf",
    "nan", "tRUE", "nUll", "-.nan", "2024-01-01", "0X1F", "+0x1", "1e-", "--1", "404.41 +- 4.58",
  ])
  func isText(_ text: String) {
    #expect(YAMLScalar(plain: text) == .text(text))
  }

  @Test(arguments: [
    ("0", 0), ("-0", 0), ("+7", 7), ("007", 7), ("0x1F", 31), ("0xff", 255), ("0o17", 15),
    ("9223372036854775807", .max), ("-9223372036854775808", .min),
  ])
  func isInteger(_ text: String, _ value: Int) {
    #expect(YAMLScalar(plain: text) == .integer(value))
  }

  @Test(arguments: [
    ("1e-4", 1e-4), ("1.", 1), (".5", 0.5), ("-.5e3", -500), ("+1.e3", 1000), ("1E+2", 100), ("3.25", 3.25),
    (".inf", .infinity), ("-.Inf", -.infinity), ("+.INF", .infinity),
  ])
  func isNumber(_ text: String, _ value: Double) {
    #expect(YAMLScalar(plain: text) == .number(value))
  }

  @Test(arguments: ["", "~", "null", "Null", "NULL"])
  func isNull(_ text: String) {
    #expect(YAMLScalar(plain: text) == .null)
  }

  @Test(arguments: [("true", true), ("True", true), ("TRUE", true), ("false", false), ("FALSE", false)])
  func isFlag(_ text: String, _ value: Bool) {
    #expect(YAMLScalar(plain: text) == .flag(value))
  }

  @Test func notANumberIsANumber() {
    guard case .number(let value) = YAMLScalar(plain: ".nan") else {
      Issue.record("not a number")
      return
    }
    #expect(value.isNaN)
  }

  @Test(arguments: ["9223372036854775808", "0xFFFFFFFFFFFFFFFFF"])
  func tooLargeIntegersKeepTheirDigits(_ text: String) {
    #expect(YAMLScalar(plain: text) == .hugeInteger(text))
  }
}
