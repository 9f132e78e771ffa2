/// Every metric, in the order in which results are listed.
public let metrics: [any Metric.Type] = [
  SquaredError.self,
  CountAccuracy.self,
  WindowOverlap.self,
  TightOverlap.self,
  Detection.self,
  CategoryCorrespondence.self,
  CategoryUse.self,
]
