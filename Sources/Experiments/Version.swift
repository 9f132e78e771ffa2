/// The version of Airframe, as `airframe --version` shows it and runs record it.
public let airframeVersion = "0.3.0"
